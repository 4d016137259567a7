"""Jobs that call jobs: a child exists once, its end is the step's, and no slot is held for it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from durably import (
    Retry,
    RunFailedError,
    RunFilter,
    RunStatus,
    Step,
    SyncStep,
    ValidationError,
    WaitKind,
    job,
)
from durably.testing import settle
from kit.engines import Workshop, record


@job
async def double(step: Step, input: int) -> int:
    """Return twice the number, or fail for one below zero."""
    if input < 0:
        raise ValueError(f"{input} is too small")
    return await step.run("double", lambda: 2 * input)


@job
async def parent(step: Step, input: list[int]) -> list[int]:
    """Double all of them by runs of their own."""
    return await step.map("double", double, input)


async def test_a_called_run_gives_its_output_and_shows_its_caller(shop: Workshop) -> None:
    """With a single slot: the caller holds none while it waits."""

    @job
    async def caller(step: Step) -> int:
        shop.journal.append("caller")
        return await step.call("twice", double, 4, labels={"of": "caller"})

    app = await shop.engine(caller, double)
    events = record(app, "run:trigger", "run:waiting")
    made = await app.trigger(caller)
    await app.process_until_idle()

    assert (await shop.get(made.id)).output == 8
    (child,) = await app.jobs["double"].get_runs()
    assert (child.parent_id, dict(child.labels)) == (made.id, {"of": "caller"})
    (wait,) = await app.get_waits(made.id)
    assert (wait.kind, wait.child_id) == (WaitKind.RUN, child.id)
    assert [event.type for event in events] == ["run:trigger", "run:trigger", "run:waiting"]
    assert shop.journal == ["caller", "caller"]


async def test_a_failed_child_is_the_callers_error(shop: Workshop) -> None:
    """It can be taken; a child that was cancelled is one as well."""

    @job
    async def caller(step: Step) -> str:
        try:
            await step.call("bad", "double", -1)
        except RunFailedError as error:
            return error.error
        return "no error"

    app = await shop.engine(caller, double)
    made = await app.trigger(caller)
    await app.process_until_idle()

    assert (await shop.get(made.id)).output == "-1 is too small"


async def test_the_result_outlives_the_child(shop: Workshop) -> None:
    """Law 2: it was given once, so it is given again, though the run was removed since."""

    @job
    async def caller(step: Step) -> int:
        result = await step.call("twice", double, 4)
        await step.sleep("nap", timedelta(days=1))
        return result

    app = await shop.engine(caller, double)
    made = await app.trigger(caller)
    await app.process_until_idle()
    (child,) = await app.jobs["double"].get_runs()
    await app.delete_run(child.id)

    await shop.drain(app)

    assert (await shop.get(made.id)).output == 8


async def test_map_keeps_its_order_and_bounds_its_runs(shop: Workshop) -> None:
    """At most so many children exist that have not ended."""
    most = 0

    @job
    async def caller(step: Step, input: int) -> list[int]:
        return await step.map("n", double, list(range(input)), concurrency=3)

    app = await shop.engine(caller, double)
    made = await app.trigger(caller, 7)
    while await app.process_one():
        open_runs = await app.get_runs(
            RunFilter(job_names="double", statuses=("pending", "leased", "waiting"))
        )
        most = max(most, len(open_runs))

    assert (await shop.get(made.id)).output == [0, 2, 4, 6, 8, 10, 12]
    assert most == 3


async def test_the_error_of_the_lowest_index_and_the_siblings_results(shop: Workshop) -> None:
    """All settle first: what was saved is not done again when the run is resumed."""

    @job
    async def steps(step: Step) -> list[int]:
        def work(n: int) -> int:
            shop.journal.append(str(n))
            if n % 2 and len(shop.journal) <= 5:
                raise ValueError(f"{n} is odd")
            return n

        return await step.map("n", work, range(5), concurrency=2)

    app = await shop.engine(steps)
    made = await app.trigger(steps)
    await app.process_until_idle()
    failed = await shop.get(made.id)
    assert (failed.status, failed.error) == (RunStatus.FAILED, "1 is odd")

    await app.resume(made.id)
    await app.process_until_idle()

    assert (await shop.get(made.id)).output == [0, 1, 2, 3, 4]
    assert sorted(shop.journal) == ["0", "1", "1", "2", "3", "3", "4"]


async def test_all_gives_results_by_name(shop: Workshop) -> None:
    """Async and sync functions beside each other."""

    @job
    async def both(step: Step) -> dict[str, Any]:
        async def slow() -> str:
            await asyncio.sleep(0)
            return "b"

        return await step.all({"a": lambda: "a", "b": slow})

    assert (await shop.run(both)).output == {"a": "a", "b": "b"}


async def test_a_step_of_a_map_is_tried_again_by_its_policy(shop: Workshop) -> None:
    """Its options hold for each."""

    @job
    async def flaky(step: Step) -> list[int]:
        def work(n: int) -> int:
            shop.journal.append(str(n))
            if shop.journal.count(str(n)) < 3:
                raise ValueError("not yet")
            return n

        return await step.map("n", work, range(3), retry=Retry(max_attempts=3, backoff=60))

    run = await shop.run(flaky)

    assert run.output == [0, 1, 2]
    assert sorted(shop.journal) == sorted("000111222")


async def test_cancelling_the_caller_cancels_what_it_called(shop: Workshop) -> None:
    """Also where the child executes: its code is stopped."""
    began = asyncio.Event()

    @job
    async def endless(step: Step) -> None:
        began.set()
        await step.run("for ever", asyncio.Event().wait)

    @job
    async def caller(step: Step) -> None:
        await step.call("child", endless)

    app = await shop.engine(caller, endless, max_concurrent_runs=2)
    events = record(app, "run:cancel")
    await app.start()
    made = await app.trigger(caller)
    await began.wait()
    await settle()

    await app.cancel(made.id)
    await settle()

    (child,) = await app.jobs["endless"].get_runs()
    assert child.status is RunStatus.CANCELLED
    assert [getattr(event, "run_id", "") for event in events] == [made.id, child.id]
    await app.stop()


async def test_a_child_that_is_left_goes_on(shop: Workshop) -> None:
    """By the caller's wish."""

    @job
    async def caller(step: Step) -> None:
        await step.call("child", double, 1, on_cancel="leave")

    app = await shop.engine(caller, double)
    made = await app.trigger(caller)
    await app.process_one()
    await app.cancel(made.id)
    await app.process_until_idle()

    (child,) = await app.jobs["double"].get_runs()
    assert child.status is RunStatus.COMPLETED


async def test_a_sync_job_calls_too(shop: Workshop) -> None:
    """Without its thread."""

    @job
    def caller(step: SyncStep) -> int:
        return step.call("twice", double, 3)

    app = await shop.engine(caller, double)
    made = await app.trigger(caller)
    await app.process_until_idle()

    assert (await shop.get(made.id)).output == 6


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda step: step.call("a", "nobody"), "nobody"),
        (lambda step: step.call("a", double, "x"), "not valid"),
        (lambda step: step.call("a", double, 1, on_cancel="ask"), "on_cancel"),
        (lambda step: step.call("a", double, 1, run_id="x"), "run_id"),
        (lambda step: step.map("a", double, [1], concurrency=0), "concurrency"),
        (lambda step: step.map("a", double, 5), "items"),
        (lambda step: step.all([str]), "branches"),
    ],
)
async def test_what_cannot_be_called_is_refused(shop: Workshop, wrong: Any, says: str) -> None:
    """Law 10: with a sentence, and no run is made."""

    @job
    async def caller(step: Step) -> None:
        await wrong(step)

    app = await shop.engine(caller, double)
    made = await app.trigger(caller)
    await app.process_until_idle()

    failed = await shop.get(made.id)
    assert failed.status is RunStatus.FAILED
    assert says in (failed.error or "")
    assert await app.jobs["double"].get_runs() == []


async def test_a_wait_stays_what_it_was(shop: Workshop) -> None:
    """Changed code that uses a name for something else is told so."""
    version = 1

    @job
    async def changed(step: Step) -> None:
        if version == 1:
            await step.sleep("thing", timedelta(days=1))
        else:
            await step.call("thing", double, 1)

    app = await shop.engine(changed, double)
    made = await app.trigger(changed)
    await app.process_until_idle()
    version = 2
    await shop.drain(app)

    failed = await shop.get(made.id)
    assert failed.failure is not None
    assert failed.failure.type_name == f"{ValidationError.__module__}.ValidationError"
