"""What the engine does when idle: retention, housekeeping, and when to look again."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from durably.events import RunDeleted

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from durably.engine.execution import Services
    from durably.options import Options

#: How many runs one round of retention removes, and how often there is one.
_PURGE_BATCH = 100
_PURGE_EVERY = timedelta(minutes=1)


class Upkeep:
    """Idle work, done at most as often as it is worth."""

    def __init__(self, services: Services, options: Options) -> None:
        self._services = services
        self._options = options
        self._purged_at: datetime | None = None
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
            waits.append(await self._retain(now, self._options.retain_runs, held))
        if self._was_busy and not held:
            self._was_busy = False
            await store.checkpoint()
        due = await store.next_due(now=now, jobs=jobs, held=held)
        if due is not None:
            waits.append(due - now)
        if not self._options.sole_owner:  # other processes trigger too, and tell nobody
            waits.append(self._options.polling_interval)
        return max(min(waits), timedelta(milliseconds=1)) if waits else None

    async def _retain(self, now: datetime, keep: timedelta, held: Collection[str]) -> timedelta:
        if self._purged_at is None or now - self._purged_at >= _PURGE_EVERY:
            self._purged_at = now
            removed = await self._services.store.purge(
                older_than=now - keep, limit=_PURGE_BATCH, held=held
            )
            for run in removed:
                self._services.bus.tell(run, RunDeleted)
            if removed:
                await self._services.blobs.release()
        return self._purged_at + _PURGE_EVERY - now
