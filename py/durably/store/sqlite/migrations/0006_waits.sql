-- What runs wait for. A wait that is pending when its run ends is closed by that: nobody writes it.
ALTER TABLE durably_runs ADD COLUMN parent_id TEXT;
CREATE INDEX idx_durably_py_runs_parent ON durably_runs (parent_id) WHERE parent_id IS NOT NULL;

CREATE TABLE durably_py_waits (
  id TEXT PRIMARY KEY,
  run_id TEXT NOT NULL,
  name TEXT NOT NULL,
  kind TEXT NOT NULL,
  created_at TEXT NOT NULL,
  deadline_at TEXT,
  metadata TEXT,
  topic TEXT,
  key TEXT,
  child_id TEXT,
  status TEXT NOT NULL DEFAULT 'pending',
  outcome TEXT,
  payload TEXT,
  signal_id TEXT,
  suspended_at TEXT,
  resolved_at TEXT,
  resumed_at TEXT,
  detached INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX idx_durably_py_waits_run_name ON durably_py_waits (run_id, name);
CREATE INDEX idx_durably_py_waits_topic ON durably_py_waits (topic, key, created_at, id)
  WHERE topic IS NOT NULL AND status = 'pending';
CREATE INDEX idx_durably_py_waits_child ON durably_py_waits (child_id)
  WHERE child_id IS NOT NULL AND status = 'pending';

-- What was sent before anybody waited for it, kept for a time; and who took it, so that it is sent once.
CREATE TABLE durably_py_messages (
  id TEXT PRIMARY KEY,
  topic TEXT NOT NULL,
  key TEXT,
  payload TEXT NOT NULL,
  created_at TEXT NOT NULL,
  expires_at TEXT NOT NULL,
  wait_id TEXT
);
CREATE INDEX idx_durably_py_messages_kept ON durably_py_messages (topic, key, created_at, id)
  WHERE wait_id IS NULL;
CREATE INDEX idx_durably_py_messages_expires ON durably_py_messages (expires_at);

-- A run that waits comes due as one does that is to be tried again.
DROP INDEX idx_durably_py_runs_ready;
CREATE INDEX idx_durably_py_runs_ready ON durably_runs (job_name, created_at, id)
  WHERE status IN ('pending', 'waiting') AND available_at IS NULL;
DROP INDEX idx_durably_py_runs_later;
CREATE INDEX idx_durably_py_runs_later ON durably_runs (job_name, available_at)
  WHERE status IN ('pending', 'waiting') AND available_at IS NOT NULL;
