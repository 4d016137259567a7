"""Keep the leases of running executions, and write their notes when no step does."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from durably.clock import wait_for_event
from durably.errors import RunSignal, StorageError
from durably.events import RunLeaseRenewed
from durably.runs import Hold

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Mapping

    from durably.engine.execution import Execution, Services

#: How long progress and log lines wait for a step to carry them.
_NOTES_WAIT = timedelta(milliseconds=500)


async def keep_leases(
    active: Mapping[str, Execution], services: Services, *, ttl: timedelta, every: timedelta
) -> None:
    """Renew every lease until cancelled; stop the code of one that is lost or cancelled."""
    while True:
        await services.clock.sleep(every)
        for execution in tuple(active.values()):
            await _renew(execution, services, ttl)


async def _renew(execution: Execution, services: Services, ttl: timedelta) -> None:
    now = services.clock.now()
    try:
        hold = await services.store.renew(execution.lease, now=now, until=now + ttl)
    except StorageError as error:
        # The next round tries again; a lease that runs out meanwhile is fenced, not wrong.
        services.faults.report(error, context="renew-lease", run_id=execution.run.id)
        return
    if hold is not Hold.HELD:
        if execution.signal is None:
            execution.lost(hold)
            execution.stop_code()
        return
    execution.publish(
        RunLeaseRenewed, lease_owner=execution.lease.owner, lease_expires_at=now + ttl
    )


async def keep_notes(
    active: Mapping[str, Execution], services: Services, waiting: asyncio.Event
) -> None:
    """Write waiting notes now and then until cancelled."""
    while True:
        await wait_for_event(services.clock, waiting, None)
        await services.clock.sleep(_NOTES_WAIT)
        waiting.clear()
        for execution in tuple(active.values()):
            try:
                await execution.save_notes()
            except RunSignal:
                execution.stop_code()
