"""Values for tests of stores: times, runs, steps, and the calls that most tests make."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from durably.runs import (
    NO_NOTES,
    AttemptStatus,
    Claim,
    Failure,
    Finish,
    Lease,
    NewRun,
    RunStatus,
    StepAttempt,
    StepRecord,
    StepStatus,
    Triggered,
)
from durably.store.protocol import Store
from durably.waits import Wait, WaitKind

T0 = datetime(2026, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
JOB = "job"

COMPLETED = Finish(status=RunStatus.COMPLETED, output_json='{"n":1}')
FAILED = Finish(status=RunStatus.FAILED, failure=Failure(message="broken", type_name="ValueError"))


def run(id: str, job: str = JOB, **fields: Any) -> NewRun:
    """Return a run to enqueue."""
    return NewRun(id=id, job_name=job, input_json=fields.pop("input_json", "{}"), **fields)


async def put(store: Store, *runs: NewRun, now: datetime = T0) -> list[Triggered]:
    """Enqueue *runs*."""
    return await store.enqueue(runs, now=now)


async def take(
    store: Store,
    *,
    now: datetime = T0,
    worker: str = "a",
    ttl: timedelta = MINUTE,
    jobs: tuple[str, ...] = (JOB,),
    held: tuple[str, ...] = (),
) -> Claim | None:
    """Claim a run, if one is due."""
    return await store.claim(worker=worker, now=now, until=now + ttl, jobs=jobs, held=held)


async def taken(store: Store, **options: Any) -> Claim:
    """Claim a run that must be due."""
    claim = await take(store, **options)
    assert claim is not None
    return claim


def step(lease: Lease, name: str = "s1", index: int = 0, **fields: Any) -> StepRecord:
    """Return an ended step: completed, unless *fields* say otherwise."""
    given: dict[str, Any] = {
        "id": f"{lease.run_id}/{name}/{fields.get('status', 'completed')}",
        "run_id": lease.run_id,
        "name": name,
        "index": index,
        "status": StepStatus.COMPLETED,
        "output_json": "1",
        "failure": None,
        "started_at": T0,
        "completed_at": T0,
    }
    return StepRecord(**(given | fields))


def attempt(lease: Lease, number: int = 1, **fields: Any) -> StepAttempt:
    """Return an attempt of the step s1: running, unless *fields* say otherwise."""
    given: dict[str, Any] = {
        "id": f"{lease.run_id}/s1/{number}",
        "run_id": lease.run_id,
        "step_name": "s1",
        "number": number,
        "status": AttemptStatus.RUNNING,
        "error": None,
        "started_at": T0,
        "completed_at": None,
        "retry_at": None,
    }
    return StepAttempt(**(given | fields))


async def save(store: Store, lease: Lease, record: StepRecord, **options: Any) -> str:
    """Save a step; return what the write found."""
    given: dict[str, Any] = {"attempt": None, "notes": NO_NOTES, "now": T0}
    return await store.save_step(lease, record, **(given | options))


async def status(store: Store, run_id: str) -> RunStatus | None:
    """Return the status of a run, or None when it is gone."""
    found = await store.get_run(run_id)
    return None if found is None else found.status


def wait_of(lease: Lease, name: str = "wait", **fields: Any) -> Wait:
    """Return a wait of a run, for a signal."""
    given: dict[str, Any] = {
        "id": f"{lease.run_id}-{name}",
        "run_id": lease.run_id,
        "name": name,
        "kind": WaitKind.SIGNAL,
        "created_at": T0,
    }
    return Wait(**(given | fields))
