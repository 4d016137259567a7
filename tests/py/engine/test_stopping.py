"""Code that must stop is told once, whoever learns of it, and its run waits for its end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from durably import (
    Retry,
    RunStatus,
    Step,
    StepTimeoutError,
    job,
)
from durably.runs import Hold
from kit.engines import Workshop, advance_until, names, record, take_over, until

#: Renewals that would tell the code are far away.
SELDOM = {"lease": 10_000, "lease_renew_interval": 9_000}

End = Callable[[Workshop, str], Awaitable[object]]


async def cancel(shop: Workshop, run_id: str) -> None:
    """Cancel a run as another process does: nobody here is told."""
    await shop.store.cancel(run_id, now=shop.clock.now())


#: How a run that executes here is no longer its worker's to write to.
ENDS: dict[str, End] = {"cancelled": cancel, "taken over": take_over}


class Cleanup:
    """Code that, once it is stopped, cleans up for as long as a test wants."""

    def __init__(self, shop: Workshop) -> None:
        self.may_end = asyncio.Event()
        self._shop = shop

    async def endless(self, name: str = "it") -> None:
        """Run until it is stopped, then clean up; a second cancel would show in the journal."""
        self._shop.journal.append(f"{name} began")
        try:
            await asyncio.Event().wait()
        finally:
            await self.clean(name)

    async def clean(self, name: str = "it") -> None:
        """Clean up."""
        self._shop.journal.append(f"{name} cleans")
        await self.may_end.wait()
        self._shop.journal.append(f"{name} cleaned")


@pytest.mark.parametrize("end", ENDS)
async def test_a_reader_that_learns_of_it_stops_the_code(shop: Workshop, end: str) -> None:
    """Law 3: the write of notes for a reader is the first to hear of it; no renewal is needed."""

    @job
    async def example(step: Step) -> None:
        step.progress(1)
        try:
            await step.run("s", asyncio.Event().wait)
        finally:
            shop.journal.append("stopped")

    app = await shop.engine(example, **SELDOM)
    await app.start()
    made = await app.trigger(example)
    await until(lambda: app.steps_in_flight)
    await ENDS[end](shop, made.id)

    await app.get_run(made.id)

    await until(lambda: shop.journal, seconds=10)
    await until(lambda: not app.steps_in_flight)


@pytest.mark.parametrize("end", ENDS)
async def test_a_step_that_learns_of_it_stops_the_steps_beside_it(shop: Workshop, end: str) -> None:
    """Law 3: a job that waits for its other steps too is not left at work for nobody."""
    gate = asyncio.Event()

    @job
    async def example(step: Step) -> None:
        async def endless() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                shop.journal.append("stopped")

        await asyncio.gather(
            step.run("short", gate.wait), step.run("long", endless), return_exceptions=True
        )
        shop.journal.append("went on")

    app = await shop.engine(example, **SELDOM)
    made = await app.trigger(example)
    work = asyncio.ensure_future(app.process_one())
    await until(lambda: app.steps_in_flight == 2)
    await ENDS[end](shop, made.id)

    gate.set()

    await asyncio.wait_for(work, 10)
    assert shop.journal == ["stopped"]
    marks = {s.name: str(s.status) for s in await shop.store.get_steps(made.id)}
    both = {"short": "cancelled", "long": "cancelled"}
    assert marks == (both if end == "cancelled" else {})


@pytest.mark.parametrize("learns", ["step", "renewal"])
@pytest.mark.parametrize("end", ENDS)
async def test_cleanup_is_not_stopped_too(shop: Workshop, end: str, learns: str) -> None:
    """It is told once, though every renewal and every note says it again."""
    gate, cleanup = asyncio.Event(), Cleanup(shop)

    @job
    async def example(step: Step) -> None:
        try:
            await step.run("s", gate.wait)
        finally:
            step.log.info("goodbye")
            step.progress(9)
            await cleanup.clean()

    app = await shop.engine(example, lease=1000)
    app.keep_logs()
    await app.start()
    made = await app.trigger(example)
    await until(lambda: app.steps_in_flight)
    await ENDS[end](shop, made.id)
    if learns == "step":
        gate.set()

    await advance_until(shop.clock, lambda: shop.journal)
    for _ in range(30):
        await shop.clock.advance(1)
        await app.get_run(made.id)
        await asyncio.sleep(0.001)
    cleanup.may_end.set()

    await until(lambda: shop.journal == ["it cleans", "it cleaned"], seconds=10)


async def test_a_drain_waits_for_the_cleanup_of_a_cancelled_run(shop: Workshop) -> None:
    """It was told; a second cancel would leave what it cleans up in the middle."""
    cleanup = Cleanup(shop)

    @job
    async def example(step: Step) -> None:
        await step.run("s", cleanup.endless)

    app = await shop.engine(example)
    await app.start()
    made = await app.trigger(example)
    await until(lambda: shop.journal)
    await app.cancel(made.id)
    await until(lambda: shop.journal == ["it began", "it cleans"])

    stopping = asyncio.ensure_future(app.stop(timeout=0))
    await asyncio.sleep(0.01)
    assert not stopping.done()
    cleanup.may_end.set()
    await stopping

    assert shop.journal == ["it began", "it cleans", "it cleaned"]


async def test_parallel_cleanups_do_not_end_each_other(shop: Workshop) -> None:
    """A gather goes on with the first that has ended; the other is not told again then."""
    cleanup = Cleanup(shop)

    async def brief() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            shop.journal.append("brief ended")

    @job
    async def example(step: Step) -> None:
        await asyncio.gather(step.run("brief", brief), step.run("long", cleanup.endless))

    app = await shop.engine(example)
    made = await app.trigger(example)
    work = asyncio.ensure_future(app.process_one())
    await until(lambda: app.steps_in_flight == 2 and shop.journal)
    await app.cancel(made.id)
    await until(lambda: len(shop.journal) == 3)
    await asyncio.sleep(0.005)
    cleanup.may_end.set()
    await work

    assert shop.journal[-1] == "it cleaned"
    steps = await shop.store.get_steps(made.id)
    assert {s.name: str(s.status) for s in steps} == {"brief": "cancelled", "long": "cancelled"}


async def test_a_task_that_was_cancelled_before_its_step_ends_with_the_job(shop: Workshop) -> None:
    """That it got over an earlier cancel does not mean that it was told of this end."""

    @job
    async def example(step: Step) -> str:
        async def stubborn() -> None:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
            await step.run("s", shop.journal.append, "began", output=None)
            await step.run("endless", asyncio.Event().wait)

        task = asyncio.ensure_future(stubborn())
        await asyncio.sleep(0)
        task.cancel()
        await until(lambda: app.steps_in_flight and shop.journal)
        return "done"

    app = await shop.engine(example)
    made = await app.trigger(example)
    await asyncio.wait_for(app.process_one(), 10)

    assert (await shop.get(made.id)).output == "done"


@pytest.mark.parametrize("overruns", [False, True])
async def test_a_step_with_a_timeout_is_waited_for_however_often_it_is_cancelled(
    shop: Workshop, overruns: bool
) -> None:
    """The job goes on when the step has ended, and not beside its cleanup."""
    cleanup = Cleanup(shop)

    @job
    async def example(step: Step) -> None:
        task = asyncio.ensure_future(step.run("s", cleanup.endless, timeout=60))
        await until(lambda: shop.journal)
        if overruns:
            await shop.clock.advance(60)
        else:
            task.cancel()
        await until(lambda: len(shop.journal) == 2)
        task.cancel()
        asyncio.get_running_loop().call_later(0.005, cleanup.may_end.set)
        with contextlib.suppress(asyncio.CancelledError, StepTimeoutError):
            await task
        shop.journal.append("the job went on")

    run = await shop.run(example, lease=1000)

    assert run.status is RunStatus.COMPLETED
    assert shop.journal == ["it began", "it cleans", "it cleaned", "the job went on"]


async def test_a_step_that_is_cancelled_while_its_result_is_committed_is_completed(
    shop: Workshop,
) -> None:
    """Law 1: the commit stands, and the record says nothing else."""
    saving = asyncio.Event()
    save_step = shop.store.save_step

    async def tell(*args: Any, **kwargs: Any) -> Hold:
        saving.set()
        return await save_step(*args, **kwargs)

    shop.store.save_step = tell  # type: ignore[method-assign]

    @job
    async def example(step: Step) -> str:
        task = asyncio.ensure_future(step.run("s", lambda: 1, output=int, retry=Retry()))
        await saving.wait()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        return "done"

    app = await shop.engine(example, preserve_steps=True)
    events = record(app, "step:complete", "step:cancel")
    made = await app.trigger(example)
    await shop.drain(app)

    run = await shop.get(made.id)
    assert (run.output, run.completed_step_count) == ("done", 1)
    assert [s.status for s in await shop.store.get_steps(made.id)] == ["completed"]
    assert [a.status for a in await shop.store.get_attempts(made.id)] == ["completed"]
    assert names(events) == ["step:complete s"]
    assert app.steps_in_flight == 0


async def test_a_resumed_run_does_not_begin_elsewhere_while_its_old_code_stops(
    shop: Workshop,
) -> None:
    """ADR 0006: its worker keeps the lease for as long as that takes."""
    cleanup = Cleanup(shop)

    @job
    async def example(step: Step) -> None:
        if not shop.journal:
            await step.run("s", cleanup.endless)

    here = await shop.engine(example)
    await here.start()
    made = await here.trigger(example, concurrency_key="k")
    await until(lambda: shop.journal)
    await here.cancel(made.id)
    await here.resume(made.id)
    elsewhere = await shop.engine(example)

    for _ in range(20):
        await shop.clock.advance(10)
        await asyncio.sleep(0.001)
        assert not await elsewhere.process_one()
    cleanup.may_end.set()
    await advance_until(shop.clock, lambda: not here.steps_in_flight)
    await here.stop()
    await elsewhere.process_until_idle()

    assert shop.journal == ["it began", "it cleans", "it cleaned"]
    assert (await shop.get(made.id)).status is RunStatus.COMPLETED


@pytest.mark.parametrize("by", ["hand", "retention"])
async def test_a_run_whose_code_still_stops_is_not_purged(shop: Workshop, by: str) -> None:
    """ADR 0006: under a sole owner nobody renews its lease; the next of its key has to wait."""
    cleanup = Cleanup(shop)

    @job
    async def example(step: Step, input: str) -> None:
        await step.run("s", cleanup.endless, input)

    keep = "1m" if by == "retention" else None
    app = await shop.engine(example, sole_owner=True, max_concurrent_runs=2, retain_runs=keep)
    await app.start()
    first = await app.trigger(example, "first", concurrency_key="k")
    await until(lambda: shop.journal)
    await app.cancel(first.id)
    await until(lambda: "first cleans" in shop.journal)
    await app.trigger(example, "second", concurrency_key="k")

    await shop.clock.advance(600)
    if by == "hand":
        assert await app.purge_runs(shop.clock.now()) == 0
    await asyncio.sleep(0.01)

    assert (await shop.get(first.id)).status is RunStatus.CANCELLED
    assert shop.journal == ["first began", "first cleans"]
    cleanup.may_end.set()
    await until(lambda: "second began" in shop.journal)
