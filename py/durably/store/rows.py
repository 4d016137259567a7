"""Between table rows and the values of runs.py; the same for every SQL database.

Rows are tuples in the order of the column lists below.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from durably.clock import from_iso, to_iso
from durably.codec import from_json, to_json
from durably.runs import (
    AttemptStatus,
    Failure,
    LogLevel,
    LogRecord,
    Progress,
    Run,
    RunStatus,
    StepAttempt,
    StepRecord,
    StepStatus,
)

if TYPE_CHECKING:
    from datetime import datetime

    from durably.runs import NewRun

RUN_COLUMNS = (
    "id, job_name, input, status, idempotency_key, concurrency_key, labels, current_step_index, "
    "completed_step_count, progress, output, error, error_type, error_trace, lease_owner, "
    "lease_expires_at, lease_generation, available_at, recoveries, started_at, completed_at, "
    "created_at, updated_at"
)
#: Where the generation stands in such a row, for one that cannot be read as a whole.
GENERATION = RUN_COLUMNS.split(", ").index("lease_generation")
STEP_COLUMNS = (
    'id, run_id, name, "index", status, output, error, error_type, error_trace, '
    "started_at, completed_at"
)
ATTEMPT_COLUMNS = (
    "id, run_id, step_name, number, status, error, started_at, completed_at, retry_at, counted"
)
LOG_COLUMNS = "id, run_id, step_name, level, message, data, created_at"


def iso_or_none(moment: datetime | None) -> str | None:
    """Write a time that may be missing."""
    return None if moment is None else to_iso(moment)


def _time_or_none(text: str | None) -> datetime | None:
    return None if text is None else from_iso(text)


def _json_or_none(text: str | None) -> Any:
    return None if text is None else from_json(text)


def _failure(message: str | None, type_name: str | None, trace: str | None) -> Failure | None:
    return None if message is None else Failure(message=message, type_name=type_name, trace=trace)


def to_run(row: tuple[Any, ...]) -> Run:
    """Read a row of RUN_COLUMNS."""
    progress = _json_or_none(row[9])
    return Run(
        id=row[0],
        job_name=row[1],
        input=from_json(row[2]),
        status=RunStatus(row[3]),
        idempotency_key=row[4],
        concurrency_key=row[5],
        labels=from_json(row[6]),
        current_step_index=row[7],
        completed_step_count=row[8],
        progress=None if progress is None else to_progress(progress),
        output=_json_or_none(row[10]),
        failure=_failure(row[11], row[12], row[13]),
        lease_owner=row[14],
        lease_expires_at=_time_or_none(row[15]),
        lease_generation=row[16],
        available_at=_time_or_none(row[17]),
        recoveries=row[18] or 0,
        started_at=_time_or_none(row[19]),
        completed_at=_time_or_none(row[20]),
        created_at=from_iso(row[21]),
        updated_at=from_iso(row[22]),
    )


def pending_run(new: NewRun, created_at: datetime) -> Run:
    """Return the run that was stored for *new*, without reading it back."""
    return Run(
        id=new.id,
        job_name=new.job_name,
        input=from_json(new.input_json),
        status=RunStatus.PENDING,
        idempotency_key=new.idempotency_key,
        concurrency_key=new.concurrency_key,
        labels=new.labels,
        current_step_index=0,
        completed_step_count=0,
        progress=None,
        output=None,
        failure=None,
        lease_owner=None,
        lease_expires_at=None,
        lease_generation=0,
        available_at=None,
        recoveries=0,
        started_at=None,
        completed_at=None,
        created_at=created_at,
        updated_at=created_at,
    )


def to_progress(value: dict[str, Any]) -> Progress:
    """Read the JSON object of a progress."""
    return Progress(
        current=value["current"], total=value.get("total"), message=value.get("message")
    )


def progress_json(progress: Progress | None) -> str | None:
    """Write a progress; what is not given is left out, as on the wire."""
    return None if progress is None else to_json(progress_object(progress))


def progress_object(progress: Progress) -> dict[str, Any]:
    """Return the JSON object of a progress."""
    given = {"total": progress.total, "message": progress.message}
    return {"current": progress.current} | {k: v for k, v in given.items() if v is not None}


def to_step(row: tuple[Any, ...]) -> StepRecord:
    """Read a row of STEP_COLUMNS."""
    return StepRecord(
        id=row[0],
        run_id=row[1],
        name=row[2],
        index=row[3],
        status=StepStatus(row[4]),
        output_json=row[5],
        failure=_failure(row[6], row[7], row[8]),
        started_at=from_iso(row[9]),
        completed_at=_time_or_none(row[10]),
    )


def from_step(step: StepRecord) -> tuple[Any, ...]:
    """Write a row of STEP_COLUMNS."""
    failure = step.failure
    return (
        step.id,
        step.run_id,
        step.name,
        step.index,
        step.status,
        step.output_json,
        failure and failure.message,
        failure and failure.type_name,
        failure and failure.trace,
        to_iso(step.started_at),
        iso_or_none(step.completed_at),
    )


def to_attempt(row: tuple[Any, ...]) -> StepAttempt:
    """Read a row of ATTEMPT_COLUMNS."""
    return StepAttempt(
        id=row[0],
        run_id=row[1],
        step_name=row[2],
        number=row[3],
        status=AttemptStatus(row[4]),
        error=row[5],
        started_at=from_iso(row[6]),
        completed_at=_time_or_none(row[7]),
        retry_at=_time_or_none(row[8]),
        counted=bool(row[9]),
    )


def from_attempt(attempt: StepAttempt) -> tuple[Any, ...]:
    """Write a row of ATTEMPT_COLUMNS."""
    return (
        attempt.id,
        attempt.run_id,
        attempt.step_name,
        attempt.number,
        attempt.status,
        attempt.error,
        to_iso(attempt.started_at),
        iso_or_none(attempt.completed_at),
        iso_or_none(attempt.retry_at),
        int(attempt.counted),
    )


def to_log(row: tuple[Any, ...]) -> LogRecord:
    """Read a row of LOG_COLUMNS."""
    return LogRecord(
        id=row[0],
        run_id=row[1],
        step_name=row[2],
        level=LogLevel(row[3]),
        message=row[4],
        data=_json_or_none(row[5]),
        created_at=from_iso(row[6]),
    )


def from_log(log: LogRecord) -> tuple[Any, ...]:
    """Write a row of LOG_COLUMNS."""
    return (
        log.id,
        log.run_id,
        log.step_name,
        log.level,
        log.message,
        None if log.data is None else to_json(log.data),
        to_iso(log.created_at),
    )
