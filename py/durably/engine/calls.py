"""Runs that a job calls and waits for: each is made once, with the wait for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from durably.codec import from_json
from durably.engine.waits import open_wait, payload_text, until_resolved
from durably.errors import RunCancelledError, RunFailedError, ValidationError
from durably.jobs import JobDefinition
from durably.runs import RunStatus
from durably.triggers import new_run, trigger_options
from durably.waits import WaitKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from durably.engine.execution import Execution


async def call(
    execution: Execution,
    name: str,
    job: JobDefinition[Any, Any] | str,
    input: Any,
    *,
    detached: bool,
    options: Mapping[str, Any],
) -> Any:
    """Make a run of *job* once, wait for its end and return its output as the job's type."""
    services = execution.services
    target = services.jobs.require(job.name if isinstance(job, JobDefinition) else job)
    known = execution.waits.get(name)
    child = None
    if known is None:
        if "run_id" in options:
            msg = "a called run has an id of its own; run_id cannot be given"
            raise ValidationError(msg)
        child = new_run(
            target,
            input,
            trigger_options(options),
            fresh_id=services.new_id(),
            now=services.clock.now(),
            labels_model=services.options.labels,
            parent_id=execution.run.id,
        )
    wait = await open_wait(execution, name, WaitKind.RUN, child=child, detached=detached)
    end = from_json(await payload_text(execution, await until_resolved(execution, wait)))
    child_id = execution.waits[name].child_id or ""
    status = RunStatus(end["status"])
    if status is RunStatus.COMPLETED:
        what = f"the output of job {target.name!r} does not fit its type"
        return target.output.parse_json(what, end["output"])
    if status is RunStatus.CANCELLED:
        raise RunCancelledError(child_id)
    raise RunFailedError(child_id, end["error"])
