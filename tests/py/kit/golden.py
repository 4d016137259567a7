"""One of everything that goes over the wire, as the files of tests/golden hold it.

``python tests/py/kit/golden.py`` writes them anew; a difference is a change of the wire that
clients have to follow, the React client of @coji/durably 0.15 among them (law 11).
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field

from durably import (
    AttemptStatus,
    Failure,
    Health,
    LogLevel,
    LogRecord,
    NotFoundError,
    Problem,
    Progress,
    Run,
    RunStatus,
    ScheduleState,
    Step,
    StepAttempt,
    StepRecord,
    StepStatus,
    ValidationError,
    Wait,
    WaitKind,
    WaitOutcome,
    WaitStatus,
    job,
    wire,
)
from durably.engine.faults import Fault
from durably.events import EVENT_TYPES
from durably.runs import NEVER

FOLDER = Path(__file__).parents[2] / "golden"

NOW = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)
LATER = NOW + timedelta(seconds=90)
RUN_ID = "01KDVDNA00EAD4E5W1YJK710GC"
TRACE = 'Traceback (most recent call last):\n  File "jobs.py", line 7, in work\nValueError: no\n'
FAILURE = Failure(message="no", type_name="ValueError", trace=TRACE)


class Order(BaseModel):
    """The input of the golden job."""

    id: int = Field(ge=1)
    note: str | None = None


@job(name="order")
async def order(step: Step, input: Order) -> list[Order]:
    """Be the golden job."""
    return [input]


def run(**changed: Any) -> Run:
    """Return a pending run, with some of its fields changed."""
    fields: dict[str, Any] = {
        "id": RUN_ID,
        "job_name": "order",
        "input": {"id": 7, "note": "é €"},
        "status": RunStatus.PENDING,
        "idempotency_key": "i",
        "concurrency_key": "c",
        "labels": {"tenant": "x"},
        "current_step_index": 0,
        "completed_step_count": 0,
        "progress": None,
        "output": None,
        "failure": None,
        "lease_owner": None,
        "lease_expires_at": None,
        "lease_generation": 0,
        "available_at": None,
        "recoveries": 0,
        "started_at": None,
        "completed_at": None,
        "created_at": NOW,
        "updated_at": NOW,
    }
    return Run(**(fields | changed))


LEASED = run(
    status=RunStatus.LEASED,
    current_step_index=3,
    completed_step_count=2,
    progress=Progress(current=1, total=2.5, message="half"),
    lease_owner="w",
    lease_expires_at=LATER,
    lease_generation=2,
    started_at=NOW,
)
COMPLETED = run(
    status=RunStatus.COMPLETED,
    output=[{"id": 7, "note": None}],
    progress=Progress(current=1),
    started_at=NOW,
    completed_at=LATER,
)
FAILED = run(status=RunStatus.FAILED, failure=FAILURE, started_at=NOW, completed_at=LATER)


def _step(**changed: Any) -> StepRecord:
    fields: dict[str, Any] = {
        "id": "01KDVDNA00EAD4E5W1YJK710GD",
        "run_id": RUN_ID,
        "name": "read",
        "index": 1,
        "status": StepStatus.COMPLETED,
        "output_json": '{"rows":[1,2]}',
        "failure": None,
        "started_at": NOW,
        "completed_at": LATER,
    }
    return StepRecord(**(fields | changed))


def _attempt(**changed: Any) -> StepAttempt:
    fields: dict[str, Any] = {
        "id": "01KDVDNA00EAD4E5W1YJK710GE",
        "run_id": RUN_ID,
        "step_name": "read",
        "number": 1,
        "status": AttemptStatus.RUNNING,
        "error": None,
        "started_at": NOW,
        "completed_at": None,
        "retry_at": None,
    }
    return StepAttempt(**(fields | changed))


def _wait(**changed: Any) -> Wait:
    fields: dict[str, Any] = {
        "id": "01KDVDNA00EAD4E5W1YJK710GG",
        "run_id": RUN_ID,
        "name": "approval",
        "kind": WaitKind.SIGNAL,
        "created_at": NOW,
        "metadata": {"who": "the boss"},
        "topic": "approval",
    }
    return Wait(**(fields | changed))


def _log(**changed: Any) -> LogRecord:
    fields: dict[str, Any] = {
        "id": "01KDVDNA00EAD4E5W1YJK710GF",
        "run_id": RUN_ID,
        "step_name": "read",
        "level": LogLevel.INFO,
        "message": "a line",
        "data": {"k": [1, None]},
        "created_at": NOW,
    }
    return LogRecord(**(fields | changed))


#: A value for every field that an event can have.
FIELDS: dict[str, Any] = {
    "run_id": RUN_ID,
    "job_name": "order",
    "labels": {"tenant": "x"},
    "input": {"id": 7},
    "skipped_input": {"id": 8},
    "skipped_labels": {"tenant": "y"},
    "lease_owner": "w",
    "lease_expires_at": LATER,
    "progress": Progress(current=1, total=2),
    "output": [{"id": 7}],
    "duration": timedelta(seconds=1, microseconds=500_400),
    "error": "no",
    "error_type": "ValueError",
    "failed_step_name": "read",
    "reason": "backoff",
    "available_at": LATER,
    "step_name": "read",
    "step_index": 1,
    "attempt": 2,
    "delay": timedelta(milliseconds=250),
    "id": "01KDVDNA00EAD4E5W1YJK710GF",
    "level": LogLevel.WARN,
    "message": "a line",
    "data": {"k": 1},
    "wait_id": "01KDVDNA00EAD4E5W1YJK710GG",
    "wait_name": "approval",
    "waiting_until": LATER,
    "code": "storage_busy",
    "context": "save-step",
}


def _events() -> dict[str, Any]:
    written = {}
    for sequence, (name, kind) in enumerate(EVENT_TYPES.items(), start=1):
        taken = {field: FIELDS[field] for field in kind.__dataclass_fields__ if field in FIELDS}
        written[name] = wire.event_json(kind(timestamp=NOW, sequence=sequence, **taken))
    return written


def golden() -> dict[str, Any]:
    """Return the content of every file, by its name."""
    problem = Problem(path=("rows", 0, "id"), message="Input should be greater than 0")
    fault = Fault(code="storage_full", message="there is no space left", since=NOW)
    ok = Health(state="ok", fault=None, worker_id="w", active_runs=(RUN_ID,), parked_jobs=())
    degraded = Health(
        state="degraded", fault=fault, worker_id="w", active_runs=(), parked_jobs=("old",)
    )
    return {
        "runs": {
            "pending": wire.client_run(run(available_at=LATER)),
            "waiting": wire.client_run(
                run(status=RunStatus.WAITING, available_at=LATER, parent_id=RUN_ID)
            ),
            "waiting for ever": wire.client_run(run(status=RunStatus.WAITING, available_at=NEVER)),
            "parked": wire.client_run(run(), is_parked=True),
            "leased": wire.client_run(LEASED),
            "completed": wire.client_run(COMPLETED),
            "failed": wire.client_run(FAILED),
            "cancelled": wire.client_run(run(status=RunStatus.CANCELLED, completed_at=LATER)),
        },
        "steps": [
            wire.step_json(_step()),
            wire.step_json(_step(status=StepStatus.FAILED, output_json=None, failure=FAILURE)),
            wire.step_json(_step(status=StepStatus.CANCELLED, output_json=None)),
        ],
        "attempts": [
            wire.attempt_json(_attempt()),
            wire.attempt_json(
                _attempt(
                    number=2,
                    status=AttemptStatus.FAILED,
                    error="no",
                    completed_at=NOW,
                    retry_at=LATER,
                )
            ),
        ],
        "schedules": [
            wire.schedule_json(
                ScheduleState(
                    name="digest", job_name="digest", spec="Every(60)", next_at=LATER, last_at=NOW
                )
            )
        ],
        "waits": [
            wire.wait_json(_wait()),
            wire.wait_json(
                _wait(
                    status=WaitStatus.RESOLVED,
                    outcome=WaitOutcome.SIGNAL,
                    deadline_at=LATER,
                    key="42",
                    payload_json='{"yes":true}',
                    signal_id="mail-1",
                    suspended_at=NOW,
                    resolved_at=NOW + timedelta(seconds=2),
                    resumed_at=NOW + timedelta(seconds=3),
                )
            ),
            wire.wait_json(_wait(kind=WaitKind.RUN, topic=None, metadata=None, child_id=RUN_ID)),
        ],
        "logs": [wire.log_json(_log()), wire.log_json(_log(step_name=None, data=None))],
        "events": _events(),
        "jobs": [wire.job_json(order)],
        "health": {"ok": wire.health_json(ok), "degraded": wire.health_json(degraded)},
        "errors": {
            "validation": wire.error_json(ValidationError("the input is not valid", [problem])),
            "not-found": wire.error_json(NotFoundError("no such thing")),
            "internal": wire.error_json(KeyError("k")),
        },
    }


def text_of(content: Any) -> str:
    """Return a file's text."""
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write every file."""
    for name, content in golden().items():
        (FOLDER / f"{name}.json").write_text(text_of(content), encoding="utf-8")


if __name__ == "__main__":
    main()
