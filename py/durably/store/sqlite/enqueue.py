"""Make runs in a SQLite store, or find the ones that already stand for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from durably.clock import from_iso
from durably.codec import references_in, to_json
from durably.errors import ConflictError
from durably.runs import Disposition, Triggered
from durably.store.rows import iso_or_none, made_run, new_status, to_listed_run
from durably.store.sqlite import sql

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence
    from datetime import datetime

    from durably.runs import NewRun


def enqueue(db: sqlite3.Connection, runs: Sequence[NewRun], now: str) -> list[Triggered]:
    """Make all *runs*; the laws stand at Store.enqueue."""
    moment = from_iso(now)
    return [enqueue_one(db, run, now, moment) for run in runs]


def refer(db: sqlite3.Connection, run_id: str, text: str) -> None:
    """Note the files that a JSON text of a run refers to: they are kept as long as it is."""
    for name in references_in(text):
        db.execute(sql.INSERT_BLOB, (run_id, name))


def enqueue_one(db: sqlite3.Connection, new: NewRun, now: str, moment: datetime) -> Triggered:
    """Make one run, or find the one that stands for it; *moment* is *now*."""
    found = _standing_for(db, new)
    if found is not None:
        return found
    labels = to_json(dict(new.labels))
    values = (
        new.id,
        new.job_name,
        new.input_json,
        new_status(new),
        new.idempotency_key,
        new.concurrency_key,
        labels,
        now,
        now,
        iso_or_none(new.available_at),
        new.parent_id,
    )
    if not db.execute(sql.INSERT_RUN, values).rowcount:
        return _repeated(db, new)
    refer(db, new.id, new.input_json)
    for key, value in new.labels.items():
        db.execute(sql.INSERT_LABEL, (new.id, key, value, now))
    return Triggered(run=made_run(new, moment), disposition=Disposition.CREATED)


def _standing_for(db: sqlite3.Connection, new: NewRun) -> Triggered | None:
    """Return the run that already stands for *new*; the idempotency key is looked at first."""
    if new.idempotency_key is not None:
        row = db.execute(sql.RUN_BY_IDEMPOTENCY, (new.job_name, new.idempotency_key)).fetchone()
        if row is not None:
            run = to_listed_run(row)
            own = run.id == new.id  # the call that made it, repeated
            disposition = Disposition.CREATED if own else Disposition.IDEMPOTENT
            return Triggered(run=run, disposition=disposition, is_new=False)
    if new.concurrency_key is not None and new.available_at is None:
        row = db.execute(sql.PENDING_BY_KEY, (new.job_name, new.concurrency_key)).fetchone()
        if row is not None and row[0] != new.id:
            if db.execute(sql.RUN, (new.id,)).fetchone() is not None:
                return _repeated(db, new)
            if not new.coalesce:
                key = new.concurrency_key
                msg = f"a run of {new.job_name!r} with the concurrency key {key!r} is pending"
                raise ConflictError(msg)
            return Triggered(run=to_listed_run(row), disposition=Disposition.COALESCED)
    return None


def _repeated(db: sqlite3.Connection, new: NewRun) -> Triggered:
    """Answer a call whose run is there already, as it was answered the first time (law 8)."""
    run = to_listed_run(db.execute(sql.RUN, (new.id,)).fetchone())
    if run.job_name != new.job_name:
        msg = f"the run id {new.id!r} belongs to a run of {run.job_name!r}"
        raise ConflictError(msg)
    return Triggered(run=run, disposition=Disposition.CREATED, is_new=False)
