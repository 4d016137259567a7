"""Follow a run: its state now, then its events, without a gap between the two."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from durably.arguments import checked_call
from durably.clock import checked_duration, wait_for_event
from durably.errors import (
    RunCancelledError,
    RunFailedError,
    RunNotFoundError,
    WaitTimeoutError,
)
from durably.events import ENDING, Event, LogWritten, RunEvent, RunProgressed
from durably.runs import LogRecord, Run, RunStatus

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Sequence
    from datetime import timedelta

    from durably.clock import Clock
    from durably.events import EventBus
    from durably.operations import RunOperations
    from durably.options import Options


_ENDS = tuple(event.type for event in ENDING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The state of a run when a subscription began; events up to *sequence* are in it."""

    run: Run
    logs: Sequence[LogRecord]
    sequence: int


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
    """Reads and events of single runs, put together."""

    def __init__(
        self, durably: RunOperations, bus: EventBus, clock: Clock, options: Options
    ) -> None:
        self._durably = durably
        self._bus = bus
        self._clock = clock
        self._options = options

    @property
    def _look_every(self) -> timedelta | None:
        return None if self._options.sole_owner else self._options.polling_interval

    async def snapshot(self, run_id: str) -> Snapshot:
        """Return the run's state; what was published before the look is part of it."""
        sequence = self._bus.sequence
        run = await self._durably.get_run(run_id)
        if run is None:
            raise RunNotFoundError(run_id)
        return Snapshot(run=run, logs=await self._durably.get_logs(run_id), sequence=sequence)

    async def follow(
        self, run_id: str, types: Collection[str] = ()
    ) -> AsyncIterator[Snapshot | Event]:
        """Yield the snapshot, then what follows it, until the run ends; its end whatever *types*.

        Another process's events do not come here: where one may be at work, the run is looked
        at now and then, and a new snapshot says what changed.
        """
        arrived = asyncio.Event()
        events: list[RunEvent] = []

        def take(event: Event) -> None:
            if isinstance(event, RunEvent) and event.run_id == run_id:
                events.append(event)
                arrived.set()

        stop = self._bus.on_any(take, types=types and {*types, *_ENDS})
        try:
            seen = await self.snapshot(run_id)
            yield seen
            while not seen.run.is_terminal:
                while events:
                    event = events.pop(0)
                    if event.sequence > seen.sequence:
                        yield event
                    if isinstance(event, ENDING):
                        return
                if await wait_for_event(self._clock, arrived, self._look_every):
                    arrived.clear()
                    continue
                try:
                    look = await self.snapshot(run_id)
                except RunNotFoundError:  # another process deleted it
                    return
                if look.run.updated_at != seen.run.updated_at:
                    seen = look
                    yield seen
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
        take = _watcher(run_id, changed, on_progress, on_log)
        types = {
            *_ENDS,
            *((RunProgressed.type,) if on_progress is not None else ()),
            *((LogWritten.type,) if on_log is not None else ()),
        }
        deadline = None if timeout is None else self._clock.now() + timeout
        stop = self._bus.on_any(take, types=types)
        try:
            while True:
                changed.clear()
                run = await self._durably.store.get_run(run_id)
                if run is None:
                    raise RunNotFoundError(run_id)
                if run.is_terminal:
                    return _completed(run)
                pause = self._look_every
                if deadline is not None and timeout is not None:
                    left = deadline - self._clock.now()
                    if left.total_seconds() <= 0:
                        raise WaitTimeoutError(run_id, timeout.total_seconds())
                    pause = left if pause is None else min(pause, left)
                await wait_for_event(self._clock, changed, pause)
        finally:
            stop()


def _watcher(
    run_id: str,
    changed: asyncio.Event,
    on_progress: Callable[[Any], Any] | None,
    on_log: Callable[[Any], Any] | None,
) -> Callable[[Event], None]:
    def take(event: Event) -> None:
        if not isinstance(event, RunEvent) or event.run_id != run_id:
            return
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
