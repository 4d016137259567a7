-- Which runs refer to which kept files: a file goes with the last of them.
CREATE TABLE durably_py_blobs (
  run_id TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  PRIMARY KEY (run_id, sha256)
) WITHOUT ROWID;
CREATE INDEX idx_durably_py_blobs_sha256 ON durably_py_blobs (sha256);

-- Files of the runs that were made before this table was.
INSERT OR IGNORE INTO durably_py_blobs (run_id, sha256)
SELECT r.id, t.value FROM durably_runs AS r, json_tree(r.input) AS t
WHERE t.key = 'sha256' AND t.type = 'text' AND length(t.value) = 64;
INSERT OR IGNORE INTO durably_py_blobs (run_id, sha256)
SELECT r.id, t.value FROM durably_runs AS r, json_tree(r.output) AS t
WHERE r.output IS NOT NULL AND t.key = 'sha256' AND t.type = 'text' AND length(t.value) = 64;
