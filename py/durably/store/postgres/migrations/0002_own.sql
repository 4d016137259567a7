-- What this package adds: nullable columns and tables of its own, which @coji/durably passes over.
ALTER TABLE durably_runs ADD COLUMN available_at TEXT;
ALTER TABLE durably_runs ADD COLUMN recoveries INTEGER;
ALTER TABLE durably_runs ADD COLUMN error_type TEXT;
ALTER TABLE durably_runs ADD COLUMN error_trace TEXT;
ALTER TABLE durably_steps ADD COLUMN error_type TEXT;
ALTER TABLE durably_steps ADD COLUMN error_trace TEXT;
ALTER TABLE durably_run_labels ADD COLUMN created_at TEXT;

-- Ids and times are in the order of their characters, whatever language the database was made for.
ALTER TABLE durably_runs
  ALTER COLUMN id TYPE TEXT COLLATE "C",
  ALTER COLUMN job_name TYPE TEXT COLLATE "C",
  ALTER COLUMN concurrency_key TYPE TEXT COLLATE "C",
  ALTER COLUMN available_at TYPE TEXT COLLATE "C",
  ALTER COLUMN lease_expires_at TYPE TEXT COLLATE "C",
  ALTER COLUMN completed_at TYPE TEXT COLLATE "C",
  ALTER COLUMN created_at TYPE TEXT COLLATE "C",
  ALTER COLUMN updated_at TYPE TEXT COLLATE "C";
ALTER TABLE durably_steps
  ALTER COLUMN id TYPE TEXT COLLATE "C",
  ALTER COLUMN run_id TYPE TEXT COLLATE "C",
  ALTER COLUMN name TYPE TEXT COLLATE "C";
ALTER TABLE durably_logs
  ALTER COLUMN id TYPE TEXT COLLATE "C",
  ALTER COLUMN run_id TYPE TEXT COLLATE "C",
  ALTER COLUMN created_at TYPE TEXT COLLATE "C";
ALTER TABLE durably_run_labels
  ALTER COLUMN run_id TYPE TEXT COLLATE "C",
  ALTER COLUMN key TYPE TEXT COLLATE "C",
  ALTER COLUMN value TYPE TEXT COLLATE "C",
  ALTER COLUMN created_at TYPE TEXT COLLATE "C";
UPDATE durably_run_labels AS l SET created_at = r.created_at FROM durably_runs AS r WHERE r.id = l.run_id;

CREATE TABLE durably_py_attempts (
  id TEXT COLLATE "C" PRIMARY KEY,
  run_id TEXT COLLATE "C" NOT NULL,
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

-- Which runs refer to which kept files: a file goes with the last of them.
CREATE TABLE durably_py_blobs (
  run_id TEXT COLLATE "C" NOT NULL,
  sha256 TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (run_id, sha256)
);
CREATE INDEX idx_durably_py_blobs_sha256 ON durably_py_blobs (sha256);

-- A claim costs the same whatever stands beside it: runs of other jobs, runs that wait for their time,
-- runs of the same key that have ended.
CREATE INDEX idx_durably_py_runs_ready ON durably_runs (job_name, created_at, id)
  WHERE status = 'pending' AND available_at IS NULL;
CREATE INDEX idx_durably_py_runs_later ON durably_runs (job_name, available_at)
  WHERE status = 'pending' AND available_at IS NOT NULL;
CREATE INDEX idx_durably_py_runs_leased ON durably_runs (lease_expires_at) WHERE lease_expires_at IS NOT NULL;
CREATE INDEX idx_durably_py_runs_holding ON durably_runs (concurrency_key, job_name)
  WHERE concurrency_key IS NOT NULL AND (status = 'leased' OR lease_owner IS NOT NULL);
-- One index answers every page of runs, whatever its filter; a page of a label is read from the newest run on.
CREATE INDEX idx_durably_py_runs_page ON durably_runs (created_at, id, status, job_name);
CREATE INDEX idx_durably_py_run_labels_page ON durably_run_labels (key, value, created_at, run_id);

-- A step changes counters of its run, which no index holds: with room beside them no index is written.
ALTER TABLE durably_runs SET (fillfactor = 80);

-- Who does not know of a label's time, as @coji/durably, leaves it empty.
CREATE FUNCTION durably_py_label_time() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  NEW.created_at := (SELECT r.created_at FROM durably_runs AS r WHERE r.id = NEW.run_id);
  RETURN NEW;
END $$;
CREATE TRIGGER durably_py_label_time BEFORE INSERT ON durably_run_labels
  FOR EACH ROW WHEN (NEW.created_at IS NULL) EXECUTE FUNCTION durably_py_label_time();

-- Workers are told of every run that may be claimed now, whoever wrote it.
CREATE FUNCTION durably_py_wake() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('durably_runs', TG_TABLE_SCHEMA);
  RETURN NULL;
END $$;
CREATE TRIGGER durably_py_made AFTER INSERT ON durably_runs
  FOR EACH STATEMENT EXECUTE FUNCTION durably_py_wake();
CREATE TRIGGER durably_py_freed AFTER UPDATE OF status, lease_owner ON durably_runs
  FOR EACH ROW WHEN (
    (OLD.status <> 'pending' AND NEW.status = 'pending')
    OR (NEW.lease_owner IS NULL AND OLD.lease_owner IS NOT NULL
      AND (NEW.status IN ('pending', 'leased') OR NEW.concurrency_key IS NOT NULL))
  ) EXECUTE FUNCTION durably_py_wake();
