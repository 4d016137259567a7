"""What users do to runs in PostgreSQL: cancel, resume and remove them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from psycopg.errors import UniqueViolation

from durably.errors import ConflictError
from durably.runs import TERMINAL, RunStatus, sources_of
from durably.store.answers import end_text
from durably.store.postgres import sql
from durably.store.postgres.connections import fetch
from durably.store.rows import to_listed_run, to_removed

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

    from durably.runs import RemovedRun, Run
    from durably.store.postgres.connections import Connection, Connections, Rows


def _texts(statuses: Collection[RunStatus]) -> list[str]:
    return sorted(map(str, statuses))


def _one(rows: Rows) -> Run | None:
    return to_listed_run(rows[0]) if rows else None


async def cancel(db: Connections, run_id: str, now: datetime | None) -> list[Run]:
    """Cancel a run that may be, and the runs that it waits for; return them as they were."""
    return await db.transact(_cancel, db.schema, run_id, now)


async def _cancel(db: Connection, schema: str, run_id: str, now: datetime | None) -> list[Run]:
    text = end_text(RunStatus.CANCELLED, None, None)
    cancelled: list[Run] = []
    waiting = [run_id]
    while waiting:
        one = waiting.pop(0)
        values = {
            "id": one,
            "now": now,
            "from": _texts(sources_of(RunStatus.CANCELLED)),
            "end_text": text,
        }
        run = _one(await fetch(schema, sql.CANCEL, values, db))
        if run is None or (run.is_terminal and cancelled):
            continue
        cancelled.append(run)
        if run.is_active:
            waiting += [child for (child,) in await fetch(schema, sql.CHILDREN, values, db)]
            await fetch(schema, sql.CHILD_CANCELLED, values, db)
    return cancelled


async def resume(db: Connections, run_id: str, now: datetime | None) -> Run | None:
    """Make an ended run pending again; return it as it was."""
    ended = TERMINAL & sources_of(RunStatus.PENDING)
    values = {"id": run_id, "now": now, "from": _texts(ended)}
    while True:
        try:
            return _one(await db.execute(sql.RESUME, values, again=False))
        except UniqueViolation:
            run = _one(await db.execute(sql.RUN, {"id": run_id}))
            if run is None:
                return None
            keys = {"job": run.job_name, "key": run.concurrency_key}
            for other in await db.execute(sql.PENDING_BY_KEY, keys):
                msg = f"run {other[0]!r} with the same concurrency key is pending; cancel it first"
                raise ConflictError(msg) from None


async def delete_run(db: Connections, run_id: str, now: datetime | None) -> Run | None:
    """Remove an ended run; return it as it was."""
    values = {"id": run_id, "now": now, "from": _texts(TERMINAL)}
    return _one(await db.execute(sql.DELETE, values, again=False))


async def purge(
    db: Connections, older_than: str, limit: int, held: Collection[str]
) -> list[RemovedRun]:
    """Remove runs that ended long ago."""
    values = {"older_than": older_than, "limit": limit, "held": list(held)}
    return [to_removed(row) for row in await db.execute(sql.PURGE, values, again=False)]


async def release_blobs(db: Connections, remove: Callable[[str], bool]) -> None:
    """Let *remove* take the files that no run refers to any more."""
    ((some,),) = await db.execute(sql.HAS_LEFT_BLOBS)
    if some:
        await db.transact(_release_blobs, db.schema, remove)


async def _release_blobs(db: Connection, schema: str, remove: Callable[[str], bool]) -> None:
    async def execute(text: str, values: dict[str, Any] | None = None) -> Rows:
        return await fetch(schema, text, values, db)

    await execute(sql.LOCK_BLOBS)
    names = [name for (name,) in await execute(sql.LEFT_BLOBS)]
    left = [name for name in names if not await asyncio.to_thread(remove, name)]
    await execute(sql.FORGET_BLOBS, {"left": left})
