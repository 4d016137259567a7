"""Every statement of the SQLite store, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from durably.codec import to_json
from durably.store.rows import (
    ATTEMPT_COLUMNS,
    LOG_COLUMNS,
    RUN_COLUMNS,
    STEP_COLUMNS,
    WAIT_COLUMNS,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from durably.runs import RunFilter


def _marks(columns: str) -> str:
    return ", ".join("?" * (columns.count(",") + 1))


RUN = f"SELECT {RUN_COLUMNS} FROM durably_runs WHERE id = ?"
RUN_BY_IDEMPOTENCY = (
    f"SELECT {RUN_COLUMNS} FROM durably_runs WHERE job_name = ? AND idempotency_key = ?"
)
PENDING_BY_KEY = (
    f"SELECT {RUN_COLUMNS} FROM durably_runs "
    "WHERE job_name = ? AND concurrency_key = ? AND status = 'pending'"
)
HOLDER = "SELECT status, lease_generation, lease_owner FROM durably_runs WHERE id = ?"
STEPS = f'SELECT {STEP_COLUMNS} FROM durably_steps WHERE run_id = ? ORDER BY "index", id'
SAVED = (
    "SELECT name, output FROM durably_steps WHERE run_id = ? AND status = 'completed' "
    'ORDER BY "index"'
)
SAVED_ONE = (
    "SELECT output FROM durably_steps WHERE run_id = ? AND name = ? AND status = 'completed'"
)
ATTEMPTS = f"SELECT {ATTEMPT_COLUMNS} FROM durably_py_attempts WHERE run_id = ? ORDER BY id"
LOGS = f"SELECT {LOG_COLUMNS} FROM durably_logs WHERE run_id = ? ORDER BY created_at, id"


#: How many runs have a label, as far as it matters to know.
FEW = (
    "SELECT count(*) FROM (SELECT 1 FROM durably_run_labels WHERE key = ? AND value = ? LIMIT 1000)"
)


def page(chosen: RunFilter, labels: Sequence[tuple[str, str]]) -> tuple[str, dict[str, Any]]:
    """Return the statement for one page and its values; it reads no row of a run outside of it.

    It goes from the newest run on, by the first of *labels* where there are any.
    """
    values: dict[str, Any] = {"limit": chosen.limit, "offset": chosen.offset}
    where = []
    if chosen.job_names:
        where.append("r.job_name IN (SELECT value FROM json_each(:jobs))")
        values["jobs"] = to_json(list(chosen.job_names))
    if chosen.statuses:
        where.append("r.status IN (SELECT value FROM json_each(:statuses))")
        values["statuses"] = to_json([str(status) for status in chosen.statuses])
    for n, (key, value) in enumerate(labels):
        values |= {f"key{n}": key, f"value{n}": value}
    if not labels:
        ids = (
            "SELECT r.id FROM durably_runs AS r INDEXED BY idx_durably_py_runs_page "
            f"WHERE {' AND '.join(where) or '1'} "
            "ORDER BY r.created_at DESC, r.id DESC LIMIT :limit OFFSET :offset"
        )
    else:
        conditions = [
            "EXISTS (SELECT 1 FROM durably_run_labels AS o WHERE o.run_id = l.run_id "
            f"AND o.key = :key{n} AND o.value = :value{n})"
            for n in range(1, len(labels))
        ]
        if where:
            conditions.append(
                "EXISTS (SELECT 1 FROM durably_runs AS r "
                f"WHERE r.id = l.run_id AND {' AND '.join(where)})"
            )
        ids = (
            "SELECT l.run_id FROM durably_run_labels AS l INDEXED BY idx_durably_py_run_labels_page "
            f"WHERE {' AND '.join(['l.key = :key0', 'l.value = :value0', *conditions])} "
            "ORDER BY l.created_at DESC, l.run_id DESC LIMIT :limit OFFSET :offset"
        )
    text = (
        f"SELECT {RUN_COLUMNS} FROM durably_runs WHERE id IN ({ids}) "
        "ORDER BY created_at DESC, id DESC"
    )
    return text, values


INSERT_RUN = (
    "INSERT INTO durably_runs (id, job_name, input, status, idempotency_key, concurrency_key, "
    "labels, created_at, updated_at, available_at, parent_id) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (id) DO NOTHING"
)
INSERT_LABEL = "INSERT INTO durably_run_labels (run_id, key, value, created_at) VALUES (?, ?, ?, ?)"

# A run whose key is taken by another that runs, or is cancelled and not let go yet, must wait.
_KEY_IS_FREE = """(c.concurrency_key IS NULL OR NOT EXISTS (
    SELECT 1 FROM durably_runs AS h INDEXED BY idx_durably_py_runs_holding
    WHERE h.concurrency_key = c.concurrency_key AND h.job_name = c.job_name AND h.id <> c.id
      AND h.concurrency_key IS NOT NULL AND (h.status = 'leased' OR h.lease_owner IS NOT NULL)
      AND (h.status = 'leased' OR (h.status = 'cancelled' AND (
        h.lease_expires_at > :now OR h.id IN (SELECT value FROM json_each(:held)))))))"""
_IS_NOT_STOPPING = """(c.lease_owner IS NULL OR (
    c.lease_expires_at <= :now AND c.id NOT IN (SELECT value FROM json_each(:held))))"""

# What comes due stands in the same two indexes, whether it is pending or waits.
_DUE = "status IN ('pending', 'waiting')"
# The oldest of each job, by one look at an index: runs of other jobs cost nothing.
_READY = f"""SELECT r.id, r.created_at FROM json_each(:jobs) AS j JOIN durably_runs AS r ON r.id = (
    SELECT c.id FROM durably_runs AS c INDEXED BY idx_durably_py_runs_ready
    WHERE c.{_DUE} AND c.available_at IS NULL AND c.job_name = j.value
      AND {_IS_NOT_STOPPING} AND {_KEY_IS_FREE}
    ORDER BY c.created_at, c.id LIMIT 1)"""
_EXPIRED = """SELECT * FROM (
    SELECT r.id, r.created_at FROM durably_runs AS r
    WHERE r.status = 'leased' AND r.lease_expires_at <= :now
      AND r.id NOT IN (SELECT value FROM json_each(:held))
      AND r.job_name IN (SELECT value FROM json_each(:jobs))
    ORDER BY r.created_at, r.id LIMIT 1)"""
CLAIMABLE = f"""SELECT 1 FROM (
  {_READY}
  UNION ALL
  {_EXPIRED}
  UNION ALL
  SELECT r.id, r.created_at FROM json_each(:jobs) AS j JOIN durably_runs AS r ON r.id = (
    SELECT c.id FROM durably_runs AS c INDEXED BY idx_durably_py_runs_later
    WHERE c.{_DUE} AND c.available_at <= :now AND c.job_name = j.value
      AND {_IS_NOT_STOPPING} AND {_KEY_IS_FREE}
    LIMIT 1)
) LIMIT 1"""

# What has waited until now stands among the others by its age.
COME_DUE = f"""UPDATE durably_runs INDEXED BY idx_durably_py_runs_later SET available_at = NULL
WHERE {_DUE} AND available_at <= :now
  AND job_name IN (SELECT value FROM json_each(:jobs))"""

CLAIM = f"""UPDATE durably_runs SET
  recoveries = coalesce(recoveries, 0) + (status = 'leased' AND lease_owner IS NOT NULL),
  status = 'leased', lease_owner = :worker, lease_expires_at = :until,
  lease_generation = lease_generation + 1, available_at = NULL,
  started_at = coalesce(started_at, :now), updated_at = :now
WHERE id = (SELECT id FROM ({_READY} UNION ALL {_EXPIRED}) ORDER BY created_at, id LIMIT 1)
RETURNING {RUN_COLUMNS}"""

# Text that is no JSON is shown as the text that it is.
QUOTE_INPUT = (
    "UPDATE durably_runs SET input = json_quote(input) WHERE id = ? AND NOT json_valid(input)"
)

# A pending run with an owner was cancelled, and resumed before its code had stopped.
RENEW = (
    "UPDATE durably_runs SET lease_expires_at = ?, updated_at = ? "
    "WHERE id = ? AND lease_generation = ? AND status IN ('leased', 'cancelled', 'pending') "
    "AND lease_owner IS NOT NULL AND lease_expires_at > ? RETURNING status"
)

_FENCE = "WHERE id = ? AND lease_generation = ? AND status = 'leased' AND lease_owner IS NOT NULL"

INSERT_STEP = (
    f"INSERT INTO durably_steps ({STEP_COLUMNS}) VALUES ({_marks(STEP_COLUMNS)}) "
    "ON CONFLICT DO NOTHING"
)
ADVANCE = (
    "UPDATE durably_runs SET current_step_index = max(current_step_index, ?), "
    "completed_step_count = completed_step_count + ?, "
    "recoveries = CASE WHEN ? THEN 0 ELSE recoveries END, "
    f"progress = coalesce(?, progress), updated_at = ? {_FENCE}"
)
TOUCH = f"UPDATE durably_runs SET progress = coalesce(?, progress), updated_at = ? {_FENCE}"
UPSERT_ATTEMPT = (
    f"INSERT INTO durably_py_attempts ({ATTEMPT_COLUMNS}) VALUES ({_marks(ATTEMPT_COLUMNS)}) "
    "ON CONFLICT (id) DO UPDATE SET status = excluded.status, error = excluded.error, "
    "completed_at = excluded.completed_at, retry_at = excluded.retry_at, counted = excluded.counted"
)
INSERT_LOG = (
    f"INSERT INTO durably_logs ({LOG_COLUMNS}) VALUES ({_marks(LOG_COLUMNS)}) "
    "ON CONFLICT (id) DO NOTHING"
)

FINISH = (
    "UPDATE durably_runs SET status = ?, output = ?, error = ?, error_type = ?, error_trace = ?, "
    "progress = coalesce(?, progress), completed_at = ?, updated_at = ?, lease_owner = NULL, "
    f"lease_expires_at = NULL, available_at = NULL {_FENCE}"
)
LAST_PROGRESS = "UPDATE durably_runs SET progress = coalesce(?, progress) WHERE id = ?"
LET_GO = (
    "UPDATE durably_runs SET lease_owner = NULL, lease_expires_at = NULL, "
    "progress = coalesce(?, progress), updated_at = ? "
    "WHERE id = ? AND lease_generation = ? AND status IN ('cancelled', 'pending') "
    "AND lease_owner IS NOT NULL"
)
# Where another run of its key is pending, it cannot be pending too: it stays leased by nobody.
RELEASE = """UPDATE durably_runs SET
  status = CASE WHEN :waits THEN 'waiting' WHEN other THEN 'leased' ELSE 'pending' END,
  lease_owner = NULL,
  lease_expires_at = CASE WHEN other AND NOT :waits THEN coalesce(:available_at, :now) END,
  available_at = :available_at,
  progress = coalesce(:progress, progress), updated_at = :now
FROM (SELECT EXISTS (
  SELECT 1 FROM durably_runs AS o JOIN durably_runs AS me ON me.id = :id
  WHERE o.status = 'pending' AND o.job_name = me.job_name AND o.concurrency_key = me.concurrency_key
) AS other)
WHERE id = :id AND lease_generation = :generation
  AND status = 'leased' AND lease_owner IS NOT NULL"""
EXPIRE_LEASES = (
    "UPDATE durably_runs SET lease_expires_at = ?1 "
    "WHERE status = 'leased' AND lease_expires_at > ?1 AND lease_owner IS NOT NULL"
)
# A run that is leased by nobody is claimed like one that was given back.
TAKE_LEASES = (
    "UPDATE durably_runs SET lease_owner = NULL, lease_expires_at = ?1 "
    "WHERE status = 'leased' AND lease_owner IS NOT NULL"
)
FREE_KEYS = (
    "UPDATE durably_runs SET lease_owner = NULL, lease_expires_at = NULL "
    "WHERE status IN ('cancelled', 'pending') AND lease_owner IS NOT NULL"
)

# What was written in the future, as it now seems, counts its pause from now on, or is moved along
# with the clock where it is known by how much that was set back.
_FROM_NOW = """CASE WHEN :by IS NULL
    THEN strftime('%Y-%m-%dT%H:%M:%fZ', :now,
      ((julianday({0}) - julianday(updated_at)) * 86400) || ' seconds')
    ELSE strftime('%Y-%m-%dT%H:%M:%fZ', {0}, (- :by) || ' seconds') END"""
_AVAILABLE, _EXPIRES = _FROM_NOW.format("available_at"), _FROM_NOW.format("lease_expires_at")
SET_BACK = (
    f"""UPDATE durably_runs INDEXED BY idx_durably_py_runs_later
    SET available_at = {_AVAILABLE}, updated_at = :now
    WHERE {_DUE} AND status = 'pending' AND available_at > :now AND updated_at > :now""",
    f"""UPDATE durably_runs SET lease_expires_at = {_EXPIRES}, updated_at = :now
    WHERE status IN ('leased', 'cancelled', 'pending')
      AND lease_expires_at > :now AND updated_at > :now""",
)

CANCEL = (
    "UPDATE durably_runs SET status = 'cancelled', completed_at = ?, updated_at = ?, "
    "available_at = NULL WHERE id = ?"
)
RESUME = (
    "UPDATE durably_runs SET status = 'pending', output = NULL, error = NULL, error_type = NULL, "
    "error_trace = NULL, completed_at = NULL, recoveries = 0, updated_at = ? WHERE id = ?"
)
PURGEABLE = (
    "SELECT id, job_name, labels FROM durably_runs WHERE status IN ('completed', 'failed', 'cancelled') "
    "AND completed_at < ?1 AND (lease_owner IS NULL OR (lease_expires_at < ?1 "
    "AND id NOT IN (SELECT value FROM json_each(?3)))) ORDER BY completed_at LIMIT ?2"
)
REMOVE = (
    "DELETE FROM durably_steps WHERE run_id = ?",
    "DELETE FROM durably_py_attempts WHERE run_id = ?",
    "DELETE FROM durably_py_waits WHERE run_id = ?",
    "DELETE FROM durably_logs WHERE run_id = ?",
    "DELETE FROM durably_run_labels WHERE run_id = ?",
    "DELETE FROM durably_runs WHERE id = ?",
)

INSERT_BLOB = "INSERT OR IGNORE INTO durably_py_blobs (run_id, sha256) VALUES (?, ?)"
BLOBS = "SELECT DISTINCT sha256 FROM durably_py_blobs"
# The rows of a run that is gone stay until its files are gone too, whoever removed the run.
_LEFT = "FROM durably_py_blobs WHERE run_id NOT IN (SELECT id FROM durably_runs)"
HAS_LEFT_BLOBS = f"SELECT EXISTS (SELECT 1 {_LEFT})"
LEFT_BLOBS = (
    f"SELECT DISTINCT sha256 {_LEFT} AND sha256 NOT IN (SELECT b.sha256 FROM durably_py_blobs AS b "
    "JOIN durably_runs AS r ON r.id = b.run_id WHERE b.sha256 = durably_py_blobs.sha256)"
)
FORGET_BLOBS = f"DELETE {_LEFT} AND sha256 NOT IN (SELECT value FROM json_each(?))"

NEXT_DUE = f"""SELECT min(due) FROM (
  SELECT (
    SELECT c.available_at FROM durably_runs AS c INDEXED BY idx_durably_py_runs_later
    WHERE c.{_DUE} AND c.available_at > :now AND c.job_name = j.value
    ORDER BY c.available_at LIMIT 1) AS due
  FROM json_each(:jobs) AS j
  UNION ALL
  SELECT lease_expires_at FROM durably_runs
  WHERE status IN ('leased', 'cancelled', 'pending') AND lease_expires_at > :now
    AND id NOT IN (SELECT value FROM json_each(:held))
    AND job_name IN (SELECT value FROM json_each(:jobs)))"""
PARKED = (
    "SELECT job_name, count(*) FROM durably_runs WHERE status = 'pending' "
    "AND job_name NOT IN (SELECT value FROM json_each(:jobs)) GROUP BY job_name"
)

_WAIT_AND_RUN = (
    f"SELECT {', '.join('w.' + name for name in WAIT_COLUMNS.split(', '))}, r.status "
    "FROM durably_py_waits AS w JOIN durably_runs AS r ON r.id = w.run_id"
)
WAIT = f"{_WAIT_AND_RUN} WHERE w.id = ?"
WAITS = f"{_WAIT_AND_RUN} WHERE w.run_id = ? ORDER BY w.created_at, w.id"
# A large payload is read when it is asked for: all of them together may be too much to hold.
_OWN_WAITS = WAIT_COLUMNS.replace(
    "payload", "CASE WHEN length(payload) <= 65536 THEN payload END AS payload"
)
OWN_WAITS = f"SELECT {_OWN_WAITS} FROM durably_py_waits WHERE run_id = ?"
WAIT_BY_NAME = f"{OWN_WAITS} AND name = ?"
WAIT_STATUS = "SELECT status FROM durably_py_waits WHERE id = ?"
INSERT_WAIT = f"INSERT INTO durably_py_waits ({WAIT_COLUMNS}) VALUES ({_marks(WAIT_COLUMNS)})"
SUSPENDED = "UPDATE durably_py_waits SET suspended_at = coalesce(suspended_at, ?) WHERE id = ?"
TIME_OUT = (
    "UPDATE durably_py_waits SET status = 'resolved', outcome = 'timeout', "
    "resolved_at = max(deadline_at, created_at), resumed_at = ? "
    "WHERE id = ? AND status = 'pending' AND deadline_at IS NOT NULL"
)
TIME_OUT_DUE = (
    "UPDATE durably_py_waits SET status = 'resolved', outcome = 'timeout', "
    "resolved_at = max(deadline_at, created_at) "
    "WHERE run_id = :run AND status = 'pending' AND deadline_at <= :now"
)
RESUMED = (
    "UPDATE durably_py_waits SET resumed_at = ? "
    "WHERE run_id = ? AND status = 'resolved' AND resumed_at IS NULL"
)
SIGNALLED = (
    "UPDATE durably_py_waits SET status = 'resolved', outcome = 'signal', payload = ?, "
    "signal_id = ?, resolved_at = ? WHERE id = ?"
)
CHILD_ENDED = (
    "UPDATE durably_py_waits SET status = 'resolved', outcome = 'ended', payload = ?, "
    "resolved_at = ? WHERE child_id = ? AND child_id IS NOT NULL AND status = 'pending' "
    "RETURNING run_id, suspended_at"
)
CHILDREN = (
    "SELECT w.child_id FROM durably_py_waits AS w JOIN durably_runs AS c ON c.id = w.child_id "
    "WHERE w.run_id = ? AND w.status = 'pending' AND NOT w.detached AND c.parent_id = w.run_id"
)
#: A run that waits is due from now on, and stands among the others by its age.
GO_ON = "UPDATE durably_runs SET available_at = NULL, updated_at = ? WHERE id = ? AND status = 'waiting'"
# A wait of a run that ended stays pending in its row.
WAITING_FOR = (
    f"{_WAIT_AND_RUN} WHERE w.topic = :topic AND w.key IS :key AND w.topic IS NOT NULL "
    "AND w.status = 'pending' AND (w.deadline_at IS NULL OR w.deadline_at > :now) "
    "AND r.status IN ('pending', 'leased', 'waiting') ORDER BY w.created_at, w.id LIMIT 1"
)
MESSAGE = "SELECT topic, key, payload, wait_id FROM durably_py_messages WHERE id = ?"
KEPT_MESSAGE = (
    "SELECT id, payload FROM durably_py_messages WHERE topic = :topic AND key IS :key "
    "AND wait_id IS NULL AND expires_at > :now ORDER BY created_at, id LIMIT 1"
)
TAKE_MESSAGE = "UPDATE durably_py_messages SET wait_id = ? WHERE id = ?"
INSERT_MESSAGE = (
    "INSERT INTO durably_py_messages (id, topic, key, payload, created_at, expires_at, wait_id) "
    "VALUES (?, ?, ?, ?, ?, ?, ?)"
)
FORGET_MESSAGES = "DELETE FROM durably_py_messages WHERE expires_at <= ?"
SCHEDULES = (
    "SELECT name, job_name, spec, next_at, last_at, paused FROM durably_py_schedules ORDER BY name"
)
# A schedule that says what it said goes on where it was, whoever starts.
KEEP_SCHEDULE = (
    "INSERT INTO durably_py_schedules (name, job_name, spec, next_at, updated_at) "
    "VALUES (?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET job_name = excluded.job_name, "
    "spec = excluded.spec, next_at = excluded.next_at, updated_at = excluded.updated_at "
    "WHERE spec <> excluded.spec OR job_name <> excluded.job_name"
)
MOVE_SCHEDULE = (
    "UPDATE durably_py_schedules SET next_at = :next, last_at = :last, updated_at = :now "
    "WHERE name = :name AND spec = :spec AND next_at IS :was AND NOT paused"
)
PAUSE_SCHEDULE = (
    "UPDATE durably_py_schedules SET paused = ?, next_at = ?, updated_at = ? WHERE name = ?"
)
