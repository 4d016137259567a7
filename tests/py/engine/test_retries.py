"""A failed step is tried again by its policy, in place or durably across restarts."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import datetime, timedelta
from typing import Any

import pytest

from durably import (
    AttemptStatus,
    GiveUp,
    Retry,
    RetryAfter,
    RunStatus,
    Step,
    StepTimeoutError,
    SyncStep,
    job,
)
from durably.runs import StepAttempt
from durably.threads import IN_BROWSER
from kit.engines import Workshop, names, record, until

SECONDS = timedelta(seconds=1)
SLOWLY = Retry(max_attempts=4, backoff=timedelta(minutes=1), factor=2, jitter=0)
QUICKLY = Retry(max_attempts=4, backoff=1, factor=1, jitter=0)


class Flaky:
    """Fails so many times, then works; it remembers when it was called."""

    def __init__(self, shop: Workshop, failures: int, error: Exception | None = None) -> None:
        self.calls: list[datetime] = []
        self._shop = shop
        self._failures = failures
        self._error = error or ValueError("not yet")

    def __call__(self) -> str:
        """Be tried once."""
        self.calls.append(self._shop.clock.now())
        if len(self.calls) <= self._failures:
            raise self._error
        return f"worked at call {len(self.calls)}"

    @property
    def pauses(self) -> list[float]:
        """Return the seconds between the calls."""
        pairs = zip(self.calls, self.calls[1:], strict=False)
        return [(after - before).total_seconds() for before, after in pairs]


def outcomes(attempts: list[StepAttempt]) -> list[tuple[int, str]]:
    """Return numbers and statuses."""
    return [(attempt.number, str(attempt.status)) for attempt in attempts]


@pytest.mark.parametrize("policy", [QUICKLY, SLOWLY], ids=["in place", "durable"])
async def test_a_step_is_tried_until_it_works(shop: Workshop, policy: Retry) -> None:
    """Every attempt is recorded; the result is saved once."""
    flaky = Flaky(shop, 2)

    @job
    async def example(step: Step) -> str:
        return await step.run("s", flaky, retry=policy)

    run = await shop.run(example, preserve_steps=True)

    assert run.output == "worked at call 3"
    attempts = await shop.store.get_attempts(run.id)
    assert outcomes(attempts) == [(1, "failed"), (2, "failed"), (3, "completed")]
    assert [attempt.error for attempt in attempts] == ["not yet", "not yet", None]
    assert [(s.name, s.status) for s in await shop.store.get_steps(run.id)] == [("s", "completed")]
    assert run.recoveries == 0


async def test_pauses_follow_the_policy_whether_short_or_durable(shop: Workshop) -> None:
    """The pause that the policy names is the pause that there is."""
    flaky = Flaky(shop, 3)
    policy = Retry(max_attempts=4, backoff=1, factor=10, jitter=0)

    @job
    async def example(step: Step) -> str:
        return await step.run("s", flaky, retry=policy)

    await shop.run(example)

    assert flaky.pauses == [1, 10, 100]


async def test_a_step_that_never_works_fails_with_its_last_error(shop: Workshop) -> None:
    """The run fails with what the step raised last; every attempt stays recorded."""

    @job
    async def example(step: Step) -> str:
        return await step.run("s", Flaky(shop, 99), retry=QUICKLY)

    run = await shop.run(example)

    assert (run.status, run.error) == (RunStatus.FAILED, "not yet")
    assert len(await shop.store.get_attempts(run.id)) == 4
    (step,) = await shop.store.get_steps(run.id)
    assert step.status == "failed"


async def test_a_long_pause_gives_the_slot_back(shop: Workshop) -> None:
    """The run waits as pending with the time it goes on, and another runs meanwhile."""
    flaky = Flaky(shop, 1)

    @job
    async def slow(step: Step) -> str:
        return await step.run("s", flaky, retry=SLOWLY)

    @job
    async def other(step: Step) -> str:
        return "done"

    app = await shop.engine(slow, other)
    events = record(app, "run:release", "step:retry")
    waiting, quick = await app.trigger(slow), await app.trigger(other)

    await app.process_until_idle()

    run = await shop.get(waiting.id)
    assert (run.status, run.lease_owner) == (RunStatus.PENDING, None)
    assert run.available_at == shop.clock.now() + timedelta(minutes=1)
    assert (await shop.get(quick.id)).status is RunStatus.COMPLETED
    assert names(events) == ["step:retry s", "run:release"]
    assert await app.next_due() == run.available_at


async def test_a_restart_in_a_pause_neither_loses_nor_repeats_an_attempt(shop: Workshop) -> None:
    """A new process goes on counting, and waits for what is left of the pause."""
    flaky = Flaky(shop, 3)

    @job
    async def example(step: Step) -> str:
        return await step.run("s", flaky, retry=SLOWLY)

    made = await (await shop.engine(example)).trigger(example)
    for _ in range(4):
        app = await shop.engine(example, preserve_steps=True)
        await app.process_until_idle()
        await shop.clock.advance(20)
        assert await (await shop.engine(example)).process_until_idle() == 0
        due = await app.next_due()
        if due is not None:
            await shop.clock.advance(due - shop.clock.now())

    assert (await shop.get(made.id)).output == "worked at call 4"
    assert flaky.pauses == [60, 120, 240]
    attempts = await shop.store.get_attempts(made.id)
    assert [attempt.number for attempt in attempts] == [1, 2, 3, 4]


async def test_a_process_that_dies_in_a_short_pause_loses_no_attempt(shop: Workshop) -> None:
    """A pause waited out in place is in the record too: the next process keeps to it."""
    flaky = Flaky(shop, 2)

    @job
    async def example(step: Step) -> str:
        return await step.run("s", flaky, retry=QUICKLY)

    first = await shop.engine(example, preserve_steps=True)
    made = await first.trigger(example)
    work = asyncio.ensure_future(first.process_one())
    await until(lambda: len(flaky.calls) == 1 and shop.clock.next_due())
    shop.die()
    work.cancel()
    await asyncio.wait({work})
    await shop.drain(await shop.engine(example, preserve_steps=True))

    attempts = await shop.store.get_attempts(made.id)
    assert outcomes(attempts) == [(1, "failed"), (2, "failed"), (3, "completed")]


async def test_an_interrupted_attempt_stays_on_record_and_uses_up_none(shop: Workshop) -> None:
    """An attempt whose process died is neither a failure nor forgotten."""
    policy = Retry(max_attempts=2, backoff=1, jitter=0)

    def work() -> str:
        shop.journal.append("ran")
        if len(shop.journal) == 1:
            shop.die()
        if len(shop.journal) == 2:
            raise ValueError("no")
        return "worked"

    @job
    async def example(step: Step) -> str:
        return await step.run("s", work, retry=policy)

    first = await shop.engine(example, preserve_steps=True)
    made = await first.trigger(example)
    await shop.die_in(first)
    await shop.drain(await shop.engine(example, preserve_steps=True))

    assert (await shop.get(made.id)).output == "worked"
    attempts = await shop.store.get_attempts(made.id)
    assert outcomes(attempts) == [(1, "running"), (2, "failed"), (3, "completed")]


async def test_retry_after_names_the_pause(shop: Workshop) -> None:
    """What the step knows of the other side is better than any schedule."""
    flaky = Flaky(shop, 1, RetryAfter(timedelta(hours=3), "rate limited"))

    @job
    async def example(step: Step) -> str:
        return await step.run("s", flaky, retry=QUICKLY)

    run = await shop.run(example, preserve_steps=True)

    assert run.output == "worked at call 2"
    assert flaky.pauses == [3 * 3600]
    assert (await shop.store.get_attempts(run.id))[0].error == "rate limited"


async def test_giving_up_ends_the_step_at_once(shop: Workshop) -> None:
    """No attempt is left to be made; the reason is the error."""
    flaky = Flaky(shop, 9, GiveUp("it will never work"))

    @job
    async def example(step: Step) -> str:
        return await step.run("s", flaky, retry=QUICKLY)

    run = await shop.run(example)

    assert run.error == "it will never work"
    assert len(flaky.calls) == 1


@pytest.mark.parametrize(
    ("policy", "calls"),
    [
        (Retry(jitter=0, retry_on=(KeyError,)), 1),
        (Retry(jitter=0, retry_on=(ValueError,)), 3),
        (Retry(jitter=0, give_up_on=(ValueError,)), 1),
        (Retry(jitter=0, give_up_on=(KeyError,)), 3),
    ],
)
async def test_only_chosen_errors_are_tried_again(
    shop: Workshop, policy: Retry, calls: int
) -> None:
    """give_up_on is stronger than retry_on."""
    flaky = Flaky(shop, 99)

    @job
    async def example(step: Step) -> str:
        return await step.run("s", flaky, retry=policy)

    await shop.run(example)

    assert len(flaky.calls) == calls


async def test_a_jobs_policy_holds_for_steps_without_one(shop: Workshop) -> None:
    """A step's own policy is stronger."""
    first, second = Flaky(shop, 99), Flaky(shop, 99)

    @job(retry=Retry(max_attempts=3, backoff=0, jitter=0))
    async def example(step: Step) -> None:
        for name, work, policy in (("a", first, None), ("b", second, Retry(max_attempts=1))):
            with pytest.raises(ValueError, match="not yet"):
                await step.run(name, work, retry=policy)

    await shop.run(example)

    assert (len(first.calls), len(second.calls)) == (3, 1)


async def test_errors_of_the_engine_are_not_tried_again(shop: Workshop) -> None:
    """A result that cannot be saved stays so, however often it is made."""

    def odd():  # type: ignore[no-untyped-def]  # noqa: ANN202
        shop.journal.append("ran")
        return {1}

    @job
    async def example(step: Step) -> None:
        await step.run("s", odd, retry=QUICKLY)

    run = await shop.run(example)

    assert run.status is RunStatus.FAILED
    assert shop.journal == ["ran"]


async def test_a_step_that_takes_too_long_is_stopped(shop: Workshop) -> None:
    """Async code is cancelled, its cleanup runs, and the error says how long it had."""

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            shop.journal.append("cleaned up")

    @job
    async def example(step: Step) -> None:
        await step.run("slow", endless, timeout=90)

    app = await shop.engine(example, lease=1000)
    made = await app.trigger(example)
    work = asyncio.ensure_future(app.process_one())
    await until(shop.clock.next_due)
    await shop.clock.advance(89)
    assert shop.journal == []
    await shop.clock.advance(1)
    await work

    run = await shop.get(made.id)
    assert shop.journal == ["cleaned up"]
    assert run.error == "step 'slow' took longer than its timeout of 90 s"
    assert run.failure is not None
    assert run.failure.type_name == "durably.errors.StepTimeoutError"
    (attempt,) = await shop.store.get_attempts(run.id)
    assert attempt.status is AttemptStatus.TIMED_OUT


async def test_a_timeout_is_an_attempt_like_any_other(shop: Workshop) -> None:
    """It is tried again by the policy, and a job may catch it."""

    async def slow_once() -> str:
        shop.journal.append("called")
        if len(shop.journal) == 1:
            await asyncio.Event().wait()
        return "in time"

    @job(timeout=timedelta(seconds=5), retry=QUICKLY)
    async def example(step: Step) -> str:
        return await step.run("s", slow_once)

    app = await shop.engine(example, preserve_steps=True)
    made = await app.trigger(example)
    work = asyncio.ensure_future(app.process_one())
    for _ in range(3):
        await until(lambda: work.done() or shop.clock.next_due())
        await shop.clock.advance(5)
    await work

    assert (await shop.get(made.id)).output == "in time"
    attempts = await shop.store.get_attempts(made.id)
    assert outcomes(attempts) == [(1, "timed_out"), (2, "completed")]


async def test_a_step_in_time_is_not_disturbed(shop: Workshop) -> None:
    """No sleeper is left behind, whether it returns or raises."""

    async def work(error: bool) -> str:
        await asyncio.sleep(0)
        if error:
            raise KeyError("k")
        return "fine"

    @job
    async def example(step: Step) -> str:
        with pytest.raises(KeyError):
            await step.run("bad", work, True, timeout=5)
        return await step.run("good", work, False, timeout=5)

    assert (await shop.run(example)).output == "fine"
    assert shop.clock.next_due() is None


@pytest.mark.cpython_only
async def test_a_sync_step_that_takes_too_long_is_told(shop: Workshop) -> None:
    """Sync code on a thread cannot be killed: it sees step.cancelled, and its result is dropped."""

    @job
    async def example(step: Step) -> None:
        def spin() -> str:
            while not step.cancelled:
                pass
            step.raise_if_cancelled()
            return "never"

        with pytest.raises(StepTimeoutError):
            await step.run("spin", spin, timeout=30)

    app = await shop.engine(example)
    made = await app.trigger(example)
    work = asyncio.ensure_future(app.process_one())
    await until(shop.clock.next_due)
    await shop.clock.advance(30)
    await work

    assert (await shop.get(made.id)).status is RunStatus.COMPLETED


async def test_a_resumed_run_has_all_its_attempts_again(shop: Workshop) -> None:
    """B4: attempts from before resume() stay on record and no longer count."""
    flaky = Flaky(shop, 3)
    policy = Retry(max_attempts=2, backoff=1, jitter=0)

    @job
    async def example(step: Step) -> str:
        return await step.run("s", flaky, retry=policy)

    app = await shop.engine(example, preserve_steps=True)
    made = await app.trigger(example)
    await shop.drain(app)
    assert (await shop.get(made.id)).status is RunStatus.FAILED

    await app.resume(made.id)
    await shop.drain(app)

    assert (await shop.get(made.id)).output == "worked at call 4"
    attempts = await app.get_step_attempts(made.id)
    assert [(a.number, a.counted) for a in attempts] == [
        (1, False),
        (2, False),
        (3, True),
        (4, True),
    ]


@pytest.mark.parametrize("policy", [QUICKLY, SLOWLY], ids=["in place", "durable"])
async def test_steps_of_sync_jobs_are_tried_again_too(shop: Workshop, policy: Retry) -> None:
    """On a thread on CPython; in the browser every pause is a durable one."""
    flaky = Flaky(shop, 2)

    @job
    def example(step: SyncStep) -> str:
        return step.run("s", flaky, retry=policy)

    run = await shop.run(example, preserve_steps=True)

    assert run.output == "worked at call 3"
    attempts = await shop.store.get_attempts(run.id)
    assert outcomes(attempts) == [(1, "failed"), (2, "failed"), (3, "completed")]


async def test_a_backoff_waits_beside_steps_that_work(shop: Workshop) -> None:
    """A long pause of one of several parallel steps lets the others finish first."""
    flaky = Flaky(shop, 1)
    gate = asyncio.Event()

    async def other() -> str:
        await gate.wait()
        shop.journal.append("other ended")
        return "b"

    @job
    async def example(step: Step) -> list[str]:
        return list(await asyncio.gather(step.run("a", flaky, retry=SLOWLY), step.run("b", other)))

    app = await shop.engine(example, lease=1000)
    made = await app.trigger(example)
    work = asyncio.ensure_future(app.process_one())
    await until(lambda: flaky.calls and shop.clock.next_due())
    assert (await shop.get(made.id)).status is RunStatus.LEASED
    gate.set()
    await work

    run = await shop.get(made.id)
    assert run.status is RunStatus.PENDING
    assert run.completed_step_count == 1
    await shop.drain(app)
    run = await shop.get(made.id)
    assert run.output == ["worked at call 2", "b"]
    assert shop.journal == ["other ended"]


async def test_a_pause_that_ends_while_others_work_is_not_given_back(shop: Workshop) -> None:
    """The step is tried again in the same execution when its time comes first."""
    flaky = Flaky(shop, 1)
    gate = asyncio.Event()

    async def other() -> str:
        await gate.wait()
        return "b"

    @job
    async def example(step: Step) -> list[str]:
        results = asyncio.gather(step.run("a", flaky, retry=SLOWLY), step.run("b", other))
        return list(await results)

    app = await shop.engine(example, lease=1000)
    events = record(app, "run:release")
    made = await app.trigger(example)
    work = asyncio.ensure_future(app.process_one())
    await until(lambda: flaky.calls and shop.clock.next_due())
    await shop.clock.advance(60)
    await until(lambda: len(flaky.calls) == 2)
    gate.set()
    await work

    assert (await shop.get(made.id)).output == ["worked at call 2", "b"]
    assert events == []


async def test_two_backoffs_wait_for_the_nearer_one(shop: Workshop) -> None:
    """Parallel steps that both wait: the run is due when the first of them is."""
    near = Flaky(shop, 1, RetryAfter(600))
    far = Flaky(shop, 1, RetryAfter(6000))

    @job(retry=QUICKLY)
    async def example(step: Step) -> list[str]:
        return list(await asyncio.gather(step.run("near", near), step.run("far", far)))

    app = await shop.engine(example)
    made = await app.trigger(example)
    await app.process_until_idle()

    assert await app.next_due() == shop.clock.now() + timedelta(seconds=600)
    await shop.drain(app)
    assert (await shop.get(made.id)).output == ["worked at call 2"] * 2
    assert (near.pauses, far.pauses) == ([600], [6000])


async def test_a_pause_that_was_cancelled_is_not_waited_for(shop: Workshop) -> None:
    """The run goes on when a step that still waits is due, or it would be claimed for nothing."""

    def fail() -> None:
        raise OSError("no")

    async def fail_too() -> None:
        await until(shop.clock.next_due)  # the other step waits for its next attempt
        raise ValueError("no")

    @job
    async def example(step: Step) -> None:
        shop.journal.append("executed")
        with contextlib.suppress(ExceptionGroup):
            async with asyncio.TaskGroup() as group:
                group.create_task(step.run("a", fail, retry=Retry(max_attempts=9, backoff=2)))
                group.create_task(step.run("b", fail_too))
        await step.run("c", fail, retry=Retry(backoff=3600, max_backoff=3600, jitter=0))

    app = await shop.engine(example)
    made = await app.trigger(example)
    await app.process_one()

    assert (await shop.get(made.id)).available_at == shop.clock.now() + timedelta(hours=1)
    await shop.clock.advance(3599)
    assert not await app.process_one()
    assert shop.journal == ["executed"]


async def test_waiting_in_place_depends_on_the_platform_for_sync_jobs(shop: Workshop) -> None:
    """A sync job in the browser blocks the only thread: its pause gives the slot back instead."""
    flaky = Flaky(shop, 1)

    @job
    def example(step: SyncStep) -> str:
        return step.run("s", flaky, retry=QUICKLY)

    app = await shop.engine(example)
    events: list[Any] = record(app, "run:release")
    await app.trigger(example)
    await shop.drain(app)

    assert len(events) == (1 if IN_BROWSER else 0)
