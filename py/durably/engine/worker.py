"""The worker: claims runs while there are slots, executes them, and waits to be woken."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from durably.clock import wait_for_event
from durably.engine.ending import conclude, release
from durably.engine.execution import Execution
from durably.engine.failures import describe
from durably.engine.faults import pause_after
from durably.engine.keepers import Keepers
from durably.engine.kernel import execute
from durably.engine.upkeep import Upkeep
from durably.errors import RecoveryLimitError, Suspended
from durably.events import RunLeased
from durably.runs import NO_NOTES, Finish, RunStatus
from durably.threads import ended, running_loop

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from durably.engine.kernel import Outcome
    from durably.engine.scheduling import Scheduling
    from durably.engine.services import Services
    from durably.errors import RunSignal
    from durably.runs import Claim, Run


#: A wait for a time is not longer than this: by then the clock may have been set.
_LOOK_AGAIN = timedelta(minutes=1)
#: A clock that is set back by more than this has jumped.
_JUMP = timedelta(seconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: A run whose worker died so often with it is executed alone from then on.
_SUSPECT_AFTER = 2
#: How long such a run is given back when it waits for another one.
_ASIDE = timedelta(seconds=5)
_AT_LEAST = timedelta(milliseconds=1)


class Worker:
    """Claims and executes runs in slots; one per engine."""

    def __init__(self, services: Services, scheduling: Scheduling, *, worker_id: str) -> None:
        self.worker_id = worker_id
        self.loop = asyncio.get_running_loop()
        self.active: dict[str, Execution] = {}
        self.keepers = Keepers(self.active, services)
        self._services = services
        self._jobs = services.jobs
        self._options = services.options
        self._upkeep = Upkeep(services)
        self.scheduling = scheduling
        self._woken = asyncio.Event()
        self._stopping = False
        #: Looks for work; there is none where runs are only processed by hand.
        self._looking: asyncio.Task[None] | None = None
        #: Is told by the database, where that can tell (Wakes).
        self._hearing: asyncio.Task[None] | None = None
        self._runs: set[asyncio.Task[Any]] = set()
        self._failed_looks = 0
        #: How far the clock is ahead of monotonic time; None before the first look.
        self._offset: timedelta | None = None
        #: A run waits until nothing else is executed here.
        self._alone_next = False
        #: Executions whose code waits for other runs, by how many it waits for.
        self._waiting: Counter[Execution] = Counter()

    # --- life ---

    def start(self) -> None:
        """Begin to claim runs."""
        self.keepers.start()
        self._looking = asyncio.ensure_future(self._loop())
        watch = getattr(self._services.store, "watch", None)
        if watch is not None and not self._options.sole_owner:
            self._hearing = asyncio.ensure_future(watch(self.wake))

    @property
    def is_stopping(self) -> bool:
        """Tell whether it was told to stop; it claims nothing more then."""
        return self._stopping

    async def stop(self, timeout: timedelta | None) -> None:
        """Claim nothing more, let running jobs end for up to *timeout*, then give the rest back.

        Another call meanwhile may shorten the time.
        """
        self._stopping = True
        self._woken.set()
        if self._hearing is not None:
            self._hearing.cancel()
            await ended(self._hearing)
        if self._looking is not None:  # what it is about to claim is a running job too
            await ended(self._looking)
        for execution in tuple(self._waiting):  # what they wait for may never be claimed here
            execution.stop(Suspended("drain"))
        if self._runs:
            await self._settle(timeout)
        self._services.faults.stopping.set()
        await self.keepers.stop()

    async def _settle(self, timeout: timedelta | None) -> None:
        all_ended = asyncio.ensure_future(asyncio.wait(set(self._runs)))
        if timeout is None:
            await all_ended
            return
        sleeper = asyncio.ensure_future(self._services.clock.sleep(timeout))
        await asyncio.wait({all_ended, sleeper}, return_when=asyncio.FIRST_COMPLETED)
        sleeper.cancel()
        if not all_ended.done():
            self._services.faults.stopping.set()
            for execution in tuple(self.active.values()):
                execution.stop(Suspended("drain"))
            await all_ended

    async def abandon(self) -> None:
        """Give back what executes here, though its code has not stopped: the process ends now."""
        self._stopping = True
        for execution in tuple(self.active.values()):
            execution.give_up()
            with contextlib.suppress(Exception):  # then its lease runs out
                await release(execution, None, execution.take_notes())

    def wake(self) -> None:
        """Look for work now: a run was triggered, resumed or let go; from any thread."""
        if running_loop() is self.loop:
            self._woken.set()
        elif not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self._woken.set)

    def interrupt(self, run_id: str, signal: RunSignal) -> None:
        """Stop the code of a run that executes here."""
        execution = self.active.get(run_id)
        if execution is not None:
            execution.stop(signal)
        self.wake()

    @property
    def steps_in_flight(self) -> int:
        """Return how many steps are at work, those aside that wait for other runs."""
        return sum(one.in_flight for one in self.active.values() if one not in self._waiting)

    @contextlib.asynccontextmanager
    async def _without_slot(self, execution: Execution) -> AsyncIterator[None]:
        """Give the slot of a run to others while its code waits for another run.

        Else a job that waits for a child could be what keeps the child from running.
        """
        if execution.ended:  # a task that the job left behind: there is no slot to give
            yield
            return
        if self._is_suspect(execution.run) and not self._stopping:
            # What it waits for must not be executed beside it, so it is given back meanwhile.
            execution.available_at = self._services.clock.now() + _ASIDE
            execution.stop(Suspended("alone"))
        execution.adopt_task()
        over = asyncio.Event()
        self._waiting[execution] += 1
        self._woken.set()
        if self._stopping:
            execution.stop(Suspended("drain"))
        helper = None
        if self._looking is None:  # in a context of its own: it is not part of the step that waits
            helper = asyncio.create_task(self._process_until(over), context=contextvars.Context())
        try:
            yield
        except asyncio.CancelledError:
            if helper is not None:
                helper.cancel()
            raise
        finally:
            over.set()
            self._waiting[execution] -= 1
            self._waiting += Counter()  # forgets what is at zero
            if helper is not None:
                await helper

    async def _process_until(self, over: asyncio.Event) -> None:
        while not over.is_set():
            try:
                found = await self.process_one()
            except Exception as error:  # noqa: BLE001 - as in the loop of a started worker
                self._services.faults.report(error, context="claim")
                found = False
            if not found:
                await wait_for_event(self._services.clock, over, self._options.polling_interval)

    async def save_notes(self, run_id: str) -> None:
        """Try to write what a run that executes here has not written yet, for a reader to see."""
        execution = self.active.get(run_id)
        if execution is not None:
            await execution.save_notes()

    # --- one run ---

    async def process_one(self) -> bool:
        """Claim and execute one run here and now; return whether there was one.

        A caller that is cancelled gives it back first, as stop() does with what has not ended.
        """
        given_up, begun = asyncio.Event(), list[Execution]()

        async def process() -> bool:
            claim = await self._claim(self._services.clock.now())
            if claim is None:
                return False
            execution = self._begin(claim)
            begun.append(execution)
            if given_up.is_set():
                execution.give_up()
            await self._run(execution)
            return True

        if self._stopping:
            return False
        work = asyncio.ensure_future(process())
        self._runs.add(work)
        work.add_done_callback(self._runs.discard)
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            given_up.set()
            for execution in begun:
                execution.give_up()
            await ended(work)
            raise

    # --- runs that may be what ends their workers (law 6) ---

    def _is_suspect(self, run: Run) -> bool:
        """Tell whether a run is executed alone: then only it can be what ends the worker.

        Until then it may as well have been one that was executed beside it.
        """
        return run.recoveries >= min(_SUSPECT_AFTER, self._options.max_recoveries)

    def _must_wait_alone(self) -> bool:
        """Tell whether to claim nothing now: a run is executed alone, or is to be."""
        if self._alone_next and self.active:
            return True
        self._alone_next = False
        return any(self._is_suspect(one.run) for one in self.active.values())

    async def _postpone(self, claim: Claim) -> None:
        """Give a suspect back until nothing else is executed here; what only waits makes room."""
        self._alone_next = True
        services = self._services
        await services.faults.until_taken(
            lambda: services.store.release(claim.lease, notes=NO_NOTES, now=services.clock.now()),
            context="release",
            run_id=claim.run.id,
        )
        for execution in tuple(self._waiting):
            execution.stop(Suspended("alone"))

    async def _claim(self, now: datetime) -> Claim | None:
        services, options = self._services, self._options
        await self.scheduling.look(now)
        claim = await services.store.claim(
            worker=self.worker_id,
            now=now,
            until=now + options.lease,
            jobs=self._jobs.names,
            held=self.active.keys(),
        )
        if claim is not None:
            run = claim.run
            services.bus.tell(
                run,
                RunLeased,
                input=run.input,
                lease_owner=self.worker_id,
                lease_expires_at=now + options.lease,
            )
        return claim

    def _begin(self, claim: Claim) -> Execution:
        run = claim.run
        execution = Execution(claim, self._jobs.require(run.job_name), self._services)
        execution.without_slot = functools.partial(self._without_slot, execution)
        execution.notes_waiting = self.keepers.notes_waiting.set
        if self._services.faults.stopping.is_set():
            execution.stop(Suspended("drain"))
        self.active[run.id] = execution
        self.keepers.start()
        return execution

    async def _run(self, execution: Execution) -> None:
        run = execution.run
        try:
            with (
                self._services.blobs.in_reach()
            ):  # to the write of its end: a file that it kept is in that
                if run.recoveries > self._options.max_recoveries:
                    failure = describe(RecoveryLimitError(run.recoveries))
                    outcome: Outcome = Finish(status=RunStatus.FAILED, failure=failure)
                else:
                    outcome = await execute(execution, preserve_steps=self._options.preserve_steps)
                await conclude(execution, outcome)
        finally:
            del self.active[run.id]
            self._upkeep.was_busy()
            self._woken.set()
            if self._looking is None and not self.active:
                await self.keepers.stop()

    # --- the loop ---

    async def _loop(self) -> None:
        while not self._stopping:
            self._woken.clear()
            pause = await self._look_for_work()
            if pause is not None:  # the clock may be set meanwhile
                pause = min(pause, _LOOK_AGAIN)
            await wait_for_event(self._services.clock, self._woken, pause)

    async def _after_jumps(self, now: datetime) -> None:
        """Let no pause become longer because the clock was set back."""
        services = self._services
        offset = now - _EPOCH - services.clock.monotonic()
        by = None if self._offset is None else self._offset - offset
        if by is None or by > _JUMP:
            await services.store.clock_was_set_back(now=now, by=by)
        self._offset = offset

    async def _look_for_work(self) -> timedelta | None:
        """Fill the slots; return how long to wait then, or None for until woken."""
        try:
            pause = await self._fill_slots()
        except Exception as error:  # noqa: BLE001 - whatever it is, the next look may succeed
            self._failed_looks += 1
            self._services.faults.report(error, context="claim")
            return pause_after(self._failed_looks)
        if self._failed_looks:
            self._failed_looks = 0
            self._services.faults.clear()
        return pause

    async def _fill_slots(self) -> timedelta | None:
        most = self._options.max_concurrent_runs
        while len(self._runs) - len(self._waiting) < most and not self._stopping:
            if self._must_wait_alone():
                return None
            now = self._services.clock.now()  # one for both, or what comes due between is missed
            await self._after_jumps(now)
            claim = await self._claim(now)
            if claim is not None and self._is_suspect(claim.run) and self.active:
                await self._postpone(claim)
                return None
            if claim is not None:  # an engine that is never idle keeps up with retention too
                await self._upkeep.retain(now, self.active.keys())
            else:
                return await self._until_next(now)
            task = asyncio.ensure_future(self._run(self._begin(claim)))
            self._runs.add(task)
            task.add_done_callback(self._ended)
        return None  # every slot is taken: the end of a run wakes the loop

    async def _until_next(self, now: datetime) -> timedelta | None:
        """Do idle work; return how long nothing will be due, or None for until woken."""
        pause = await self._upkeep.when_idle(now, self._jobs.names, self.active.keys())
        slot = self.scheduling.next_due
        if slot is None:
            return pause
        until_slot = max(slot - now, _AT_LEAST)
        return until_slot if pause is None else min(pause, until_slot)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._runs.discard(task)
        self._woken.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            known = error if isinstance(error, Exception) else RuntimeError(repr(error))
            self._services.faults.report(known, context="run")
