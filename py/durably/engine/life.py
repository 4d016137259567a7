"""The life of an engine's worker: begun, drained, given back, and begun anew on another loop."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta
from typing import TYPE_CHECKING

from durably import signals
from durably.engine.scheduling import Scheduling
from durably.engine.worker import Worker
from durably.errors import ConflictError
from durably.threads import running_loop

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Collection

    from durably.engine.services import Services
    from durably.errors import RunSignal
    from durably.waits import Wait

#: How long a process that was told to end waits, in seconds, for code that was told to stop.
_GRACE = 1.0


class Life:
    """Holds the worker of one engine, if there is one now."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.scheduling = Scheduling(services)
        self._worker: Worker | None = None
        self._started = False
        #: Set when the process is told to end while serve() waits for that.
        self._serving: asyncio.Event | None = None
        self._drain_for = timedelta(seconds=5)

    # --- from begin to end ---

    async def start(self, worker_id: str | None, *, owner_left: bool) -> None:
        """Begin to claim runs, unless that was done."""
        services = self._services
        self._require_loop()
        if self._worker is not None and self._worker.is_stopping:
            await self.stop(None)  # it has runs to end: two workers of one engine would not know
        if self._started:
            return
        self._started = True
        try:
            if services.options.sole_owner:
                await services.store.abandon_leases(now=services.clock.now(), blame=not owner_left)
        except BaseException:
            self._started = False
            raise
        if self._started:  # else it was stopped meanwhile
            self._make_worker(worker_id).start()
            services.bus.home = asyncio.get_running_loop()
            signals.watch(self)

    async def stop(self, timeout: timedelta | None) -> None:
        """Claim nothing more and let runs end; after *timeout* give them back instead."""
        self._require_loop()
        worker = self._worker
        self._started = False
        if worker is not None:
            await worker.stop(timeout)
            if self._worker is worker:  # the first of several calls to come here
                self._worker = None
            self._services.faults.stopping.clear()
        signals.forget(self)

    async def serve(self, begin: Callable[[], Awaitable[None]], drain: timedelta) -> None:
        """Begin, wait until the process is told to end, and stop within *drain*."""
        self._drain_for = drain
        self._serving = asyncio.Event()
        try:
            await begin()
            await self._serving.wait()
        finally:
            try:
                await self.stop(drain)
            finally:
                self._serving = None

    async def drain(self) -> None:
        """Stop as a process does that is told to end; give back what does not end in its time."""
        if self._serving is not None:
            self._serving.set()
            await asyncio.sleep(self._drain_for.total_seconds() + _GRACE)
        else:
            stopping = asyncio.ensure_future(self.stop(self._drain_for))
            await asyncio.wait({stopping}, timeout=self._drain_for.total_seconds() + _GRACE)
        await self.abandon()

    async def abandon(self) -> None:
        """Give all runs back at once, whatever their code does."""
        if self._worker is not None:
            await self._worker.abandon()

    @contextlib.asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """Give all runs back, and begin again afterwards if it was begun before."""
        worker = self._worker if self._started else None
        await self.stop(timedelta(0))
        try:
            yield
        finally:
            if worker is not None:
                await self.start(worker.worker_id, owner_left=False)

    async def process_one(self) -> bool:
        """Claim and execute one run here and now; return whether there was one."""
        self._require_loop()
        return await self._make_worker(None).process_one()

    def _make_worker(self, worker_id: str | None) -> Worker:
        if self._worker is None:
            chosen = worker_id or f"worker-{self._services.new_id()}"
            self._worker = Worker(self._services, self.scheduling, worker_id=chosen)
        return self._worker

    def _require_loop(self) -> None:
        """Begin anew on another event loop than before; ConflictError while the other one runs."""
        worker = self._worker
        if worker is None or worker.loop is running_loop():
            return
        if worker.loop.is_running():
            msg = "the engine is at work on another event loop, which must stop it first"
            raise ConflictError(msg)
        self._worker = None
        self._started = False
        self._services.faults.stopping = asyncio.Event()

    # --- what others ask of the worker that is there ---

    @property
    def is_started(self) -> bool:
        """Tell whether it was started and not stopped since."""
        return self._started

    @property
    def worker_id(self) -> str:
        """Return the worker's name, or nothing."""
        return "" if self._worker is None else self._worker.worker_id

    @property
    def held(self) -> Collection[str]:
        """Return the ids of the runs that execute here."""
        return () if self._worker is None else self._worker.active.keys()

    @property
    def steps_in_flight(self) -> int:
        """Return how many steps' code runs at this moment."""
        return 0 if self._worker is None else self._worker.steps_in_flight

    def wake(self) -> None:
        """Look for runs now."""
        if self._worker is not None:
            self._worker.wake()

    def interrupt(self, run_id: str, signal: RunSignal) -> None:
        """Stop the code of a run that executes here."""
        if self._worker is not None:
            self._worker.interrupt(run_id, signal)

    def told(self, wait: Wait) -> None:
        """Tell the code of a run that executes here what resolved its wait."""
        execution = self._worker and self._worker.active.get(wait.run_id)
        if execution:
            execution.told(wait)

    async def save_notes(self, run_id: str | None) -> None:
        """Write what a run has told and not stored yet; with None what any run here has."""
        if self._worker is not None:
            for one in tuple(self.held) if run_id is None else (run_id,):
                await self._worker.save_notes(one)
