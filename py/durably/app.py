"""Durably: jobs, a store, events and a worker, as one object."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

from durably import signals
from durably.archive import export_store, import_store, reset_store
from durably.arguments import (
    checked_flag,
    checked_items,
    checked_method,
    checked_path,
    checked_text,
    checked_whole,
)
from durably.blobs import Blob, BlobFiles, keep_file
from durably.clock import Clock, checked_duration
from durably.engine.own_code import OwnCode
from durably.engine.upkeep import Upkeep
from durably.engine.worker import Worker
from durably.errors import ConflictError, ValidationError
from durably.handles import JobHandle, JobHandles
from durably.health import Health
from durably.jobs import JobDefinition
from durably.operations import RunOperations
from durably.options import check_options
from durably.queries import Query, QueryRegistry
from durably.store import open_store
from durably.threads import IN_BROWSER, StepThreads, running_loop, until_done
from durably.triggers import NOT_GIVEN

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncIterator, Iterable, Mapping
    from datetime import datetime
    from types import TracebackType
    from typing import BinaryIO, Self

    from pydantic import BaseModel

    from durably.engine.interrupts import Interrupts
    from durably.store.protocol import Store


#: How long a process that was told to end waits, in seconds, for code that was told to stop.
_GRACE = 1.0


class Plugin(Protocol):
    """Something that adds to an engine."""

    name: str

    def install(self, durably: Durably) -> None:
        """Add it."""
        ...


class Durably(RunOperations):
    """A job engine over one store.

    *store* is an open Store or a URL (see open_store). *jobs* holds jobs and queries to register.
    *polling_interval* is how often to look for runs that other processes triggered; this one's
    wake the worker at once. *lease* is how long a dead worker's run waits for another, renewed
    every *lease_renew_interval*. *max_recoveries* ends a run that kills its worker again and
    again. *preserve_steps* keeps the steps of completed runs. *retain_runs* ("30d", "12h", "90m"
    or a timedelta) removes ended runs after that time. *labels* is a pydantic model that checks
    every trigger's labels. *blobs* is the folder for files given to runs. *sole_owner* says that
    no other engine can live beside this one, as its host holds an exclusive lock: leases are then
    never waited for. Durations are timedeltas or seconds.
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
        super().__init__(
            opened,
            options,
            options.clock,
            threads=self._threads,
            blobs=BlobFiles(opened, options.blobs),
        )
        self.jobs = JobHandles()
        self._queries = QueryRegistry()
        self._started = False
        #: Set when the process is told to end while serve() waits for that.
        self._serving: asyncio.Event | None = None
        self._drain_for = timedelta(seconds=5)
        self._migration: asyncio.Task[None] | None = None
        self.register(*checked_items("jobs", jobs))

    # --- life ---

    def register(self, *definitions: JobDefinition[Any, Any] | Query) -> None:
        """Add jobs and queries; the same one again is fine, another of the name ConflictError."""
        for definition in definitions:
            if isinstance(definition, Query):
                self._queries.add(definition)
            elif isinstance(definition, JobDefinition):
                self._registry.add(definition)
                self.jobs[definition.name] = JobHandle(self, definition)
            else:
                msg = f"only jobs and queries can be registered, not {definition!r}"
                raise ValidationError(msg)
        if self._worker is not None:
            self._worker.wake()

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
        self._require_loop()
        if self._worker is not None and self._worker.is_stopping:
            await self.stop()  # it has runs to end: two workers of one engine would not know
        if self._started:
            return
        self._started = True
        try:
            if self._options.sole_owner:
                await self.store.abandon_leases(now=self._clock.now(), blame=not owner_left)
        except BaseException:
            self._started = False
            raise
        if self._started:  # else it was stopped meanwhile
            self._make_worker(worker_id).start()
            self._bus.home = asyncio.get_running_loop()
            signals.watch(self)

    async def init(self) -> None:
        """Migrate, then start."""
        await self.migrate()
        await self.start()

    async def stop(self, timeout: timedelta | float | None = None) -> None:
        """Claim nothing more and let running jobs end; after *timeout* give them back instead.

        A call while another one waits may shorten its time.
        """
        limit = None if timeout is None else checked_duration("timeout", timeout, may_be_zero=True)
        self._require_loop()
        worker = self._worker
        self._started = False
        if worker is not None:
            await worker.stop(limit)
            if self._worker is worker:  # the first of several calls to come here
                self._worker = None
            self._services.faults.stopping.clear()
        signals.forget(self)

    async def serve(self, *, drain: timedelta | float = 5.0) -> None:
        """Execute runs until the process is told to end, by SIGTERM or Ctrl+C, and then stop.

        Running jobs have *drain* (timedelta or seconds) to end; what has not ended then is given
        back, for the next process to go on with. A second signal does that at once.
        """
        self._drain_for = checked_duration("drain", drain, may_be_zero=True)
        self._serving = asyncio.Event()
        try:
            await self.init()
            await self._serving.wait()
        finally:
            try:
                await self.stop(self._drain_for)
            finally:
                self._serving = None

    async def drain(self) -> None:
        """Stop as a process does that is told to end: serve() returns, others are stopped here.

        What has not ended after the time for it is given back, even if its code still blocks.
        """
        if self._serving is not None:
            self._serving.set()
            await asyncio.sleep(self._drain_for.total_seconds() + _GRACE)
        else:
            stopping = asyncio.ensure_future(self.stop(self._drain_for))
            await asyncio.wait({stopping}, timeout=self._drain_for.total_seconds() + _GRACE)
        await self.abandon()

    async def abandon(self) -> None:
        """Give all runs back at once, whatever their code does: the process must end then."""
        if self._worker is not None:
            await self._worker.abandon()

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
        return await self._make_worker(None).process_one()

    async def process_until_idle(self, max_runs: int | None = None) -> int:
        """Execute due runs until there is none, or *max_runs* of them; return how many."""
        if max_runs is not None:
            checked_whole("max_runs", max_runs, least=0)
        done = 0
        while (max_runs is None or done < max_runs) and await self.process_one():
            done += 1
        return done

    async def next_due(self) -> datetime | None:
        """Return when the next backoff or lease runs out, or None when none is waited for."""
        return await self.store.next_due(
            now=self._clock.now(), jobs=self._registry.names, held=self._held
        )

    @property
    def steps_in_flight(self) -> int:
        """Return how many steps' code runs at this moment."""
        return 0 if self._worker is None else self._worker.steps_in_flight

    @property
    def waits_for_storage(self) -> bool:
        """Tell whether a write that the database refused waits for its next try."""
        return self._services.faults.waiting > 0

    def _make_worker(self, worker_id: str | None) -> Worker:
        self._require_loop()
        if self._worker is None:
            self._worker = Worker(
                self._services,
                self._registry,
                self._options,
                Upkeep(self._services, self._options),
                worker_id=worker_id or f"worker-{self.new_id()}",
                around=self._blobs.in_reach,
            )
        return self._worker

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
        await import_store(self.store, self._blobs, checked_path("path", path), self._paused)

    async def reset_store(self) -> None:
        """Remove all runs, and the files they refer to; runs that execute are stopped first."""
        await reset_store(self.store, self._blobs, self._paused)

    @contextlib.asynccontextmanager
    async def _paused(self) -> AsyncIterator[None]:
        worker = self._worker if self._started else None
        await self.stop(0)
        try:
            yield
        finally:
            if worker is not None:
                await self.start(worker.worker_id)

    async def health(self) -> Health:
        """Say how the engine is: its fault, if it waits one out, its runs, and parked jobs."""
        worker = self._worker
        fault = self._services.faults.current
        parked: Mapping[str, int] = {}
        with contextlib.suppress(Exception):
            parked = await self.store.parked(jobs=self._registry.names)
        return Health(
            state="stopped" if not self._started else "degraded" if fault else "ok",
            fault=fault,
            worker_id=worker.worker_id if worker else "",
            active_runs=tuple(worker.active) if worker else (),
            parked_jobs=tuple(sorted(parked)),
        )

    def is_registered(self, job_name: str) -> bool:
        """Tell whether a job of that name can run here."""
        return self._registry.get(checked_text("a job's name", job_name)) is not None
