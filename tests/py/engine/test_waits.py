"""Waiting for other runs inside a job, and what an end makes of such a wait."""

from __future__ import annotations

import asyncio

from durably import (
    Durably,
    RunStatus,
    Step,
    job,
)
from kit.engines import Workshop, record, until


class Parent:
    """A job that waits for two runs at once, of which one fails."""

    def __init__(self, shop: Workshop) -> None:
        self.app: Durably
        self.gate = asyncio.Event()

        @job(name="child")
        async def child(step: Step, input: str) -> None:
            shop.journal.append(f"{input} began")
            if input == "bad":
                raise ValueError("no")
            await step.run("s", self.gate.wait)

        @job(name="parent")
        async def parent(step: Step) -> None:
            made = [await self.app.trigger(child, name) for name in ("bad", "good")]
            await asyncio.gather(*(self.app.wait_for_run(one.id) for one in made))

        self.jobs = (child, parent)


async def test_a_wait_for_a_run_ends_with_the_job_that_waits(shop: Workshop) -> None:
    """A gather leaves it behind; no slot is given for it, and no stop stumbles over it."""
    family = Parent(shop)
    family.app = app = await shop.engine(*family.jobs)
    failed = record(app, "run:fail")
    await app.start()
    await app.trigger("parent")
    await until(lambda: len(failed) == 2 and shop.journal == ["bad began", "good began"])

    beside = await app.trigger("child", "beside")
    await asyncio.sleep(0.01)
    assert shop.journal == ["bad began", "good began"]  # there is one slot
    await app.stop(timeout=0)

    assert (await shop.get(beside.id)).status is RunStatus.PENDING
    assert (await app.health()).active_runs == ()


async def test_a_wait_that_begins_after_its_job_has_ended_is_anybodys(shop: Workshop) -> None:
    """The task that the job left behind has no slot to give, and hears how the run ends."""
    tasks: list[asyncio.Task[str]] = []
    gate = asyncio.Event()

    @job
    async def child(step: Step) -> str:
        return "done"

    @job
    async def parent(step: Step) -> None:
        async def later() -> str:
            await gate.wait()
            return str((await app.wait_for_run(made.id)).output)

        tasks.append(asyncio.ensure_future(later()))

    app = await shop.engine(child, parent)
    await app.trigger(parent)
    assert await app.process_until_idle() == 1
    made = await app.trigger(child)
    gate.set()
    await asyncio.sleep(0.005)
    assert (await shop.get(made.id)).status is RunStatus.PENDING  # nobody executes it for the wait

    assert await app.process_one()

    assert await asyncio.wait_for(tasks[0], 10) == "done"


async def test_a_job_that_begins_to_wait_for_a_run_while_the_engine_stops_is_given_back(
    shop: Workshop,
) -> None:
    """What it waits for is not claimed any more."""
    gate = asyncio.Event()

    @job
    async def child(step: Step) -> None:
        shop.journal.append("the child")

    @job
    async def parent(step: Step) -> None:
        shop.journal.append("began")
        await gate.wait()
        made = await app.trigger(child)
        await app.wait_for_run(made.id)

    app = await shop.engine(child, parent)
    await app.start()
    made = await app.trigger(parent)
    await until(lambda: shop.journal)
    stopping = asyncio.ensure_future(app.stop())
    await asyncio.sleep(0.005)
    gate.set()
    await asyncio.wait_for(stopping, 10)

    assert (await shop.get(made.id)).status is RunStatus.PENDING
    assert shop.journal == ["began"]


async def test_by_hand_nothing_is_executed_for_a_wait_whose_job_has_ended(shop: Workshop) -> None:
    """Else the caller would be told that nothing runs while something does."""
    family = Parent(shop)
    family.app = app = await shop.engine(*family.jobs)
    made = await app.trigger("parent")

    assert await app.process_one()

    assert (await shop.get(made.id)).status is RunStatus.FAILED
    assert (await app.health()).active_runs == ()
    good = next(run for run in await app.get_runs() if run.input == "good")
    assert good.lease_owner is None


async def test_a_listener_is_no_part_of_the_job_whose_event_it_is_told(shop: Workshop) -> None:
    """It may wait for a run, for as long as it likes: no slot is given for it, no end ends it."""
    gate = asyncio.Event()

    @job
    async def first(step: Step) -> None:
        await step.run("told", lambda: None, output=None)
        await step.run("wait", gate.wait)

    @job
    async def second(step: Step) -> str:
        shop.journal.append("the second runs")
        return "done"

    async def listener(_: object) -> None:
        shop.journal.append("told")
        shop.journal.append(str((await app.wait_for_run(other.id)).output))

    app = await shop.engine(first, second)
    app.on("step:complete", listener)
    one, other = await app.trigger(first), await app.trigger(second)
    await app.start()
    await until(lambda: shop.journal)
    await asyncio.sleep(0.01)
    assert shop.journal == ["told"]

    gate.set()
    await app.wait_for_run(one.id)
    await until(lambda: "done" in shop.journal, seconds=10)
