"""A run that another process executes is followed too: by looking, as its events stay there."""

from __future__ import annotations

import asyncio
from typing import Any

from durably import Durably, RunStatus, Snapshot, Step, job
from kit.engines import Workshop, advance_until, until


async def collect(app: Durably, run_id: str, into: list[Any]) -> None:
    """Take a subscription to its end."""
    async for item in app.subscribe(run_id):
        into.append(item)  # noqa: PERF401 - a test looks at what has come so far


@job
async def one_step(step: Step) -> int:
    """Return what its only step returned."""
    step.progress(1, 2)
    return await step.run("only", lambda: 7, output=int)


async def test_a_run_of_another_process_is_followed_to_its_end(shop: Workshop) -> None:
    """Each change that is seen comes as a new snapshot, and the last one ends the subscription."""
    watcher = await shop.engine(one_step)
    other = await shop.engine(one_step)
    made = await other.trigger(one_step)
    got: list[Any] = []
    following = asyncio.ensure_future(collect(watcher, made.id, got))
    await until(lambda: got)

    await shop.clock.advance(0.01)
    await other.process_one()
    await advance_until(shop.clock, following.done)

    assert all(isinstance(item, Snapshot) for item in got)
    assert got[0].run.status is RunStatus.PENDING
    assert (got[-1].run.status, got[-1].run.output) == (RunStatus.COMPLETED, 7)


async def test_a_run_that_another_process_deletes_ends_its_subscription(shop: Workshop) -> None:
    """There is nothing left to tell of."""
    watcher = await shop.engine(one_step)
    other = await shop.engine(one_step)
    made = await other.trigger(one_step)
    got: list[Any] = []
    following = asyncio.ensure_future(collect(watcher, made.id, got))
    await until(lambda: got)

    await other.cancel(made.id)
    await other.delete_run(made.id)
    await advance_until(shop.clock, following.done)

    await following
    assert len(got) == 1


async def test_progress_made_just_before_a_cancel_is_kept(shop: Workshop) -> None:
    """What the run said last is written when its code has stopped."""

    @job
    async def talkative(step: Step) -> None:
        async def endless() -> None:
            step.progress(3, 9, "almost")
            await asyncio.Event().wait()

        await step.run("endless", endless)

    app = await shop.engine(talkative)
    made = await app.trigger(talkative)
    work = asyncio.ensure_future(app.process_one())
    await until(lambda: app.steps_in_flight)

    await app.cancel(made.id)
    await work

    progress = (await shop.get(made.id)).progress
    assert progress is not None
    assert (progress.current, progress.total, progress.message) == (3, 9, "almost")
