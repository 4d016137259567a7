"""What a program does with runs: trigger, look at, follow, cancel, resume and remove them."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Unpack

from durably import codec
from durably.arguments import (
    checked_call,
    checked_items,
    checked_kind,
    checked_texts,
    checked_whole,
    refuse,
)
from durably.bus import EventBus
from durably.clock import check_aware
from durably.engine.current import current_execution
from durably.engine.execution import Services
from durably.engine.faults import Faults
from durably.engine.upkeep import purge
from durably.errors import (
    Cancelled,
    ConflictError,
    RunNotFoundError,
    StorageError,
    ValidationError,
)
from durably.events import (
    EVENT_TYPES,
    RunCancelled,
    RunCoalesced,
    RunDeleted,
    RunResumed,
    RunTriggered,
)
from durably.following import Following, check_wait
from durably.ids import Ulids
from durably.jobs import JobDefinition, JobRegistry
from durably.runs import TERMINAL, Disposition, Run, RunFilter, RunStatus, Triggered
from durably.triggers import NOT_GIVEN, TriggerOptions, new_run, trigger_options

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Collection, Iterable
    from concurrent.futures import Executor
    from datetime import datetime, timedelta

    from durably.blobs import BlobFiles
    from durably.clock import Clock
    from durably.engine.worker import Worker
    from durably.events import Event
    from durably.following import RunsSnapshot, Snapshot
    from durably.options import Options
    from durably.runs import LogRecord, StepAttempt, StepRecord
    from durably.store.protocol import Store
    from durably.triggers import TriggerArguments

_PURGE_LIMIT = 500


class RunOperations:
    """What a program asks of an engine about runs; Durably adds its life and its jobs."""

    def __init__(
        self,
        store: Store,
        options: Options,
        clock: Clock,
        *,
        threads: Executor | None,
        blobs: BlobFiles,
    ) -> None:
        self.store = store
        self._blobs = blobs
        self._options = options
        self._clock = clock
        self._bus = EventBus(clock)
        self._registry = JobRegistry()
        self._services = Services(
            store=store,
            clock=clock,
            bus=self._bus,
            ids=Ulids(),
            faults=Faults(clock, self._bus),
            threads=threads,
            blobs=blobs,
        )
        self._following = Following(store, self._bus, clock, options, save_notes=self._save_notes)
        self._worker: Worker | None = None

    # --- events ---

    def on(self, event: str | type[Event], listener: Callable[[Any], Any]) -> Callable[[], None]:
        """Call *listener* (sync or async) for each *event*; return how to stop that."""
        checked_call("a listener", listener)
        if not isinstance(event, str) and event not in EVENT_TYPES.values():
            refuse("event", "a kind of event or its name", event)
        return self._bus.on(event, listener)

    def on_any(
        self, listener: Callable[[Event], Any], *, types: Collection[str] = ()
    ) -> Callable[[], None]:
        """Call *listener* for every event, or for those of *types*; return how to stop that."""
        checked_call("a listener", listener)
        return self._bus.on_any(listener, types=checked_texts("types", types))

    def on_error(self, handler: Callable[[Exception, Event], Any]) -> Callable[[], None]:
        """Call *handler* with what a listener raised; return how to stop that."""
        return self._bus.on_error(checked_call("an error handler", handler))

    def subscribe(
        self, run_id: str, *, types: Collection[str] = ()
    ) -> AsyncGenerator[Snapshot | Event, None]:
        """Iterate over a run: first its present state, then its events, until it ends.

        With *types* only these events come, and the one that ends the run; ValidationError for a
        name that no event has. RunNotFoundError when there is no such run. More than 10,000 events
        do not wait for one who reads slowly: they are dropped, and the present state comes again.
        Closing the iterator, or cancelling the task that reads it, ends the subscription.
        """
        _check_id(run_id)
        return self._following.follow(run_id, checked_texts("types", types))

    def subscribe_runs(
        self, chosen: RunFilter | None = None, *, types: Collection[str] = ()
    ) -> AsyncGenerator[RunsSnapshot | Event, None]:
        """Iterate over many runs: first what get_runs(*chosen*) returns, then events, for ever.

        They are the events of runs with the jobs and labels of *chosen*, whatever their status,
        and every worker:error; with *types* only these. Otherwise it is as subscribe().
        """
        return self._following.follow_runs(_checked(chosen), types)

    async def wait_for_run(
        self,
        run_id: str,
        *,
        timeout: timedelta | float | None = None,
        on_progress: Callable[[Any], Any] | None = None,
        on_log: Callable[[Any], Any] | None = None,
    ) -> Run:
        """Wait until a run completed and return it.

        RunFailedError or RunCancelledError when it ends so, WaitTimeoutError when *timeout*
        (timedelta or seconds) is over, RunNotFoundError when it does not exist. A job that waits
        for a run of its own engine gives its slot to others meanwhile.
        """
        _check_id(run_id)
        limit = check_wait(timeout, on_progress, on_log)
        execution = current_execution.get()
        inside = execution is not None and execution.services is self._services
        if inside and (run := await self.store.get_run(run_id)) is not None:
            inside = run.is_active  # there is nothing to wait for, and no slot to give
        async with execution.without_slot() if execution and inside else contextlib.nullcontext():
            return await self._following.wait(run_id, limit, on_progress=on_progress, on_log=on_log)

    @property
    def sequence(self) -> int:
        """Return the number of the last event published."""
        return self._bus.sequence

    # --- runs ---

    def new_id(self) -> str:
        """Return a fresh ULID, greater than every one before."""
        return self._services.ids.new(self._clock.now())

    async def trigger(
        self,
        job: str | JobDefinition[Any, Any],
        input: Any = NOT_GIVEN,
        *,
        from_json: bool = False,
        **options: Unpack[TriggerArguments],
    ) -> Triggered:
        """Make a run of a job.

        Without an *input* the default of the job's own parameter is taken, or None. *from_json*
        reads the input by the rules for JSON, where a date may be text.
        """
        name = job.name if isinstance(job, JobDefinition) else job
        if not isinstance(name, str):
            refuse("a job", "given by its name or its definition", job)
        call = (name, input, trigger_options(options))
        (made,) = await self.trigger_all([call], from_json=from_json)
        return made

    async def trigger_all(
        self,
        calls: Iterable[tuple[str, Any, TriggerOptions]],
        *,
        from_json: bool = False,
    ) -> list[Triggered]:
        """Make all runs in one transaction, or none; each call is (job name, input, options)."""
        runs = []
        checked = [_checked_call(call) for call in checked_items("calls", calls)]
        for index, (name, given, options) in enumerate(checked):
            try:
                runs.append(
                    new_run(
                        self._registry.require(name),
                        given,
                        options,
                        fresh_id=self.new_id(),
                        labels_model=self._options.labels,
                        from_json=from_json,
                    )
                )
            except ValidationError as error:
                if len(checked) == 1:
                    raise
                msg = f"run {index} of the batch: {error.summary}"
                raise ValidationError(msg, error.problems) from error
        if not runs:
            return []
        with self._blobs.required(run.input_json for run in runs):
            enqueued = await self.store.enqueue(runs, now=self._clock.now())
        for new, one in zip(runs, enqueued, strict=True):
            if one.is_new and one.disposition is Disposition.CREATED:
                self._bus.tell(one.run, RunTriggered, input=one.run.input)
            elif one.is_new:
                self._bus.tell(
                    one.run,
                    RunCoalesced,
                    skipped_input=codec.from_json(new.input_json),
                    skipped_labels=new.labels,
                )
        self._wake()
        return enqueued

    async def get_run(self, run_id: str) -> Run | None:
        """Return a run, or None."""
        _check_id(run_id)
        await self._save_notes(run_id)
        return await self.store.get_run(run_id)

    async def get_runs(self, chosen: RunFilter | None = None) -> list[Run]:
        """Return one page of runs, newest first."""
        return await self.store.get_runs(_checked(chosen))

    async def get_steps(self, run_id: str) -> list[StepRecord]:
        """Return a run's steps by index."""
        _check_id(run_id)
        return await self.store.get_steps(run_id)

    async def get_step_attempts(self, run_id: str) -> list[StepAttempt]:
        """Return the recorded attempts of a run's steps, in the order they began."""
        _check_id(run_id)
        return await self.store.get_attempts(run_id)

    async def get_logs(self, run_id: str) -> list[LogRecord]:
        """Return a run's stored log lines."""
        _check_id(run_id)
        await self._save_notes(run_id)
        return await self.store.get_logs(run_id)

    async def cancel(self, run_id: str) -> None:
        """Cancel a pending or leased run; its status changes now, its code is stopped.

        Its concurrency key stays taken until the code has stopped. ConflictError when it ended.
        """
        _check_id(run_id)
        run = _found(await self.store.cancel(run_id, now=self._clock.now()), run_id)
        if run.is_terminal:
            if run.status is RunStatus.CANCELLED:
                return
            msg = f"run {run_id!r} is {run.status} and cannot be cancelled"
            raise ConflictError(msg)
        self._bus.tell(run, RunCancelled)
        if self._worker is not None:
            self._worker.interrupt(run_id, Cancelled())

    async def retrigger(self, run_id: str, *, new_run_id: str | None = None) -> Triggered:
        """Make a fresh run with an ended run's input, labels and concurrency key.

        The input is checked by the job's schema of today. ConflictError while the run is active.
        """
        _check_id(run_id)
        run = _found(await self.store.get_run(run_id), run_id)
        if run.is_active:
            msg = f"run {run_id!r} is {run.status}; only an ended run can be triggered again"
            raise ConflictError(msg)
        # As stored: a key that today's schema has no field for any more is passed over.
        job = self._registry.require(run.job_name)
        what = f"the stored input of job {job.name!r}"
        return await self.trigger(
            run.job_name,
            job.input.parse_json(what, run.input),
            labels=run.labels,
            concurrency_key=run.concurrency_key,
            run_id=new_run_id,
        )

    async def resume(self, run_id: str) -> None:
        """Let a failed or cancelled run go on in place, with its saved steps."""
        _check_id(run_id)
        run = _found(await self.store.resume(run_id, now=self._clock.now()), run_id)
        if run.status not in TERMINAL - {RunStatus.COMPLETED}:
            msg = f"run {run_id!r} is {run.status}; only a failed or cancelled run can be resumed"
            raise ConflictError(msg)
        self._bus.tell(run, RunResumed)
        self._wake()

    async def delete_run(self, run_id: str) -> None:
        """Remove an ended run with its steps, logs and labels."""
        _check_id(run_id)
        now = self._clock.now()
        executes_here = run_id in self._held
        ask = (
            self.store.get_run(run_id) if executes_here else self.store.delete_run(run_id, now=now)
        )
        run = _found(await ask, run_id)
        if run.is_active:
            msg = f"run {run_id!r} is {run.status}; cancel it before deleting it"
            raise ConflictError(msg)
        if executes_here or run.is_stopping(now):
            msg = f"the code of run {run_id!r} is still stopping; try again in a moment"
            raise ConflictError(msg)
        self._bus.tell(run, RunDeleted)
        await self._release_blobs()

    async def purge_runs(self, older_than: datetime, limit: int = _PURGE_LIMIT) -> int:
        """Remove up to *limit* runs that ended before *older_than*; return how many."""
        check_aware("older_than", older_than)
        checked_whole("limit", limit, least=1)
        return await purge(self._services, older_than, limit, self._held)

    # --- inside ---

    async def _release_blobs(self) -> None:
        with contextlib.suppress(StorageError):  # the runs are gone; the files go the next time
            await self._blobs.release()

    @property
    def _held(self) -> Collection[str]:
        """Return the ids of the runs that execute here."""
        return () if self._worker is None else self._worker.active.keys()

    def _wake(self) -> None:
        if self._worker is not None:
            self._worker.wake()

    async def _save_notes(self, run_id: str | None) -> None:
        """Write what a run has told and not stored yet; with None what any run here has."""
        if self._worker is not None:
            for one in tuple(self._held) if run_id is None else (run_id,):
                await self._worker.save_notes(one)


def _check_id(run_id: object) -> None:
    if not isinstance(run_id, str):
        refuse("run_id", "text", run_id)


def _checked_call(call: object) -> tuple[str, Any, TriggerOptions]:
    if isinstance(call, tuple) and len(call) == 3:  # noqa: PLR2004 - as many as are named here
        name, given, options = call
        if isinstance(name, str) and isinstance(options, TriggerOptions):
            return name, given, options
    return refuse("a call", "(job name, input, TriggerOptions)", call)


def _checked(chosen: RunFilter | None) -> RunFilter:
    return RunFilter() if chosen is None else checked_kind("chosen", chosen, RunFilter)


def _found(run: Run | None, run_id: str) -> Run:
    if run is None:
        raise RunNotFoundError(run_id)
    return run
