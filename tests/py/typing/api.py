"""Never run: mypy --strict reads it, and so holds the types of the public names.

A line that is to be refused carries a ``type: ignore`` with its code; mypy reports one too many.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any, assert_type

from pydantic import BaseModel

from durably import (
    Durably,
    Ended,
    Event,
    JobDefinition,
    JobHandle,
    Query,
    Retry,
    Run,
    RunFilter,
    RunsSnapshot,
    Snapshot,
    Step,
    SyncStep,
    Triggered,
    job,
    query,
)
from durably.bus import EventBus
from durably.events import RunCompleted, StepStarted, WorkerError
from durably.handles import JobHandles
from durably.testing import FakeClock, run_to_completion


class In(BaseModel):
    """An input."""

    path: str


class Out(BaseModel):
    """An output."""

    rows: int


def count(path: str, *, at_most: int = 10) -> int:
    """Be a sync step."""
    return len(path) + at_most


async def load(path: str) -> list[str]:
    """Be an async step."""
    return [path]


# --- a job keeps the types of its input and output, however it is declared ---


@job
async def bare(step: Step, input: In) -> Out:
    """Be declared bare."""
    assert_type(await step.run("count", count, input.path, at_most=3), int)
    assert_type(await step.run("load", load, input.path), list[str])
    assert_type(await step.run("lambda", lambda: 1.5), float)
    assert_type(
        await step.run("all", count, "p", retry=Retry(backoff=1), timeout=timedelta(seconds=1)), int
    )
    assert_type(step.run_id, str)
    assert_type(step.cancelled, bool)
    step.progress(1, 2.5, "half")
    step.log.info("a line", {"k": 1})
    step.progress("one")  # type: ignore[arg-type]
    await step.run(count)  # type: ignore[call-overload]
    return Out(rows=1)


@job(name="named", retry=Retry(max_attempts=5), timeout=30)
async def named(step: Step, input: In) -> Out:
    """Be declared with options."""
    return Out(rows=1)


@job(name="sync")
def sync(step: SyncStep, input: In) -> Out:
    """Be a sync job."""
    assert_type(step.run("count", count, input.path), int)
    return Out(rows=1)


@job
async def without_input(step: Step) -> int:
    """Take no input."""
    return 1


@job()
def sync_without_input(step: SyncStep) -> int:
    """Take no input either."""
    return 1


assert_type(bare, JobDefinition[In, Out])
assert_type(named, JobDefinition[In, Out])
assert_type(sync, JobDefinition[In, Out])
assert_type(without_input, JobDefinition[None, int])
assert_type(sync_without_input, JobDefinition[None, int])


@query
def rows(input: In) -> list[int]:
    """Be a query."""
    return [1]


@query(name="pages")
async def pages() -> int:
    """Be an async one."""
    return 1


assert_type(rows, Query)
assert_type(pages, Query)


# --- handles hand the types on ---


async def with_a_handle(handle: JobHandle[In, Out]) -> None:
    """Trigger and wait."""
    assert_type(await handle.trigger(In(path="p")), Triggered)
    assert_type(await handle.trigger({"path": "p"}, labels={"a": "b"}, coalesce="skip"), Triggered)
    ended = await handle.trigger_and_wait(In(path="p"), timeout=5)
    assert_type(ended, Ended[Out])
    assert_type(ended.output.rows, int)
    assert_type(await handle.batch_trigger([In(path="a"), {"path": "b"}]), list[Triggered])
    assert_type(await handle.get_run("id"), Run | None)
    assert_type(await handle.get_runs(RunFilter(limit=5)), list[Run])
    await handle.trigger(5)  # type: ignore[arg-type]
    await handle.trigger(In(path="p"), labels={"a": 1})  # type: ignore[dict-item]


async def with_an_engine() -> None:
    """Use every operation of an engine."""
    async with Durably(
        "sqlite:///x.db",
        jobs=[bare, named, sync, without_input, rows],
        lease=timedelta(seconds=30),
        retain_runs="30d",
    ) as durably:
        assert_type(durably, Durably)
        assert_type(durably.jobs, JobHandles)
        made = await durably.trigger(bare, In(path="p"), idempotency_key="i")
        assert_type(made, Triggered)
        assert_type(made.run, Run)
        assert_type(await durably.wait_for_run(made.id, timeout=1), Run)
        assert_type(await durably.get_run(made.id), Run | None)
        assert_type(durably.subscribe(made.id), AsyncGenerator[Snapshot | Event, None])
        async for told in durably.subscribe_runs(RunFilter(labels={"a": "b"})):
            assert_type(told, RunsSnapshot | Event)
        async for item in durably.subscribe(made.id):
            if isinstance(item, Snapshot):
                assert_type(item.run, Run)
            elif isinstance(item, RunCompleted):
                assert_type(item.duration, timedelta)
        durably.on("run:complete", print)
        durably.on(RunCompleted, lambda event: str(event.output))
        assert_type(await durably.process_until_idle(max_runs=1), int)
        durably.register(without_input)
        durably.register(5)  # type: ignore[arg-type]


def events_are_told_whole(bus: EventBus, run: Run) -> None:
    """Use tell() and publish(): the fields of an event are checked where it is told."""
    bus.tell(run, StepStarted, step_name="s", step_index=0)
    bus.tell(run, StepStarted, step_name="s")  # type: ignore[call-arg]
    bus.tell(run, StepStarted, step_name=0, step_index=0)  # type: ignore[arg-type]
    bus.tell(run, RunCompleted, result=1)  # type: ignore[call-arg]
    bus.tell(run, WorkerError, error="e", code="c", context="x")  # type: ignore[arg-type]
    bus.publish(WorkerError, error="e", code="c", context="x")
    bus.publish(WorkerError, error="e", code="c")  # type: ignore[call-arg]


async def in_a_test() -> None:
    """Run one job with virtual time."""
    ended = await run_to_completion(bare, {"path": "p"}, clock=FakeClock())
    assert_type(ended.output, Out)
    assert_type((await run_to_completion(without_input)).output, int)


def anything_is_json(value: Any) -> None:
    """Untyped jobs are possible."""

    @job
    async def untyped(step, input):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        return input

    assert_type(untyped, JobDefinition[Any, Any])
