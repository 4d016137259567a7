"""The only place where values become JSON and back: camelCase, ISO times, milliseconds.

The shapes are those of ``@coji/durably`` 0.15 (law 11); what is added stands beside them.
"""

from __future__ import annotations

import dataclasses
import functools
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from durably.clock import from_iso, to_iso
from durably.codec import from_json
from durably.errors import DurablyError, ValidationError, message_of
from durably.runs import MAX_PAGE, Progress, RunFilter, RunStatus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from durably.engine.faults import Fault
    from durably.events import Event
    from durably.health import Health
    from durably.jobs import JobDefinition
    from durably.runs import LogRecord, Run, StepAttempt, StepRecord
    from durably.schedule_state import ScheduleState
    from durably.waits import Wait

Json = dict[str, Any]

#: What an event's field most often holds, and JSON can take as it is.
_AS_IT_IS = frozenset({str, int, dict})


def client_run(run: Run, *, is_parked: bool = False) -> Json:
    """Write a run as clients see it: without keys, lease fields and updatedAt."""
    failure = run.failure
    return {
        "id": run.id,
        "jobName": run.job_name,
        "input": run.input,
        "status": str(run.status),
        "currentStepIndex": run.current_step_index,
        "completedStepCount": run.completed_step_count,
        "progress": None if run.progress is None else run.progress.to_object(),
        "output": run.output,
        "error": run.error,
        "errorType": failure.type_name if failure else None,
        "errorTrace": failure.trace if failure else None,
        "labels": dict(run.labels),
        "startedAt": _time(run.started_at),
        "completedAt": _time(run.completed_at),
        "createdAt": to_iso(run.created_at),
        "availableAt": None if run.is_waiting else _time(run.available_at),
        "waitingUntil": _time(run.waiting_until),
        "parentId": run.parent_id,
        "isTerminal": run.is_terminal,
        "isActive": run.is_active,
        "isWaiting": run.is_waiting,
        "isParked": is_parked,
        **({"omitted": list(run.omitted)} if run.omitted else {}),
    }


def step_json(step: StepRecord) -> Json:
    """Write a step."""
    failure = step.failure
    return {
        "id": step.id,
        "runId": step.run_id,
        "name": step.name,
        "index": step.index,
        "status": str(step.status),
        "output": None if step.output_json is None else _shown(step.output_json),
        "error": failure.message if failure else None,
        "errorType": failure.type_name if failure else None,
        "errorTrace": failure.trace if failure else None,
        "startedAt": to_iso(step.started_at),
        "completedAt": _time(step.completed_at),
    }


def attempt_json(attempt: StepAttempt) -> Json:
    """Write an attempt of a step."""
    return {
        "id": attempt.id,
        "runId": attempt.run_id,
        "stepName": attempt.step_name,
        "number": attempt.number,
        "status": str(attempt.status),
        "error": attempt.error,
        "startedAt": to_iso(attempt.started_at),
        "completedAt": _time(attempt.completed_at),
        "retryAt": _time(attempt.retry_at),
    }


def wait_json(wait: Wait) -> Json:
    """Write what a run waits for."""
    return {
        "id": wait.id,
        "runId": wait.run_id,
        "name": wait.name,
        "kind": str(wait.kind),
        "status": str(wait.status),
        "outcome": None if wait.outcome is None else str(wait.outcome),
        "metadata": wait.metadata,
        "topic": wait.topic,
        "key": wait.key,
        "childId": wait.child_id,
        "payload": None if wait.payload_json is None else _shown(wait.payload_json),
        "signalId": wait.signal_id,
        "createdAt": to_iso(wait.created_at),
        "deadlineAt": _time(wait.deadline_at),
        "suspendedAt": _time(wait.suspended_at),
        "resolvedAt": _time(wait.resolved_at),
        "firstResumedAt": _time(wait.resumed_at),
        "inputWaitMs": _milliseconds(wait.input_wait),
        "executionSlotWaitMs": _milliseconds(wait.slot_wait),
    }


def schedule_json(schedule: ScheduleState) -> Json:
    """Write a schedule as it stands."""
    return {
        "name": schedule.name,
        "jobName": schedule.job_name,
        "spec": schedule.spec,
        "nextAt": _time(schedule.next_at),
        "lastAt": _time(schedule.last_at),
        "isPaused": schedule.paused,
    }


def log_json(log: LogRecord) -> Json:
    """Write a log line."""
    return {
        "id": log.id,
        "runId": log.run_id,
        "stepName": log.step_name,
        "level": str(log.level),
        "message": log.message,
        "data": log.data,
        "createdAt": to_iso(log.created_at),
    }


def event_json(event: Event) -> Json:
    """Write an event; every event says its type, timestamp and sequence."""
    written: Json = {"type": event.type}
    kind: Any = type(event)
    for name, key in _fields_of(kind):
        value = getattr(event, name)
        if value is not None or name != "run_id":
            written[key] = value if type(value) in _AS_IT_IS else _plain(value)
    return written


@functools.cache
def _fields_of(event: type[Any]) -> tuple[tuple[str, str], ...]:
    """Return an event's fields and their names on the wire: looked up once, not at each event."""
    return tuple((field.name, camel(field.name)) for field in dataclasses.fields(event))


def job_json(job: JobDefinition[Any, Any]) -> Json:
    """Write a job's name and the JSON Schemas of its input and output."""
    return {
        "name": job.name,
        "input": job.input.schema("validation"),
        "output": job.output.schema("serialization"),
    }


def health_json(health: Health) -> Json:
    """Write what an engine says of itself."""
    return {
        "state": health.state,
        "fault": None if health.fault is None else _fault(health.fault),
        "workerId": health.worker_id,
        "activeRuns": list(health.active_runs),
        "parkedJobs": list(health.parked_jobs),
    }


def error_json(error: BaseException) -> Json:
    """Write an error as its code, its message and the fields at fault, if there are any."""
    if not isinstance(error, DurablyError):
        return {"code": "internal", "message": f"{type(error).__name__}: {message_of(error)}"}
    written: Json = {"code": error.code, "message": message_of(error)}
    if isinstance(error, ValidationError) and error.problems:
        written["problems"] = [
            {"path": list(problem.path), "message": problem.message} for problem in error.problems
        ]
    return written


def read_filter(given: Mapping[str, Any]) -> RunFilter:
    """Read a RunFilter; ValidationError names the field at fault."""
    statuses = one_or_many(given, "status")
    known = {str(status) for status in RunStatus}
    for status in statuses:
        if status not in known:
            msg = f"status must be one of {', '.join(sorted(known))}, not {status!r}"
            raise ValidationError(msg)
    return RunFilter(
        job_names=one_or_many(given, "jobName"),
        statuses=tuple(RunStatus(status) for status in statuses),
        labels=read_labels(given),
        limit=read_number(given, "limit", MAX_PAGE),
        offset=read_number(given, "offset", 0),
    )


def one_or_many(given: Mapping[str, Any], field: str) -> Sequence[str]:
    """Read text, or a list of texts, or nothing."""
    value = given.get(field)
    if value is None:
        return ()
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    msg = f"{field} must be text or a list of texts, not {value!r}"
    raise ValidationError(msg)


def read_labels(given: Mapping[str, Any]) -> dict[str, str]:
    """Read an object of texts, or nothing."""
    value = given.get("labels")
    if value is None:
        return {}
    if isinstance(value, dict) and all(isinstance(item, str) for item in value.values()):
        return value
    msg = f"labels must be an object of texts, not {value!r}"
    raise ValidationError(msg)


def read_number(given: Mapping[str, Any], field: str, default: int) -> int:
    """Read a whole number, or nothing."""
    value = given.get(field)
    if value is None:
        return default
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    msg = f"{field} must be a whole number, not {value!r}"
    raise ValidationError(msg)


def read_text(given: Mapping[str, Any], field: str) -> str:
    """Read text that must be there."""
    value = given.get(field)
    if isinstance(value, str) and value:
        return value
    msg = f"{field} must be text that is not empty, not {value!r}"
    raise ValidationError(msg)


def read_time(given: Mapping[str, Any], field: str) -> datetime:
    """Read an ISO 8601 time that must be there."""
    text = read_text(given, field)
    try:
        return from_iso(text)
    except ValueError as error:
        msg = f"{field} must be an ISO 8601 time, not {text!r}"
        raise ValidationError(msg) from error


def read_duration(given: Mapping[str, Any], field: str) -> timedelta | None:
    """Read a number of milliseconds, or nothing."""
    value = given.get(field)
    if value is None:
        return None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            return timedelta(milliseconds=value)
        except (OverflowError, ValueError):
            pass
    msg = f"{field} must be a number of milliseconds, not {value!r}"
    raise ValidationError(msg)


def camel(name: str) -> str:
    """Write a snake_case name in camelCase."""
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))


def _shown(text: str) -> Any:
    """Read JSON; what cannot be read is shown as the text that it is."""
    try:
        return from_json(text)
    except ValueError:
        return text


def _fault(fault: Fault) -> Json:
    return {"code": fault.code, "message": fault.message, "since": to_iso(fault.since)}


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else to_iso(moment)


def _milliseconds(duration: timedelta | None) -> int | None:
    return None if duration is None else round(duration.total_seconds() * 1000)


def _plain(value: Any) -> Any:
    if isinstance(value, timedelta):
        return _milliseconds(value)
    if isinstance(value, Progress):
        return value.to_object()
    if isinstance(value, datetime):
        return to_iso(value)
    return value
