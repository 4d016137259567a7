"""A job that waits for another run gives its slot to others (B6)."""

from __future__ import annotations

import asyncio

import pytest

from durably import (
    Durably,
    Retry,
    RunFailedError,
    RunStatus,
    Step,
    StorageBusyError,
    WaitTimeoutError,
    job,
)
from kit.engines import Workshop, advance_until, record, until


class Family:
    """A parent that starts children, and children that may have children."""

    def __init__(self, shop: Workshop) -> None:
        self.app: Durably
        self.gate = asyncio.Event()
        self.gate.set()

        @job(name="family")
        async def family(step: Step, input: int) -> int:
            shop.journal.append(f"begin {input}")
            if input == 0:
                await step.run("gate", self.gate.wait)
                return 1
            children = (self.child(step, input - 1, n) for n in range(2))
            return 1 + sum(await asyncio.gather(*children))

        self.job = family

    async def child(self, step: Step, depth: int, n: int) -> int:
        """Run a child in a step, so that its result is saved."""

        async def run() -> int:
            key = f"{step.run_id}/{n}"
            made = await self.app.trigger("family", depth, idempotency_key=key)
            output: int = (await self.app.wait_for_run(made.id)).output
            return output

        return await step.run(f"child {n}", run)


@pytest.mark.parametrize("slots", [1, 3])
async def test_a_job_that_waits_for_its_children_is_no_deadlock(shop: Workshop, slots: int) -> None:
    """B6: with one slot too, however deep the family is."""
    family = Family(shop)
    family.app = await shop.engine(family.job, max_concurrent_runs=slots)
    await family.app.start()

    run = await family.app.wait_for_run((await family.app.trigger("family", 3)).id)

    assert run.output == 15
    assert len(shop.journal) == 15


async def test_children_run_without_a_started_worker_too(shop: Workshop) -> None:
    """B6: process_until_idle() executes them while the parent waits."""
    family = Family(shop)
    family.app = await shop.engine(family.job)
    made = await family.app.trigger("family", 2)

    await shop.drain(family.app)

    assert (await shop.get(made.id)).output == 7


async def test_a_childs_log_lines_are_its_own(shop: Workshop) -> None:
    """B10: a child that runs while a step of its parent waits is no part of that step."""

    @job
    async def child(step: Step) -> None:
        step.log.info("of the child")

    @job
    async def parent(step: Step) -> None:
        async def run() -> None:
            made = await app.trigger(child)
            await app.wait_for_run(made.id)

        await step.run("wait", run)

    app = await shop.engine(child, parent)
    app.keep_logs()
    await app.trigger(parent)
    await shop.drain(app)

    (of_child,) = await app.jobs.child.get_runs()
    assert [line.step_name for line in await app.get_logs(of_child.id)] == [None]


async def test_a_childs_pause_lets_time_pass(shop: Workshop) -> None:
    """A child that waits for its next attempt is not waited for by a clock that stands still."""
    failed: list[int] = []

    def flaky() -> int:
        if not failed:
            failed.append(1)
            raise ValueError("not yet")
        return 1

    @job
    async def child(step: Step) -> int:
        return await step.run("s", flaky, retry=Retry(backoff=100, jitter=0))

    @job
    async def parent(step: Step) -> int:
        async def run() -> int:
            made = await app.trigger(child, idempotency_key="once")
            output: int = (await app.wait_for_run(made.id)).output
            return output

        return await step.run("wait", run)

    app = await shop.engine(child, parent, lease=100_000)
    made = await app.trigger(parent)
    await shop.drain(app)

    assert (await shop.get(made.id)).output == 1


async def test_a_failing_child_fails_its_parent_unless_it_is_caught(shop: Workshop) -> None:
    """The error names the child's."""

    @job
    async def child(step: Step) -> None:
        raise ValueError("no")

    @job
    async def parent(step: Step, input: bool) -> str:
        made = await app.trigger(child)
        if input:
            with pytest.raises(RunFailedError, match="no"):
                await app.wait_for_run(made.id)
            return "caught"
        await app.wait_for_run(made.id)
        return "never"

    app = await shop.engine(child, parent)
    caught, failed = await app.trigger(parent, True), await app.trigger(parent, False)
    await shop.drain(app)

    assert (await shop.get(caught.id)).output == "caught"
    assert "failed: no" in ((await shop.get(failed.id)).error or "")


async def test_stopping_gives_a_waiting_parent_back(shop: Workshop) -> None:
    """A drain does not wait for a child that nobody claims any more; both go on later."""
    family = Family(shop)
    family.gate.clear()
    family.app = await shop.engine(family.job)
    released = record(family.app, "run:release")
    await family.app.start()
    made = await family.app.trigger("family", 1)
    await until(lambda: shop.journal == ["begin 1", "begin 0"])

    stopping = asyncio.ensure_future(family.app.stop())
    await until(lambda: released)
    family.gate.set()
    await stopping

    assert (await shop.get(made.id)).status is RunStatus.PENDING
    family.app = await shop.engine(family.job)
    await family.app.start()
    assert (await family.app.wait_for_run(made.id)).output == 3


async def test_a_job_may_wait_for_no_longer_than_it_says(shop: Workshop) -> None:
    """The child goes on; the parent has its slot and its own way again."""
    gate = asyncio.Event()

    @job
    async def child(step: Step) -> None:
        await step.run("s", gate.wait)

    @job
    async def parent(step: Step) -> str:
        made = await app.trigger(child)
        with pytest.raises(WaitTimeoutError):
            await app.wait_for_run(made.id, timeout=5)
        return "went on"

    app = await shop.engine(child, parent, lease=3600)
    await app.start()
    made = await app.trigger(parent)
    waiting = asyncio.ensure_future(app.wait_for_run(made.id))
    await advance_until(shop.clock, waiting.done)

    assert (await waiting).output == "went on"
    gate.set()


async def test_a_database_that_refuses_to_look_for_a_child_fails_nobody(shop: Workshop) -> None:
    """Law 9: the parent waits a little longer, and the fault is told."""
    family = Family(shop)
    family.app = await shop.engine(family.job)
    faults = record(family.app, "worker:error")
    made = await family.app.trigger("family", 1)

    def break_down(_: object) -> None:
        shop.faults.fail("claim", lambda: StorageBusyError("locked"), times=2)
        stop()

    stop = family.app.on("run:leased", break_down)
    await shop.drain(family.app)

    assert (await shop.get(made.id)).output == 3
    assert len(faults) == 2
