"""What a worker does with the runs that it holds, in PostgreSQL: each write is one statement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg.errors import UniqueViolation

from durably.codec import from_json, references_in, to_json
from durably.runs import NEVER, NO_NOTES, Claim, Finish, Hold, Lease, RunStatus, StepStatus
from durably.store.answers import end_text
from durably.store.postgres import sql
from durably.store.postgres.connections import fetch
from durably.store.postgres.waits import Waits
from durably.store.rows import (
    GENERATION,
    from_attempt,
    from_log,
    from_step,
    progress_json,
    to_run,
    unreadable,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from durably.runs import Notes, StepAttempt, StepRecord
    from durably.store.postgres.connections import Connection, Connections, Rows
    from durably.store.postgres.times import Times

#: How much of the saved results a claim brings along, in characters of JSON.
MOST_REPLAYED = 64 << 20
#: How often a claim looks again when others were faster.
_LOOKS = 5


class Holders:
    """The writes of lease holders; the laws stand at Leases."""

    def __init__(self, db: Connections, times: Times) -> None:
        self._db = db
        self._times = times
        self.waits = Waits(db, times, self)

    async def claim(self, wanted: dict[str, Any], *, now: datetime) -> Claim | None:
        """Lease the run that comes next, or return None."""
        looks = 0
        values = wanted | {"now": self._times.now(now), "moved": False}
        while looks < _LOOKS:
            # Not made again by itself: what the lost call claimed would wait for its lease to end.
            ((text, come, seen, *row),) = await self._db.execute(sql.CLAIM, values, again=False)
            self._times.saw(now, text)
            if come:
                await self._db.execute(sql.COME_DUE, values)
                values["moved"] = True
            elif row[0] is not None:
                claim = await self._claimed(tuple(row), wanted["worker"], now)
                if claim is not None:
                    return claim
            elif seen:  # others took it, or changed it meanwhile
                looks += 1
            else:
                return None
        return None

    async def _claimed(self, row: tuple[Any, ...], worker: str, now: datetime) -> Claim | None:
        lease = Lease(run_id=row[0], owner=worker, generation=row[GENERATION])
        try:
            run = to_run(row)
        except (LookupError, TypeError, ValueError) as error:
            await self._fail_unreadable(lease, row[2], error, now)
            return None
        saved: dict[str, str | None] = {}
        if run.completed_step_count:
            room = {"id": run.id, "room": MOST_REPLAYED}
            saved = dict(await self._db.execute(sql.SAVED, room))
        waits = await self.waits.claimed(run.id, now) if lease.generation > 1 else {}
        return Claim(run=run, lease=lease, saved=saved, waits=waits)

    async def _fail_unreadable(
        self, lease: Lease, input: str, error: Exception, now: datetime
    ) -> None:
        """Fail a run that nobody can execute: every claim would find it first, and no other run."""
        try:
            from_json(input)
        except ValueError:  # shown as the text that it is
            await self._db.execute(sql.SET_INPUT, {"id": lease.run_id, "input": to_json(input)})
        end = Finish(status=RunStatus.FAILED, failure=unreadable(error))
        await self.finish(lease, end, notes=NO_NOTES, now=now)

    async def renew(self, lease: Lease, *, now: datetime, lasts: timedelta) -> Hold:
        """Extend a lease that has not run out."""
        rows = await self._db.execute(sql.RENEW, self._fence(lease, now) | {"lasts": lasts})
        if not rows:
            return Hold.LOST
        return Hold.HELD if rows[0][0] == RunStatus.LEASED else Hold.CANCELLED

    async def save_step(
        self,
        lease: Lease,
        step: StepRecord,
        *,
        attempt: StepAttempt | None,
        notes: Notes,
        now: datetime,
    ) -> Hold:
        """Save an ended step with all that belongs to it."""
        values = self._noted(lease, notes, now)
        values["next"] = step.index + 1
        values |= sql.row("s", _shown(from_step(self._times.record_there(step)), 6, 8))
        parts = []
        if attempt is not None:
            values |= self._attempt(attempt)
            parts.append("attempt")
        parts += _parts_of(values, notes, step.output_json)
        rows = await self._db.execute(sql.with_parts(sql.HELD, tuple(parts), sql.ADVANCE), values)
        if rows:
            return Hold.HELD
        hold = await self._hold(lease)
        if hold is Hold.CANCELLED and step.status is StepStatus.CANCELLED:
            left = ("stopped_step", *_parts_of(values, notes, None))
            await self._db.execute(sql.with_parts(sql.LAST_PROGRESS, left), values)
        return hold

    async def save_attempt(
        self, lease: Lease, attempt: StepAttempt, *, notes: Notes, now: datetime
    ) -> Hold:
        """Record that an attempt began, or how it ended."""
        values = self._noted(lease, notes, now) | self._attempt(attempt)
        parts = ("attempt", *_parts_of(values, notes, None))
        if await self._db.execute(sql.with_parts(sql.TOUCH, parts), values):
            return Hold.HELD
        hold = await self._hold(lease)
        if hold is Hold.CANCELLED:
            await self._db.execute(sql.with_parts(sql.CANCELLED, ("attempt",)), values)
        return hold

    async def save_notes(self, lease: Lease, *, notes: Notes, now: datetime) -> Hold:
        """Store progress and log lines."""
        values = self._noted(lease, notes, now)
        parts = _parts_of(values, notes, None)
        if await self._db.execute(sql.with_parts(sql.TOUCH, parts), values):
            return Hold.HELD
        return await self._hold(lease)

    async def finish(self, lease: Lease, end: Finish, *, notes: Notes, now: datetime) -> Hold:
        """End the run."""
        failure = end.failure
        values = self._noted(lease, notes, now) | {
            "status": str(end.status),
            "output": end.output_json,
            "error": failure and _without_nul(failure.message),
            "error_type": failure and failure.type_name,
            "error_trace": failure and failure.trace and _without_nul(failure.trace),
        }
        error = None if failure is None else _without_nul(failure.message)
        values["end_text"] = end_text(end.status, end.output_json, error)
        parts = (*_parts_of(values, notes, end.output_json), "caller", "caller_goes_on")
        if "files" in values:
            parts += ("caller_refers",)
        if not end.keep_steps:
            parts += ("without_steps", "without_attempts")
        if await self._db.execute(sql.with_parts(sql.FINISH, parts), values):
            return Hold.HELD
        return await self._hold(lease, end.status)

    async def release(
        self,
        lease: Lease,
        *,
        notes: Notes,
        now: datetime,
        available_at: datetime | None,
        waits: Sequence[str],
    ) -> Hold:
        """Give the run back, or free the key of one that was cancelled."""
        never = available_at == NEVER
        values = self._noted(lease, notes, now)
        values |= {
            "never": never,
            "pause": None if never or available_at is None else available_at - now,
            "stands": bool(waits),
        }
        parts = _parts_of(values, notes, None)
        if waits:
            if await self._stands_still(lease, parts, values, waits, now):
                return Hold.HELD
        elif await self._released(parts, values):
            return Hold.HELD
        if await self._db.execute(sql.with_parts(sql.LET_GO, parts), values):
            return Hold.CANCELLED
        return await self._hold(lease, RunStatus.PENDING, RunStatus.LEASED, RunStatus.WAITING)

    async def _stands_still(
        self,
        lease: Lease,
        parts: tuple[str, ...],
        values: dict[str, Any],
        waits: Sequence[str],
        now: datetime,
    ) -> bool:
        """Release a run that waits; what came before it stood still is not missed."""

        async def work(db: Connection) -> bool:
            come = await self.waits.stand_still(db, waits, now)
            schema = self._db.schema
            if not await fetch(schema, sql.with_parts(sql.RELEASE, parts), values, db):
                raise _NotHeld
            if come:
                due = {"id": lease.run_id, "now": self._times.now(now)}
                await fetch(schema, sql.GO_ON, due, db)
            return True

        try:
            return await self._db.transact(work)
        except _NotHeld:  # nothing is noted of a run that another one holds
            return False

    async def note_within(self, db: Connection, lease: Lease, notes: Notes, now: datetime) -> Hold:
        """Store progress and log lines within a transaction, if the lease holds."""
        values = self._noted(lease, notes, now)
        parts = _parts_of(values, notes, None)
        schema = self._db.schema
        if await fetch(schema, sql.with_parts(sql.TOUCH, parts), values, db):
            return Hold.HELD
        return _hold_of(lease, await fetch(schema, sql.HOLDER, {"run_id": lease.run_id}, db))

    async def _released(self, parts: tuple[str, ...], values: dict[str, Any]) -> bool:
        statement = sql.with_parts(sql.RELEASE, parts)
        while True:
            try:
                return bool(await self._db.execute(statement, values))
            except UniqueViolation:  # another of its key came to be pending at this moment
                continue

    def _fence(self, lease: Lease, now: datetime) -> dict[str, Any]:
        return {
            "run_id": lease.run_id,
            "generation": lease.generation,
            "now": self._times.now(now),
        }

    def _noted(self, lease: Lease, notes: Notes, now: datetime) -> dict[str, Any]:
        """Return the values of a fenced write with its notes."""
        values = self._fence(lease, now) | {"progress": progress_json(notes.progress)}
        if notes.logs:
            logs = [_shown(from_log(self._times.record_there(log)), 4) for log in notes.logs]
            values |= sql.row("l", [list(column) for column in zip(*logs, strict=True)])
        return values

    def _attempt(self, attempt: StepAttempt) -> dict[str, Any]:
        return sql.row("a", _shown(from_attempt(self._times.record_there(attempt)), 5))

    async def _hold(self, lease: Lease, *results: RunStatus) -> Hold:
        """Say why a fenced write changed nothing.

        With one of *results*, and nobody as its owner, the same write was made before: its answer
        was lost, and it is repeated.
        """
        rows = await self._db.execute(sql.HOLDER, {"run_id": lease.run_id})
        return _hold_of(lease, rows, *results)


class _NotHeld(Exception):
    """Undoes a transaction whose lease does not hold."""


def _hold_of(lease: Lease, rows: Rows, *results: RunStatus) -> Hold:
    if not rows or rows[0][1] != lease.generation:
        return Hold.LOST
    ((status, _, owner),) = rows
    if owner is None and status in results:
        return Hold.HELD
    return Hold.CANCELLED if status == RunStatus.CANCELLED else Hold.LOST


def _parts_of(values: dict[str, Any], notes: Notes, text: str | None) -> tuple[str, ...]:
    """Name what comes along with a write: log lines, and the files that *text* refers to."""
    parts: tuple[str, ...] = ("logs",) if notes.logs else ()
    if text is not None and (files := references_in(text)):
        values["files"] = sorted(files)
        parts += ("files",)
    return parts


def _without_nul(text: str) -> str:
    """Write a NUL, which text in PostgreSQL cannot hold, as it is written in code."""
    return text.replace("\0", "\\x00")


def _shown(row: tuple[Any, ...], *places: int) -> list[Any]:
    """Return a row whose texts for people at *places* can be stored."""
    shown = list(row)
    for place in places:
        if shown[place] is not None:
            shown[place] = _without_nul(shown[place])
    return shown
