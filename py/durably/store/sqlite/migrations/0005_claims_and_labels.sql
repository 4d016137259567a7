-- A claim costs the same whatever stands beside it: runs of other jobs, runs that wait for their time,
-- runs of the same key that have ended.
DROP INDEX IF EXISTS idx_durably_py_runs_due;
CREATE INDEX idx_durably_py_runs_ready ON durably_runs (job_name, created_at, id)
  WHERE status = 'pending' AND available_at IS NULL;
CREATE INDEX idx_durably_py_runs_later ON durably_runs (job_name, available_at)
  WHERE status = 'pending' AND available_at IS NOT NULL;
CREATE INDEX idx_durably_py_runs_holding ON durably_runs (concurrency_key, job_name)
  WHERE concurrency_key IS NOT NULL AND (status = 'leased' OR lease_owner IS NOT NULL);

-- A page of a label is read from the newest run on. Who does not know of the column, as @coji/durably,
-- leaves it empty, and the trigger fills it.
ALTER TABLE durably_run_labels ADD COLUMN created_at TEXT;
UPDATE durably_run_labels SET created_at =
  (SELECT r.created_at FROM durably_runs AS r WHERE r.id = durably_run_labels.run_id);
CREATE INDEX idx_durably_py_run_labels_page ON durably_run_labels (key, value, created_at, run_id);
CREATE TRIGGER durably_py_label_time AFTER INSERT ON durably_run_labels WHEN NEW.created_at IS NULL
BEGIN
  UPDATE durably_run_labels
  SET created_at = (SELECT r.created_at FROM durably_runs AS r WHERE r.id = NEW.run_id)
  WHERE run_id = NEW.run_id AND key = NEW.key;
END;
