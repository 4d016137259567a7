-- What runs wait for. A wait that is pending when its run ends is closed by that: nobody writes it.
ALTER TABLE durably_runs ADD COLUMN parent_id TEXT COLLATE "C";
CREATE INDEX idx_durably_py_runs_parent ON durably_runs (parent_id) WHERE parent_id IS NOT NULL;

CREATE TABLE durably_py_waits (
  id TEXT COLLATE "C" PRIMARY KEY,
  run_id TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  kind TEXT NOT NULL,
  created_at TEXT COLLATE "C" NOT NULL,
  deadline_at TEXT COLLATE "C",
  metadata TEXT,
  topic TEXT COLLATE "C",
  key TEXT COLLATE "C",
  child_id TEXT COLLATE "C",
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
  id TEXT COLLATE "C" PRIMARY KEY,
  topic TEXT COLLATE "C" NOT NULL,
  key TEXT COLLATE "C",
  payload TEXT NOT NULL,
  created_at TEXT COLLATE "C" NOT NULL,
  expires_at TEXT COLLATE "C" NOT NULL,
  wait_id TEXT COLLATE "C"
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

-- Workers are told of a run that waited and may go on, too.
CREATE TRIGGER durably_py_goes_on AFTER UPDATE OF available_at ON durably_runs
  FOR EACH ROW WHEN (NEW.status = 'waiting' AND OLD.available_at IS NOT NULL AND NEW.available_at IS NULL)
  EXECUTE FUNCTION durably_py_wake();
