"""Values that stand for what an engine keeps and tells, the same at every generation."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from durably import (
    AttemptStatus,
    Failure,
    Health,
    LogLevel,
    LogRecord,
    Problem,
    Progress,
    Run,
    RunStatus,
    ScheduleState,
    StepAttempt,
    StepRecord,
    StepStatus,
    ValidationError,
    Wait,
    WaitKind,
    WaitOutcome,
    WaitStatus,
)
from durably.engine.faults import Fault

if TYPE_CHECKING:
    from durably.events import Event

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
RUN_ID = "01KDWZ9M00ABCDEFGHJKMNPQRS"
_ROW_ID = "01KDWZ9M01ABCDEFGHJKMNPQRS"
_SECOND = timedelta(seconds=1)

RUN = Run(
    id=RUN_ID,
    job_name="resize",
    input={"width": 640},
    status=RunStatus.COMPLETED,
    idempotency_key=None,
    concurrency_key=None,
    labels={"user": "ada"},
    current_step_index=2,
    completed_step_count=2,
    progress=Progress(current=2, total=2, message="written"),
    output={"bytes": 20480},
    failure=None,
    lease_owner=None,
    lease_expires_at=None,
    lease_generation=1,
    available_at=None,
    recoveries=0,
    started_at=START + _SECOND,
    completed_at=START + 3 * _SECOND,
    created_at=START,
    updated_at=START + 3 * _SECOND,
)

SCHEDULE = ScheduleState(
    name="digest",
    job_name="digest",
    spec="Cron(expression='0 9 * * mon-fri', tz='Europe/Berlin')",
    next_at=START + 20 * 3600 * _SECOND,
    last_at=START - 4 * 3600 * _SECOND,
)

WAIT = Wait(
    id=_ROW_ID,
    run_id=RUN_ID,
    name="approval",
    kind=WaitKind.SIGNAL,
    created_at=START,
    deadline_at=START + 3600 * _SECOND,
    metadata={"title": "News"},
    topic="approval",
    status=WaitStatus.RESOLVED,
    outcome=WaitOutcome.SIGNAL,
    payload_json='{"approved":true}',
    signal_id="mail-17",
    suspended_at=START,
    resolved_at=START + 60 * _SECOND,
    resumed_at=START + 60 * _SECOND,
)

STEP = StepRecord(
    id=_ROW_ID,
    run_id=RUN_ID,
    name="read",
    index=0,
    status=StepStatus.FAILED,
    output_json=None,
    failure=Failure(
        message="no such file", type_name="FileNotFoundError", trace="Traceback (most recent …"
    ),
    started_at=START + _SECOND,
    completed_at=START + 2 * _SECOND,
)

ATTEMPT = StepAttempt(
    id=_ROW_ID,
    run_id=RUN_ID,
    step_name="read",
    number=1,
    status=AttemptStatus.FAILED,
    error="no such file",
    started_at=START + _SECOND,
    completed_at=START + 2 * _SECOND,
    retry_at=START + 12 * _SECOND,
)

LOG = LogRecord(
    id=_ROW_ID,
    run_id=RUN_ID,
    step_name="read",
    level=LogLevel.INFO,
    message="read",
    data={"pixels": 307200},
    created_at=START + _SECOND,
)

HEALTH = Health(
    state="degraded",
    fault=Fault(
        code="storage_full", message="there is no space left for the database", since=START
    ),
    worker_id="worker-1",
    active_runs=(RUN_ID,),
    parked_jobs=("rotate",),
)

ERROR = ValidationError(
    "the input of job 'resize' is not valid",
    [Problem(path=("width",), message="Input should be greater than 0")],
)

_FIELDS: dict[str, Any] = {
    "timestamp": START,
    "sequence": 7,
    "run_id": RUN_ID,
    "job_name": "resize",
    "labels": {"user": "ada"},
    "input": {"width": 640},
    "skipped_input": {"width": 320},
    "skipped_labels": {},
    "lease_owner": "worker-1",
    "lease_expires_at": START + 30 * _SECOND,
    "progress": Progress(current=1, total=2),
    "output": {"bytes": 20480},
    "duration": 2 * _SECOND,
    "error": "no such file",
    "error_type": "FileNotFoundError",
    "failed_step_name": "read",
    "reason": "backoff",
    "available_at": START + 12 * _SECOND,
    "step_name": "read",
    "step_index": 0,
    "attempt": 1,
    "delay": 10 * _SECOND,
    "id": _ROW_ID,
    "level": LogLevel.INFO,
    "message": "read",
    "data": {"pixels": 307200},
    "wait_id": _ROW_ID,
    "wait_name": "approval",
    "waiting_until": START + 3600 * _SECOND,
    "code": "storage_busy",
    "context": "save-step",
}


def event_example(event: type[Event]) -> Event:
    """Return an event of that type."""
    return event(**{one.name: _FIELDS[one.name] for one in dataclasses.fields(event)})
