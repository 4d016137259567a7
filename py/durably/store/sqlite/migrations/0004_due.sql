-- The next pending run is found at once, however many wait: a batch has one created_at for all.
CREATE INDEX idx_durably_py_runs_due ON durably_runs (created_at, id) WHERE status = 'pending';
