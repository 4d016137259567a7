"""Keep the leases of running executions, and write their notes when no step does."""

from __future__ import annotations

import asyncio
import contextvars
from datetime import timedelta
from typing import TYPE_CHECKING

from durably.clock import accompanies, wait_for_event
from durably.engine.faults import pause_after
from durably.events import RunLeaseRenewed
from durably.runs import Hold

if TYPE_CHECKING:
    from collections.abc import Mapping

    from durably.engine.execution import Execution
    from durably.engine.services import Services

#: How long progress and log lines wait for a step to carry them.
_NOTES_WAIT = timedelta(milliseconds=500)


class Keepers:
    """The tasks that work beside executions, whoever claimed these."""

    def __init__(self, active: Mapping[str, Execution], services: Services) -> None:
        self._tasks: list[asyncio.Task[None]] = []
        self._active = active
        self._services = services
        #: Set when an execution has notes that no write has taken yet.
        self.notes_waiting = asyncio.Event()

    def start(self) -> None:
        """Begin, unless it was done."""
        if self._tasks:
            return
        active, services = self._active, self._services
        options = services.options
        work = [keep_notes(active, services, self.notes_waiting)]
        if not options.sole_owner:
            every = options.lease_renew_interval
            work.append(keep_leases(active, services, ttl=options.lease, every=every))
        context = contextvars.copy_context()
        context.run(accompanies.set, True)  # noqa: FBT003 - a variable's value
        self._tasks = [asyncio.create_task(one, context=context.copy()) for one in work]

    async def stop(self) -> None:
        """End, with no write under way."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def keep_leases(
    active: Mapping[str, Execution], services: Services, *, ttl: timedelta, every: timedelta
) -> None:
    """Renew every lease until cancelled; stop the code whose lease is lost or cancelled."""
    while True:
        await services.clock.sleep(every)
        for execution in tuple(active.values()):
            await _renew(execution, services, ttl)


async def _renew(execution: Execution, services: Services, ttl: timedelta) -> None:
    now = services.clock.now()
    try:
        hold = await services.store.renew(execution.lease, now=now, until=now + ttl)
    except Exception as error:  # noqa: BLE001 - the other leases are to be kept in any case
        # The next round tries again; a lease that runs out meanwhile is fenced, not wrong.
        services.faults.report(error, context="renew-lease", run_id=execution.run.id)
        return
    if hold is not Hold.HELD:
        execution.lost(hold)
        return
    execution.publish(
        RunLeaseRenewed, lease_owner=execution.lease.owner, lease_expires_at=now + ttl
    )


async def keep_notes(
    active: Mapping[str, Execution], services: Services, waiting: asyncio.Event
) -> None:
    """Write waiting notes now and then until cancelled."""
    failures = 0
    while True:
        await wait_for_event(services.clock, waiting, None)
        await services.clock.sleep(max(_NOTES_WAIT, pause_after(failures)))
        waiting.clear()
        written = [await execution.save_notes() for execution in tuple(active.values())]
        failures = 0 if all(written) else failures + 1
        if failures:
            waiting.set()
