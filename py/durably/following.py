"""Follow a run, or a set of them: the state now, then the events, without a gap between the two."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from durably.arguments import checked_call
from durably.clock import checked_duration, wait_for_event
from durably.errors import (
    RunCancelledError,
    RunFailedError,
    RunNotFoundError,
    WaitTimeoutError,
)
from durably.events import ENDING, Event, LogWritten, RunDeleted, RunEvent, RunProgressed
from durably.runs import LogRecord, Run, RunStatus

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Sequence
    from datetime import timedelta

    from durably.bus import EventBus
    from durably.clock import Clock
    from durably.options import Options
    from durably.runs import RunFilter
    from durably.store.protocol import Reads

S = TypeVar("S")

#: Events that wait for one subscriber. With more they are dropped, and it is given the state anew.
MAX_WAITING = 10_000

#: Events that a subscriber is given in a row before others get a turn of the loop.
_EVENTS_PER_TURN = 100

_ENDS = tuple(event.type for event in ENDING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The state of a run when a subscription looked; events up to *sequence* are in it."""

    run: Run
    logs: Sequence[LogRecord]
    sequence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsSnapshot:
    """The runs of a subscription when it looked; events up to *sequence* are in it."""

    runs: Sequence[Run]
    sequence: int


class _Feed(Generic[S]):
    """What one subscriber is given: the state, then what follows it, without a gap.

    It listens first. Then it takes the number of the last event and reads the state: what came up
    to that number is in the state and is dropped, what comes after waits in here.
    """

    def __init__(self, bus: EventBus, clock: Clock, read: Callable[[int], Awaitable[S]]) -> None:
        self._bus = bus
        self._clock = clock
        self._read = read
        #: The state has to be read: it never was, or more came since than may wait.
        self._is_behind = True
        self._events: deque[Event] = deque()
        self._arrived = asyncio.Event()
        self._given_in_a_row = 0
        #: Kept whatever is dropped: of a deleted run no state can be read.
        self.deleted: RunDeleted | None = None

    def take(self, event: Event) -> None:
        """Let *event* wait for the subscriber."""
        if isinstance(event, RunDeleted):
            self.deleted = event
        if len(self._events) == MAX_WAITING:
            self._events.clear()
            self._is_behind = True
        if not self._is_behind:
            self._events.append(event)
        self._arrived.set()

    async def next(self, look_every: timedelta | None = None) -> S | Event | None:
        """Return the state or the next event, or None when none came for *look_every*."""
        while not self._is_behind:
            if self._events and self._given_in_a_row < _EVENTS_PER_TURN:
                self._given_in_a_row += 1
                return self._events.popleft()
            self._given_in_a_row = 0
            if self._events:
                await asyncio.sleep(0)
                continue
            self._arrived.clear()
            if not await wait_for_event(self._clock, self._arrived, look_every):
                return None
        self._is_behind = False
        return await self.look()

    async def look(self) -> S:
        """Read the state now."""
        return await self._read(self._bus.sequence)


def check_wait(
    timeout: timedelta | float | None,
    on_progress: Callable[[Any], Any] | None,
    on_log: Callable[[Any], Any] | None,
) -> timedelta | None:
    """Return how long a wait may take; ValidationError names the argument that cannot be."""
    for name, listener in (("on_progress", on_progress), ("on_log", on_log)):
        if listener is not None:
            checked_call(name, listener)
    return None if timeout is None else checked_duration("timeout", timeout, may_be_zero=True)


class Following:
    """Reads and events of runs, put together."""

    def __init__(
        self,
        store: Reads,
        bus: EventBus,
        clock: Clock,
        options: Options,
        *,
        save_notes: Callable[[str | None], Awaitable[None]],
    ) -> None:
        self._store = store
        self._bus = bus
        self._clock = clock
        self._options = options
        #: Writes what a run has told and not stored yet, or with None what any has.
        self._save_notes = save_notes

    @property
    def _look_every(self) -> timedelta | None:
        return None if self._options.sole_owner else self._options.polling_interval

    async def follow(
        self, run_id: str, types: Collection[str] = ()
    ) -> AsyncGenerator[Snapshot | Event, None]:
        """Yield the snapshot, then what follows it, until the run ends; its end whatever *types*.

        Another process's events do not come here: where one may be at work, the run is looked
        at now and then, and a new snapshot says what changed.
        """
        feed = _Feed(self._bus, self._clock, lambda sequence: self._snapshot(run_id, sequence))
        stop = self._bus.on_any(feed.take, types=types and {*types, *_ENDS}, run_id=run_id)
        seen: Snapshot | None = None
        try:
            while seen is None or not seen.run.is_terminal:
                item = await self._next(feed, seen)
                if isinstance(item, Snapshot):
                    seen = item
                yield item
                if isinstance(item, ENDING):
                    return
        except RunNotFoundError:
            if seen is None:
                raise
            if feed.deleted is not None:  # by another process otherwise, which tells nobody here
                yield feed.deleted
        finally:
            stop()

    async def _snapshot(self, run_id: str, sequence: int) -> Snapshot:
        await self._save_notes(run_id)
        run = await self._store.get_run(run_id)
        if run is None:
            raise RunNotFoundError(run_id)
        return Snapshot(run=run, logs=await self._store.get_logs(run_id), sequence=sequence)

    async def _next(self, feed: _Feed[Snapshot], seen: Snapshot | None) -> Snapshot | Event:
        while (item := await feed.next(self._look_every)) is None:
            look = await feed.look()
            if seen is None or look.run.updated_at != seen.run.updated_at:
                return look
        return item

    async def follow_runs(
        self, chosen: RunFilter, types: Collection[str] = ()
    ) -> AsyncGenerator[RunsSnapshot | Event, None]:
        """Yield the page of *chosen*, then the events of its jobs and labels, without an end."""

        async def read(sequence: int) -> RunsSnapshot:
            await self._save_notes(None)
            return RunsSnapshot(runs=await self._store.get_runs(chosen), sequence=sequence)

        feed = _Feed(self._bus, self._clock, read)

        def take(event: Event) -> None:
            if _matches(event, chosen):
                feed.take(event)

        stop = self._bus.on_any(take, types=types)
        try:
            while True:
                if (item := await feed.next()) is not None:
                    yield item
        finally:
            stop()

    async def wait(
        self,
        run_id: str,
        timeout: timedelta | None,
        *,
        on_progress: Callable[[Any], Any] | None,
        on_log: Callable[[Any], Any] | None,
    ) -> Run:
        """Wait until the run completed; look now and then, as another process may end it."""
        changed = asyncio.Event()
        take = _watcher(changed, on_progress, on_log)
        types = {
            *_ENDS,
            *((RunProgressed.type,) if on_progress is not None else ()),
            *((LogWritten.type,) if on_log is not None else ()),
        }
        deadline = None if timeout is None else self._clock.monotonic() + timeout
        stop = self._bus.on_any(take, types=types, run_id=run_id)
        try:
            while True:
                changed.clear()
                run = await self._store.get_run(run_id)
                if run is None:
                    raise RunNotFoundError(run_id)
                if run.is_terminal:
                    return _completed(run)
                pause = self._look_every
                if deadline is not None and timeout is not None:
                    left = deadline - self._clock.monotonic()
                    if left.total_seconds() <= 0:
                        raise WaitTimeoutError(run_id, timeout.total_seconds())
                    pause = left if pause is None else min(pause, left)
                await wait_for_event(self._clock, changed, pause)
        finally:
            stop()


def _matches(event: Event, chosen: RunFilter) -> bool:
    """Tell whether *event* is of a chosen run; what befalls the engine concerns everybody."""
    if not isinstance(event, RunEvent):
        return True
    if chosen.job_names and event.job_name not in chosen.job_names:
        return False
    return all(event.labels.get(key) == value for key, value in chosen.labels.items())


def _watcher(
    changed: asyncio.Event,
    on_progress: Callable[[Any], Any] | None,
    on_log: Callable[[Any], Any] | None,
) -> Callable[[Event], None]:
    def take(event: Event) -> None:
        if isinstance(event, RunProgressed) and on_progress is not None:
            on_progress(event.progress)
        elif isinstance(event, LogWritten) and on_log is not None:
            on_log(event)
        elif isinstance(event, ENDING):
            changed.set()

    return take


def _completed(run: Run) -> Run:
    if run.status is RunStatus.FAILED:
        raise RunFailedError(run.id, run.error or "")
    if run.status is RunStatus.CANCELLED:
        raise RunCancelledError(run.id)
    return run
