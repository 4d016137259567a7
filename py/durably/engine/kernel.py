"""The kernel: one leased run becomes one outcome.

Saved steps are replayed, the rest runs; whatever the code does, exactly one outcome comes out.
"""

from __future__ import annotations

import asyncio
import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from durably.engine.current import current_execution
from durably.engine.failures import describe
from durably.engine.faults import LONGEST_PAUSE
from durably.engine.interrupts import gate
from durably.engine.own_code import OwnCode, refuse_task
from durably.engine.own_tasks import contained_tasks
from durably.engine.step import Step, SyncStep
from durably.errors import Cancelled, LeaseLost, StorageError, Suspended, signal_in
from durably.runs import Finish, RunStatus
from durably.threads import IN_BROWSER, contained, without_loop

if TYPE_CHECKING:
    from datetime import datetime

    from durably.engine.execution import Execution


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """The run goes on later."""

    reason: str
    available_at: datetime | None
    #: The waits for which it stands still, by id.
    waits: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """The run was cancelled or taken over; nothing more is written but that its code ended."""


Outcome = Finish | Released | Stopped


async def execute(execution: Execution, *, preserve_steps: bool) -> Outcome:
    """Run the job's code to its end and say how it ended; raises nothing but the process's end."""
    execution.code = asyncio.ensure_future(_run_code(execution))
    if execution.signal is not None:
        execution.code.cancel()
    with contained_tasks(execution.loop):
        await asyncio.wait({execution.code})
        execution.ended = True
        await _end_stragglers(execution)
    try:
        text = execution.code.result()
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001 - every end of the code becomes an outcome
        return _judge(execution, error)
    if execution.signal is not None:  # the code swallowed what should have ended it
        return _judge(execution, execution.signal)
    if execution.interrupted:
        return _judge(execution, Cancelled())
    return Finish(status=RunStatus.COMPLETED, output_json=text, keep_steps=preserve_steps)


async def _run_code(execution: Execution) -> str:
    current_execution.set(execution)  # for this task and those that the job makes
    job = execution.job
    with OwnCode(f"job {job.name!r}", lambda: execution.is_stopped):
        value = job.input.parse_json(f"the stored input of job {job.name!r}", execution.run.input)
        result = await _call_job(execution, (value,) if job.takes_input else ())
        return job.output.settle(f"job {job.name!r}", result)[0]


@gate
async def _call_job(execution: Execution, inputs: tuple[Any, ...]) -> Any:
    function = execution.job.function
    if execution.job.is_async:
        value = function(Step(execution), *inputs)
    else:
        value = await _call_sync_job(execution, inputs)
    return await value if inspect.isawaitable(value) else value


@gate
async def _call_sync_job(execution: Execution, inputs: tuple[Any, ...]) -> Any:
    function, step = execution.job.function, SyncStep(execution)
    if IN_BROWSER:
        execution.may_wait = False
        with without_loop():
            value = execution.call(function, step, *inputs)
        refuse_task(f"job {execution.job.name!r}", value)
        return value

    def begin() -> Any:
        execution.check()  # it may have been stopped while it waited for a thread
        with OwnCode(f"job {execution.job.name!r}"):
            return contained(function, step, *inputs)

    return await execution.in_thread(begin)


async def _end_stragglers(execution: Execution) -> None:
    """End steps that outlived the job's code, such as siblings of one that failed in a gather."""
    while tasks := execution.cancel_stragglers():
        await asyncio.wait(tasks)


def _judge(execution: Execution, error: BaseException) -> Outcome:
    signal = execution.signal or (Cancelled() if execution.interrupted else signal_in(error))
    if isinstance(signal, LeaseLost):
        return Stopped()
    if isinstance(signal, Suspended):
        return Released(
            reason=signal.reason,
            available_at=execution.available_at,
            waits=execution.stood_for,
        )
    if isinstance(signal, Cancelled):
        if execution.signal is not None:
            return Stopped()
        return Finish(status=RunStatus.CANCELLED)  # the job cancelled itself
    cause = _cause(error)
    if isinstance(cause, StorageError):  # what keeps the runs failed the job, not its own code
        services = execution.services
        services.faults.report(cause, context="job", run_id=execution.run.id)
        return Released(reason="storage", available_at=services.clock.now() + LONGEST_PAUSE)
    return Finish(status=RunStatus.FAILED, failure=describe(cause))


def _cause(error: BaseException) -> BaseException:
    """Return the cause: a group of one, as a TaskGroup raises it, is its only member."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error
