"""The tables of a store as the migrations make them, with what each column means."""

from __future__ import annotations

import functools
import sqlite3
from contextlib import closing
from importlib.resources import files
from typing import TYPE_CHECKING

from durably.store.sqlite.migrate import migrate
from scripts.docs.markdown import code, table

if TYPE_CHECKING:
    from collections.abc import Callable

_MEANINGS = {
    "durably_runs": {
        "id": "ULID; sorts by the time it was made",
        "job_name": "",
        "input": "JSON, as the job's input type wrote it",
        "status": "`pending`, `leased`, `completed`, `failed`, `cancelled`",
        "idempotency_key": "unique per job",
        "concurrency_key": "at most one pending and one leased run per job and key",
        "labels": "JSON object of texts",
        "current_step_index": "number of the newest saved step, counted from 1",
        "completed_step_count": "how many steps are saved as completed",
        "progress": "JSON object with `current`, `total`, `message`",
        "output": "JSON, as the job's output type wrote it",
        "error": "message of the error that ended the run",
        "lease_owner": "id of the worker; of a cancelled run: its code has not stopped yet",
        "lease_expires_at": "until when the lease holds unless it is renewed",
        "lease_generation": "rises by one with each claim; every write of a worker names it",
        "started_at": "first claim",
        "completed_at": "when it ended",
        "created_at": "",
        "updated_at": "",
        "available_at": "not claimed before this time; the year 9999 when it waits without a limit",
        "recoveries": "claims after a worker died, since the last completed step",
        "error_type": "class of the error",
        "error_trace": "its traceback",
        "parent_id": "the run whose job called this one",
    },
    "durably_run_labels": {
        "run_id": "",
        "key": "",
        "value": "",
        "created_at": "that of the run, for pages by label; a trigger fills it",
    },
    "durably_steps": {
        "id": "ULID",
        "run_id": "",
        "name": "at most one completed row per run and name",
        "index": "place among the steps of its execution, from 0",
        "status": "`completed`, `failed`, `cancelled`",
        "output": "JSON",
        "error": "message",
        "started_at": "when its last attempt began",
        "completed_at": "when it ended",
        "error_type": "class of the error",
        "error_trace": "its traceback",
    },
    "durably_logs": {
        "id": "ULID",
        "run_id": "",
        "step_name": "the step whose code wrote it",
        "level": "`info`, `warn`, `error`",
        "message": "",
        "data": "JSON",
        "created_at": "",
    },
    "durably_py_attempts": {
        "id": "ULID",
        "run_id": "",
        "step_name": "",
        "number": "from 1, over all attempts of the step",
        "status": "`running`, `completed`, `failed`, `timed_out`, `cancelled`",
        "error": "message",
        "started_at": "",
        "completed_at": "",
        "retry_at": "the next attempt does not begin before this time",
        "counted": "1 when it uses up the retry policy's attempts; 0 after a `resume()`",
    },
    "durably_py_blobs": {
        "run_id": "",
        "sha256": "a file that its input, a step or its output names",
    },
    "durably_py_waits": {
        "id": "ULID",
        "run_id": "",
        "name": "at most one row per run and name",
        "kind": "`timer`, `signal`, `run`",
        "created_at": "when the job first came to it",
        "deadline_at": "fixed then",
        "metadata": "JSON, from the job, for those who are to answer",
        "topic": "what `send()` names to reach it",
        "key": "and the key that it must name",
        "child_id": "the run that is waited for",
        "status": "`pending`, `resolved`; a pending one ends with its run, and stays pending here",
        "outcome": "`signal`, `timeout`, `ended`",
        "payload": "JSON: what the signal brought, or how the called run ended",
        "signal_id": "the same again is the same signal",
        "suspended_at": "when the run first gave its slot back for it",
        "resolved_at": "",
        "resumed_at": "when the run was first claimed after that",
        "detached": "1 when the called run goes on though this one is cancelled",
    },
    "durably_py_messages": {
        "id": "the same again is the same message",
        "topic": "",
        "key": "",
        "payload": "JSON",
        "created_at": "",
        "expires_at": "it is forgotten then",
        "wait_id": "the wait that took it",
    },
    "durably_py_schedules": {
        "name": "the job's name, with a number behind it where it has several",
        "job_name": "",
        "spec": "what the schedule says; with another one it counts anew",
        "next_at": "the slot that is met next",
        "last_at": "the slot that was met last",
        "paused": "1 while it rests",
        "updated_at": "",
    },
    "durably_schema_versions": {"version": "schema of `@coji/durably`", "applied_at": ""},
    "durably_py_schema": {"version": "number of one of our migrations", "applied_at": ""},
}


def _columns(name: str) -> str:
    with (
        closing(sqlite3.connect(":memory:")) as ours,
        closing(sqlite3.connect(":memory:")) as peers,
    ):
        migrate(ours)
        first = files("durably.store.sqlite.migrations") / "0001_tables.sql"
        peers.executescript(first.read_text(encoding="utf-8"))
        shared = {row[1] for row in peers.execute(f"PRAGMA table_info({name})")}
        found = ours.execute(f"PRAGMA table_info({name})").fetchall()
    meanings = _MEANINGS[name]
    if [row[1] for row in found] != list(meanings):
        msg = f"the columns of {name} and their words differ"
        raise ValueError(msg)
    rows = [
        (code(row[1]), row[2], _default(row), "" if row[1] in shared else "yes", meanings[row[1]])
        for row in found
    ]
    return table(("column", "type", "default", "ours", "holds"), rows)


def _default(row: tuple[str, ...]) -> str:
    if row[4] is not None:
        return code(row[4])
    return "" if row[3] or row[5] else "NULL"


def indexes() -> str:
    """Return one row for each index."""
    with closing(sqlite3.connect(":memory:")) as db:
        migrate(db)
        tables = {
            name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        }
        if tables != set(_MEANINGS):
            msg = f"these tables have no words, or words no table: {tables ^ set(_MEANINGS)}"
            raise ValueError(msg)
        found = db.execute(
            "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL "
            "ORDER BY tbl_name, name"
        ).fetchall()
    rows = [
        (code(name), "yes" if "UNIQUE" in sql else "", code(" ".join(sql.split(" ON ")[1].split())))
        for name, sql in found
    ]
    return table(("index", "unique", "on"), rows)


PARTS: dict[str, Callable[[], str]] = {
    f"table {name}": functools.partial(_columns, name) for name in _MEANINGS
} | {"indexes": indexes}
