"""Make runs in PostgreSQL, or find the ones that already stand for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from durably.clock import from_iso, to_iso
from durably.codec import references_in, to_json
from durably.errors import ConflictError, StorageBusyError
from durably.runs import Disposition, Triggered
from durably.store.postgres import sql
from durably.store.postgres.connections import fetch
from durably.store.rows import made_run, new_status, to_listed_run

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from datetime import datetime

    from durably.runs import NewRun
    from durably.store.postgres.connections import Connection, Connections, Rows
    from durably.store.postgres.times import Times

#: Executes a statement with its values, on its own or within a transaction.
Execute: TypeAlias = "Callable[[str, Mapping[str, Any]], Awaitable[Rows]]"

#: How often a run is tried again whose place was taken, and free again when it was looked at.
_TRIES = 10


async def enqueue(
    db: Connections, runs: Sequence[NewRun], times: Times, now: datetime
) -> list[Triggered]:
    """Make all *runs*; the laws stand at Store.enqueue."""
    if len(runs) == 1:  # all or nothing is one statement then
        return await _enqueue(db.execute, runs, times, now)

    async def work(connection: Connection) -> list[Triggered]:
        return await _enqueue(_within(connection, db.schema), runs, times, now)

    return await db.transact(work)


async def enqueue_within(
    db: Connection, schema: str, run: NewRun, times: Times, now: datetime
) -> Triggered:
    """Make *run* within a transaction."""
    (made,) = await _enqueue(_within(db, schema), [run], times, now)
    return made


def _within(db: Connection, schema: str) -> Execute:
    async def execute(text: str, values: Mapping[str, Any]) -> Rows:
        return await fetch(schema, text, values, db)

    return execute


async def _enqueue(
    execute: Execute,
    runs: Sequence[NewRun],
    times: Times,
    now: datetime,
) -> list[Triggered]:
    text, made = await _insert(execute, runs, times, now)
    times.saw(now, text)
    moment = from_iso(text)
    done = []
    for run in runs:
        # The first of the batch that has the id was made, another is the same call again.
        if run.id in made:
            made.remove(run.id)
            done.append(Triggered(run=made_run(run, moment), disposition=Disposition.CREATED))
        else:
            done.append(await _find_or_make(execute, run, times, now))
    return done


async def _insert(
    execute: Execute,
    runs: Sequence[NewRun],
    times: Times,
    now: datetime,
) -> tuple[str, set[str]]:
    """Make those of *runs* that can be; return the time and their ids."""
    labels = [(run.id, key, value) for run in runs for key, value in run.labels.items()]
    files = [(run.id, name) for run in runs for name in references_in(run.input_json)]
    rows = await execute(
        sql.ENQUEUE,
        {
            "now": times.now(now),
            "statuses": [str(new_status(run)) for run in runs],
            "due": [_due(run, times) for run in runs],
            "parents": [run.parent_id for run in runs],
            "ids": [run.id for run in runs],
            "jobs": [run.job_name for run in runs],
            "inputs": [run.input_json for run in runs],
            "idempotency": [run.idempotency_key for run in runs],
            "concurrency": [run.concurrency_key for run in runs],
            "labels": [to_json(dict(run.labels)) for run in runs],
            "label_runs": [run_id for run_id, _, _ in labels],
            "label_keys": [key for _, key, _ in labels],
            "label_values": [value for _, _, value in labels],
            "file_runs": [run_id for run_id, _ in files],
            "files": [name for _, name in files],
        },
    )
    return rows[0][0], {id for _, id in rows if id is not None}


def _due(run: NewRun, times: Times) -> str | None:
    return None if run.available_at is None else to_iso(times.there(run.available_at))


async def _find_or_make(
    execute: Execute,
    new: NewRun,
    times: Times,
    now: datetime,
) -> Triggered:
    for _ in range(_TRIES):
        found = await _standing_for(execute, new)
        if found is not None:
            return found
        # What stood in the way has gone since.
        text, made = await _insert(execute, [new], times, now)
        if made:
            run = made_run(new, from_iso(text))
            return Triggered(run=run, disposition=Disposition.CREATED)
    msg = f"other writers took and freed the keys of run {new.id!r} again and again"
    raise StorageBusyError(msg)


async def _standing_for(execute: Execute, new: NewRun) -> Triggered | None:
    """Return the run that already stands for *new*; the idempotency key is looked at first."""
    if new.idempotency_key is not None:
        keys = {"job": new.job_name, "key": new.idempotency_key}
        for row in await execute(sql.BY_IDEMPOTENCY, keys):
            run = to_listed_run(row)
            own = run.id == new.id  # the call that made it, repeated
            disposition = Disposition.CREATED if own else Disposition.IDEMPOTENT
            return Triggered(run=run, disposition=disposition, is_new=False)
    for row in await execute(sql.RUN, {"id": new.id}):
        return _repeated(new, row)
    if new.concurrency_key is not None:
        keys = {"job": new.job_name, "key": new.concurrency_key}
        for row in await execute(sql.PENDING_BY_KEY, keys):
            if not new.coalesce:
                key = new.concurrency_key
                msg = f"a run of {new.job_name!r} with the concurrency key {key!r} is pending"
                raise ConflictError(msg)
            return Triggered(run=to_listed_run(row), disposition=Disposition.COALESCED)
    return None


def _repeated(new: NewRun, row: tuple[Any, ...]) -> Triggered:
    """Answer a call whose run is there already, as it was answered the first time (law 8)."""
    run = to_listed_run(row)
    if run.job_name != new.job_name:
        msg = f"the run id {new.id!r} belongs to a run of {run.job_name!r}"
        raise ConflictError(msg)
    return Triggered(run=run, disposition=Disposition.CREATED, is_new=False)
