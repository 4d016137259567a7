"""Jobs of sync code: on a thread on CPython, inline in Pyodide."""

from __future__ import annotations

import asyncio
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from durably import (
    Durably,
    Run,
    RunFilter,
    RunStatus,
    SqliteStore,
    StorageBusyError,
    SyncStep,
    ValidationError,
    job,
)
from durably import Step as AsyncStep
from durably.threads import IN_BROWSER
from kit.engines import Workshop, record, until


async def test_a_sync_job_runs_its_steps_and_returns(shop: Workshop) -> None:
    """step.run returns the value itself; progress and log lines are as in async jobs."""

    @job
    def example(step: SyncStep, input: int) -> list[object]:
        step.log.info("outside")
        first = step.run("first", lambda: (1, 2))
        second = step.run("second", pow, input, 2)
        step.progress(2, 2)
        return [first, second, step.run_id]

    app = await shop.engine(example)
    app.keep_logs()
    made = await app.trigger(example, 5)
    await shop.drain(app)

    run = await shop.get(made.id)
    assert run.output == [[1, 2], 25, made.id]
    assert run.progress is not None
    assert [line.step_name for line in await app.get_logs(made.id)] == [None]


async def test_a_sync_job_is_replayed(shop: Workshop) -> None:
    """Law 1: the same replay, whatever kind of function the job is."""

    def work(name: str) -> str:
        shop.journal.append(name)
        if shop.journal == ["a", "b"]:
            shop.die()
        return name

    @job
    def example(step: SyncStep) -> str:
        return "".join(step.run(name, work, name) for name in "abc")

    first = await shop.engine(example)
    made = await first.trigger(example)
    await shop.die_in(first)
    await shop.drain(await shop.engine(example))

    assert (await shop.get(made.id)).output == "abc"
    assert shop.journal == ["a", "b", "b", "c"]


async def test_a_sync_job_may_catch_a_steps_error(shop: Workshop) -> None:
    """The failed step is recorded, the job goes on."""

    def fail() -> None:
        raise ValueError("no")

    @job
    def example(step: SyncStep) -> str:
        with pytest.raises(ValueError, match="no"):
            step.run("s", fail)
        return step.run("t", lambda: "went on", output=str)

    assert (await shop.run(example)).output == "went on"


def _first(values: list[int]) -> int:
    return next(iter(values))


@job(name="in-a-step")
async def in_a_step(step: AsyncStep) -> int:
    """Raise StopIteration in a sync step of an async job."""
    return await step.run("first", _first, [])


@job(name="in-a-sync-step")
def in_a_sync_step(step: SyncStep) -> int:
    """Raise it in a step of a sync job."""
    return step.run("first", _first, [])


@job(name="in-a-sync-job")
def in_a_sync_job(step: SyncStep) -> int:
    """Raise it in a sync job itself."""
    return _first([])


@job(name="in-an-async-job")
async def in_an_async_job(step: AsyncStep) -> int:
    """Raise it in an async job itself."""
    return _first([])


@pytest.mark.parametrize(
    "kind", [in_a_step, in_a_sync_step, in_a_sync_job, in_an_async_job], ids=lambda kind: kind.name
)
async def test_a_stop_iteration_fails_the_run(shop: Workshop, kind: Any) -> None:
    """``next()`` of nothing: no future holds that error, and nobody may wait for one that would."""
    run = await shop.run(kind)

    assert run.status is RunStatus.FAILED
    assert "StopIteration" in (run.error or "")


async def test_a_sync_job_has_no_async_steps(shop: Workshop) -> None:
    """Nothing could await them; the error says what to do."""

    async def work() -> None:
        pass

    @job
    def example(step: SyncStep) -> None:
        with pytest.raises(ValidationError, match="make the job async"):
            _ = step.run("s", work)

    assert (await shop.run(example)).status is RunStatus.COMPLETED


async def test_a_log_line_of_a_sync_job_knows_its_step(shop: Workshop) -> None:
    """B10: on its own thread too."""

    @job
    def example(step: SyncStep) -> None:
        step.run("s", lambda: step.log.info("inside"))
        step.log.info("outside")

    app = await shop.engine(example)
    app.keep_logs()
    made = await app.trigger(example)
    await shop.drain(app)

    lines = await app.get_logs(made.id)
    assert [(line.message, line.step_name) for line in lines] == [
        ("inside", "s"),
        ("outside", None),
    ]


@pytest.mark.cpython_only
async def test_the_loop_goes_on_while_a_sync_job_computes(shop: Workshop) -> None:
    """On CPython a sync job is on a thread: other runs of the same engine go on."""
    go = threading.Event()

    @job
    def blocking(step: SyncStep) -> str:
        return step.run("s", lambda: str(go.wait(60)), output=str)

    @job
    async def quick(step: AsyncStep) -> None:
        go.set()

    app = await shop.engine(blocking, quick, max_concurrent_runs=2)
    await app.start()
    first = await app.trigger(blocking)
    await until(lambda: app.steps_in_flight)
    await app.trigger(quick)

    assert (await app.wait_for_run(first.id)).output == "True"


@pytest.mark.cpython_only
async def test_a_blocking_step_longer_than_its_lease_runs_once(tmp_path: Path) -> None:
    """Law 5: the lease is renewed beside it; a second engine on the same file never takes it."""
    path = tmp_path / "store.db"
    journal: list[str] = []
    done = threading.Event()

    def compute() -> int:
        journal.append("ran")
        end = time.monotonic() + 2
        n = 0
        while time.monotonic() < end:
            n += 1
        done.set()
        return 1

    @job
    async def example(step: AsyncStep) -> int:
        return await step.run("long", compute)

    def engine() -> Durably:
        return Durably(
            SqliteStore(str(path)),
            jobs=[example],
            lease=0.8,
            lease_renew_interval=0.1,
            polling_interval=0.05,
        )

    async with engine() as first:
        events = record(first, "run:lease-renewed", "run:leased")
        made = await first.trigger(example)
        await until(lambda: journal)
        async with engine() as second:
            stolen = record(second, "run:leased")
            run = await first.wait_for_run(made.id, timeout=60)

    assert (run.output, run.lease_generation, journal, stolen) == (1, 1, ["ran"], [])
    assert [event.type for event in events].count("run:lease-renewed") >= 3


@pytest.mark.cpython_only
async def test_a_worker_that_lost_its_lease_stops_and_writes_nothing(tmp_path: Path) -> None:
    """Law 3: whoever claimed the run after the lease ran out is its only owner."""
    shop = Workshop(f"sqlite:///{tmp_path / 'store.db'}")
    go = threading.Event()

    @job
    async def example(step: AsyncStep) -> list[str]:
        def work() -> str:
            shop.journal.append("ran")
            if len(shop.journal) == 1:
                go.wait(60)
                return "first"
            return "second"

        return [await step.run("s", work), await step.run("t", lambda: "t", output=str)]

    first = await shop.engine(example, lease=30, lease_renew_interval=29)
    shop.faults.fail("renew", lambda: StorageBusyError("busy"), times=2)
    made = await first.trigger(example)
    work = asyncio.ensure_future(first.process_one())
    await until(lambda: shop.journal)
    await shop.clock.advance(timedelta(seconds=31))

    second = await shop.engine(example)
    events = record(first, "step:complete", "run:complete")
    assert await second.process_one()
    go.set()
    await work

    run: Run = await shop.get(made.id)
    assert run.output == ["second", "t"]
    assert run.lease_generation == 2
    assert events == []
    assert len(await shop.store.get_runs(RunFilter())) == 1
    await shop.close()


async def test_a_sync_job_in_the_browser_is_suspended_where_it_would_have_to_wait(
    shop: Workshop,
) -> None:
    """Law 9: a busy store blocks no thread that there is only one of; the run goes on later."""

    def work() -> str:
        shop.journal.append("ran")
        return "done"

    @job
    def example(step: SyncStep) -> str:
        return step.run("s", work)

    app = await shop.engine(example)
    events = record(app, "run:release")
    made = await app.trigger(example)
    shop.faults.fail("save_step", lambda: StorageBusyError("busy"))
    await shop.drain(app)

    assert (await shop.get(made.id)).output == "done"
    assert shop.journal == (["ran", "ran"] if IN_BROWSER else ["ran"])
    assert len(events) == (1 if IN_BROWSER else 0)
