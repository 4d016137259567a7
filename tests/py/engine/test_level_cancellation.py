"""Scopes that cancel again and again, as anyio's and Trio's do: each step still has one end."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import anyio
import pytest

from durably import AttemptStatus, Durably, Retry, Step, StepStatus, job
from durably.threads import until_done
from kit.engines import Workshop


@pytest.mark.cpython_only
async def test_a_scope_that_ran_out_leaves_the_loop_its_turns() -> None:
    """A sync step is waited for, not asked for at each turn of the loop."""
    turns = 0

    @job(name="blocking")
    async def blocking(step: Step) -> str:
        with anyio.move_on_after(0.05):
            await step.run("sync", time.sleep, 0.5)
        return "went on"

    async def count() -> None:
        nonlocal turns
        loop = asyncio.get_running_loop()
        original: Any = loop.__class__._run_once  # type: ignore[attr-defined]

        def counted(self: Any) -> None:
            nonlocal turns
            turns += 1
            original(self)

        loop._run_once = counted.__get__(loop)  # type: ignore[attr-defined]

    async with Durably("sqlite://", jobs=[blocking]) as app:
        await count()
        ended = await app.jobs.blocking.trigger_and_wait()

    assert ended.output == "went on"
    assert turns < 500


@pytest.mark.parametrize("turns", [0, 1, 2, 5])
async def test_a_scope_that_runs_out_during_a_commit_leaves_one_record(
    shop: Workshop, turns: int
) -> None:
    """The step's result was saved, so the step is completed, and is told as that."""
    ended: list[str] = []

    @job(name="scoped")
    async def scoped(step: Step) -> str:
        with anyio.CancelScope() as scope:
            cancels.append(scope.cancel)
            await step.run("first", lambda: "saved")
        return await step.run("then", lambda: "went on")

    cancels: list[Any] = []
    app = await shop.engine(scoped, preserve_steps=True)
    app.on("step:complete", lambda event: ended.append(f"complete {event.step_name}"))
    app.on("step:cancel", lambda event: ended.append(f"cancel {event.step_name}"))
    save = shop.store.save_step

    async def slow_save(*args: Any, **kwargs: Any) -> Any:
        answer = await save(*args, **kwargs)
        if cancels:
            cancels.pop()()
            for _ in range(turns):
                await asyncio.sleep(0)
        return answer

    shop.store.save_step = slow_save  # type: ignore[method-assign]
    made = await app.trigger(scoped)
    await shop.drain(app)

    steps = await shop.store.get_steps(made.id)
    assert [(step.name, step.status) for step in steps] == [
        ("first", StepStatus.COMPLETED),
        ("then", StepStatus.COMPLETED),
    ]
    assert (await shop.get(made.id)).output == "went on"
    assert ended == ["complete first", "complete then"]


async def test_a_step_that_a_scope_cancels_is_recorded_and_told_as_cancelled(
    shop: Workshop,
) -> None:
    """With its attempt, though the scope cancels the writes of it too."""

    @job(name="scoped")
    async def scoped(step: Step) -> str:
        async def long() -> None:
            asyncio.get_running_loop().call_soon(scope.cancel)
            await asyncio.sleep(60)

        with anyio.CancelScope() as scope:
            await step.run("long", long, retry=Retry(max_attempts=3))
        return "went on"

    app = await shop.engine(scoped, preserve_steps=True)
    ended: list[str] = []
    app.on("step:cancel", lambda event: ended.append(event.step_name))
    made = await app.trigger(scoped)
    await shop.drain(app)

    assert (await shop.get(made.id)).output == "went on"
    (step,) = await shop.store.get_steps(made.id)
    (attempt,) = await shop.store.get_attempts(made.id)
    assert (step.status, attempt.status) == (StepStatus.CANCELLED, AttemptStatus.CANCELLED)
    assert ended == ["long"]


async def test_work_that_cannot_be_stopped_is_waited_for_by_a_scope() -> None:
    """Nobody acts on the cancellation before the work is over."""
    done: list[str] = []

    async def work() -> None:
        await asyncio.sleep(0.01)
        done.append("work")

    with anyio.CancelScope() as scope:
        scope.cancel()
        await until_done(asyncio.ensure_future(work()))
        done.append("never")

    assert done == ["work"]
    assert scope.cancelled_caught
