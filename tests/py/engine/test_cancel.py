"""Cancel stops the code for real, and resume goes on in place (B4, B5, B7)."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta

import pytest

from durably import (
    Cancelled,
    ConflictError,
    Retry,
    RunNotFoundError,
    RunStatus,
    Step,
    SyncStep,
    job,
)
from kit.engines import Workshop, advance_slowly, advance_until, names, record, until

SLOWLY = Retry(max_attempts=3, backoff=60, jitter=0)


async def test_a_running_async_step_is_cancelled(shop: Workshop) -> None:
    """Its status changes at once, its code is stopped, its cleanup runs, its steps stay."""

    async def endless() -> None:
        shop.journal.append("began")
        try:
            await asyncio.Event().wait()
        finally:
            shop.journal.append("cleaned up")

    @job
    async def example(step: Step) -> None:
        await step.run("done", lambda: None, output=None)
        try:
            await step.run("endless", endless)
        finally:
            shop.journal.append("job cleaned up")

    app = await shop.engine(example)
    events = record(app, "run:cancel", "step:cancel", "run:fail", "run:complete")
    made = await app.trigger(example)
    work = asyncio.ensure_future(app.process_one())
    await until(lambda: shop.journal)

    await app.cancel(made.id)

    assert (await shop.get(made.id)).status is RunStatus.CANCELLED
    await work
    assert shop.journal == ["began", "cleaned up", "job cleaned up"]
    steps = await shop.store.get_steps(made.id)
    assert [(s.name, s.status) for s in steps] == [("done", "completed"), ("endless", "cancelled")]
    assert names(events) == ["run:cancel", "step:cancel endless"]
    run = await shop.get(made.id)
    assert (run.status, run.lease_owner) == (RunStatus.CANCELLED, None)


async def test_a_cancelled_run_keeps_its_key_until_its_code_has_stopped(shop: Workshop) -> None:
    """B7: the next run of the key does not start beside a cleanup that takes its time."""
    cleaned = asyncio.Event()

    async def stubborn() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            shop.journal.append("cleaning")
            await cleaned.wait()
            shop.journal.append("cleaned")

    @job
    async def example(step: Step, input: int) -> None:
        if input == 1:
            await step.run("s", stubborn)
        shop.journal.append(f"run {input} ended")

    app = await shop.engine(example, max_concurrent_runs=2)
    await app.start()
    first = await app.trigger(example, 1, concurrency_key="k")
    await until(lambda: app.steps_in_flight)
    await app.cancel(first.id)
    await until(lambda: shop.journal)

    second = await app.trigger(example, 2, concurrency_key="k")
    await advance_slowly(shop.clock, 120)
    assert (await shop.get(second.id)).status is RunStatus.PENDING
    with pytest.raises(ConflictError, match="still stopping"):
        await app.delete_run(first.id)

    cleaned.set()
    await app.wait_for_run(second.id)
    assert shop.journal == ["cleaning", "cleaned", "run 2 ended"]
    await app.delete_run(first.id)


@pytest.mark.cpython_only
async def test_a_running_sync_step_sees_that_it_is_cancelled(shop: Workshop) -> None:
    """On a thread it cannot be interrupted: it asks, and its run is over either way."""
    began = threading.Event()

    @job
    async def example(step: Step) -> None:
        def spin() -> None:
            began.set()
            while not step.cancelled:
                pass
            shop.journal.append("saw it")
            step.raise_if_cancelled()

        await step.run("spin", spin)
        shop.journal.append("went on")

    app = await shop.engine(example)
    made = await app.trigger(example)
    work = asyncio.ensure_future(app.process_one())
    await until(began.is_set)

    await app.cancel(made.id)
    await work

    assert shop.journal == ["saw it"]
    assert (await shop.get(made.id)).status is RunStatus.CANCELLED
    (step,) = await shop.store.get_steps(made.id)
    assert step.status == "cancelled"


@pytest.mark.cpython_only
async def test_a_running_sync_job_stops_at_its_next_step(shop: Workshop) -> None:
    """Also one that never asks whether it is cancelled."""
    began, go = threading.Event(), threading.Event()

    def wait() -> None:
        began.set()
        go.wait()

    @job
    def example(step: SyncStep) -> None:
        step.run("first", wait)
        step.run("second", shop.journal.append, "ran")

    app = await shop.engine(example)
    made = await app.trigger(example)
    work = asyncio.ensure_future(app.process_one())
    await until(began.is_set)
    await app.cancel(made.id)
    go.set()
    await work

    assert shop.journal == []
    run = await shop.get(made.id)
    assert (run.status, run.completed_step_count) == (RunStatus.CANCELLED, 0)


async def test_code_that_swallows_its_cancellation_is_cancelled_all_the_same(
    shop: Workshop,
) -> None:
    """What the code makes of the signal does not count: no output, no next step."""

    @job
    async def example(step: Step) -> str:
        try:
            await step.run("s", asyncio.Event().wait)
        except BaseException:  # noqa: BLE001 - as careless code does
            shop.journal.append("swallowed")
        try:
            await step.run("next", shop.journal.append, "ran")
        except BaseException:  # noqa: BLE001 - as careless code does
            shop.journal.append("swallowed again")
        return "done"

    app = await shop.engine(example)
    made = await app.trigger(example)
    work = asyncio.ensure_future(app.process_one())
    await until(lambda: app.steps_in_flight)
    await app.cancel(made.id)
    await work

    run = await shop.get(made.id)
    assert shop.journal == ["swallowed", "swallowed again"]
    assert (run.status, run.output) == (RunStatus.CANCELLED, None)


async def test_a_job_may_cancel_itself(shop: Workshop) -> None:
    """B5: a raised Cancelled ends the run as cancelled; nothing claims it again."""

    @job
    async def example(step: Step) -> None:
        await step.run("s", shop.journal.append, "ran")
        raise Cancelled

    app = await shop.engine(example)
    events = record(app, "run:cancel", "run:fail")
    made = await app.trigger(example)

    assert await shop.drain(app) == 1

    assert (await shop.get(made.id)).status is RunStatus.CANCELLED
    assert names(events) == ["run:cancel"]


async def test_a_step_may_cancel_its_run(shop: Workshop) -> None:
    """B5: from within a step, the step is recorded as cancelled too."""

    def stop() -> None:
        raise Cancelled

    @job
    async def example(step: Step) -> None:
        await step.run("s", stop)

    run = await shop.run(example)

    assert run.status is RunStatus.CANCELLED
    assert [s.status for s in await shop.store.get_steps(run.id)] == ["cancelled"]


async def test_a_pending_run_is_cancelled_without_running(shop: Workshop) -> None:
    """Its code never starts."""

    @job
    async def example(step: Step) -> None:
        shop.journal.append("ran")

    app = await shop.engine(example)
    made = await app.trigger(example)
    await app.cancel(made.id)

    assert await shop.drain(app) == 0
    assert shop.journal == []


async def test_a_run_in_backoff_is_cancelled(shop: Workshop) -> None:
    """A pending run that waits for its time is as cancellable as any."""

    @job
    async def example(step: Step) -> None:
        await step.run("s", lambda: 1 / 0, retry=SLOWLY, output=float)

    app = await shop.engine(example)
    made = await app.trigger(example)
    await app.process_until_idle()
    await app.cancel(made.id)

    assert await app.next_due() is None
    assert await shop.drain(app) == 0


async def test_cancelling_twice_is_fine_and_too_late_is_a_conflict(shop: Workshop) -> None:
    """The second call finds what it wanted; a completed run stays completed."""

    @job
    async def example(step: Step) -> None:
        pass

    app = await shop.engine(example)
    events = record(app, "run:cancel")
    cancelled, completed = await app.trigger(example), await app.trigger(example)
    await app.cancel(cancelled.id)
    await app.cancel(cancelled.id)
    await shop.drain(app)

    assert len(events) == 1
    with pytest.raises(ConflictError, match="completed and cannot be cancelled"):
        await app.cancel(completed.id)
    with pytest.raises(RunNotFoundError, match="'none'"):
        await app.cancel("none")


async def test_another_process_cancels_a_run_that_executes_here(shop: Workshop) -> None:
    """The next renewal, or the next step, tells the worker; its code is stopped then."""

    @job
    async def example(step: Step) -> None:
        try:
            await step.run("s", asyncio.Event().wait)
        finally:
            shop.journal.append("stopped")

    here = await shop.engine(example)
    made = await here.trigger(example)
    await here.start()
    await until(lambda: here.steps_in_flight)
    await shop.store.cancel(made.id, now=shop.clock.now())

    await advance_until(shop.clock, lambda: shop.journal)

    await here.stop()
    run = await shop.get(made.id)
    assert (run.status, run.lease_owner) == (RunStatus.CANCELLED, None)


async def test_a_failed_run_goes_on_from_its_failed_step(shop: Workshop) -> None:
    """B4: resume() runs in place: the same run, its saved steps, and only the rest of the work."""

    def flaky() -> str:
        shop.journal.append("tried")
        if shop.journal.count("tried") == 1:
            raise ValueError("no")
        return "worked"

    @job
    async def example(step: Step) -> str:
        await step.run("first", shop.journal.append, "first")
        return await step.run("second", flaky)

    app = await shop.engine(example, preserve_steps=True)
    events = record(app, "run:resume", "run:fail", "run:complete")
    made = await app.trigger(example)
    await shop.drain(app)
    assert (await shop.get(made.id)).status is RunStatus.FAILED

    await app.resume(made.id)
    await shop.drain(app)

    run = await shop.get(made.id)
    assert (run.status, run.output, run.failure) == (RunStatus.COMPLETED, "worked", None)
    assert shop.journal == ["first", "tried", "tried"]
    assert (run.current_step_index, run.completed_step_count) == (2, 2)
    assert names(events) == ["run:fail", "run:resume", "run:complete"]
    steps = await shop.store.get_steps(made.id)
    assert [(s.name, s.status) for s in steps] == [
        ("first", "completed"),
        ("second", "failed"),
        ("second", "completed"),
    ]


async def test_a_cancelled_run_goes_on_too(shop: Workshop) -> None:
    """B4: what was saved before the cancel is not done again."""
    gate = asyncio.Event()

    @job
    async def example(step: Step) -> str:
        await step.run("first", shop.journal.append, "first")
        shop.journal.append("waits")
        await step.run("second", gate.wait)
        return "done"

    app = await shop.engine(example)
    made = await app.trigger(example)
    work = asyncio.ensure_future(app.process_one())
    await until(lambda: shop.journal == ["first", "waits"])
    await app.cancel(made.id)
    await work
    gate.set()

    await app.resume(made.id)
    await shop.drain(app)

    assert (await shop.get(made.id)).output == "done"
    assert shop.journal == ["first", "waits", "waits"]


async def test_a_run_resumed_while_its_old_code_stops_waits_for_it(shop: Workshop) -> None:
    """Law 3: two executions of a run never overlap."""
    cleaned = asyncio.Event()

    async def stubborn() -> str:
        shop.journal.append("begin")
        try:
            if shop.journal == ["begin"]:
                await asyncio.Event().wait()
        finally:
            await cleaned.wait()
            shop.journal.append("end")
        return "done"

    @job
    async def example(step: Step) -> str:
        return await step.run("s", stubborn)

    app = await shop.engine(example, max_concurrent_runs=2)
    await app.start()
    made = await app.trigger(example)
    await until(lambda: app.steps_in_flight)
    await app.cancel(made.id)
    await app.resume(made.id)
    await shop.clock.advance(1)
    assert shop.journal == ["begin"]

    cleaned.set()
    run = await app.wait_for_run(made.id)

    assert run.output == "done"
    assert shop.journal == ["begin", "end", "begin", "end"]


async def test_only_a_failed_or_cancelled_run_is_resumed(shop: Workshop) -> None:
    """Everything else is a conflict that says what the run is."""

    @job
    async def example(step: Step) -> None:
        pass

    app = await shop.engine(example)
    completed = await app.trigger(example)
    await shop.drain(app)
    pending = await app.trigger(example)

    for id, known in ((completed.id, "completed"), (pending.id, "pending")):
        with pytest.raises(ConflictError, match=f"is {known}"):
            await app.resume(id)
    with pytest.raises(RunNotFoundError):
        await app.resume("none")


async def test_retriggering_makes_a_fresh_run(shop: Workshop) -> None:
    """Same input, labels and concurrency key, no idempotency key, nothing of the old steps."""

    @job
    async def example(step: Step, input: int) -> None:
        await step.run("s", shop.journal.append, f"run of {input}")
        raise ValueError("no")

    app = await shop.engine(example)
    made = await app.trigger(
        example, 7, idempotency_key="i", concurrency_key="c", labels={"a": "b"}
    )
    with pytest.raises(ConflictError, match="is pending"):
        await app.retrigger(made.id)
    await shop.drain(app)

    fresh = await app.retrigger(made.id)
    await shop.drain(app)

    assert fresh.id != made.id
    assert (fresh.run.input, fresh.run.labels) == (7, {"a": "b"})
    assert (fresh.run.concurrency_key, fresh.run.idempotency_key) == ("c", None)
    assert shop.journal == ["run of 7", "run of 7"]
    with pytest.raises(RunNotFoundError):
        await app.retrigger("none")


async def test_a_cancel_elsewhere_is_seen_when_progress_is_written(shop: Workshop) -> None:
    """The write of a log line or progress tells as much as a renewal."""

    @job
    async def example(step: Step) -> None:
        step.progress(1)
        try:
            await step.run("s", asyncio.Event().wait)
        finally:
            shop.journal.append("stopped")

    here = await shop.engine(example, lease=10_000, lease_renew_interval=9_000)
    made = await here.trigger(example)
    await here.start()
    await until(lambda: here.steps_in_flight)
    await shop.store.cancel(made.id, now=shop.clock.now())

    await advance_until(shop.clock, lambda: shop.journal, step=timedelta(milliseconds=100))

    await here.stop()
    run = await shop.get(made.id)
    assert (run.status, run.lease_owner) == (RunStatus.CANCELLED, None)
