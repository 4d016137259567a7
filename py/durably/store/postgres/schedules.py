"""When the schedules of a store in PostgreSQL are due, and who makes their runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from durably.clock import from_iso
from durably.schedule_state import ScheduleState
from durably.store.postgres import sql
from durably.store.postgres.connections import fetch
from durably.store.postgres.enqueue import enqueue_within
from durably.store.rows import iso_or_none

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from durably.runs import NewRun, Triggered
    from durably.store.postgres.connections import Connection, Connections
    from durably.store.postgres.times import Times


class Schedules:
    """The schedules of jobs; the laws stand at Store. Slots are moments of the callers' clocks."""

    def __init__(self, db: Connections, times: Times) -> None:
        self._db = db
        self._times = times

    async def get(self) -> list[ScheduleState]:
        """Return what is stored of every schedule, by name."""
        return [_to_state(row) for row in await self._db.execute(sql.SCHEDULES)]

    async def keep(self, states: Sequence[ScheduleState], now: datetime) -> list[ScheduleState]:
        """Store what is new or says something else; return all."""

        async def work(db: Connection) -> None:
            for state in sorted(states, key=lambda state: state.name):
                values = {
                    "name": state.name,
                    "job": state.job_name,
                    "spec": state.spec,
                    "next": iso_or_none(state.next_at),
                    "now": self._times.now(now),
                }
                await fetch(self._db.schema, sql.KEEP_SCHEDULE, values, db)

        await self._db.transact(work)
        return await self.get()

    async def move(
        self, state: ScheduleState, moved: ScheduleState, runs: Sequence[NewRun], now: datetime
    ) -> list[Triggered] | None:
        """Move a schedule on and make its runs, if it stands as *state* says."""
        values = {
            "name": state.name,
            "spec": state.spec,
            "was": iso_or_none(state.next_at),
            "next": iso_or_none(moved.next_at),
            "last": iso_or_none(moved.last_at),
            "now": self._times.now(now),
        }

        async def work(db: Connection) -> list[Triggered] | None:
            schema = self._db.schema
            if not await fetch(schema, sql.MOVE_SCHEDULE, values, db):
                return None
            return [await enqueue_within(db, schema, run, self._times, now) for run in runs]

        return await self._db.transact(work)

    async def pause(
        self, name: str, *, paused: bool, next_at: datetime | None, now: datetime
    ) -> bool:
        """Let a schedule rest, or go on; tell whether there is one."""
        values = {
            "name": name,
            "paused": int(paused),
            "next": iso_or_none(next_at),
            "now": self._times.now(now),
        }
        return bool(await self._db.execute(sql.PAUSE_SCHEDULE, values))


def _to_state(row: tuple[Any, ...]) -> ScheduleState:
    return ScheduleState(
        name=row[0],
        job_name=row[1],
        spec=row[2],
        next_at=None if row[3] is None else from_iso(row[3]),
        last_at=None if row[4] is None else from_iso(row[4]),
        paused=bool(row[5]),
    )
