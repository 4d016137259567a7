"""Nothing of a run begins when its code has ended, or waits for a turn that comes after it."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Coroutine
from typing import Any

import pytest

from durably import (
    Cancelled,
    Step,
    SyncStep,
    job,
)
from kit.engines import Workshop, record, until


async def test_what_a_job_left_behind_does_no_more_steps(shop: Workshop) -> None:
    """Its run has ended: nobody would save what the step did."""
    tasks: list[asyncio.Task[None]] = []
    gate = asyncio.Event()

    @job
    async def example(step: Step) -> str:
        async def later() -> None:
            await gate.wait()
            await step.run("later", shop.journal.append, "ran")

        tasks.append(asyncio.ensure_future(later()))
        return "done"

    run = await shop.run(example, preserve_steps=True)
    gate.set()
    await asyncio.wait(tasks)

    assert run.output == "done"
    assert shop.journal == []
    assert isinstance(tasks[0].exception(), Cancelled)
    assert await shop.store.get_steps(run.id) == []


async def test_a_step_that_waits_its_turn_does_not_begin_when_its_job_has_failed(
    shop: Workshop,
) -> None:
    """As behind a semaphore, which the steps that are ended with the job hand on."""

    async def work(n: int) -> None:
        shop.journal.append(f"{n} began")
        if n == 0:
            await until(lambda: len(shop.journal) == 2)
            raise ValueError("the first fails")
        await asyncio.Event().wait()

    @job
    async def example(step: Step) -> None:
        turns = asyncio.Semaphore(2)

        async def one(n: int) -> None:
            try:
                await turns.acquire()
                await step.run(f"s{n}", work, n)
            except asyncio.CancelledError:
                turns.release()
                raise

        await asyncio.gather(*map(one, range(6)))

    run = await shop.run(example)

    assert run.error == "the first fails"
    assert shop.journal == ["0 began", "1 began"]


class Crowd:
    """More sync steps at once than there are threads, each held on its thread by a test."""

    THREADS = 32

    def __init__(self, shop: Workshop) -> None:
        self.first_may_end = threading.Event()
        self.may_end = threading.Event()
        self._shop = shop

    def work(self, n: int) -> None:
        """Hold a thread; the first fails then."""
        self._shop.journal.append(f"{n}")
        if n == 0:
            self.first_may_end.wait(60)
            raise ValueError("the first fails")
        self.may_end.wait(60)

    def steps(self, step: Step) -> list[Coroutine[Any, Any, None]]:
        """Return the steps of the crowd."""
        return [step.run(f"s{n}", self.work, n) for n in range(self.THREADS + 8)]


@pytest.mark.cpython_only
@pytest.mark.parametrize("how", ["cancel", "failure", "group"])
async def test_a_sync_step_that_waits_for_a_thread_does_not_begin_when_it_is_stopped(
    shop: Workshop, how: str
) -> None:
    """Neither after the cancel of its run, nor after the end of its job or of its group."""
    crowd = Crowd(shop)

    @job
    async def example(step: Step) -> None:
        if how == "group":
            with contextlib.suppress(ExceptionGroup):
                async with asyncio.TaskGroup() as group:
                    for one in crowd.steps(step):
                        group.create_task(one)
        else:
            await asyncio.gather(*crowd.steps(step))

    app = await shop.engine(example)
    failed = record(app, "step:fail")
    made = await app.trigger(example)
    work = asyncio.ensure_future(app.process_one())
    await until(lambda: len(shop.journal) == Crowd.THREADS)
    if how == "cancel":
        await app.cancel(made.id)
    else:
        crowd.first_may_end.set()
        await until(lambda: failed)
        await asyncio.sleep(0.01)
    crowd.first_may_end.set()
    crowd.may_end.set()
    await work

    # The thread of the step that failed takes another before anybody knows of the failure.
    assert len(shop.journal) == Crowd.THREADS + (how != "cancel")


@pytest.mark.cpython_only
async def test_a_sync_job_that_waits_for_a_thread_does_not_begin_when_it_is_stopped(
    shop: Workshop,
) -> None:
    """As a sync step."""
    crowd = Crowd(shop)

    @job
    async def full(step: Step) -> None:
        await asyncio.gather(*crowd.steps(step))

    @job
    def example(step: SyncStep) -> None:
        shop.journal.append("the sync job")

    app = await shop.engine(full, example, max_concurrent_runs=2)
    await app.start()
    await app.trigger(full)
    await until(lambda: len(shop.journal) == Crowd.THREADS)
    made = await app.trigger(example)
    leased = record(app, "run:leased")
    await until(lambda: leased)
    await asyncio.sleep(0.01)
    await app.cancel(made.id)
    crowd.first_may_end.set()
    crowd.may_end.set()
    await app.stop()

    assert "the sync job" not in shop.journal
