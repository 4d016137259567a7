"""When the schedules of a SQLite store are due, and who makes their runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from durably.clock import from_iso, to_iso
from durably.schedule_state import ScheduleState
from durably.store.rows import iso_or_none
from durably.store.sqlite import sql
from durably.store.sqlite.enqueue import enqueue

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence
    from datetime import datetime
    from typing import Any

    from durably.runs import NewRun, Triggered


def get_schedules(db: sqlite3.Connection) -> list[ScheduleState]:
    """Return what is stored of every schedule, by name."""
    return [_to_state(row) for row in db.execute(sql.SCHEDULES)]


def keep_schedules(
    db: sqlite3.Connection, states: Sequence[ScheduleState], now: str
) -> list[ScheduleState]:
    """Store what is new or says something else; the law stands at Store.keep_schedules."""
    for state in states:
        values = (state.name, state.job_name, state.spec, iso_or_none(state.next_at), now)
        db.execute(sql.KEEP_SCHEDULE, values)
    return get_schedules(db)


def move_schedule(
    db: sqlite3.Connection,
    state: ScheduleState,
    moved: ScheduleState,
    runs: Sequence[NewRun],
    now: str,
) -> list[Triggered] | None:
    """Move a schedule on and make its runs; the law stands at Store.move_schedule."""
    values = {
        "name": state.name,
        "spec": state.spec,
        "was": iso_or_none(state.next_at),
        "next": iso_or_none(moved.next_at),
        "last": iso_or_none(moved.last_at),
        "now": now,
    }
    if not db.execute(sql.MOVE_SCHEDULE, values).rowcount:
        return None
    return enqueue(db, runs, now)


def pause_schedule(
    db: sqlite3.Connection, name: str, next_at: datetime | None, now: str, *, paused: bool
) -> bool:
    """Let a schedule rest, or go on from *next_at*; tell whether there is one."""
    due = None if next_at is None else to_iso(next_at)
    return db.execute(sql.PAUSE_SCHEDULE, (int(paused), due, now, name)).rowcount > 0


def _to_state(row: tuple[Any, ...]) -> ScheduleState:
    return ScheduleState(
        name=row[0],
        job_name=row[1],
        spec=row[2],
        next_at=None if row[3] is None else from_iso(row[3]),
        last_at=None if row[4] is None else from_iso(row[4]),
        paused=bool(row[5]),
    )
