"""The end of an execution: what is written of it, and who is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from durably.codec import from_json
from durably.engine.failures import describe
from durably.engine.kernel import Released
from durably.errors import Suspended
from durably.events import RunCancelled, RunCompleted, RunFailed, RunReleased, RunWaiting
from durably.runs import NEVER, NO_NOTES, Finish, Hold, RunStatus

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from durably.engine.execution import Execution
    from durably.engine.kernel import Outcome
    from durably.runs import Notes


async def conclude(execution: Execution, outcome: Outcome) -> None:
    """Write how an execution ended, until the database takes it, and tell of it.

    An end that cannot be written, whatever the reason, is a failure that can.
    """
    try:
        await _end(execution, outcome, execution.take_notes())
    except Exception as error:  # noqa: BLE001 - it would be executed again, to the same end
        context = "finish" if isinstance(outcome, Finish) else "release"
        execution.services.faults.report(error, context=context, run_id=execution.run.id)
        if isinstance(outcome, Finish):
            outcome = Finish(status=RunStatus.FAILED, failure=describe(error))
        await _end(execution, outcome, NO_NOTES)


async def _end(execution: Execution, outcome: Outcome, notes: Notes) -> None:
    # An end that is refused, because the run was cancelled meanwhile, wrote none of the notes.
    if isinstance(outcome, Finish):
        hold = await _finish(execution, outcome, notes)
        if hold is Hold.HELD:
            _tell_end(execution, outcome)
            return
    if not isinstance(outcome, Released):
        await release(execution, None, notes)
    elif await release(execution, outcome.available_at, notes, outcome.waits) is Hold.HELD:
        _tell_release(execution, outcome)


async def _finish(execution: Execution, end: Finish, notes: Notes) -> Hold | None:
    store, clock = execution.services.store, execution.services.clock
    return await _write_end(
        execution,
        lambda: store.finish(execution.lease, end, notes=notes, now=clock.now()),
        context="finish",
    )


async def release(
    execution: Execution,
    available_at: datetime | None,
    notes: Notes,
    waits: tuple[str, ...] = (),
) -> Hold | None:
    """Give a run back, to be claimed from *available_at* on, or once one of *waits* is resolved."""
    store, clock = execution.services.store, execution.services.clock
    return await _write_end(
        execution,
        lambda: store.release(
            execution.lease,
            notes=notes,
            now=clock.now(),
            available_at=available_at,
            waits=waits,
        ),
        context="release",
    )


async def _write_end(
    execution: Execution, write: Callable[[], Awaitable[Hold]], *, context: str
) -> Hold | None:
    """Write until it is taken; None when the engine stops first, and the lease runs out."""
    try:
        return await execution.services.faults.until_taken(
            write,
            context=context,
            run_id=execution.run.id,
            may_wait=not execution.given_up,
        )
    except Suspended:
        return None


def _tell_release(execution: Execution, released: Released) -> None:
    due = released.available_at
    if not released.waits:
        execution.publish(RunReleased, reason=released.reason, available_at=due)
        return
    first = next(wait for wait in execution.waits.values() if wait.id in released.waits)
    execution.publish(
        RunWaiting,
        wait_id=first.id,
        wait_name=first.name,
        waiting_until=None if due == NEVER else due,
    )


def _tell_end(execution: Execution, end: Finish) -> None:
    run = execution.run
    if end.status is RunStatus.COMPLETED:
        since = run.started_at or run.created_at
        execution.publish(
            RunCompleted,
            output=from_json(end.output_json or "null"),
            duration=execution.services.clock.now() - since,
        )
    elif end.status is RunStatus.CANCELLED:
        execution.publish(RunCancelled)
    else:
        failure = end.failure
        execution.publish(
            RunFailed,
            error=failure.message if failure else "",
            error_type=failure.type_name if failure else None,
            failed_step_name=execution.failed_step,
        )
