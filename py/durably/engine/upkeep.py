"""What the engine does when idle: retention, housekeeping, and when to look again."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from typing import TYPE_CHECKING

from durably.errors import StorageError
from durably.events import RunDeleted

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from durably.engine.services import Services

#: How many runs one piece of retention removes: it holds no writer long. There is a next piece at
#: once as long as there is something to remove, and a look for that so often.
_PURGE_BATCH = 100
_PURGE_EVERY = timedelta(minutes=1)
#: When to try housekeeping again that a reader stood in the way of.
_AGAIN = timedelta(seconds=10)
#: How often to look all the same where the database tells of what other processes trigger.
_LOOK_WHEN_TOLD = timedelta(seconds=5)


class Upkeep:
    """Idle work, done at most as often as it is worth."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._options = services.options
        #: When it was last found that there is no more to remove, in monotonic time.
        self._purged_at: timedelta | None = None
        self._was_busy = True
        self._swept = False

    def was_busy(self) -> None:
        """Note that something was written since the last housekeeping."""
        self._was_busy = True

    async def when_idle(
        self, now: datetime, jobs: Collection[str], held: Collection[str]
    ) -> timedelta | None:
        """Do what is due and return how long nothing will be; None when only events matter.

        *now* is when no run was found to be due: what comes due since then is waited for here.
        """
        store, waits = self._services.store, []
        if not self._swept:
            self._swept = True
            await self._services.blobs.sweep(now)
        if self._options.retain_runs is not None:
            waits.append(await self.retain(now, held))
        if self._was_busy and not held:
            self._was_busy = not await store.checkpoint()
            if self._was_busy:
                waits.append(_AGAIN)
        due = await store.next_due(now=now, jobs=jobs, held=held)
        if due is not None:
            waits.append(due - now)
        if not self._options.sole_owner:  # other processes trigger too
            told = getattr(store, "hears", False)
            interval = self._options.polling_interval
            waits.append(max(interval, _LOOK_WHEN_TOLD) if told else interval)
        return max(min(waits), timedelta(milliseconds=1)) if waits else None

    async def retain(self, now: datetime, held: Collection[str]) -> timedelta:
        """Remove a piece of what was kept long enough; return when there may be more.

        A database that cannot do it now is told of, and keeps nobody from other work.
        """
        keep = self._options.retain_runs
        if keep is None:
            return _PURGE_EVERY
        services = self._services
        elapsed = services.clock.monotonic()
        if self._purged_at is None or elapsed - self._purged_at >= _PURGE_EVERY:
            try:
                removed = await purge(services, now - keep, _PURGE_BATCH, held)
            except StorageError as error:
                services.faults.report(error, context="retention")
                self._purged_at = elapsed
            else:
                self._purged_at = elapsed if removed < _PURGE_BATCH else None
        if self._purged_at is None:
            return timedelta(0)
        return self._purged_at + _PURGE_EVERY - elapsed


async def purge(services: Services, older_than: datetime, limit: int, held: Collection[str]) -> int:
    """Remove up to *limit* runs that ended before *older_than*, tell of them; return how many."""
    removed = await services.store.purge(older_than=older_than, limit=limit, held=held)
    for run in removed:
        services.bus.tell(run, RunDeleted)
    if removed:
        with contextlib.suppress(StorageError):  # the runs are gone; the files go the next time
            await services.blobs.release()
    return len(removed)
