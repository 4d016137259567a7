"""Port 2: everything the engine keeps. One class per database, one contract suite for all.

A lost race is an answer, not an exception. What the database itself cannot do is a StorageError,
and then nothing was changed or the whole change was made: a caller may repeat any write as it was.
A value that no table can hold (a lone surrogate, a number past 64 bits) is a ValidationError.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

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
    from durably.waits import Message, Sent, Signal, Signalled, Wait, Waited


W = TypeVar("W", bound="Callable[..., object]")


def changes(method: W) -> W:
    """Mark a method of the port that changes runs: tests arm their faults at these."""
    method.changes = True  # type: ignore[attr-defined]
    return method


class Triggers(Protocol):
    """How runs come to be."""

    @changes
    async def enqueue(self, runs: Sequence[NewRun], *, now: datetime) -> list[Triggered]:
        """Make all *runs* or none, in one transaction.

        A run whose id is already there is the same call repeated (law 8). An idempotency key that
        is taken gives the run that took it, before any look at the concurrency key. At most one
        run per job and concurrency key is pending: a second is ConflictError, or that run when
        it may coalesce.
        """
        ...


class Reads(Protocol):
    """What is stored, for whoever looks."""

    async def get_run(self, run_id: str) -> Run | None:
        """Return the run, or None."""
        ...

    async def get_runs(self, chosen: RunFilter) -> list[Run]:
        """Return one page, newest first by (created_at, id).

        A run that cannot be read is shown as far as it can be. Inputs and outputs of more than
        MAX_LISTED_VALUE, and whatever is beyond MAX_LISTED in all, are left out: Run.omitted.
        """
        ...

    async def get_steps(self, run_id: str) -> list[StepRecord]:
        """Return the run's steps by index, then in the order they ended."""
        ...

    async def get_attempts(self, run_id: str) -> list[StepAttempt]:
        """Return the run's recorded attempts in the order they began."""
        ...

    async def get_logs(self, run_id: str) -> list[LogRecord]:
        """Return the run's log lines in the order they were written."""
        ...

    async def parked(self, *, jobs: Collection[str]) -> Mapping[str, int]:
        """Count the pending runs of each job that is not among *jobs*."""
        ...


class Leases(Protocol):
    """What a worker does with the runs that it holds."""

    @changes
    async def claim(
        self,
        *,
        worker: str,
        now: datetime,
        until: datetime,
        jobs: Collection[str],
        held: Collection[str],
    ) -> Claim | None:
        """Lease the oldest run of *jobs* that is due, with its steps and waits, or return None.

        Due is a pending or waiting run whose time has come, or a leased one whose lease ran out
        and whose id is not among *held*, the runs that this worker still executes (laws 5 and 6).
        Its generation rises by one. No run is claimed while another of its job and concurrency key
        is leased, or is cancelled and still occupied. One that cannot be read fails in its place.
        Deadlines of its waits that have passed are resolved as timeouts.
        """
        ...

    async def get_saved(self, run_id: str, name: str) -> str:
        """Return the output of a completed step, as JSON text, that the claim did not bring."""
        ...

    @changes
    async def renew(self, lease: Lease, *, now: datetime, until: datetime) -> Hold:
        """Extend a lease that has not run out; LOST means that this worker must stop.

        So does CANCELLED, but it still occupies the run and its key, also one resumed since.
        """
        ...

    @changes
    async def save_step(
        self,
        lease: Lease,
        step: StepRecord,
        *,
        attempt: StepAttempt | None,
        notes: Notes,
        now: datetime,
    ) -> Hold:
        """Save an ended step, its last attempt and the run's counters, if the lease holds (law 3).

        A cancelled step is also saved when the run was cancelled under this lease. Saving the
        same step again changes nothing and answers as the first time.
        """
        ...

    @changes
    async def save_attempt(
        self, lease: Lease, attempt: StepAttempt, *, notes: Notes, now: datetime
    ) -> Hold:
        """Record that an attempt began, or how it ended, if the lease holds."""
        ...

    @changes
    async def save_notes(self, lease: Lease, *, notes: Notes, now: datetime) -> Hold:
        """Store progress and log lines, if the lease holds."""
        ...

    @changes
    async def finish(self, lease: Lease, end: Finish, *, notes: Notes, now: datetime) -> Hold:
        """End the run, if the lease holds; its key and its slot are free then."""
        ...

    @changes
    async def release(
        self,
        lease: Lease,
        *,
        notes: Notes,
        now: datetime,
        available_at: datetime | None = None,
        waits: Sequence[str] = (),
    ) -> Hold:
        """Give the run back, to be claimed from *available_at* on (at once without).

        With *waits*, ids of its waits, it stands still for them: it is waiting, its key is free,
        and it is due at once when one of them is resolved, as one may be already.


        Else it becomes pending; where another run of its key is pending it stays leased by nobody.
        A run that was cancelled under this lease only frees its concurrency key (CANCELLED).
        """
        ...

    @changes
    async def abandon_leases(self, *, now: datetime, blame: bool = True) -> int:
        """End every lease, because their owners are known to be dead (law 4); return how many.

        Without *blame* the next claim of these runs does not count as a recovery (law 6).
        """
        ...

    @changes
    async def clock_was_set_back(self, *, now: datetime, by: timedelta | None) -> None:
        """Let no backoff and no lease that was written after *now* last longer than it was to.

        *by* is how far the clock was set back; None where that was not seen: they begin anew then.
        """
        ...

    async def next_due(
        self, *, now: datetime, jobs: Collection[str], held: Collection[str]
    ) -> datetime | None:
        """Return when, after *now*, the next backoff, wait or lease of *jobs* runs out, or None."""
        ...


class Waits(Protocol):
    """What runs wait for, and what is told to them."""

    @changes
    async def save_wait(
        self, lease: Lease, wait: Wait, *, child: NewRun | None, notes: Notes, now: datetime
    ) -> Waited:
        """Make a wait, unless the run has one of the name: then it is that one.

        In the same transaction *child* is enqueued, which is then waited for; a message that was
        sent to the wait's topic and key and that nobody has taken resolves it at once.
        """
        ...

    @changes
    async def end_wait(self, lease: Lease, wait_id: str, *, notes: Notes, now: datetime) -> Waited:
        """Let a wait's deadline pass while its run stays leased; one that is resolved stays so."""
        ...

    @changes
    async def signal(self, wait_id: str, given: Signal, *, now: datetime) -> Signalled:
        """Resolve a wait; the same signal again is a duplicate, whatever happened since.

        WaitNotFoundError; WaitExpiredError at its deadline and after; ConflictError for another
        signal, another payload, or a run that has ended.
        """
        ...

    @changes
    async def send(self, message: Message, *, now: datetime) -> Sent:
        """Resolve the oldest wait for a message, or keep it for the first that comes in time.

        The same message again is a duplicate as long as it is known; with other content
        ConflictError.
        """
        ...

    async def get_wait(self, wait_id: str) -> Wait | None:
        """Return a wait, or None."""
        ...

    async def get_waits(self, run_id: str) -> list[Wait]:
        """Return the run's waits in the order they were made."""
        ...


class Schedules(Protocol):
    """When the schedules of jobs are due."""

    async def get_schedules(self) -> list[ScheduleState]:
        """Return what is stored of every schedule, by name."""
        ...

    @changes
    async def keep_schedules(
        self, states: Sequence[ScheduleState], *, now: datetime
    ) -> list[ScheduleState]:
        """Store schedules that are new, or that say something else than before; return all.

        One that says what it said stays as it is: when it is due, and whether it is paused.
        """
        ...

    @changes
    async def move_schedule(
        self,
        state: ScheduleState,
        moved: ScheduleState,
        runs: Sequence[NewRun],
        *,
        now: datetime,
    ) -> list[Triggered] | None:
        """Move a schedule on from *state* to *moved* and make *runs*, in one transaction.

        None, and nothing is done, when it does not stand as *state* says any more, or is paused:
        so there is one run for a slot, whoever looks at it.
        """
        ...

    @changes
    async def pause_schedule(
        self, name: str, *, paused: bool, next_at: datetime | None, now: datetime
    ) -> bool:
        """Let a schedule rest, or go on with *next_at*; False when there is none of the name."""
        ...


class Moves(Protocol):
    """What users do to runs."""

    @changes
    async def cancel(self, run_id: str, *, now: datetime) -> list[Run]:
        """Cancel a run that has not ended, and those that it called and waits for.

        Returns them as they were before, itself first: alone if it had ended, none without one.
        """
        ...

    @changes
    async def resume(self, run_id: str, *, now: datetime) -> Run | None:
        """Make a failed or cancelled run pending again; return it as it was before, or None.

        Its saved steps stay, its attempts no longer count. ConflictError when a run of its key
        is pending.
        """
        ...

    @changes
    async def delete_run(self, run_id: str, *, now: datetime) -> Run | None:
        """Remove an ended run with all that belongs to it; return it as it was, or None.

        A run that has not ended, or whose code is still stopping, is returned and left alone.
        """
        ...

    @changes
    async def purge(
        self, *, older_than: datetime, limit: int, held: Collection[str]
    ) -> list[RemovedRun]:
        """Remove up to *limit* runs that ended before *older_than*; return what is told of them.

        A run whose code may still be stopping stays: it is among *held*, the runs that this worker
        executes, or its lease ran out no earlier than that.
        """
        ...


class BlobIndex(Protocol):
    """Which kept files runs refer to."""

    @changes
    async def release_blobs(self, remove: Callable[[str], bool]) -> None:
        """Call *remove* with the hash of each file that only runs that are gone refer to.

        A file is referred to by the JSON of inputs, steps and outputs: an object whose "sha256" is
        its hash. One for which *remove* returns False, or raises, is left to the next call.
        """
        ...

    async def blobs_in_use(self) -> frozenset[str]:
        """Return the hashes of all files that runs refer to."""
        ...


class Archive(Protocol):
    """The store as a whole, as one SQLite file, whatever database it is in."""

    async def copy_to(self, path: str) -> None:
        """Write one consistent copy of everything to the new SQLite file *path*."""
        ...

    @changes
    async def replace_with(self, path: Path) -> None:
        """Put the store in the checked SQLite file *path*, which is used up, in this one's place.

        In one transaction: whatever happens meanwhile, the old content is there or the new.
        """
        ...


class Wakes(Protocol):
    """What a store may add whose database tells of what other processes wrote."""

    @property
    def hears(self) -> bool:
        """Tell whether it is told now; else somebody has to look."""
        ...

    async def watch(self, wake: Callable[[], None]) -> None:
        """Call *wake* whenever a run may have come due, until cancelled or the store is closed."""
        ...


class Store(Triggers, Reads, Leases, Waits, Schedules, Moves, BlobIndex, Archive, Protocol):
    """Runs, steps, attempts, logs and labels, kept so that they outlive every process."""

    async def migrate(self) -> None:
        """Bring the tables to this version; SchemaTooNewError when they are from a later one."""
        ...

    async def close(self) -> None:
        """Release the database; every later call is StoppedError."""
        ...

    async def checkpoint(self) -> bool:
        """Do the housekeeping that is cheap while nothing runs; False when some is left to do."""
        ...
