"""Runs that wait for a time: no slot, no lease, and whatever is restarted meanwhile."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from durably import Durably, RunStatus, Step, SyncStep, TriggerOptions, ValidationError, job
from kit.engines import Workshop, advance_slowly, advance_until, names, record, until, waits_of

DAY = timedelta(days=1)
T0 = datetime(2026, 1, 1, tzinfo=UTC)


@job
async def patient(step: Step, input: float) -> str:
    """Sleep, and say when it was."""
    await step.run("before", str)
    await step.sleep("cool-down", timedelta(seconds=input))
    return await step.run("after", lambda: "done")


async def test_a_long_sleep_frees_the_slot_and_survives_the_process(shop: Workshop) -> None:
    """Law 1: another run gets the slot; a fresh engine goes on at the time that was fixed."""
    app = await shop.engine(patient)
    events = record(app, "run:waiting", "run:leased", "step:start")
    slow = await app.trigger(patient, 2 * DAY.total_seconds())
    fast = await app.trigger(patient, 0)

    assert await app.process_until_idle() == 2
    waiting = await shop.get(slow.id)

    assert (await shop.get(fast.id)).status is RunStatus.COMPLETED
    assert (waiting.status, waiting.waiting_until) == (RunStatus.WAITING, T0 + 2 * DAY)
    assert (waiting.lease_owner, waiting.lease_expires_at) == (None, None)
    assert names(events)[:3] == ["run:leased", "step:start before", "run:waiting"]

    shop.die()
    shop.clock.jump(DAY)
    other = await shop.engine(patient)
    assert await other.process_until_idle() == 0
    assert await other.next_due() == T0 + 2 * DAY
    shop.clock.jump(30 * DAY)  # nobody was there when it came due
    assert await other.process_until_idle() == 1
    assert (await shop.get(slow.id)).output == "done"


async def test_a_started_engine_wakes_for_it_once(shop: Workshop) -> None:
    """No look at the store in between but the one a minute that clocks may need."""
    app = await shop.engine(patient, sole_owner=True)
    run = await app.trigger(patient, 600)
    events = record(app, "run:waiting", "run:complete")
    await app.start()
    await until(lambda: events)
    claims = shop.faults.calls.count("claim")

    await advance_slowly(shop.clock, 599)
    assert (await shop.get(run.id)).status is RunStatus.WAITING
    assert shop.faults.calls.count("claim") - claims <= 11
    await advance_until(shop.clock, lambda: len(events) > 1)
    assert shop.clock.now() <= T0 + timedelta(seconds=602)
    await app.close()


async def test_a_short_sleep_keeps_its_slot(shop: Workshop) -> None:
    """It is written all the same: a second execution does not sleep again."""
    app = await shop.engine(patient)
    events = record(app, "run:waiting")
    run = await app.trigger(patient, 2)

    await shop.drain(app)

    assert (await shop.get(run.id)).output == "done"
    assert (events, shop.clock.now()) == ([], T0 + timedelta(seconds=2))


@pytest.mark.parametrize("jump", [-DAY, DAY, 3 * DAY])
async def test_the_deadline_is_a_moment_whichever_way_the_clock_jumps(
    shop: Workshop, jump: timedelta
) -> None:
    """It is due when the clock says so, and once."""
    app = await shop.engine(patient, sole_owner=True)
    run = await app.trigger(patient, 2 * DAY.total_seconds())
    events = record(app, "run:waiting", "run:complete")
    await app.start()
    await until(lambda: events)

    shop.clock.jump(jump)
    await advance_slowly(shop.clock, 120)
    if jump < 2 * DAY:
        assert (await shop.get(run.id)).status is RunStatus.WAITING
    await advance_until(shop.clock, lambda: len(events) > 1, step=timedelta(hours=1))

    assert shop.clock.now() >= T0 + 2 * DAY
    found = await shop.get(run.id)
    assert (found.status, found.output) == (RunStatus.COMPLETED, "done")
    await app.close()


async def test_it_stands_still_only_when_all_of_its_work_does(shop: Workshop) -> None:
    """Steps beside a sleep go on; the nearest of several sleeps comes first."""
    gate = asyncio.Event()

    @job
    async def several(step: Step) -> list[object]:
        async def nap(name: str, hours: int) -> str:
            await step.sleep(name, timedelta(hours=hours))
            shop.journal.append(name)
            return await step.run(f"after {name}", lambda: name)

        work = step.run("work", gate.wait)
        return list(await asyncio.gather(nap("long", 9), nap("short", 1), work))[:2]

    app = await shop.engine(several, sole_owner=True)
    run = await app.trigger(several)
    events = record(app, "run:waiting", "run:complete")
    await app.start()
    await waits_of(app, run.id, 2)
    assert (await shop.get(run.id)).status is RunStatus.LEASED

    gate.set()
    await until(lambda: events)
    found = await shop.get(run.id)
    assert (found.status, found.waiting_until) == (RunStatus.WAITING, T0 + timedelta(hours=1))
    await advance_until(
        shop.clock, lambda: events[-1].type == "run:complete", step=timedelta(minutes=10)
    )
    assert (await shop.get(run.id)).output == ["long", "short"]
    await app.close()


async def test_a_time_that_has_passed_is_no_wait(shop: Workshop) -> None:
    """And one of a clock without a zone is refused."""

    @job
    async def late(step: Step, input: datetime) -> str:
        await step.sleep_until("then", input)
        return "done"

    app = await shop.engine(late)
    run = await app.trigger(late, T0 - DAY)
    assert await app.process_until_idle() == 1
    assert (await shop.get(run.id)).output == "done"

    naive = await shop.run(late, datetime(2026, 1, 1))  # noqa: DTZ001 - that is what is refused
    assert naive.status is RunStatus.FAILED
    assert "time zone" in (naive.error or "")


async def test_a_sync_job_sleeps_without_its_thread(shop: Workshop) -> None:
    """Its code is unwound and begins again."""

    @job
    def nap(step: SyncStep) -> str:
        step.run("before", shop.journal.append, "before")
        step.sleep("nap", DAY)
        return "done"

    run = await shop.run(nap)

    assert (run.output, shop.journal) == ("done", ["before"])


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda step: step.sleep("", 1), "name"),
        (lambda step: step.sleep("nap", -1), "negative"),
        (lambda step: step.sleep("nap", "soon"), "timedelta"),
        (lambda step: step.sleep_until("nap", 5), "time zone"),
        (lambda step: step.run("outer", step.sleep, "inner", 100), "between steps"),
    ],
)
async def test_what_is_no_sleep_says_so(shop: Workshop, wrong: Any, says: str) -> None:
    """Law 10: the run fails with a sentence, before anything waits."""

    @job
    async def nap(step: Step) -> None:
        await wrong(step)

    run = await shop.run(nap)

    assert run.status is RunStatus.FAILED
    assert says in (run.error or "")


async def test_a_name_is_used_once_by_steps_and_sleeps_together(shop: Workshop) -> None:
    """Law 7."""

    @job
    async def twice(step: Step) -> None:
        await step.run("same", str)
        await step.sleep("same", 1)

    run = await shop.run(twice)

    assert run.failure is not None
    assert run.failure.type_name == "durably.errors.DuplicateStepError"


async def test_a_run_begins_at_its_time(shop: Workshop) -> None:
    """With run_at or a delay; one that has passed is at once."""
    app = await shop.engine(patient)
    at = await app.trigger(patient, 0, run_at=T0 + DAY)
    after = await app.trigger(patient, 0, delay=timedelta(hours=1))
    now = await app.trigger(patient, 0, run_at=T0 - DAY)

    assert [(await shop.get(one.id)).status for one in (at, after, now)] == [
        RunStatus.WAITING,
        RunStatus.WAITING,
        RunStatus.PENDING,
    ]
    assert await app.process_until_idle() == 1
    assert await app.next_due() == T0 + timedelta(hours=1)
    await shop.drain(app)
    assert (await shop.get(at.id)).started_at == T0 + DAY
    for wrong in ({"run_at": T0, "delay": 1}, {"run_at": "soon"}, {"delay": -1}):
        with pytest.raises(ValidationError):
            await app.trigger(patient, 0, **wrong)


async def test_a_sleeping_run_is_cancelled_at_once(shop: Workshop) -> None:
    """And resumed: it sleeps on, to the time that was fixed."""
    app = await shop.engine(patient)
    run = await app.trigger(patient, DAY.total_seconds())
    await app.process_until_idle()

    await app.cancel(run.id)
    assert (await shop.get(run.id)).status is RunStatus.CANCELLED
    assert await app.next_due() is None
    await app.resume(run.id)
    await app.process_until_idle()

    assert (await shop.get(run.id)).waiting_until == T0 + DAY
    await shop.drain(app)
    assert (await shop.get(run.id)).output == "done"


async def test_ten_thousand_sleepers_cost_a_claim_nothing(shop: Workshop) -> None:
    """What is not due is not looked at: a claim reads as many rows as without them."""
    app: Durably = await shop.engine(patient)
    calls = [(0.0, timedelta(days=1 + n % 9)) for n in range(10_000)]
    await app.trigger_all(
        [("patient", given, TriggerOptions(delay=delay)) for given, delay in calls]
    )
    await app.trigger(patient, 0)

    assert await app.process_until_idle() == 1
    assert await app.next_due() == T0 + DAY
