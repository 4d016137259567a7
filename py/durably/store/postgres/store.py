"""The Store on PostgreSQL: any number of processes, on any number of machines, share its runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from durably.arguments import checked_flag, checked_text, checked_whole, refuse
from durably.clock import SystemClock, checked_duration, from_iso, to_iso
from durably.runs import NEVER
from durably.store.postgres import sql
from durably.store.postgres.archive import copy, replace
from durably.store.postgres.connections import Connections
from durably.store.postgres.enqueue import enqueue
from durably.store.postgres.leases import Holders
from durably.store.postgres.migrate import migrate
from durably.store.postgres.moves import cancel, delete_run, purge, release_blobs, resume
from durably.store.postgres.reads import get_run, get_runs
from durably.store.postgres.schedules import Schedules
from durably.store.postgres.times import CLOCKS, ClockName, Times
from durably.store.postgres.watch import Watch
from durably.store.rows import to_attempt, to_log, to_step

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import datetime, timedelta
    from pathlib import Path

    from durably.runs import (
        Claim,
        Finish,
        Hold,
        Lease,
        LogRecord,
        NewRun,
        Notes,
        RemovedRun,
        Run,
        RunFilter,
        StepAttempt,
        StepRecord,
        Triggered,
    )
    from durably.schedule_state import ScheduleState
    from durably.store.postgres.connections import Connection
    from durably.waits import Message, Sent, Signal, Signalled, Wait, Waited

#: What PostgreSQL cuts a name to, in bytes.
_LONGEST_NAME = 63
_NEVER = to_iso(NEVER)


class PostgresStore:
    """Implements Store; the laws stand there.

    *url* is a libpq URL or connection string. *schema* holds the tables. *clock* says whose time
    decides about leases and due runs: the database's, or, for tests with virtual time, the
    caller's. *max_connections* are made at most, beside one that listens. *timeout* (timedelta or
    seconds) is how long an answer is waited for. *behind_pooler* is for a pooler in transaction
    mode: nothing is prepared, and nobody listens.
    """

    def __init__(
        self,
        url: str,
        *,
        schema: str = "public",
        clock: ClockName = "database",
        max_connections: int = 8,
        timeout: timedelta | float = 30.0,
        behind_pooler: bool = False,
    ) -> None:
        if len(checked_text("schema", schema).encode()) > _LONGEST_NAME:
            refuse("schema", f"a name of at most {_LONGEST_NAME} bytes", schema)
        if clock not in CLOCKS:
            refuse("clock", "'database' or 'caller'", clock)
        self._db = Connections(
            checked_text("a database's URL", url),
            schema,
            most=checked_whole("max_connections", max_connections, least=1, most=1000),
            timeout=checked_duration("timeout", timeout).total_seconds(),
            behind_pooler=checked_flag("behind_pooler", behind_pooler),
        )
        self._times = Times(clock)
        self._holders = Holders(self._db, self._times)
        self._waits = self._holders.waits
        self._schedules = Schedules(self._db, self._times)
        self._watch = Watch(self._db)

    async def migrate(self) -> None:
        await self._db.transact(migrate, self._db.schema)

    async def close(self) -> None:
        await self._db.close()

    # --- optional: see Wakes ---

    async def watch(self, wake: Callable[[], None]) -> None:
        await self._watch.run(wake)

    @property
    def hears(self) -> bool:
        return self._watch.hears

    # --- triggers and reads ---

    async def enqueue(self, runs: Sequence[NewRun], *, now: datetime) -> list[Triggered]:
        if not runs:
            return []
        return await enqueue(self._db, runs, self._times, now)

    async def get_run(self, run_id: str) -> Run | None:
        return await get_run(self._db, run_id)

    async def get_runs(self, chosen: RunFilter) -> list[Run]:
        return await get_runs(self._db, chosen)

    async def get_steps(self, run_id: str) -> list[StepRecord]:
        return [to_step(row) for row in await self._db.execute(sql.STEPS, {"id": run_id})]

    async def get_attempts(self, run_id: str) -> list[StepAttempt]:
        rows = await self._db.execute(sql.ATTEMPTS, {"id": run_id})
        return [self._times.record_here(to_attempt(row)) for row in rows]

    async def get_logs(self, run_id: str) -> list[LogRecord]:
        return [to_log(row) for row in await self._db.execute(sql.LOGS, {"id": run_id})]

    async def parked(self, *, jobs: Collection[str]) -> Mapping[str, int]:
        return dict(await self._db.execute(sql.PARKED, {"jobs": list(jobs)}))

    # --- leases ---

    async def claim(
        self,
        *,
        worker: str,
        now: datetime,
        until: datetime,
        jobs: Collection[str],
        held: Collection[str],
    ) -> Claim | None:
        wanted: dict[str, Any] = {
            "worker": worker,
            "lasts": until - now,
            "jobs": list(jobs),
            "held": list(held),
        }
        return await self._holders.claim(wanted, now=now)

    async def get_saved(self, run_id: str, name: str) -> str:
        ((output,),) = await self._db.execute(sql.SAVED_ONE, {"id": run_id, "name": name})
        return str(output)

    async def renew(self, lease: Lease, *, now: datetime, until: datetime) -> Hold:
        return await self._holders.renew(lease, now=now, lasts=until - now)

    async def save_step(
        self,
        lease: Lease,
        step: StepRecord,
        *,
        attempt: StepAttempt | None,
        notes: Notes,
        now: datetime,
    ) -> Hold:
        return await self._holders.save_step(lease, step, attempt=attempt, notes=notes, now=now)

    async def save_attempt(
        self, lease: Lease, attempt: StepAttempt, *, notes: Notes, now: datetime
    ) -> Hold:
        return await self._holders.save_attempt(lease, attempt, notes=notes, now=now)

    async def save_notes(self, lease: Lease, *, notes: Notes, now: datetime) -> Hold:
        return await self._holders.save_notes(lease, notes=notes, now=now)

    async def finish(self, lease: Lease, end: Finish, *, notes: Notes, now: datetime) -> Hold:
        return await self._holders.finish(lease, end, notes=notes, now=now)

    async def release(
        self,
        lease: Lease,
        *,
        notes: Notes,
        now: datetime,
        available_at: datetime | None = None,
        waits: Sequence[str] = (),
    ) -> Hold:
        return await self._holders.release(
            lease, notes=notes, now=now, available_at=available_at, waits=waits
        )

    # --- waits and schedules ---

    async def save_wait(
        self, lease: Lease, wait: Wait, *, child: NewRun | None, notes: Notes, now: datetime
    ) -> Waited:
        return await self._waits.save(lease, wait, child, notes=notes, now=now)

    async def end_wait(self, lease: Lease, wait_id: str, *, notes: Notes, now: datetime) -> Waited:
        return await self._waits.end(lease, wait_id, notes=notes, now=now)

    async def signal(self, wait_id: str, given: Signal, *, now: datetime) -> Signalled:
        return await self._waits.signal(wait_id, given, now)

    async def send(self, message: Message, *, now: datetime) -> Sent:
        return await self._waits.send(message, now)

    async def get_wait(self, wait_id: str) -> Wait | None:
        return await self._waits.get(wait_id)

    async def get_waits(self, run_id: str) -> list[Wait]:
        return await self._waits.of_run(run_id)

    async def get_schedules(self) -> list[ScheduleState]:
        return await self._schedules.get()

    async def keep_schedules(
        self, states: Sequence[ScheduleState], *, now: datetime
    ) -> list[ScheduleState]:
        return await self._schedules.keep(states, now)

    async def move_schedule(
        self,
        state: ScheduleState,
        moved: ScheduleState,
        runs: Sequence[NewRun],
        *,
        now: datetime,
    ) -> list[Triggered] | None:
        return await self._schedules.move(state, moved, runs, now)

    async def pause_schedule(
        self, name: str, *, paused: bool, next_at: datetime | None, now: datetime
    ) -> bool:
        return await self._schedules.pause(name, paused=paused, next_at=next_at, now=now)

    async def abandon_leases(self, *, now: datetime, blame: bool = True) -> int:
        values = {"now": self._times.now(now)}
        ended = await self._db.execute(sql.EXPIRE_LEASES if blame else sql.TAKE_LEASES, values)
        await self._db.execute(sql.FREE_KEYS)
        return len(ended)

    async def clock_was_set_back(self, *, now: datetime, by: timedelta | None) -> None:
        if self._times.by_database:  # this machine's clock decides about nothing
            return
        for statement in sql.SET_BACK:
            await self._db.execute(statement, {"now": now, "by": by}, again=False)

    async def next_due(
        self, *, now: datetime, jobs: Collection[str], held: Collection[str]
    ) -> datetime | None:
        values = {"now": self._times.now(now), "jobs": list(jobs), "held": list(held)}
        ((text, due),) = await self._db.execute(sql.NEXT_DUE, values)
        there = self._times.saw(now, text)
        return None if due is None or due == _NEVER else now + (from_iso(due) - there)

    # --- what users do ---

    async def cancel(self, run_id: str, *, now: datetime) -> list[Run]:
        return await cancel(self._db, run_id, self._times.now(now))

    async def resume(self, run_id: str, *, now: datetime) -> Run | None:
        return await resume(self._db, run_id, self._times.now(now))

    async def delete_run(self, run_id: str, *, now: datetime) -> Run | None:
        return await delete_run(self._db, run_id, self._times.now(now))

    async def purge(
        self, *, older_than: datetime, limit: int, held: Collection[str]
    ) -> list[RemovedRun]:
        if not self._times.is_known:
            ((text,),) = await self._db.execute(sql.CLOCK, {"now": None})
            self._times.saw(SystemClock().now(), text)
        there = to_iso(self._times.there(older_than))
        return await purge(self._db, there, limit, held)

    # --- files and the whole ---

    async def release_blobs(self, remove: Callable[[str], bool]) -> None:
        await release_blobs(self._db, remove)

    async def blobs_in_use(self) -> frozenset[str]:
        return frozenset(name for (name,) in await self._db.execute(sql.BLOBS))

    async def copy_to(self, path: str) -> None:
        async def work(db: Connection) -> None:
            await copy(db, self._db.schema, path)

        await self._db.slow(work)

    async def replace_with(self, path: Path) -> None:
        async def work(db: Connection) -> None:
            await replace(db, self._db.schema, path)

        await self._db.slow(work)

    async def checkpoint(self) -> bool:
        return True
