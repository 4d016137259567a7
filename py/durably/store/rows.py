"""Between table rows and the values of runs.py; the same for every SQL database.

Rows are tuples in the order of the column lists below.
"""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from durably.clock import from_iso, to_iso
from durably.codec import from_json, to_json
from durably.runs import (
    TERMINAL,
    AttemptStatus,
    Failure,
    LogLevel,
    LogRecord,
    Progress,
    RemovedRun,
    Run,
    RunStatus,
    StepAttempt,
    StepRecord,
    StepStatus,
)
from durably.waits import Wait, WaitKind, WaitOutcome, WaitStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from durably.runs import NewRun

RUN_COLUMNS = (
    "id, job_name, input, status, idempotency_key, concurrency_key, labels, current_step_index, "
    "completed_step_count, progress, output, error, error_type, error_trace, lease_owner, "
    "lease_expires_at, lease_generation, available_at, recoveries, started_at, completed_at, "
    "created_at, updated_at, parent_id"
)
#: Shown where a row has no time that can be read.
_NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)
#: Where the generation stands in such a row, for one that cannot be read as a whole.
GENERATION = RUN_COLUMNS.split(", ").index("lease_generation")
#: What a list may leave out, and where it stands in such a row.
PAYLOADS = {name: RUN_COLUMNS.split(", ").index(name) for name in ("input", "output")}
STEP_COLUMNS = (
    'id, run_id, name, "index", status, output, error, error_type, error_trace, '
    "started_at, completed_at"
)
ATTEMPT_COLUMNS = (
    "id, run_id, step_name, number, status, error, started_at, completed_at, retry_at, counted"
)
WAIT_COLUMNS = (
    "id, run_id, name, kind, created_at, deadline_at, metadata, topic, key, child_id, status, "
    "outcome, payload, signal_id, suspended_at, resolved_at, resumed_at, detached"
)
LOG_COLUMNS = "id, run_id, step_name, level, message, data, created_at"


def iso_or_none(moment: datetime | None) -> str | None:
    """Write a time that may be missing."""
    return None if moment is None else to_iso(moment)


def _time_or_none(text: str | None) -> datetime | None:
    return None if text is None else from_iso(text)


def _listed_json(text: str | None) -> Any:
    """Read JSON that is only shown: text that is none is shown as the text that it is."""
    try:
        return _json_or_none(text)
    except ValueError:
        return text


def _json_or_none(text: str | None) -> Any:
    return None if text is None else from_json(text)


def _failure(message: str | None, type_name: str | None, trace: str | None) -> Failure | None:
    return None if message is None else Failure(message=message, type_name=type_name, trace=trace)


def to_run(row: tuple[Any, ...]) -> Run:
    """Read a row of RUN_COLUMNS; ValueError, LookupError or TypeError when a part is unreadable."""
    return _run_of(row, lambda read, value, _otherwise: read(value))


def to_listed_run(row: tuple[Any, ...], omitted: Sequence[str] = ()) -> Run:
    """Read a row of RUN_COLUMNS as far as it can be read.

    One bad row must not hide the others: what cannot be read of it is left out, and the run's
    failure says so. *omitted* names what the statement did not select.
    """
    problems: list[str] = []

    def attempt(read: Callable[[Any], Any], value: Any, otherwise: Any) -> Any:
        try:
            return read(value)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            problems.append(str(error))
            return otherwise

    run = _run_of(row, attempt)
    if problems and run.failure is None:
        run = dataclasses.replace(run, failure=unreadable(problems[0]))
    return dataclasses.replace(run, omitted=tuple(omitted)) if omitted else run


def unreadable(reason: object) -> Failure:
    """Return the failure of a run whose row nobody can read."""
    message = f"what is stored of the run cannot be read: {reason}"
    return Failure(message=message, type_name="durably.errors.StorageUnreadableError")


def _run_of(row: tuple[Any, ...], get: Callable[[Callable[[Any], Any], Any, Any], Any]) -> Run:
    """Read a row; *get* calls a reader with a value, and knows what to do when it fails."""
    return Run(
        id=row[0],
        job_name=row[1],
        input=get(from_json, row[2], None),
        status=get(RunStatus, row[3], RunStatus.FAILED),
        idempotency_key=row[4],
        concurrency_key=row[5],
        labels=get(_labels, row[6], {}),
        current_step_index=row[7],
        completed_step_count=row[8],
        progress=get(_progress_or_none, row[9], None),
        output=get(_json_or_none, row[10], None),
        failure=_failure(row[11], row[12], row[13]),
        lease_owner=row[14],
        lease_expires_at=get(_time_or_none, row[15], None),
        lease_generation=row[16],
        available_at=get(_time_or_none, row[17], None),
        recoveries=row[18] or 0,
        started_at=get(_time_or_none, row[19], None),
        completed_at=get(_time_or_none, row[20], None),
        created_at=get(from_iso, row[21], _NO_TIME),
        updated_at=get(from_iso, row[22], _NO_TIME),
        parent_id=row[23],
    )


def to_removed(row: tuple[Any, ...]) -> RemovedRun:
    """Read the id, job and labels of a run that was removed."""
    try:
        labels = _labels(row[2])
    except (TypeError, ValueError):
        labels = {}
    return RemovedRun(id=row[0], job_name=row[1], labels=labels)


def new_status(new: NewRun) -> RunStatus:
    """Return the status in which *new* is made."""
    return RunStatus.PENDING if new.available_at is None else RunStatus.WAITING


def made_run(new: NewRun, created_at: datetime) -> Run:
    """Return the run that was stored for *new*, without reading it back."""
    return Run(
        id=new.id,
        job_name=new.job_name,
        input=from_json(new.input_json),
        status=new_status(new),
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
        available_at=new.available_at,
        recoveries=0,
        started_at=None,
        completed_at=None,
        created_at=created_at,
        updated_at=created_at,
        parent_id=new.parent_id,
    )


def _progress_or_none(text: str | None) -> Progress | None:
    value = _json_or_none(text)
    if value is None:
        return None
    return Progress(
        current=value["current"], total=value.get("total"), message=value.get("message")
    )


def _labels(text: str) -> dict[str, str]:
    labels = from_json(text)
    if not isinstance(labels, dict):
        msg = f"its labels are no object: {text!r}"
        raise TypeError(msg)
    return labels


def progress_json(progress: Progress | None) -> str | None:
    """Write a progress; what is not given is left out, as on the wire."""
    return None if progress is None else to_json(progress.to_object())


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


def to_wait(row: tuple[Any, ...], run_status: str | None = None) -> Wait:
    """Read a row of WAIT_COLUMNS; with its run's end a pending one is closed."""
    status = WaitStatus(row[10])
    if status is WaitStatus.PENDING and run_status in TERMINAL:
        ended = RunStatus(run_status)
        status = WaitStatus.CANCELLED if ended is RunStatus.CANCELLED else WaitStatus.CLOSED
    return Wait(
        id=row[0],
        run_id=row[1],
        name=row[2],
        kind=WaitKind(row[3]),
        created_at=from_iso(row[4]),
        deadline_at=_time_or_none(row[5]),
        metadata=_listed_json(row[6]),
        topic=row[7],
        key=row[8],
        child_id=row[9],
        status=status,
        outcome=None if row[11] is None else WaitOutcome(row[11]),
        payload_json=row[12],
        signal_id=row[13],
        suspended_at=_time_or_none(row[14]),
        resolved_at=_time_or_none(row[15]),
        resumed_at=_time_or_none(row[16]),
        detached=bool(row[17]),
    )


def from_wait(wait: Wait) -> tuple[Any, ...]:
    """Write a row of WAIT_COLUMNS."""
    return (
        wait.id,
        wait.run_id,
        wait.name,
        wait.kind,
        to_iso(wait.created_at),
        iso_or_none(wait.deadline_at),
        None if wait.metadata is None else to_json(wait.metadata),
        wait.topic,
        wait.key,
        wait.child_id,
        wait.status,
        wait.outcome,
        wait.payload_json,
        wait.signal_id,
        iso_or_none(wait.suspended_at),
        iso_or_none(wait.resolved_at),
        iso_or_none(wait.resumed_at),
        int(wait.detached),
    )


def to_log(row: tuple[Any, ...]) -> LogRecord:
    """Read a row of LOG_COLUMNS."""
    return LogRecord(
        id=row[0],
        run_id=row[1],
        step_name=row[2],
        level=LogLevel(row[3]),
        message=row[4],
        data=_listed_json(row[5]),
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
