"""What users do to runs in a SQLite store: cancel, resume and remove them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from durably.codec import to_json
from durably.errors import ConflictError
from durably.runs import Finish, RunStatus, sources_of
from durably.store.rows import to_removed
from durably.store.sqlite import sql
from durably.store.sqlite.reads import get_run
from durably.store.sqlite.waits import child_ended

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable
    from datetime import datetime

    from durably.runs import RemovedRun, Run


def cancel(db: sqlite3.Connection, run_id: str, now: str) -> list[Run]:
    """Cancel a run that may be, and the runs that it waits for; return them as they were."""
    run = get_run(db, run_id)
    if run is None:
        return []
    cancelled = [run]
    waiting = [run] if run.is_active else []
    while waiting:
        one = waiting.pop()
        children = [child for (child,) in db.execute(sql.CHILDREN, (one.id,)).fetchall()]
        db.execute(sql.CANCEL, (now, now, one.id))
        child_ended(db, one.id, Finish(status=RunStatus.CANCELLED), now)
        found = [child for id in children if (child := get_run(db, id)) is not None]
        waiting += [child for child in found if child.is_active]
        cancelled += [child for child in found if child.is_active]
    return cancelled


def resume(db: sqlite3.Connection, run_id: str, now: str) -> Run | None:
    """Make an ended run pending again; return it as it was."""
    run = get_run(db, run_id)
    if run is None or not (run.is_terminal and run.status in sources_of(RunStatus.PENDING)):
        return run
    if run.concurrency_key is not None:
        other = db.execute(sql.PENDING_BY_KEY, (run.job_name, run.concurrency_key)).fetchone()
        if other is not None:
            msg = f"run {other[0]!r} with the same concurrency key is pending; cancel it first"
            raise ConflictError(msg)
    db.execute(sql.RESUME, (now, run_id))
    db.execute("UPDATE durably_py_attempts SET counted = 0 WHERE run_id = ?", (run_id,))
    return run


def delete_run(db: sqlite3.Connection, run_id: str, now: datetime) -> Run | None:
    """Remove an ended run; return it as it was."""
    run = get_run(db, run_id)
    if run is not None and run.is_terminal and not run.is_stopping(now):
        _remove(db, [run_id])
    return run


def purge(db: sqlite3.Connection, older_than: str, limit: int, held: str) -> list[RemovedRun]:
    """Remove runs that ended long ago."""
    rows = db.execute(sql.PURGEABLE, (older_than, limit, held)).fetchall()
    _remove(db, [id for id, _, _ in rows])
    return [to_removed(row) for row in rows]


def release_blobs(db: sqlite3.Connection, remove: Callable[[str], bool]) -> None:
    """Let *remove* take the files that no run refers to any more."""
    left = [name for (name,) in db.execute(sql.LEFT_BLOBS).fetchall() if not remove(name)]
    db.execute(sql.FORGET_BLOBS, (to_json(left),))


def _remove(db: sqlite3.Connection, run_ids: list[str]) -> None:
    for statement in sql.REMOVE:
        db.executemany(statement, [(run_id,) for run_id in run_ids])
