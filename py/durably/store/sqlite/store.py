"""The Store on SQLite: a file, memory, or a file of the browser's private file system."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from durably.arguments import checked_text
from durably.clock import from_iso, to_iso
from durably.codec import to_json
from durably.runs import (
    NEVER,
    NO_NOTES,
    Claim,
    Finish,
    Hold,
    Lease,
    RunStatus,
    StepStatus,
)
from durably.store.rows import (
    GENERATION,
    from_attempt,
    from_log,
    from_step,
    iso_or_none,
    progress_json,
    to_attempt,
    to_log,
    to_run,
    to_step,
    unreadable,
)
from durably.store.sqlite import sql
from durably.store.sqlite.archive import copy, replace
from durably.store.sqlite.connection import BUSY_TIMEOUT, MOST_LOG, Connection
from durably.store.sqlite.enqueue import enqueue, refer
from durably.store.sqlite.migrate import migrate
from durably.store.sqlite.moves import cancel, delete_run, purge, release_blobs, resume
from durably.store.sqlite.reads import get_run, get_runs
from durably.store.sqlite.schedules import (
    get_schedules,
    keep_schedules,
    move_schedule,
    pause_schedule,
)
from durably.store.sqlite.waits import (
    child_ended,
    claimed_waits,
    end_wait,
    get_wait,
    get_waits,
    open_wait,
    send,
    signal,
    suspended,
)
from durably.waits import Waited

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import datetime, timedelta
    from pathlib import Path

    from durably.runs import (
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
    from durably.waits import Message, Sent, Signal, Signalled, Wait


#: How much of the saved results a claim brings along, in characters of JSON.
MOST_REPLAYED = 64 << 20


_NEVER = to_iso(NEVER)


class SqliteStore:
    """Implements Store; the laws stand there."""

    def __init__(self, path: str) -> None:
        self._db = Connection(checked_text("a database's path", path))
        #: Whether the last claim found a run.
        self._claimed = False

    async def migrate(self) -> None:
        await self._db.write(migrate)

    async def close(self) -> None:
        await self._db.close()

    async def enqueue(self, runs: Sequence[NewRun], *, now: datetime) -> list[Triggered]:
        return await self._db.write(enqueue, runs, to_iso(now))

    async def get_run(self, run_id: str) -> Run | None:
        return await self._db.read(get_run, run_id)

    async def get_runs(self, chosen: RunFilter) -> list[Run]:
        return await self._db.read(get_runs, chosen)

    async def get_steps(self, run_id: str) -> list[StepRecord]:
        return [to_step(row) for row in await self._db.read(_rows, sql.STEPS, (run_id,))]

    async def get_attempts(self, run_id: str) -> list[StepAttempt]:
        return [to_attempt(row) for row in await self._db.read(_rows, sql.ATTEMPTS, (run_id,))]

    async def get_logs(self, run_id: str) -> list[LogRecord]:
        return [to_log(row) for row in await self._db.read(_rows, sql.LOGS, (run_id,))]

    async def claim(
        self,
        *,
        worker: str,
        now: datetime,
        until: datetime,
        jobs: Collection[str],
        held: Collection[str],
    ) -> Claim | None:
        wanted = {
            "worker": worker,
            "now": to_iso(now),
            "until": to_iso(until),
            "jobs": to_json(list(jobs)),
            "held": to_json(list(held)),
        }
        # A look before the write lock: an idle engine must not keep other processes from writing.
        # Where there was one run there is often another, and a look costs as much as a claim.
        if not self._claimed and not await self._db.read(_rows, sql.CLAIMABLE, wanted):
            return None
        claim = await self._db.write(_claim, wanted)
        self._claimed = claim is not None
        return claim

    async def renew(self, lease: Lease, *, now: datetime, until: datetime) -> Hold:
        return await self._db.write(_renew, lease, to_iso(now), to_iso(until))

    async def save_step(
        self,
        lease: Lease,
        step: StepRecord,
        *,
        attempt: StepAttempt | None,
        notes: Notes,
        now: datetime,
    ) -> Hold:
        return await self._db.write(
            _save_step, lease, step, attempt=attempt, notes=notes, now=to_iso(now)
        )

    async def save_attempt(
        self, lease: Lease, attempt: StepAttempt, *, notes: Notes, now: datetime
    ) -> Hold:
        return await self._db.write(_save_attempt, lease, attempt, notes, to_iso(now))

    async def save_notes(self, lease: Lease, *, notes: Notes, now: datetime) -> Hold:
        return await self._db.write(_save_notes, lease, notes, to_iso(now))

    async def finish(self, lease: Lease, end: Finish, *, notes: Notes, now: datetime) -> Hold:
        return await self._db.write(_finish, lease, end, notes, to_iso(now))

    async def release(
        self,
        lease: Lease,
        *,
        notes: Notes,
        now: datetime,
        available_at: datetime | None = None,
        waits: Sequence[str] = (),
    ) -> Hold:
        return await self._db.write(
            _release,
            lease,
            notes,
            now=to_iso(now),
            available_at=iso_or_none(available_at),
            waits=waits,
        )

    async def save_wait(
        self, lease: Lease, wait: Wait, *, child: NewRun | None, notes: Notes, now: datetime
    ) -> Waited:
        return await self._db.write(
            _save_wait, lease, wait, child=child, notes=notes, now=to_iso(now)
        )

    async def end_wait(self, lease: Lease, wait_id: str, *, notes: Notes, now: datetime) -> Waited:
        return await self._db.write(_end_wait, lease, wait_id, notes, to_iso(now))

    async def signal(self, wait_id: str, given: Signal, *, now: datetime) -> Signalled:
        return await self._db.write(signal, wait_id, given, now)

    async def send(self, message: Message, *, now: datetime) -> Sent:
        return await self._db.write(send, message, to_iso(now))

    async def get_schedules(self) -> list[ScheduleState]:
        return await self._db.read(get_schedules)

    async def keep_schedules(
        self, states: Sequence[ScheduleState], *, now: datetime
    ) -> list[ScheduleState]:
        return await self._db.write(keep_schedules, states, to_iso(now))

    async def move_schedule(
        self,
        state: ScheduleState,
        moved: ScheduleState,
        runs: Sequence[NewRun],
        *,
        now: datetime,
    ) -> list[Triggered] | None:
        return await self._db.write(move_schedule, state, moved, runs, to_iso(now))

    async def pause_schedule(
        self, name: str, *, paused: bool, next_at: datetime | None, now: datetime
    ) -> bool:
        return await self._db.write(pause_schedule, name, next_at, to_iso(now), paused=paused)

    async def get_wait(self, wait_id: str) -> Wait | None:
        return await self._db.read(get_wait, wait_id)

    async def get_waits(self, run_id: str) -> list[Wait]:
        return await self._db.read(get_waits, run_id)

    async def cancel(self, run_id: str, *, now: datetime) -> list[Run]:
        return await self._db.write(cancel, run_id, to_iso(now))

    async def resume(self, run_id: str, *, now: datetime) -> Run | None:
        return await self._db.write(resume, run_id, to_iso(now))

    async def delete_run(self, run_id: str, *, now: datetime) -> Run | None:
        return await self._db.write(delete_run, run_id, now)

    async def get_saved(self, run_id: str, name: str) -> str:
        return await self._db.read(_get_saved, run_id, name)

    async def purge(
        self, *, older_than: datetime, limit: int, held: Collection[str]
    ) -> list[RemovedRun]:
        return await self._db.write(purge, to_iso(older_than), limit, to_json(list(held)))

    async def release_blobs(self, remove: Callable[[str], bool]) -> None:
        ((some,),) = await self._db.read(_rows, sql.HAS_LEFT_BLOBS, ())
        if some:
            await self._db.write(release_blobs, remove)

    async def blobs_in_use(self) -> frozenset[str]:
        return frozenset(name for (name,) in await self._db.read(_rows, sql.BLOBS, ()))

    async def copy_to(self, path: str) -> None:
        await self._db.aside(copy, path)

    async def replace_with(self, path: Path) -> None:
        await self._db.read(replace, path)

    async def abandon_leases(self, *, now: datetime, blame: bool = True) -> int:
        return await self._db.write(_abandon_leases, to_iso(now), blame=blame)

    async def clock_was_set_back(self, *, now: datetime, by: timedelta | None) -> None:
        values = {"now": to_iso(now), "by": None if by is None else by.total_seconds()}
        await self._db.write(_clock_was_set_back, values)

    async def next_due(
        self, *, now: datetime, jobs: Collection[str], held: Collection[str]
    ) -> datetime | None:
        wanted = {"now": to_iso(now), "jobs": to_json(list(jobs)), "held": to_json(list(held))}
        ((due,),) = await self._db.read(_rows, sql.NEXT_DUE, wanted)
        return None if due is None or due == _NEVER else from_iso(due)

    async def parked(self, *, jobs: Collection[str]) -> Mapping[str, int]:
        return dict(await self._db.read(_rows, sql.PARKED, {"jobs": to_json(list(jobs))}))

    async def checkpoint(self) -> bool:
        return await self._db.read(_checkpoint)


def _checkpoint(db: sqlite3.Connection) -> bool:
    """Bring the log into the database, and give a large one back to the disk."""
    busy, frames, moved = db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    if busy or moved < frames:  # somebody still reads what is older
        return False
    (page_size,) = db.execute("PRAGMA page_size").fetchone()
    if frames * page_size <= MOST_LOG:
        return True
    db.execute("PRAGMA busy_timeout = 0")  # a reader that came just now is not waited for
    try:
        (busy, _, _) = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        db.execute(f"PRAGMA busy_timeout = {int(BUSY_TIMEOUT * 1000)}")
    return not busy


def _rows(db: sqlite3.Connection, text: str, values: Any) -> list[tuple[Any, ...]]:
    return db.execute(text, values).fetchall()


# --- leases ----------------------------------------------------------------------------------


def _claim(db: sqlite3.Connection, wanted: dict[str, str]) -> Claim | None:
    db.execute(sql.COME_DUE, wanted)
    while row := db.execute(sql.CLAIM, wanted).fetchone():
        lease = Lease(run_id=row[0], owner=wanted["worker"], generation=row[GENERATION])
        try:
            run = to_run(row)
        except (LookupError, TypeError, ValueError) as error:
            _fail_unreadable(db, lease, error, wanted["now"])
            continue
        saved = _saved(db, run.id) if run.completed_step_count else {}
        waits = claimed_waits(db, run.id, wanted["now"]) if lease.generation > 1 else {}
        return Claim(run=run, lease=lease, saved=saved, waits=waits)
    return None


def _saved(db: sqlite3.Connection, run_id: str) -> dict[str, str | None]:
    saved: dict[str, str | None] = {}
    room = MOST_REPLAYED
    for name, output in db.execute(sql.SAVED, (run_id,)):
        room -= len(output)
        saved[name] = output if room >= 0 else None
    return saved


def _get_saved(db: sqlite3.Connection, run_id: str, name: str) -> str:
    (output,) = db.execute(sql.SAVED_ONE, (run_id, name)).fetchone()
    return str(output)


def _fail_unreadable(db: sqlite3.Connection, lease: Lease, error: Exception, now: str) -> None:
    """Fail a run that nobody can execute: every claim would find it first, and no other run."""
    db.execute(sql.QUOTE_INPUT, (lease.run_id,))
    end = Finish(status=RunStatus.FAILED, failure=unreadable(error))
    _finish(db, lease, end, NO_NOTES, now)


def _renew(db: sqlite3.Connection, lease: Lease, now: str, until: str) -> Hold:
    row = db.execute(sql.RENEW, (until, now, lease.run_id, lease.generation, now)).fetchone()
    if row is None:
        return Hold.LOST
    return Hold.HELD if row[0] == RunStatus.LEASED else Hold.CANCELLED


def _hold(db: sqlite3.Connection, lease: Lease) -> Hold:
    """Say why a fenced write changed nothing."""
    row = db.execute(sql.HOLDER, (lease.run_id,)).fetchone()
    if row is None or row[1] != lease.generation:
        return Hold.LOST
    return Hold.CANCELLED if row[0] == RunStatus.CANCELLED else Hold.LOST


def _is_done(db: sqlite3.Connection, lease: Lease, *results: RunStatus) -> bool:
    """Tell whether the same write was made before: its answer was lost, and it is repeated."""
    row = db.execute(sql.HOLDER, (lease.run_id,)).fetchone()
    return row is not None and row[0] in results and row[1:] == (lease.generation, None)


def _note(db: sqlite3.Connection, notes: Notes) -> None:
    if notes.logs:
        db.executemany(sql.INSERT_LOG, [from_log(log) for log in notes.logs])


def _save_step(
    db: sqlite3.Connection,
    lease: Lease,
    step: StepRecord,
    *,
    attempt: StepAttempt | None,
    notes: Notes,
    now: str,
) -> Hold:
    progress = progress_json(notes.progress)
    inserted = db.execute(sql.INSERT_STEP, from_step(step)).rowcount
    completed = inserted if step.status is StepStatus.COMPLETED else 0
    values = (step.index + 1, completed, completed, progress, now, lease.run_id, lease.generation)
    if db.execute(sql.ADVANCE, values).rowcount:
        if attempt is not None:
            db.execute(sql.UPSERT_ATTEMPT, from_attempt(attempt))
        if step.output_json is not None:
            refer(db, step.run_id, step.output_json)
        _note(db, notes)
        return Hold.HELD
    hold = _hold(db, lease)
    if hold is Hold.CANCELLED and step.status is StepStatus.CANCELLED:
        db.execute(sql.LAST_PROGRESS, (progress, lease.run_id))
        _note(db, notes)
    elif inserted:
        db.execute("DELETE FROM durably_steps WHERE id = ?", (step.id,))
    return hold


def _save_attempt(
    db: sqlite3.Connection, lease: Lease, attempt: StepAttempt, notes: Notes, now: str
) -> Hold:
    hold = _save_notes(db, lease, notes, now)
    if hold is not Hold.LOST:
        db.execute(sql.UPSERT_ATTEMPT, from_attempt(attempt))
    return hold


def _save_wait(
    db: sqlite3.Connection,
    lease: Lease,
    wait: Wait,
    *,
    child: NewRun | None,
    notes: Notes,
    now: str,
) -> Waited:
    hold = _save_notes(db, lease, notes, now)
    if hold is not Hold.HELD:
        return Waited(hold=hold)
    made, triggered = open_wait(db, wait, child, now)
    return Waited(hold=hold, wait=made, child=triggered)


def _end_wait(db: sqlite3.Connection, lease: Lease, wait_id: str, notes: Notes, now: str) -> Waited:
    hold = _save_notes(db, lease, notes, now)
    return Waited(hold=hold, wait=end_wait(db, wait_id, now) if hold is Hold.HELD else None)


def _save_notes(db: sqlite3.Connection, lease: Lease, notes: Notes, now: str) -> Hold:
    values = (progress_json(notes.progress), now, lease.run_id, lease.generation)
    if db.execute(sql.TOUCH, values).rowcount:
        _note(db, notes)
        return Hold.HELD
    return _hold(db, lease)


def _finish(db: sqlite3.Connection, lease: Lease, end: Finish, notes: Notes, now: str) -> Hold:
    failure = end.failure
    values = (
        end.status,
        end.output_json,
        failure and failure.message,
        failure and failure.type_name,
        failure and failure.trace,
        progress_json(notes.progress),
        now,
        now,
        lease.run_id,
        lease.generation,
    )
    if db.execute(sql.FINISH, values).rowcount:
        if end.output_json is not None:
            refer(db, lease.run_id, end.output_json)
        _note(db, notes)
        child_ended(db, lease.run_id, end, now)
        if not end.keep_steps:
            db.execute("DELETE FROM durably_steps WHERE run_id = ?", (lease.run_id,))
            db.execute("DELETE FROM durably_py_attempts WHERE run_id = ?", (lease.run_id,))
        return Hold.HELD
    return Hold.HELD if _is_done(db, lease, end.status) else _hold(db, lease)


def _release(
    db: sqlite3.Connection,
    lease: Lease,
    notes: Notes,
    *,
    now: str,
    available_at: str | None,
    waits: Sequence[str],
) -> Hold:
    progress = progress_json(notes.progress)
    freed = db.execute(sql.LET_GO, (progress, now, lease.run_id, lease.generation)).rowcount
    if freed:
        _note(db, notes)
        return Hold.CANCELLED
    values = {
        "now": now,
        "id": lease.run_id,
        "generation": lease.generation,
        "available_at": available_at,
        "waits": bool(waits),
        "progress": progress,
    }
    if not db.execute(sql.RELEASE, values).rowcount:
        done = _is_done(db, lease, RunStatus.PENDING, RunStatus.LEASED, RunStatus.WAITING)
        return Hold.HELD if done else _hold(db, lease)
    _note(db, notes)
    if suspended(db, waits, now):  # what came before the run stood still for it is not missed
        db.execute(sql.GO_ON, (now, lease.run_id))
    return Hold.HELD


def _clock_was_set_back(db: sqlite3.Connection, values: dict[str, Any]) -> None:
    for statement in sql.SET_BACK:
        db.execute(statement, values)


def _abandon_leases(db: sqlite3.Connection, now: str, *, blame: bool) -> int:
    ended = db.execute(sql.EXPIRE_LEASES if blame else sql.TAKE_LEASES, (now,)).rowcount
    db.execute(sql.FREE_KEYS)
    return ended
