"""Every statement of the PostgreSQL store, by name.

Values are named. ``now`` is the caller's time, or NULL where the database's clock decides; other
times are given as durations from it.
"""

from __future__ import annotations

import functools
import re
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from durably.clock import to_iso
from durably.runs import NEVER
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

#: How many runs of each job a claim looks at: more than others can have locked at that moment.
_SEEN = 16


@functools.lru_cache(maxsize=256)
def qualified(text: str, schema: str) -> bytes:
    """Name the schema of each table: a pooler may give a connection that was told of another."""
    quoted = '"' + schema.replace('"', '""').replace("%", "%%") + '".'
    return re.sub(r"\bdurably_", lambda found: quoted + found[0], text).encode()


def _iso(moment: str) -> str:
    return f"""to_char(({moment}) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')"""


_CLOCK = "coalesce(%(now)s::timestamptz, statement_timestamp())"
NOW = _iso(_CLOCK)


def _after(name: str) -> str:
    """Write the time that is the duration *name* from now; NULL without one."""
    return _iso(f"{_CLOCK} + %({name})s::interval")


def _of(alias: str, columns: str) -> str:
    return ", ".join(f"{alias}.{column}" for column in columns.split(", "))


def _row(letter: str, columns: str) -> str:
    """Write the values of one row: a letter and a number each."""
    return ", ".join(f"%({letter}{n})s" for n in range(columns.count(",") + 1))


def row(letter: str, values: Sequence[Any]) -> dict[str, Any]:
    """Return the values of one row by the names that a statement has for them."""
    return {
        f"{letter}{n}": str(value) if isinstance(value, StrEnum) else value
        for n, value in enumerate(values)
    }


CLOCK = f"SELECT {NOW}"
RUN = f"SELECT {RUN_COLUMNS} FROM durably_runs WHERE id = %(id)s"
HOLDER = "SELECT status, lease_generation, lease_owner FROM durably_runs WHERE id = %(run_id)s"
STEPS = f'SELECT {STEP_COLUMNS} FROM durably_steps WHERE run_id = %(id)s ORDER BY "index", id'
SAVED = (
    'SELECT name, CASE WHEN sum(length(output)) OVER (ORDER BY "index", id) <= %(room)s THEN output END '
    "FROM durably_steps WHERE run_id = %(id)s AND status = 'completed' ORDER BY \"index\", id"
)
SAVED_ONE = (
    "SELECT output FROM durably_steps "
    "WHERE run_id = %(id)s AND name = %(name)s AND status = 'completed'"
)
ATTEMPTS = f"SELECT {ATTEMPT_COLUMNS} FROM durably_py_attempts WHERE run_id = %(id)s ORDER BY id"
LOGS = f"SELECT {LOG_COLUMNS} FROM durably_logs WHERE run_id = %(id)s ORDER BY created_at, id"

#: How many runs have a label, as far as it matters to know.
FEW = (
    "SELECT count(*) FROM (SELECT 1 FROM durably_run_labels "
    "WHERE key = %(key)s AND value = %(value)s LIMIT 1000) AS few"
)


def page(chosen: RunFilter, labels: Sequence[tuple[str, str]]) -> tuple[str, dict[str, Any]]:
    """Return the statement for one page and its values; large payloads are left on the server.

    It goes from the newest run on, by the first of *labels* where there are any.
    """
    values: dict[str, Any] = {"limit": chosen.limit, "offset": chosen.offset}
    where = []
    if chosen.job_names:
        where.append("r.job_name = ANY(%(jobs)s::text[])")
        values["jobs"] = list(chosen.job_names)
    if chosen.statuses:
        where.append("r.status = ANY(%(statuses)s::text[])")
        values["statuses"] = [str(status) for status in chosen.statuses]
    for n, (key, value) in enumerate(labels):
        values |= {f"key{n}": key, f"value{n}": value}
    if not labels:
        ids = (
            f"SELECT r.id FROM durably_runs AS r WHERE {' AND '.join(where) or 'true'} "
            "ORDER BY r.created_at DESC, r.id DESC LIMIT %(limit)s OFFSET %(offset)s"
        )
    else:
        conditions = [
            "EXISTS (SELECT 1 FROM durably_run_labels AS o WHERE o.run_id = l.run_id "
            f"AND o.key = %(key{n})s AND o.value = %(value{n})s)"
            for n in range(1, len(labels))
        ]
        if where:
            conditions.append(
                "EXISTS (SELECT 1 FROM durably_runs AS r "
                f"WHERE r.id = l.run_id AND {' AND '.join(where)})"
            )
        ids = (
            "SELECT l.run_id FROM durably_run_labels AS l "
            f"WHERE {' AND '.join(['l.key = %(key0)s', 'l.value = %(value0)s', *conditions])} "
            "ORDER BY l.created_at DESC, l.run_id DESC LIMIT %(limit)s OFFSET %(offset)s"
        )
    shown = RUN_COLUMNS
    for payload in ("input", "output"):
        small = f"CASE WHEN length({payload}) <= %(most)s THEN {payload} END"
        shown = re.sub(rf"\b{payload}\b", small, shown, count=1)
    text = (
        f"SELECT length(input), length(output), {shown} FROM durably_runs WHERE id IN ({ids}) "
        "ORDER BY created_at DESC, id DESC"
    )
    return text, values


# --- triggers --------------------------------------------------------------------------------

# What is taken is no error here: the caller looks for what stands in the way.
ENQUEUE = f"""WITH given AS (
  SELECT * FROM unnest(%(ids)s::text[], %(jobs)s::text[], %(inputs)s::text[], %(idempotency)s::text[],
    %(concurrency)s::text[], %(labels)s::text[], %(statuses)s::text[], %(due)s::text[], %(parents)s::text[])
    AS g(id, job_name, input, idempotency_key, concurrency_key, labels, status, available_at, parent_id)),
t AS MATERIALIZED (SELECT {NOW} AS now),
made AS (
  INSERT INTO durably_runs (id, job_name, input, status, idempotency_key, concurrency_key, labels, created_at, updated_at,
    available_at, parent_id)
  SELECT g.id, g.job_name, g.input, g.status, g.idempotency_key, g.concurrency_key, g.labels, t.now, t.now,
    g.available_at, g.parent_id
  FROM given AS g, t ON CONFLICT DO NOTHING RETURNING id, created_at),
labelled AS (
  INSERT INTO durably_run_labels (run_id, key, value, created_at)
  SELECT m.id, l.key, l.value, m.created_at
  FROM unnest(%(label_runs)s::text[], %(label_keys)s::text[], %(label_values)s::text[]) AS l(id, key, value)
  JOIN made AS m ON m.id = l.id),
referring AS (
  INSERT INTO durably_py_blobs (run_id, sha256)
  SELECT m.id, b.sha256 FROM unnest(%(file_runs)s::text[], %(files)s::text[]) AS b(id, sha256)
  JOIN made AS m ON m.id = b.id ON CONFLICT DO NOTHING)
SELECT t.now, m.id FROM t LEFT JOIN made AS m ON true"""
BY_IDEMPOTENCY = (
    f"SELECT {RUN_COLUMNS} FROM durably_runs WHERE job_name = %(job)s AND idempotency_key = %(key)s"
)
PENDING_BY_KEY = (
    f"SELECT {RUN_COLUMNS} FROM durably_runs "
    "WHERE job_name = %(job)s AND concurrency_key = %(key)s AND status = 'pending'"
)


# --- claims ----------------------------------------------------------------------------------

# A run whose key is taken by another that runs, or is cancelled and not let go yet, must wait.
_KEY_IS_FREE = """(c.concurrency_key IS NULL OR NOT EXISTS (
    SELECT 1 FROM durably_runs AS h
    WHERE h.concurrency_key = c.concurrency_key AND h.job_name = c.job_name AND h.id <> c.id
      AND h.concurrency_key IS NOT NULL AND (h.status = 'leased' OR h.lease_owner IS NOT NULL)
      AND (h.status = 'leased' OR (h.status = 'cancelled' AND (
        h.lease_expires_at > (SELECT now FROM t) OR h.id = ANY(%(held)s::text[]))))))"""
_IS_NOT_STOPPING = """(c.lease_owner IS NULL OR (
    c.lease_expires_at <= (SELECT now FROM t) AND c.id <> ALL(%(held)s::text[])))"""

#: What comes due stands in the same two indexes, whether it is pending or waits.
_DUE = "status IN ('pending', 'waiting')"

_COME_DUE = f"""SELECT c.id FROM unnest(%(jobs)s::text[]) AS j(name), LATERAL (
    SELECT r.id FROM durably_runs AS r
    WHERE r.{_DUE} AND r.available_at <= (SELECT now FROM t) AND r.job_name = j.name
  ) AS c"""
# What has waited until now stands among the others by its age. Two workers never wait for each
# other here: what one has locked, the other leaves to it.
COME_DUE = f"""WITH t AS MATERIALIZED (SELECT {NOW} AS now),
due AS MATERIALIZED (
  SELECT r.id FROM durably_runs AS r
  WHERE r.{_DUE} AND r.available_at <= (SELECT now FROM t) AND r.job_name = ANY(%(jobs)s::text[])
  FOR UPDATE SKIP LOCKED)
UPDATE durably_runs AS r SET available_at = NULL FROM due WHERE r.id = due.id"""

# Looked at without a lock, the oldest of each job by an index: runs of other jobs cost nothing. Of
# these the oldest that nobody has locked is taken. One that was changed since it was seen is passed
# over: what was seen beside it, such as who holds its key, may be old too.
CLAIM = f"""WITH t AS MATERIALIZED (SELECT {NOW} AS now, {_after("lasts")} AS until),
late AS MATERIALIZED (SELECT NOT %(moved)s::bool AND EXISTS ({_COME_DUE}) AS come),
seen AS MATERIALIZED (
  SELECT r.id, r.created_at, r.version FROM unnest(%(jobs)s::text[]) AS j(name), LATERAL (
    SELECT c.id, c.created_at, c.xmin AS version FROM durably_runs AS c
    WHERE c.{_DUE} AND c.available_at IS NULL AND c.job_name = j.name
      AND {_IS_NOT_STOPPING} AND {_KEY_IS_FREE} AND NOT (SELECT come FROM late)
    ORDER BY c.created_at, c.id LIMIT {_SEEN}) AS r
  UNION ALL
  (SELECT c.id, c.created_at, c.xmin FROM durably_runs AS c
   WHERE c.status = 'leased' AND c.lease_expires_at <= (SELECT now FROM t)
     AND c.id <> ALL(%(held)s::text[]) AND c.job_name = ANY(%(jobs)s::text[]) AND NOT (SELECT come FROM late)
   ORDER BY c.created_at, c.id LIMIT {_SEEN})),
taken AS MATERIALIZED (
  SELECT r.id FROM seen JOIN durably_runs AS r ON r.id = seen.id AND r.xmin = seen.version
  ORDER BY seen.created_at, seen.id LIMIT 1 FOR UPDATE OF r SKIP LOCKED),
claimed AS (
  UPDATE durably_runs AS r SET
    recoveries = coalesce(r.recoveries, 0)
      + CASE WHEN r.status = 'leased' AND r.lease_owner IS NOT NULL THEN 1 ELSE 0 END,
    status = 'leased', lease_owner = %(worker)s, lease_expires_at = t.until,
    lease_generation = r.lease_generation + 1, available_at = NULL,
    started_at = coalesce(r.started_at, t.now), updated_at = t.now
  FROM taken, t WHERE r.id = taken.id RETURNING {_of("r", RUN_COLUMNS)})
SELECT t.now, late.come, EXISTS (SELECT 1 FROM seen), {_of("claimed", RUN_COLUMNS)}
FROM t CROSS JOIN late LEFT JOIN claimed ON true"""

SET_INPUT = "UPDATE durably_runs SET input = %(input)s WHERE id = %(id)s"


# --- what a lease holder writes --------------------------------------------------------------

_OWN = "r.id = %(run_id)s AND r.lease_generation = %(generation)s"
_FENCE = f"{_OWN} AND r.status = 'leased' AND r.lease_owner IS NOT NULL"
_PROGRESS = "progress = coalesce(%(progress)s, r.progress)"

# A pending run with an owner was cancelled, and resumed before its code had stopped.
RENEW = (
    f"UPDATE durably_runs AS r SET lease_expires_at = {_after('lasts')}, updated_at = {NOW} "
    f"WHERE {_OWN} AND r.status IN ('leased', 'cancelled', 'pending') "
    f"AND r.lease_owner IS NOT NULL AND r.lease_expires_at > {NOW} RETURNING r.status"
)

_LOG_TYPES = ", ".join(f"%(l{n})s::text[]" for n in range(LOG_COLUMNS.count(",") + 1))

#: What may come along with a write: written where `held` has the run.
_PARTS = {
    "attempt": f"""INSERT INTO durably_py_attempts ({ATTEMPT_COLUMNS})
  SELECT {_row("a", ATTEMPT_COLUMNS)} FROM held ON CONFLICT (id) DO UPDATE SET
    status = excluded.status, error = excluded.error, completed_at = excluded.completed_at,
    retry_at = excluded.retry_at, counted = excluded.counted""",
    "logs": f"""INSERT INTO durably_logs ({LOG_COLUMNS})
  SELECT l.* FROM held, unnest({_LOG_TYPES}) AS l ON CONFLICT (id) DO NOTHING""",
    "files": """INSERT INTO durably_py_blobs (run_id, sha256)
  SELECT %(run_id)s, f.name FROM held, unnest(%(files)s::text[]) AS f(name) ON CONFLICT DO NOTHING""",
    "stopped_step": f"""INSERT INTO durably_steps ({STEP_COLUMNS})
  SELECT {_row("s", STEP_COLUMNS)} FROM held ON CONFLICT DO NOTHING""",
    "caller": f"""UPDATE durably_py_waits AS w SET status = 'resolved', outcome = 'ended',
    payload = %(end_text)s, resolved_at = {NOW}
  FROM held WHERE w.child_id = held.id AND w.child_id IS NOT NULL AND w.status = 'pending'
  RETURNING w.run_id, w.suspended_at""",
    "caller_goes_on": f"""UPDATE durably_runs AS p SET available_at = NULL, updated_at = {NOW}
  FROM caller WHERE p.id = caller.run_id AND p.status = 'waiting' AND caller.suspended_at IS NOT NULL""",
    "caller_refers": """INSERT INTO durably_py_blobs (run_id, sha256)
  SELECT caller.run_id, f.name FROM caller, unnest(%(files)s::text[]) AS f(name) ON CONFLICT DO NOTHING""",
    "without_steps": "DELETE FROM durably_steps AS s USING held WHERE s.run_id = held.id",
    "without_attempts": "DELETE FROM durably_py_attempts AS a USING held WHERE a.run_id = held.id",
}


@functools.lru_cache(maxsize=128)
def with_parts(held: str, parts: tuple[str, ...], result: str = "SELECT status FROM held") -> str:
    """Return one statement: *held*, which returns the run if the lease holds, and what comes along."""
    pieces = [f"held AS MATERIALIZED ({held})"] + [f"{part} AS ({_PARTS[part]})" for part in parts]
    return f"WITH {', '.join(pieces)} {result}"


# The run is locked before the step is written, so that of two equal writes at once one comes after
# the other and counts nothing.
HELD = f"SELECT r.id, r.status FROM durably_runs AS r WHERE {_FENCE} FOR UPDATE"
ADVANCE = f""", step AS (
  INSERT INTO durably_steps ({STEP_COLUMNS}) SELECT {_row("s", STEP_COLUMNS)} FROM held
  ON CONFLICT DO NOTHING RETURNING CASE WHEN status = 'completed' THEN 1 ELSE 0 END AS done),
moved AS (
  UPDATE durably_runs AS r SET
    current_step_index = greatest(r.current_step_index, %(next)s),
    completed_step_count = r.completed_step_count + n.done,
    recoveries = CASE WHEN n.done > 0 THEN 0 ELSE r.recoveries END,
    {_PROGRESS}, updated_at = {NOW}
  FROM held, (SELECT coalesce(sum(done), 0)::int AS done FROM step) AS n
  WHERE r.id = held.id RETURNING r.status)
SELECT status FROM moved"""
TOUCH = (
    f"UPDATE durably_runs AS r SET {_PROGRESS}, updated_at = {NOW} WHERE {_FENCE} "
    "RETURNING r.id, r.status"
)
#: What is left to write of a run that was cancelled under its lease.
CANCELLED = f"SELECT r.id, r.status FROM durably_runs AS r WHERE {_OWN} AND r.status = 'cancelled' FOR UPDATE"
LAST_PROGRESS = (
    f"UPDATE durably_runs AS r SET {_PROGRESS} WHERE {_OWN} AND r.status = 'cancelled' "
    "RETURNING r.id, r.status"
)

FINISH = f"""UPDATE durably_runs AS r SET status = %(status)s, output = %(output)s, error = %(error)s,
  error_type = %(error_type)s, error_trace = %(error_trace)s, {_PROGRESS}, completed_at = {NOW}, updated_at = {NOW},
  lease_owner = NULL, lease_expires_at = NULL, available_at = NULL
WHERE {_FENCE} RETURNING r.id, r.status"""
LET_GO = f"""UPDATE durably_runs AS r SET lease_owner = NULL, lease_expires_at = NULL, {_PROGRESS}, updated_at = {NOW}
WHERE {_OWN} AND r.status IN ('cancelled', 'pending') AND r.lease_owner IS NOT NULL RETURNING r.id, r.status"""
# Where another run of its key is pending, it cannot be pending too: it stays leased by nobody.
_OTHER = """EXISTS (SELECT 1 FROM durably_runs AS o WHERE o.status = 'pending'
    AND o.job_name = r.job_name AND o.concurrency_key = r.concurrency_key)"""
_DUE_AT = f"CASE WHEN %(never)s THEN '{to_iso(NEVER)}' ELSE {_after('pause')} END"
RELEASE = f"""UPDATE durably_runs AS r SET
  status = CASE WHEN %(stands)s THEN 'waiting' WHEN {_OTHER} THEN 'leased' ELSE 'pending' END,
  lease_owner = NULL,
  lease_expires_at = CASE WHEN {_OTHER} AND NOT %(stands)s THEN coalesce({_after("pause")}, {NOW}) END,
  available_at = {_DUE_AT},
  {_PROGRESS}, updated_at = {NOW}
WHERE {_FENCE} RETURNING r.id, r.status"""
EXPIRE_LEASES = (
    f"UPDATE durably_runs SET lease_expires_at = {NOW} "
    f"WHERE status = 'leased' AND lease_expires_at > {NOW} AND lease_owner IS NOT NULL RETURNING id"
)
# A run that is leased by nobody is claimed like one that was given back.
TAKE_LEASES = (
    f"UPDATE durably_runs SET lease_owner = NULL, lease_expires_at = {NOW} "
    "WHERE status = 'leased' AND lease_owner IS NOT NULL RETURNING id"
)
FREE_KEYS = (
    "UPDATE durably_runs SET lease_owner = NULL, lease_expires_at = NULL "
    "WHERE status IN ('cancelled', 'pending') AND lease_owner IS NOT NULL"
)


# What was written in the future, as it now seems, counts its pause from now on, or is moved along
# with the clock where it is known by how much that was set back.
def _from_now(time: str) -> str:
    anew = _iso(f"%(now)s::timestamptz + ({time}::timestamptz - updated_at::timestamptz)")
    return f"CASE WHEN %(by)s::interval IS NULL THEN {anew} ELSE {_iso(f'{time}::timestamptz - %(by)s::interval')} END"


SET_BACK = (
    f"""UPDATE durably_runs SET available_at = {_from_now("available_at")}, updated_at = {NOW}
    WHERE status = 'pending' AND available_at > {NOW} AND updated_at > {NOW}""",
    f"""UPDATE durably_runs SET lease_expires_at = {_from_now("lease_expires_at")}, updated_at = {NOW}
    WHERE status IN ('leased', 'cancelled', 'pending') AND lease_expires_at > {NOW} AND updated_at > {NOW}""",
)

NEXT_DUE = f"""WITH t AS MATERIALIZED (SELECT {NOW} AS now)
SELECT t.now, (SELECT min(due) FROM (
  SELECT r.due FROM unnest(%(jobs)s::text[]) AS j(name), LATERAL (
    SELECT c.available_at AS due FROM durably_runs AS c
    WHERE c.{_DUE} AND c.available_at > (SELECT now FROM t) AND c.job_name = j.name
    ORDER BY c.available_at LIMIT 1) AS r
  UNION ALL
  (SELECT lease_expires_at FROM durably_runs
   WHERE status IN ('leased', 'cancelled', 'pending') AND lease_expires_at > (SELECT now FROM t)
     AND id <> ALL(%(held)s::text[]) AND job_name = ANY(%(jobs)s::text[])
   ORDER BY lease_expires_at LIMIT 1)) AS d) FROM t"""
PARKED = (
    "SELECT job_name, count(*) FROM durably_runs WHERE status = 'pending' "
    "AND job_name <> ALL(%(jobs)s::text[]) GROUP BY job_name"
)


# --- what users do ---------------------------------------------------------------------------

_BEFORE = (
    f"before AS MATERIALIZED (SELECT {RUN_COLUMNS} FROM durably_runs WHERE id = %(id)s FOR UPDATE)"
)
CANCEL = f"""WITH {_BEFORE}, done AS (
  UPDATE durably_runs AS r SET status = 'cancelled', completed_at = {NOW}, updated_at = {NOW}, available_at = NULL
  FROM before WHERE r.id = before.id AND before.status = ANY(%(from)s::text[]))
SELECT {RUN_COLUMNS} FROM before"""
RESUME = f"""WITH {_BEFORE}, done AS (
  UPDATE durably_runs AS r SET status = 'pending', output = NULL, error = NULL, error_type = NULL,
    error_trace = NULL, completed_at = NULL, recoveries = 0, updated_at = {NOW}
  FROM before WHERE r.id = before.id AND before.status = ANY(%(from)s::text[]) RETURNING r.id),
uncounted AS (UPDATE durably_py_attempts AS a SET counted = 0 FROM done WHERE a.run_id = done.id)
SELECT {RUN_COLUMNS} FROM before"""

_REMOVED = (
    "s AS (DELETE FROM durably_steps AS d USING gone WHERE d.run_id = gone.id), "
    "a AS (DELETE FROM durably_py_attempts AS d USING gone WHERE d.run_id = gone.id), "
    "l AS (DELETE FROM durably_logs AS d USING gone WHERE d.run_id = gone.id), "
    "n AS (DELETE FROM durably_run_labels AS d USING gone WHERE d.run_id = gone.id), "
    "w AS (DELETE FROM durably_py_waits AS d USING gone WHERE d.run_id = gone.id)"
)
DELETE = f"""WITH {_BEFORE}, gone AS (
  DELETE FROM durably_runs AS r USING before
  WHERE r.id = before.id AND before.status = ANY(%(from)s::text[])
    AND (before.lease_owner IS NULL OR before.lease_expires_at IS NULL OR before.lease_expires_at <= {NOW})
  RETURNING r.id), {_REMOVED}
SELECT {RUN_COLUMNS} FROM before"""
PURGE = f"""WITH old AS MATERIALIZED (
  SELECT id FROM durably_runs WHERE status IN ('completed', 'failed', 'cancelled')
    AND completed_at < %(older_than)s AND (lease_owner IS NULL
      OR (lease_expires_at < %(older_than)s AND id <> ALL(%(held)s::text[])))
  ORDER BY completed_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED),
gone AS (DELETE FROM durably_runs AS r USING old WHERE r.id = old.id
  RETURNING r.id, r.job_name, r.labels, r.completed_at), {_REMOVED}
SELECT id, job_name, labels FROM gone ORDER BY completed_at"""

BLOBS = "SELECT DISTINCT sha256 FROM durably_py_blobs"
# The rows of a run that is gone stay until its files are gone too, whoever removed the run.
_LEFT = "FROM durably_py_blobs AS b WHERE NOT EXISTS (SELECT 1 FROM durably_runs AS r WHERE r.id = b.run_id)"
HAS_LEFT_BLOBS = f"SELECT EXISTS (SELECT 1 {_LEFT})"
# Nobody comes to refer to a file while it is decided upon.
LOCK_BLOBS = "LOCK TABLE durably_py_blobs IN SHARE ROW EXCLUSIVE MODE"
LEFT_BLOBS = f"""SELECT DISTINCT sha256 {_LEFT} AND NOT EXISTS (
  SELECT 1 FROM durably_py_blobs AS o JOIN durably_runs AS r ON r.id = o.run_id WHERE o.sha256 = b.sha256)"""
FORGET_BLOBS = f"DELETE {_LEFT} AND b.sha256 <> ALL(%(left)s::text[])"


# --- waits -----------------------------------------------------------------------------------

_WAIT_AND_RUN = (
    f"SELECT {_of('w', WAIT_COLUMNS)}, r.status "
    "FROM durably_py_waits AS w JOIN durably_runs AS r ON r.id = w.run_id"
)
#: How many values a row of a wait has, before its run's status.
WAIT_WIDTH = WAIT_COLUMNS.count(",") + 1
WAIT = f"{_WAIT_AND_RUN} WHERE w.id = %(wait)s"
WAITS = f"{_WAIT_AND_RUN} WHERE w.run_id = %(id)s ORDER BY w.created_at, w.id"
LOCK_WAITS = (
    "SELECT id, status FROM durably_py_waits WHERE id = ANY(%(ids)s::text[]) ORDER BY id FOR UPDATE"
)
WAIT_BY_NAME = (
    f"SELECT {WAIT_COLUMNS} FROM durably_py_waits WHERE run_id = %(id)s AND name = %(name)s"
)
# A large payload is read when it is asked for: all of them together may be too much to hold.
_OWN = re.sub(
    r"\bpayload\b", "CASE WHEN length(payload) <= 65536 THEN payload END", WAIT_COLUMNS, count=1
)
OWN_WAITS = f"SELECT {_OWN} FROM durably_py_waits WHERE run_id = %(id)s"
INSERT_WAIT = f"INSERT INTO durably_py_waits ({WAIT_COLUMNS}) VALUES ({_row('w', WAIT_COLUMNS)})"
SUSPENDED = (
    f"UPDATE durably_py_waits SET suspended_at = coalesce(suspended_at, {NOW}) "
    "WHERE id = ANY(%(ids)s::text[])"
)
TIME_OUT = (
    "UPDATE durably_py_waits SET status = 'resolved', outcome = 'timeout', "
    f"resolved_at = greatest(deadline_at, created_at), resumed_at = {NOW} "
    "WHERE id = %(wait)s AND status = 'pending' AND deadline_at IS NOT NULL"
)
TIME_OUT_DUE = (
    "UPDATE durably_py_waits SET status = 'resolved', outcome = 'timeout', "
    "resolved_at = greatest(deadline_at, created_at) "
    f"WHERE run_id = %(id)s AND status = 'pending' AND deadline_at <= {NOW}"
)
RESUMED = (
    f"UPDATE durably_py_waits SET resumed_at = {NOW} "
    "WHERE run_id = %(id)s AND status = 'resolved' AND resumed_at IS NULL"
)
SIGNALLED = (
    "UPDATE durably_py_waits SET status = 'resolved', outcome = 'signal', "
    f"payload = %(payload)s, signal_id = %(signal)s, resolved_at = {NOW} WHERE id = %(wait)s"
)
#: A run that waits is due from now on, and stands among the others by its age.
GO_ON = (
    f"UPDATE durably_runs SET available_at = NULL, updated_at = {NOW} "
    "WHERE id = %(id)s AND status = 'waiting'"
)
REFER = (
    "INSERT INTO durably_py_blobs (run_id, sha256) SELECT %(id)s, f.name "
    "FROM unnest(%(files)s::text[]) AS f(name) ON CONFLICT DO NOTHING"
)
CHILDREN = (
    "SELECT w.child_id FROM durably_py_waits AS w JOIN durably_runs AS c ON c.id = w.child_id "
    "WHERE w.run_id = %(id)s AND w.status = 'pending' AND w.detached = 0 AND c.parent_id = w.run_id"
)
CHILD_CANCELLED = with_parts(
    "SELECT r.id, r.status FROM durably_runs AS r WHERE r.id = %(id)s",
    ("caller", "caller_goes_on"),
)
#: Who sends to a topic and who comes to wait for it do so one after the other.
LOCK_TOPIC = "SELECT pg_advisory_xact_lock(hashtextextended(%(topic)s || chr(1) || coalesce(%(key)s, chr(2)), 0))"
# A wait of a run that ended stays pending in its row.
WAITING_FOR = (
    f"{_WAIT_AND_RUN} WHERE w.topic = %(topic)s AND w.key IS NOT DISTINCT FROM %(key)s "
    "AND w.topic IS NOT NULL AND w.status = 'pending' "
    f"AND (w.deadline_at IS NULL OR w.deadline_at > {NOW}) "
    "AND r.status IN ('pending', 'leased', 'waiting') ORDER BY w.created_at, w.id LIMIT 1 "
    "FOR UPDATE OF w"
)
MESSAGE = "SELECT topic, key, payload, wait_id FROM durably_py_messages WHERE id = %(message)s"
KEPT_MESSAGE = (
    "SELECT id, payload FROM durably_py_messages WHERE topic = %(topic)s "
    "AND key IS NOT DISTINCT FROM %(key)s AND wait_id IS NULL "
    f"AND expires_at > {NOW} ORDER BY created_at, id LIMIT 1 FOR UPDATE"
)
TAKE_MESSAGE = "UPDATE durably_py_messages SET wait_id = %(wait)s WHERE id = %(message)s"
INSERT_MESSAGE = (
    "INSERT INTO durably_py_messages (id, topic, key, payload, created_at, expires_at, wait_id) "
    f"VALUES (%(message)s, %(topic)s, %(key)s, %(payload)s, {NOW}, {_after('keep')}, %(wait)s)"
)
FORGET_MESSAGES = f"DELETE FROM durably_py_messages WHERE expires_at <= {NOW}"


# --- schedules -------------------------------------------------------------------------------

SCHEDULES = (
    "SELECT name, job_name, spec, next_at, last_at, paused FROM durably_py_schedules ORDER BY name"
)
# A schedule that says what it said goes on where it was, whoever starts.
KEEP_SCHEDULE = (
    "INSERT INTO durably_py_schedules AS s (name, job_name, spec, next_at, updated_at) "
    f"VALUES (%(name)s, %(job)s, %(spec)s, %(next)s, {NOW}) ON CONFLICT (name) DO UPDATE SET "
    "job_name = excluded.job_name, spec = excluded.spec, next_at = excluded.next_at, "
    "updated_at = excluded.updated_at "
    "WHERE s.spec <> excluded.spec OR s.job_name <> excluded.job_name"
)
MOVE_SCHEDULE = (
    "UPDATE durably_py_schedules SET next_at = %(next)s, last_at = %(last)s, "
    f"updated_at = {NOW} WHERE name = %(name)s AND spec = %(spec)s "
    "AND next_at IS NOT DISTINCT FROM %(was)s AND paused = 0 RETURNING name"
)
PAUSE_SCHEDULE = (
    f"UPDATE durably_py_schedules SET paused = %(paused)s, next_at = %(next)s, updated_at = {NOW} "
    "WHERE name = %(name)s RETURNING name"
)
