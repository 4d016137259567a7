"""One use of ``step.run``: its attempts, what is saved of them, and what the job is given."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from durably.clock import as_duration
from durably.codec import from_json
from durably.engine.current import current_step
from durably.engine.failures import describe
from durably.engine.faults import LONGEST_PAUSE
from durably.errors import (
    Cancelled,
    CancelledInsideError,
    DurablyError,
    ReplayError,
    RunSignal,
    StepTimeoutError,
    StorageError,
    signal_in,
)
from durably.events import StepCancelled, StepCompleted, StepFailed, StepRetried, StepStarted
from durably.retry import NO_RETRY, Retry, causes_of
from durably.runs import AttemptStatus, Failure, StepAttempt, StepRecord, StepStatus
from durably.threads import ended, shielded

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from durably.codec import Codec
    from durably.engine.execution import Execution
    from durably.runs import Hold

#: The errors of this package that a step is tried again after.
_RETRIED = (StepTimeoutError, CancelledInsideError)

#: A saved result of more characters is read again should it be needed again.
_LARGE = 1 << 20

#: A pause up to this long is waited out with the slot kept; a longer one gives it back.
IN_PLACE = timedelta(seconds=3)


class StepCall:
    """A step between its call and its result. Its driver runs the function, async or not."""

    def __init__(
        self,
        execution: Execution,
        name: str,
        codec: Codec[Any],
        retry: Retry | None,
        timeout: timedelta | float | None,
    ) -> None:
        job = execution.job
        self.name = name
        self.index = execution.open_step(name)
        outer = current_step.get()
        #: The step whose code uses this one, and the names of those that this one's code uses.
        self._outer = outer if outer is not None and outer.belongs_to(execution) else None
        self._inner: list[str] = []
        if self._outer is not None:
            self._outer.uses(name)
        self.is_saved = name in execution.saved
        limit = job.timeout if timeout is None else timeout
        self.timeout = None if limit is None else as_duration(limit)
        #: Set while the code of an attempt overruns its time.
        self.timed_out = False
        self._execution = execution
        self._codec = codec
        self._retry = retry or job.retry or NO_RETRY
        self._recorded = self._retry.max_attempts > 1 or self.timeout is not None
        self._attempt: StepAttempt | None = None
        self._number = 0
        #: Its result is saved, whatever comes then.
        self._completed = False
        self._failed_attempts = 0
        self._started = execution.run.created_at
        #: When the last attempt ended, once that is to be saved.
        self.ended = self._started

    def belongs_to(self, execution: Execution) -> bool:
        """Tell whether it is a step of *execution*, and not of a run that this one began in."""
        return self._execution is execution

    def uses(self, name: str) -> None:
        """Note a step that its code uses: when it is tried again, it uses the name again."""
        self._inner.append(name)
        if self._outer is not None:
            self._outer.uses(name)

    def context(self) -> contextvars.Context:
        """Return a context for an attempt's code: what it binds there, only it sees."""
        context = contextvars.copy_context()
        context.run(current_step.set, self)
        return context

    async def replay(self) -> Any:
        """Return the saved result."""
        execution = self._execution
        text = execution.saved[self.name]
        if text is None:
            store, run_id = execution.services.store, execution.run.id
            text = await execution.persist(
                lambda: store.get_saved(run_id, self.name), context="get-saved"
            )
        elif len(text) > _LARGE:  # it is not kept twice: as text, and as what the job was given
            execution.saved[self.name] = None
        try:
            return self._codec.decode(text)
        except ValueError as error:  # pydantic's is one
            raise ReplayError(self.name, str(error)) from error

    async def begin(self) -> None:
        """Start an attempt: wait until it is due, and record it before its code runs."""
        self._execution.entered()
        try:
            if self._recorded and self._number == 0:
                await self._recall()
            await self._start()
        except BaseException:
            self._execution.left()
            raise

    def begin_unseen(self) -> bool:
        """Start an attempt from a sync job's own thread, if nobody is told of it.

        It spares a way to the event loop and back. False when it is to begin() there.
        """
        execution = self._execution
        services = execution.services
        if self._recorded or services.bus.listens(StepStarted, execution.run.id):
            return False
        execution.check()
        self._started = services.clock.now()
        self._number += 1
        execution.entered()
        return True

    async def _start(self) -> None:
        execution = self._execution
        execution.check()
        self._started = execution.services.clock.now()
        self.timed_out = False
        self._number += 1
        if self._recorded:
            self._attempt = StepAttempt(
                id=execution.services.ids.new(self._started),
                run_id=execution.run.id,
                step_name=self.name,
                number=self._number,
                status=AttemptStatus.RUNNING,
                error=None,
                started_at=self._started,
                completed_at=None,
                retry_at=None,
            )
            await self._save_attempt(self._attempt)
        execution.publish(StepStarted, step_name=self.name, step_index=self.index)

    def settle(self, value: object) -> tuple[str, Any]:
        """Return what is saved of a result, and the result as that reads back (law 2)."""
        return self._codec.settle(f"step {self.name!r}", value)

    async def succeed(self, text: str, result: Any) -> Any:
        """Save the result and return it (law 1)."""

        def tell() -> None:
            self._completed = True
            self._remember(text)
            self._tell_completed(text)

        await self._end(self._ending(StepStatus.COMPLETED, text, None), tell)
        self._execution.left()
        return result

    async def _end(self, save: Callable[[], Awaitable[Hold]], tell: Callable[[], None]) -> None:
        """Save how the step ended, then tell of it; who is cancelled meanwhile is so after that."""
        execution = self._execution
        try:
            await execution.write(save, context="save-step")
        except asyncio.CancelledError:
            # It may have been taken all the same: repeated, a write is answered as the first time.
            # By a task of its own, for who cancels may do so again and again.
            again = asyncio.ensure_future(execution.write(save, context="save-step"))
            with contextlib.suppress(asyncio.CancelledError):
                await ended(again)
            if not again.cancelled() and again.exception() is None:
                tell()
            raise
        tell()

    def _remember(self, text: str) -> None:
        """Keep the result of a step within a step for the outer one's next attempt."""
        if self._outer is not None:
            self._execution.saved[self.name] = text if len(text) <= _LARGE else None

    def _tell_completed(self, text: str) -> None:
        execution = self._execution
        if execution.listens():
            execution.publish(
                StepCompleted,
                step_name=self.name,
                step_index=self.index,
                output=from_json(text),
                duration=self.ended - self._started,
            )

    async def fail(self, error: BaseException) -> None:
        """Take in what the code raised; return to try again, else raise what the job gets."""
        try:
            due = await self._due_after(error)
        finally:  # only now: a step whose end is not written yet must not be left behind
            self._execution.left()
        await self._execution.wait_until(due, in_place=IN_PLACE)

    async def _due_after(self, error: BaseException) -> datetime:
        """Return when the next attempt is due, or raise what the job gets."""
        execution = self._execution
        if self._completed:
            raise error
        if isinstance(error, (RunSignal, asyncio.CancelledError)):
            await self._stopped(error)
            raise error
        if not isinstance(error, Exception):
            signal = signal_in(error)
            if signal is not None:
                await self._stopped(signal)
            raise error
        if execution.signal is not None or execution.interrupted:
            await self._stopped(execution.signal or Cancelled())
            execution.check()
        if isinstance(error, StorageError):  # no failure of the step (law 9)
            execution.services.faults.report(error, context="step", run_id=execution.run.id)
            return await self._retry_later(error, LONGEST_PAUSE, counted=False)
        self._failed_attempts += 1
        pause = None
        if not any(map(_is_final, causes_of(error))):
            pause = self._retry.pause_after(self._failed_attempts, error)
        if pause is None:
            await self._failed(error)
            raise error
        execution.names_are_free(self._inner)
        return await self._retry_later(error, pause)

    # --- what is saved ---

    async def _recall(self) -> None:
        """Go on counting where earlier executions of this run stopped."""
        known = await self._execution.attempts_of(self.name)
        if not known:
            return
        self._number = known[-1].number
        counted = (AttemptStatus.FAILED, AttemptStatus.TIMED_OUT)
        self._failed_attempts = sum(a.counted and a.status in counted for a in known)
        last = known[-1]
        ended = last.completed_at
        if ended is not None and ended > self._execution.services.clock.now():
            return  # the clock was set back: the run's own pause is over, or it would not be here
        if last.counted and last.retry_at is not None:
            self._execution.left()
            try:
                await self._execution.wait_until(last.retry_at, in_place=IN_PLACE)
            finally:
                self._execution.entered()

    async def _retry_later(
        self, error: Exception, pause: timedelta, *, counted: bool = True
    ) -> datetime:
        execution = self._execution
        due = execution.services.clock.now() + pause
        await self._end_attempt(_status_of(error), error, retry_at=due, counted=counted)
        execution.publish(
            StepRetried,
            step_name=self.name,
            step_index=self.index,
            attempt=self._number,
            error=describe(error).message,
            delay=pause,
        )
        return due

    async def _failed(self, error: Exception) -> None:
        await self._end_attempt(_status_of(error), error)
        failure = describe(error)

        def tell() -> None:
            self._execution.failed_step = self.name
            self._execution.publish(
                StepFailed, step_name=self.name, step_index=self.index, error=failure.message
            )

        await self._end(self._ending(StepStatus.FAILED, None, failure), tell)

    async def _stopped(self, cause: BaseException) -> None:
        """Leave a mark of a step that was cancelled, by its run or by a sibling."""
        execution = self._execution
        signal = execution.signal
        if signal is not None and not isinstance(signal, Cancelled):
            return  # a drain or a lost lease: the step runs again, here or elsewhere
        if signal is None and isinstance(cause, RunSignal) and not isinstance(cause, Cancelled):
            return
        # What these writes of a cancelled run are told. The step ends by its own error anyway.
        told = (Cancelled, asyncio.CancelledError)
        with shielded():
            with contextlib.suppress(*told):
                await self._end_attempt(AttemptStatus.CANCELLED, None)
            with contextlib.suppress(*told):
                save = self._ending(StepStatus.CANCELLED, None, None)
                await execution.write(save, context="save-step")
        execution.publish(StepCancelled, step_name=self.name, step_index=self.index)

    async def _end_attempt(
        self,
        status: AttemptStatus,
        error: Exception | None,
        *,
        retry_at: datetime | None = None,
        counted: bool = True,
    ) -> None:
        if self._attempt is None:
            return
        await self._save_attempt(
            replace(
                self._attempt,
                status=status,
                error=None if error is None else describe(error).message,
                completed_at=self._execution.services.clock.now(),
                retry_at=retry_at,
                counted=counted,
            )
        )

    async def _save_attempt(self, attempt: StepAttempt) -> None:
        execution = self._execution
        services = execution.services
        notes = execution.take_notes()
        await execution.write(
            lambda: services.store.save_attempt(
                execution.lease, attempt, notes=notes, now=services.clock.now()
            ),
            context="save-attempt",
        )

    def _ending(
        self, status: StepStatus, text: str | None, failure: Failure | None
    ) -> Callable[[], Awaitable[Hold]]:
        """Return the write that saves how the step ended, which is now."""
        execution = self._execution
        services = execution.services
        now = self.ended = services.clock.now()
        record = StepRecord(
            id=services.ids.new(now),
            run_id=execution.run.id,
            name=self.name,
            index=self.index,
            status=status,
            output_json=text,
            failure=failure,
            started_at=self._started,
            completed_at=now,
        )
        notes = execution.take_notes()
        attempt = self._attempt if status is StepStatus.COMPLETED else None
        if attempt is not None:
            attempt = replace(attempt, status=AttemptStatus.COMPLETED, completed_at=now)
        return lambda: services.store.save_step(
            execution.lease, record, attempt=attempt, notes=notes, now=now
        )


def _is_final(error: Exception) -> bool:
    """Tell whether no policy tries a step again after *error*."""
    return isinstance(error, DurablyError) and not isinstance(error, _RETRIED)


def _status_of(error: Exception) -> AttemptStatus:
    timed_out = isinstance(error, StepTimeoutError)
    return AttemptStatus.TIMED_OUT if timed_out else AttemptStatus.FAILED
