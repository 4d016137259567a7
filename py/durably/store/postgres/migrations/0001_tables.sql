-- The tables of @coji/durably 0.15, schema version 1, so that both work on one database (law 11).
CREATE TABLE IF NOT EXISTS durably_runs (
  id TEXT PRIMARY KEY,
  job_name TEXT NOT NULL,
  input TEXT NOT NULL,
  status TEXT NOT NULL,
  idempotency_key TEXT,
  concurrency_key TEXT,
  labels TEXT NOT NULL DEFAULT '{}',
  current_step_index INTEGER NOT NULL DEFAULT 0,
  completed_step_count INTEGER NOT NULL DEFAULT 0,
  progress TEXT,
  output TEXT,
  error TEXT,
  lease_owner TEXT,
  lease_expires_at TEXT,
  lease_generation INTEGER NOT NULL DEFAULT 0,
  started_at TEXT,
  completed_at TEXT,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS idx_durably_runs_job_idempotency ON durably_runs (job_name, idempotency_key);
CREATE INDEX IF NOT EXISTS idx_durably_runs_status_concurrency ON durably_runs (status, concurrency_key);
CREATE INDEX IF NOT EXISTS idx_durably_runs_status_created ON durably_runs (status, created_at);
CREATE INDEX IF NOT EXISTS idx_durably_runs_status_lease_expires ON durably_runs (status, lease_expires_at);
CREATE INDEX IF NOT EXISTS idx_durably_runs_job_created ON durably_runs (job_name, created_at);
CREATE INDEX IF NOT EXISTS idx_durably_runs_status_completed ON durably_runs (status, completed_at);
CREATE UNIQUE INDEX IF NOT EXISTS idx_durably_runs_pending_concurrency ON durably_runs (job_name, concurrency_key)
  WHERE status = 'pending' AND concurrency_key IS NOT NULL;

CREATE TABLE IF NOT EXISTS durably_run_labels (run_id TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS idx_durably_run_labels_pk ON durably_run_labels (run_id, key);
CREATE INDEX IF NOT EXISTS idx_durably_run_labels_key_value ON durably_run_labels (key, value);

CREATE TABLE IF NOT EXISTS durably_steps (
  id TEXT PRIMARY KEY,
  run_id TEXT NOT NULL,
  name TEXT NOT NULL,
  "index" INTEGER NOT NULL,
  status TEXT NOT NULL,
  output TEXT,
  error TEXT,
  started_at TEXT NOT NULL,
  completed_at TEXT
);
CREATE INDEX IF NOT EXISTS idx_durably_steps_run_index ON durably_steps (run_id, "index");
CREATE UNIQUE INDEX IF NOT EXISTS idx_durably_steps_completed_unique ON durably_steps (run_id, name)
  WHERE status = 'completed';

CREATE TABLE IF NOT EXISTS durably_logs (
  id TEXT PRIMARY KEY,
  run_id TEXT NOT NULL,
  step_name TEXT,
  level TEXT NOT NULL,
  message TEXT NOT NULL,
  data TEXT,
  created_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS idx_durably_logs_run_created ON durably_logs (run_id, created_at);

CREATE TABLE IF NOT EXISTS durably_schema_versions (version INTEGER PRIMARY KEY, applied_at TEXT NOT NULL);
INSERT INTO durably_schema_versions (version, applied_at)
  VALUES (1, to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) ON CONFLICT DO NOTHING;
