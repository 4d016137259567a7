"""Nothing of a run begins when its code has ended, or waits for a turn that comes after it."""

from __future__ import annotations

import asyncio

from durably import (
    Cancelled,
    Step,
    job,
)
from kit.engines import Workshop, until


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
