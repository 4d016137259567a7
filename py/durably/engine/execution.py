"""One leased run while its code runs: what was saved, what is in flight, what stops it."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from durably.engine.current import current_step
from durably.engine.interrupts import gate
from durably.errors import Cancelled, DuplicateStepError, LeaseLost, RunSignal, Suspended
from durably.events import LogWritten, RunProgressed, StepCompleted
from durably.runs import NEVER, NO_NOTES, Hold, LogRecord, Notes
from durably.threads import until_done

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime

    from durably.bus import Own, RunEventClass
    from durably.engine.services import Services
    from durably.jobs import JobDefinition
    from durably.runs import Claim, LogLevel, Progress, StepAttempt
    from durably.waits import Wait

T = TypeVar("T")

#: How long the code may keep the event loop before others get a turn: one frame of a screen.
_BREATH = timedelta(milliseconds=16)
_STEPS_PER_BREATH = 64
#: No timer of a browser takes more than 24 days.
_LONGEST_SLEEP = timedelta(days=1)


class Execution:
    """One claimed run in this process. All of it happens on the event loop's thread."""

    def __init__(self, claim: Claim, job: JobDefinition[Any, Any], services: Services) -> None:
        self.run = claim.run
        self.lease = claim.lease
        #: The results of steps: those that were saved before, and those of steps within steps.
        self.saved = dict(claim.saved)
        self.job = job
        self.services = services
        self.loop = asyncio.get_running_loop()
        #: False where the code runs inline on the loop's thread: there is nothing to wait on.
        self.may_wait = True
        #: What stops the code; once set, it counts whatever the code makes of it.
        self.signal: RunSignal | None = None
        #: Its code was stopped in the middle, or will be: the run ends as cancelled.
        self.interrupted = False
        #: The job's code has ended: what it left behind begins no step any more.
        self.ended = False
        #: Nobody waits for its end any more, so what the database refuses then is not repeated.
        self.given_up = False
        self.available_at: datetime | None = None
        #: Gives the run's slot to others for a while; the worker says how.
        self.without_slot: Callable[[], AbstractAsyncContextManager[None]] = contextlib.nullcontext
        #: Called when there are notes that no write has taken yet; the worker says what.
        self.notes_waiting: Callable[[], None] = lambda: None
        self.failed_step: str | None = None
        self.code: asyncio.Task[Any] | None = None
        self._names: set[str] = set()
        #: Tasks of parallel work, and how often each had been cancelled when it last began some.
        self._tasks: dict[asyncio.Task[Any], int] = {}
        self._next_index = 0
        #: How many steps are at work now: from their begin to what is saved of their end.
        self.in_flight = 0
        self._moved = asyncio.Event()
        #: When each step that failed is to be tried again.
        self._waits: list[datetime] = []
        #: What its code has waited for, or waits for, by name.
        self.waits = dict(claim.waits)
        self._stands_for: list[str] = []
        #: The waits for which it gave its slot back, by id.
        self.stood_for: tuple[str, ...] = ()
        self._attempts: dict[str, list[StepAttempt]] | None = None
        self._recalling = asyncio.Lock()
        self._progress: Progress | None = None
        self._progress_waits = False
        self._logs: list[LogRecord] = []
        self._breathed = services.clock.now()
        self._since_breath = 0

    # --- signals: what ends the code before its own end ---

    def stop(self, signal: RunSignal) -> None:
        """Stop the code, once: async code is cancelled, sync code is told when it asks."""
        if self.signal is not None:
            return  # it was told already, and may be cleaning up
        self.signal = signal
        if self.code is not None:
            self.code.cancel()

    def lost(self, hold: Hold) -> None:
        """Stop the code: its lease no longer stands."""
        self.stop(_signal_for(hold))

    def give_up(self) -> None:
        """Stop the code for somebody who cannot wait, not even for the database."""
        self.may_wait = False
        self.given_up = True
        self.stop(Suspended("drain"))

    async def unwound_by(self, signal: RunSignal) -> RunSignal:
        """Stop the code of which a step learned that it must end; return what that step raises."""
        if self.signal is None:
            self.signal = signal
            if self.code is not None and asyncio.current_task() is not self.code:
                self.code.cancel()
                # Where the code awaits this step, the cancel reaches it here: it is told once.
                await asyncio.sleep(0)
        return type(self.signal)(*self.signal.args)

    def check(self) -> None:
        """Raise what stops the run, if anything does."""
        if self.signal is not None:
            raise type(self.signal)(*self.signal.args)
        self.check_interrupt()
        if self.ended:
            msg = "the code of the run has ended; what it left behind may do no more steps"
            raise Cancelled(msg)

    @property
    def is_stopped(self) -> bool:
        """Tell whether the code was told to stop."""
        return self.signal is not None or self.interrupted

    def check_interrupt(self) -> None:
        """Raise Cancelled if an interrupt came while the engine could not be stopped."""
        if self.interrupted:
            raise Cancelled

    @gate
    def call(self, function: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
        """Call *function* on the loop's thread, where sync code may hang."""
        interrupts = self.services.interrupts
        if interrupts is None:
            return function(*args, **kwargs)
        return interrupts.call(self, function, *args, **kwargs)

    async def in_thread(self, work: Callable[[], T]) -> T:
        """Do *work* on a thread for sync code, in the caller's context; it is waited for anyway."""
        inside = functools.partial(contextvars.copy_context().run, work)
        return await until_done(self.loop.run_in_executor(self.services.threads, inside))

    # --- steps ---

    def open_step(self, name: str) -> int:
        """Take the next index for a step called *name*; raise what stops the run."""
        self.check()
        if name in self._names:
            raise DuplicateStepError(name)
        self._names.add(name)
        self.adopt_task()
        index = self._next_index
        self._next_index += 1
        return index

    def names_are_free(self, names: list[str]) -> None:
        """Let a step that is tried again use the names that its failed attempt used."""
        self._names.difference_update(names)
        names.clear()

    def adopt_task(self) -> None:
        """Remember a task that a job made for parallel work: it must not outlive the job."""
        try:
            task = asyncio.current_task()
        except RuntimeError:  # a sync job's own thread
            return
        if task is not None and task is not self.code:
            if task not in self._tasks:
                task.add_done_callback(self._tasks.pop)
            self._tasks[task] = task.cancelling()

    def entered(self) -> None:
        """Note that a step is at work."""
        self.in_flight += 1

    def left(self) -> None:
        """Note that a step ended, or waits for its next attempt."""
        self.in_flight -= 1
        self._moved.set()

    def cancel_stragglers(self) -> set[asyncio.Task[Any]]:
        """Cancel the tasks of parallel work that still run; return them."""
        tasks = {task for task in self._tasks if not task.done()}
        for task in tasks:
            if task.cancelling() <= self._tasks[task]:  # else it was told, and may be cleaning up
                task.cancel()
        return tasks

    async def attempts_of(self, name: str) -> list[StepAttempt]:
        """Return the attempts recorded for a step by earlier executions; one read per execution."""
        if self.lease.generation == 1:
            return []
        async with self._recalling:  # parallel steps ask at the same time
            if self._attempts is None:
                known: dict[str, list[StepAttempt]] = {}
                store, run_id = self.services.store, self.run.id
                for one in await self.persist(
                    lambda: store.get_attempts(run_id), context="get-attempts"
                ):
                    known.setdefault(one.step_name, []).append(one)
                self._attempts = known
        return self._attempts.get(name, [])

    async def wait_until(self, due: datetime, *, in_place: timedelta) -> None:
        """Wait for *due*: here when it is near or others work, else give the slot back."""
        pause = due - self.services.clock.now()
        await self._pause(due, pause, in_place, is_over=lambda: False)

    async def stand_still(self, wait: Wait, *, in_place: timedelta) -> None:
        """Wait for what resolves *wait*, or a time; without others at work the run is waiting."""
        due, pause = wait.deadline_at, None
        if due is not None:
            pause = min(due - self.services.clock.now(), _LONGEST_SLEEP)
        self._stands_for.append(wait.id)
        try:
            await self._pause(
                due or NEVER, pause, in_place, is_over=lambda: self.waits[wait.name].is_resolved
            )
        finally:
            self._stands_for.remove(wait.id)

    def told(self, wait: Wait) -> None:
        """Take in what resolved a wait while the code is at work beside it."""
        if wait.name in self.waits:
            self.waits[wait.name] = wait
            self._moved.set()

    async def _pause(
        self,
        due: datetime,
        pause: timedelta | None,
        in_place: timedelta,
        *,
        is_over: Callable[[], bool],
    ) -> None:
        if pause is not None and pause <= timedelta(0):
            return
        self._waits.append(due)
        try:
            if self.may_wait and pause is not None and pause <= in_place:
                await self.services.clock.sleep(pause)
                self.check()
            else:
                await self._wait_beside_others(pause, is_over)
        finally:
            self._waits.remove(due)

    async def _wait_beside_others(
        self, pause: timedelta | None, is_over: Callable[[], bool]
    ) -> None:
        if self.may_wait:
            await asyncio.sleep(0)  # parallel steps whose tasks have not had their first turn yet
        sleeper = None
        if self.in_flight and pause is not None:
            sleeper = asyncio.ensure_future(self.services.clock.sleep(pause))
        try:
            while self.in_flight and not is_over():
                self._moved.clear()
                moved = asyncio.ensure_future(self._moved.wait())
                awaited = {moved} if sleeper is None else {moved, sleeper}
                await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
                moved.cancel()
                self.check()
                if sleeper is not None and sleeper.done():
                    return
            self.check()
            if is_over():
                return
            self.available_at = min(self._waits)
            self.stood_for = tuple(self._stands_for)
            raise await self.unwound_by(Suspended("waiting" if self.stood_for else "backoff"))
        finally:
            if sleeper is not None:
                sleeper.cancel()

    async def breathe(self, now: datetime) -> None:
        """Let messages, cancels and other runs through, often enough and not at every step."""
        self._since_breath += 1
        if self._since_breath >= _STEPS_PER_BREATH or now - self._breathed > _BREATH:
            self._since_breath = 0
            await asyncio.sleep(0)
            self._breathed = self.services.clock.now()

    # --- writes ---

    async def write(self, write: Callable[[], Awaitable[Hold]], *, context: str) -> None:
        """Do a fenced write until the database takes it; raise the signal of a lost lease."""
        await self.check_hold(await self.persist(write, context=context))

    async def check_hold(self, hold: Hold) -> None:
        """Raise the signal of a lease that a write found to be lost or cancelled."""
        if hold is not Hold.HELD:
            raise await self.unwound_by(_signal_for(hold))

    async def persist(self, work: Callable[[], Awaitable[T]], *, context: str) -> T:
        """Do *work* until the disk takes it; raise the signal of an engine that cannot wait."""
        try:
            return await self.services.faults.until_taken(
                work, context=context, run_id=self.run.id, may_wait=self.may_wait
            )
        except Suspended as signal:
            raise await self.unwound_by(signal) from signal

    # --- notes: progress and logs, which travel with the next write (law 12) ---

    def progress(self, progress: Progress) -> None:
        """Take the run's newest progress and tell listeners."""
        self._progress = progress
        self._progress_waits = True
        self.notes_waiting()
        self.publish(RunProgressed, progress=progress)

    def log(self, level: LogLevel, message: str, data: Any) -> None:
        """Take a log line and tell listeners."""
        services, step = self.services, current_step.get()
        now = services.clock.now()
        record = LogRecord(
            id=services.ids.new(now),
            run_id=self.run.id,
            step_name=step.name if step else None,
            level=level,
            message=message,
            data=data,
            created_at=now,
        )
        if services.keep_logs:
            self._logs.append(record)
            self.notes_waiting()
        self.publish(
            LogWritten,
            id=record.id,
            step_name=record.step_name,
            level=level,
            message=message,
            data=data,
        )

    def take_notes(self) -> Notes:
        """Return what waits to be written; the next write carries it."""
        if not self._progress_waits and not self._logs:
            return NO_NOTES
        progress = self._progress if self._progress_waits else None
        notes = Notes(progress=progress, logs=tuple(self._logs))
        self._progress_waits = False
        self._logs.clear()
        return notes

    async def save_notes(self) -> bool:
        """Write what waits if the database takes it now, as the next step may be far away.

        Returns False when it is to be tried again. What the run no longer takes, as it was
        cancelled, goes with the write that ends its code.
        """
        notes = self.take_notes()
        if not notes:
            return True
        services, hold = self.services, None
        try:
            hold = await services.faults.until_taken(
                lambda: services.store.save_notes(
                    self.lease, notes=notes, now=services.clock.now()
                ),
                context="save-notes",
                run_id=self.run.id,
                tries=1,
            )
        except Suspended:  # the database failed, and that is told already
            return False
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not end who asked
            services.faults.report(error, context="save-notes", run_id=self.run.id)
            return False
        finally:
            if hold is not Hold.HELD:
                self._put_back(notes)
        if hold is not Hold.HELD:
            self.lost(hold)
        return True

    def _put_back(self, notes: Notes) -> None:
        if notes.progress is not None and notes.progress is self._progress:
            self._progress_waits = True  # else a newer one may be stored already
        self._logs[:0] = notes.logs

    # --- events ---

    def publish(self, event: RunEventClass[Own], *args: Own.args, **fields: Own.kwargs) -> None:
        """Publish an event of this run."""
        self.services.bus.tell(self.run, event, *args, **fields)

    def listens(self) -> bool:
        """Tell whether anyone wants the output of this run's completed steps."""
        return self.services.bus.listens(StepCompleted, self.run.id)


def _signal_for(hold: Hold) -> RunSignal:
    """Return what ends code whose lease no longer stands."""
    return Cancelled() if hold is Hold.CANCELLED else LeaseLost()
