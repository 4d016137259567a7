"""Durably: jobs, a store, events and a worker, as one object."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol, Unpack

from durably.archive import export_store, import_store, reset_store
from durably.arguments import (
    checked_call,
    checked_flag,
    checked_items,
    checked_method,
    checked_path,
    checked_text,
    checked_texts,
    checked_whole,
    refuse,
)
from durably.blobs import Blob, BlobFiles, keep_file
from durably.bus import EventBus
from durably.clock import Clock, checked_duration
from durably.engine.faults import Faults
from durably.engine.life import Life
from durably.engine.own_code import OwnCode
from durably.engine.services import Services
from durably.errors import ValidationError
from durably.events import EVENT_TYPES
from durably.following import Following
from durably.handles import JobHandle, JobHandles
from durably.health import Health
from durably.ids import Ulids
from durably.jobs import JobDefinition, JobRegistry
from durably.operations import Runs, checked_filter, checked_id
from durably.options import check_options
from durably.queries import Query, QueryRegistry
from durably.store import open_store
from durably.threads import IN_BROWSER, StepThreads, until_done
from durably.triggers import NOT_GIVEN

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Mapping
    from datetime import datetime
    from types import TracebackType
    from typing import BinaryIO, Self

    from pydantic import BaseModel

    from durably.engine.interrupts import Interrupts
    from durably.events import Event
    from durably.following import RunsSnapshot, Snapshot
    from durably.runs import LogRecord, Run, RunFilter, StepAttempt, StepRecord, Triggered
    from durably.schedule_state import ScheduleState
    from durably.store.protocol import Store
    from durably.triggers import TriggerArguments, TriggerOptions
    from durably.waits import Sent, Signalled, Wait


#: How many runs purge_runs() removes at most, unless told.
_PURGE_LIMIT = 500
#: How long send() keeps a message, unless told.
_KEEP_MESSAGES = timedelta(days=1)


class Plugin(Protocol):
    """Something that adds to an engine."""

    name: str

    def install(self, durably: Durably) -> None:
        """Add it."""
        ...


class Durably:
    """A job engine over one store.

    *store* is an open Store or a URL (see open_store). *jobs* holds jobs and queries to register.
    *polling_interval* is how often to look for runs that other processes triggered, where the
    database does not tell; this one's wake the worker at once. *lease* is how long a dead worker's
    run waits for another, renewed every *lease_renew_interval*. *max_recoveries* ends a run that
    kills its worker again and again. *preserve_steps* keeps the steps of completed runs.
    *retain_runs* ("30d", "12h", "90m" or a timedelta) removes ended runs after that time. *labels*
    is a pydantic model that checks every trigger's labels. *blobs* is the folder for files given
    to runs. *sole_owner* says that no other engine can live beside this one, as its host holds an
    exclusive lock: leases are then never waited for. Durations are timedeltas or seconds.
    """

    def __init__(
        self,
        store: Store | str,
        *,
        jobs: Iterable[JobDefinition[Any, Any] | Query] = (),
        polling_interval: timedelta | float = 1.0,
        max_concurrent_runs: int = 1,
        lease: timedelta | float = 30.0,
        lease_renew_interval: timedelta | float = 5.0,
        max_recoveries: int = 5,
        preserve_steps: bool = False,
        retain_runs: str | timedelta | None = None,
        labels: type[BaseModel] | None = None,
        blobs: str | os.PathLike[str] | None = None,
        sole_owner: bool = False,
        clock: Clock | None = None,
    ) -> None:
        options = check_options(
            polling_interval=polling_interval,
            max_concurrent_runs=max_concurrent_runs,
            lease=lease,
            lease_renew_interval=lease_renew_interval,
            max_recoveries=max_recoveries,
            preserve_steps=preserve_steps,
            retain_runs=retain_runs,
            labels=labels,
            blobs=blobs,
            sole_owner=sole_owner,
            clock=clock,
        )
        self._threads = None if IN_BROWSER else StepThreads()
        if not isinstance(store, str):
            checked_method("store must be a URL or a Store: it", store, "enqueue")
        opened = open_store(store) if isinstance(store, str) else store
        bus = EventBus(options.clock)
        self.store = opened
        self.jobs = JobHandles()
        self._bus = bus
        self._blobs = BlobFiles(opened, options.blobs)
        self._services = Services(
            store=opened,
            options=options,
            clock=options.clock,
            bus=bus,
            jobs=JobRegistry(),
            ids=Ulids(),
            faults=Faults(options.clock, bus),
            blobs=self._blobs,
            threads=self._threads,
        )
        self._life = Life(self._services)
        self._following = Following(
            opened, bus, options.clock, options, save_notes=self._life.save_notes
        )
        self._runs = Runs(self._services, self._life, self._following)
        self._queries = QueryRegistry()
        self._migration: asyncio.Task[None] | None = None
        self.register(*checked_items("jobs", jobs))

    # --- life ---

    def register(self, *definitions: JobDefinition[Any, Any] | Query) -> None:
        """Add jobs and queries; the same one again is fine, another of the name ConflictError."""
        for definition in definitions:
            if isinstance(definition, Query):
                self._queries.add(definition)
            elif isinstance(definition, JobDefinition):
                self._services.jobs.add(definition)
                self.jobs[definition.name] = JobHandle(self._runs, definition)
            else:
                msg = f"only jobs and queries can be registered, not {definition!r}"
                raise ValidationError(msg)
        self._life.scheduling.forget()
        self._life.wake()

    def use(self, plugin: Plugin) -> None:
        """Install a plugin."""
        checked_method("a plugin", plugin, "install").install(self)

    def use_interrupts(self, interrupts: Interrupts) -> None:
        """Let a host stop code that leaves the event loop no turn."""
        self._services.interrupts = interrupts
        interrupts.install()

    def keep_logs(self) -> None:
        """Store log lines from now on; the log persistence plugin calls it."""
        self._services.keep_logs = True

    async def migrate(self) -> None:
        """Bring the store's tables to this version; calls at the same time share one migration."""
        migration = self._migration
        if migration is None:
            migration = self._migration = asyncio.ensure_future(self.store.migrate())
        try:
            await asyncio.shield(migration)
        except BaseException:
            if migration.done() and self._migration is migration:
                self._migration = None
            raise

    async def start(self, worker_id: str | None = None, *, owner_left: bool = False) -> None:
        """Begin to execute runs; *worker_id* names this worker in leases.

        *owner_left* says of a sole owner's predecessor that it was ended from outside, such as by
        a page that was left: the runs it had claimed are not held to have ended it (law 6).
        """
        if worker_id is not None:
            checked_text("worker_id", worker_id)
        checked_flag("owner_left", owner_left)
        await self._life.start(worker_id, owner_left=owner_left)

    async def init(self) -> None:
        """Migrate, then start."""
        await self.migrate()
        await self.start()

    async def stop(self, timeout: timedelta | float | None = None) -> None:
        """Claim nothing more and let running jobs end; after *timeout* give them back instead.

        A call while another one waits may shorten its time.
        """
        limit = None if timeout is None else checked_duration("timeout", timeout, may_be_zero=True)
        await self._life.stop(limit)

    async def serve(self, *, drain: timedelta | float = 5.0) -> None:
        """Execute runs until the process is told to end, by SIGTERM or Ctrl+C, and then stop.

        Running jobs have *drain* (timedelta or seconds) to end; what has not ended then is given
        back, for the next process to go on with. A second signal does that at once.
        """
        limit = checked_duration("drain", drain, may_be_zero=True)
        await self._life.serve(self.init, limit)

    async def drain(self) -> None:
        """Stop as a process does that is told to end: serve() returns, others are stopped here.

        What has not ended after the time for it is given back, even if its code still blocks.
        """
        await self._life.drain()

    async def abandon(self) -> None:
        """Give all runs back at once, whatever their code does: the process must end then."""
        await self._life.abandon()

    async def close(self) -> None:
        """Stop at once, giving running jobs back, and close the store."""
        await self.stop(0)
        await self.store.close()
        if self._threads is not None:
            self._threads.close()

    async def __aenter__(self) -> Self:
        """Migrate and start."""
        await self.init()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop, after the running jobs ended unless an error is on its way, and close."""
        try:
            if error is None:
                await self.stop()
        finally:
            await self.close()

    async def process_one(self) -> bool:
        """Execute one due run here and now, without start(); return whether there was one.

        When the caller is cancelled, the run is given back first, as by stop(0).
        """
        return await self._life.process_one()

    async def process_until_idle(self, max_runs: int | None = None) -> int:
        """Execute due runs until there is none, or *max_runs* of them; return how many."""
        if max_runs is not None:
            checked_whole("max_runs", max_runs, least=0)
        done = 0
        while (max_runs is None or done < max_runs) and await self.process_one():
            done += 1
        return done

    async def next_due(self) -> datetime | None:
        """Return when the next backoff, wait, lease or slot of a schedule is due, or None."""
        now, jobs = self._services.clock.now(), self._services.jobs.names
        due = await self.store.next_due(now=now, jobs=jobs, held=self._life.held)
        slot = self._life.scheduling.next_due
        return min((one for one in (due, slot) if one is not None), default=None)

    @property
    def steps_in_flight(self) -> int:
        """Return how many steps' code runs at this moment."""
        return self._life.steps_in_flight

    @property
    def waits_for_storage(self) -> bool:
        """Tell whether a write that the database refused waits for its next try."""
        return self._services.faults.waiting > 0

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
        checked_id(run_id)
        return self._following.follow(run_id, checked_texts("types", types))

    def subscribe_runs(
        self, chosen: RunFilter | None = None, *, types: Collection[str] = ()
    ) -> AsyncGenerator[RunsSnapshot | Event, None]:
        """Iterate over many runs: first what get_runs(*chosen*) returns, then events, for ever.

        They are the events of runs with the jobs and labels of *chosen*, whatever their status,
        and every worker:error; with *types* only these. Otherwise it is as subscribe().
        """
        return self._following.follow_runs(checked_filter(chosen), types)

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
        return await self._runs.wait_for(
            run_id, timeout=timeout, on_progress=on_progress, on_log=on_log
        )

    @property
    def sequence(self) -> int:
        """Return the number of the last event published."""
        return self._bus.sequence

    # --- runs ---

    def new_id(self) -> str:
        """Return a fresh ULID, greater than every one before."""
        return self._services.new_id()

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
        return await self._runs.trigger(job, input, from_json=from_json, **options)

    async def trigger_all(
        self,
        calls: Iterable[tuple[str, Any, TriggerOptions]],
        *,
        from_json: bool = False,
    ) -> list[Triggered]:
        """Make all runs in one transaction, or none; each call is (job name, input, options)."""
        return await self._runs.trigger_all(calls, from_json=from_json)

    async def get_run(self, run_id: str) -> Run | None:
        """Return a run, or None."""
        return await self._runs.get_run(run_id)

    async def get_runs(self, chosen: RunFilter | None = None) -> list[Run]:
        """Return one page of runs, newest first."""
        return await self._runs.get_runs(chosen)

    async def get_steps(self, run_id: str) -> list[StepRecord]:
        """Return a run's steps by index."""
        checked_id(run_id)
        return await self.store.get_steps(run_id)

    async def get_step_attempts(self, run_id: str) -> list[StepAttempt]:
        """Return the recorded attempts of a run's steps, in the order they began."""
        checked_id(run_id)
        return await self.store.get_attempts(run_id)

    async def get_logs(self, run_id: str) -> list[LogRecord]:
        """Return a run's stored log lines."""
        checked_id(run_id)
        await self._life.save_notes(run_id)
        return await self.store.get_logs(run_id)

    async def get_wait(self, wait_id: str) -> Wait | None:
        """Return what a run waits for, or waited for, by its id; None when there is none."""
        return await self.store.get_wait(checked_text("wait_id", wait_id))

    async def get_waits(self, run_id: str) -> list[Wait]:
        """Return what a run has waited for, or waits for, in the order it came to it."""
        checked_id(run_id)
        return await self.store.get_waits(run_id)

    async def signal(
        self, wait_id: str, payload: Any = None, *, signal_id: str | None = None
    ) -> Signalled:
        """Tell a wait what it waits for; its run goes on with *payload*, a JSON value or a model.

        The same *signal_id* with the same payload is the same signal, whenever it is repeated: a
        duplicate. WaitNotFoundError; WaitExpiredError when its deadline passed; ConflictError when
        it was told something else, or its run has ended.
        """
        return await self._runs.signal(wait_id, payload, signal_id)

    async def send(
        self,
        topic: str,
        payload: Any = None,
        *,
        key: str | None = None,
        message_id: str | None = None,
        keep: timedelta | float = _KEEP_MESSAGES,
    ) -> Sent:
        """Tell the run that has waited longest for *topic* and *key*, or the first that will.

        One message is taken by one wait. Until somebody waits it is kept for *keep* (timedelta or
        seconds). The same *message_id* is the same message for that time.
        """
        return await self._runs.send(topic, payload, key=key, message_id=message_id, keep=keep)

    async def cancel(self, run_id: str) -> None:
        """Cancel a pending, waiting or leased run; its status changes now, its code is stopped.

        Its concurrency key stays taken until the code has stopped. ConflictError when it ended.
        """
        await self._runs.cancel(run_id)

    async def retrigger(self, run_id: str, *, new_run_id: str | None = None) -> Triggered:
        """Make a fresh run with an ended run's input, labels and concurrency key.

        The input is checked by the job's schema of today. ConflictError while the run is active.
        """
        return await self._runs.retrigger(run_id, new_run_id=new_run_id)

    async def resume(self, run_id: str) -> None:
        """Let a failed or cancelled run go on in place, with its saved steps."""
        await self._runs.resume(run_id)

    async def delete_run(self, run_id: str) -> None:
        """Remove an ended run with its steps, logs and labels."""
        await self._runs.delete(run_id)

    async def purge_runs(self, older_than: datetime, limit: int = _PURGE_LIMIT) -> int:
        """Remove up to *limit* runs that ended before *older_than*; return how many."""
        return await self._runs.purge(older_than, limit)

    # --- schedules ---

    async def schedules(self) -> list[ScheduleState]:
        """Return the schedules of jobs, as they stand, by name."""
        return await self._life.scheduling.states()

    async def pause_schedule(self, name: str) -> None:
        """Let a schedule rest, in every process; what it misses meanwhile is not made up for."""
        await self._life.scheduling.pause(checked_text("name", name), paused=True)

    async def resume_schedule(self, name: str) -> None:
        """Let a schedule go on, from its next slot on."""
        await self._life.scheduling.pause(checked_text("name", name), paused=False)
        self._life.wake()

    async def trigger_schedule(self, name: str, *, run_id: str | None = None) -> Triggered:
        """Make a run of a schedule's job now, beside its slots."""
        job = self._life.scheduling.job_of(checked_text("name", name))
        return await self._runs.trigger(job, run_id=run_id)

    # --- beside runs ---

    def get_job(self, name: str) -> JobHandle[Any, Any] | None:
        """Return the handle of a registered job, or None."""
        return self.jobs[name] if self.is_registered(name) else None

    async def query(self, name: str, input: Any = NOT_GIVEN) -> str:
        """Answer a registered query with JSON text; *input* is a decoded JSON value.

        Without one, or with None where its type has no None, the default of the query's own
        parameter is taken.
        """
        found = self._queries.require(checked_text("a query's name", name))
        what = f"the input of query {name!r} is not valid"
        given = None if input is NOT_GIVEN else input
        inputs: tuple[Any, ...] = ()
        if found.takes_input and not (
            found.has_default
            and (input is NOT_GIVEN or (input is None and not found.input.takes(None)))
        ):
            inputs = (found.input.parse_json(what, given, is_new=True),)
        with self._blobs.in_reach(), OwnCode(f"query {name!r}"):
            value = found.function(*inputs)
            if inspect.isawaitable(value):
                value = await value
        return found.output.encode(f"query {name!r}", value)

    async def keep_blob(self, source: BinaryIO, *, name: str = "", media_type: str = "") -> Blob:
        """Copy a file beside the runs, so that a job's input may refer to it."""
        folder = self._blobs.folder
        if folder is None:
            msg = "this engine has no folder for files; give it one with Durably(..., blobs=...)"
            raise ValidationError(msg)

        def keep() -> Blob:
            return keep_file(source, folder, name=name, media_type=media_type)

        checked_method("a file to keep", source, "read")
        if IN_BROWSER:
            return keep()
        return await until_done(asyncio.get_running_loop().run_in_executor(self._threads, keep))

    async def export_store(self, path: str | os.PathLike[str]) -> None:
        """Write all runs, and the files they refer to, to a new SQLite file while jobs run."""
        await export_store(self.store, self._blobs, checked_path("path", path))

    async def import_store(self, path: str | os.PathLike[str]) -> None:
        """Put what export_store() wrote in the place of everything here.

        The file is checked before anything changes: ImportRefusedError, or SchemaTooNewError.
        Runs that execute are stopped first; those of the file go on where they were.
        """
        await import_store(self.store, self._blobs, checked_path("path", path), self._life.paused)

    async def reset_store(self) -> None:
        """Remove all runs, and the files they refer to; runs that execute are stopped first."""
        await reset_store(self.store, self._blobs, self._life.paused)

    async def health(self) -> Health:
        """Say how the engine is: its fault, if it waits one out, its runs, and parked jobs."""
        life, fault = self._life, self._services.faults.current
        parked: Mapping[str, int] = {}
        with contextlib.suppress(Exception):
            parked = await self.store.parked(jobs=self._services.jobs.names)
        return Health(
            state="stopped" if not life.is_started else "degraded" if fault else "ok",
            fault=fault,
            worker_id=life.worker_id,
            active_runs=tuple(life.held),
            parked_jobs=tuple(sorted(parked)),
            hears=getattr(self.store, "hears", None),
        )

    def is_registered(self, job_name: str) -> bool:
        """Tell whether a job of that name can run here."""
        return self._services.jobs.get(checked_text("a job's name", job_name)) is not None
