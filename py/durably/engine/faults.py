"""What the engine does when the database fails it: wait, try again, and say so (law 9)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from durably.clock import wait_for_event
from durably.errors import StorageError, Suspended
from durably.events import WorkerError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from durably.bus import EventBus
    from durably.clock import Clock

T = TypeVar("T")

LONGEST_PAUSE = timedelta(seconds=5)
_SHORTEST_PAUSE = timedelta(milliseconds=50)


def pause_after(failures: int) -> timedelta:
    """Return how long to wait after so many failures in a row."""
    return min(_SHORTEST_PAUSE * (1 << min(failures, 10)), LONGEST_PAUSE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What the engine is waiting out."""

    code: str
    message: str
    since: datetime


class Faults:
    """Repeats what the database refused, and keeps the reason visible meanwhile."""

    def __init__(self, clock: Clock, bus: EventBus) -> None:
        self._clock = clock
        self._bus = bus
        self.current: Fault | None = None
        #: Set while the engine stops: nothing is waited for any more.
        self.stopping = asyncio.Event()
        #: How many writes wait for their next try.
        self.waiting = 0

    def report(self, error: Exception, *, context: str, run_id: str | None = None) -> None:
        """Make *error* the visible fault and publish it."""
        code = getattr(error, "code", "internal")
        if self.current is None or self.current.code != code:
            self.current = Fault(code=code, message=str(error), since=self._clock.now())
        self._bus.publish(WorkerError, error=str(error), code=code, context=context, run_id=run_id)

    def clear(self) -> None:
        """Forget the fault: the database works again."""
        self.current = None

    async def _pause(self, duration: timedelta) -> None:
        self.waiting += 1
        try:
            await wait_for_event(self._clock, self.stopping, duration)
        finally:
            self.waiting -= 1

    async def until_taken(
        self,
        write: Callable[[], Awaitable[T]],
        *,
        context: str,
        run_id: str,
        may_wait: bool = True,
        tries: int | None = None,
    ) -> T:
        """Do *write* until the database takes it; Suspended when there is no waiting for it.

        Every write of a Store may be repeated as it is, so an answer that was lost does no harm.
        """
        attempt = 0
        while True:
            try:
                result = await write()
            except StorageError as error:
                attempt += 1
                self.report(error, context=context, run_id=run_id)
                if not may_wait or self.stopping.is_set() or attempt == tries:
                    reason = "storage"
                    raise Suspended(reason) from error
                await self._pause(pause_after(attempt))
            else:
                if self.current is not None:
                    self.clear()
                return result
