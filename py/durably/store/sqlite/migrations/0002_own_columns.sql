-- What this package adds: nullable columns and tables of its own, which @coji/durably passes over.
ALTER TABLE durably_runs ADD COLUMN available_at TEXT;
ALTER TABLE durably_runs ADD COLUMN recoveries INTEGER;
ALTER TABLE durably_runs ADD COLUMN error_type TEXT;
ALTER TABLE durably_runs ADD COLUMN error_trace TEXT;
ALTER TABLE durably_steps ADD COLUMN error_type TEXT;
ALTER TABLE durably_steps ADD COLUMN error_trace TEXT;

-- One index answers every page of runs, whatever its filter, without touching the table.
CREATE INDEX idx_durably_py_runs_page ON durably_runs (created_at, id, status, job_name);

CREATE TABLE durably_py_attempts (
  id TEXT PRIMARY KEY,
  run_id TEXT NOT NULL,
  step_name TEXT NOT NULL,
  number INTEGER NOT NULL,
  status TEXT NOT NULL,
  error TEXT,
  started_at TEXT NOT NULL,
  completed_at TEXT,
  retry_at TEXT,
  counted INTEGER NOT NULL DEFAULT 1
);
CREATE INDEX idx_durably_py_attempts_run ON durably_py_attempts (run_id, id);
