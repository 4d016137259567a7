"""The worker: woken, not polling; slots; drain; dead owners; retention; parked jobs."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from durably import (
    Durably,
    Retry,
    RetryAfter,
    RunFilter,
    RunStatus,
    Step,
    SystemClock,
    job,
)
from durably.runs import NO_NOTES, Finish
from durably.testing import FakeClock
from kit.engines import Workshop, advance_slowly, advance_until, names, record, until


class Gated:
    """A job whose runs wait for a gate."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.running = 0
        self.most = 0

        async def work() -> None:
            self.running += 1
            self.most = max(self.most, self.running)
            try:
                await self.gate.wait()
            finally:
                self.running -= 1

        @job(name="gated")
        async def gated(step: Step) -> None:
            await step.run("s", work)

        self.job = gated


@job
async def quick(step: Step) -> str:
    """Do next to nothing."""
    return await step.run("s", lambda: "done", output=str)


async def test_a_trigger_wakes_the_worker_at_once(shop: Workshop) -> None:
    """B8: virtual time stands still, so no poll can have helped."""
    app = await shop.engine(quick, polling_interval=3600)
    await app.start()
    began = shop.clock.now()

    run = await app.wait_for_run((await app.trigger(quick)).id)

    assert run.output == "done"
    assert shop.clock.now() == began


async def test_runs_of_other_processes_are_found_by_looking(shop: Workshop) -> None:
    """What another process triggers tells nobody here: the next look finds it."""
    app = await shop.engine(quick, polling_interval=2)
    await app.start()
    other = await shop.engine(quick)
    made = await other.trigger(quick)

    waiting = asyncio.ensure_future(other.wait_for_run(made.id))
    await advance_until(shop.clock, waiting.done)

    assert (await waiting).output == "done"


async def test_an_idle_engine_alone_asks_the_store_nothing(shop: Workshop) -> None:
    """Nothing polls where an event can wake it: an hour passes without a call."""
    app = await shop.engine(quick, sole_owner=True)
    await app.start()
    await app.wait_for_run((await app.trigger(quick)).id)
    await until(lambda: shop.faults.calls[-1] == "next_due")
    await asyncio.sleep(0.005)
    shop.faults.calls.clear()

    await advance_slowly(shop.clock, 60)
    await shop.clock.advance(3600)

    assert shop.faults.calls == []


class Leaping(FakeClock):
    """A clock that leaps on right after it was read, as real ones do a little."""

    leap = timedelta(0)

    def now(self) -> datetime:
        """Return the time before the leap."""
        before = super().now()
        self._now += self.leap
        self.leap = timedelta(0)
        return before


async def test_what_comes_due_while_the_worker_looks_is_not_missed(shop: Workshop) -> None:
    """An engine alone waits for nothing else: what one question left out the next must name."""
    calls: list[str] = []

    def flaky() -> str:
        calls.append("call")
        if len(calls) == 1:
            raise RetryAfter(60)
        return "done"

    @job(retry=Retry())
    async def example(step: Step) -> str:
        return await step.run("s", flaky)

    clock = Leaping()
    app = await shop.engine(example, sole_owner=True, clock=clock)
    released = record(app, "run:release")
    await app.start()
    made = await app.trigger(example)
    await until(lambda: released and shop.faults.calls[-1] == "next_due")
    await asyncio.sleep(0.005)
    await clock.advance(59.999)

    clock.leap = timedelta(milliseconds=2)
    shop.faults.calls.clear()
    app.register(quick)  # wakes the worker
    await until(lambda: shop.faults.calls == ["claim", "next_due"])

    await advance_until(clock, lambda: len(calls) == 2, step=timedelta(milliseconds=1))
    assert (await app.wait_for_run(made.id)).output == "done"


@pytest.mark.parametrize("slots", [1, 3])
async def test_no_more_runs_execute_than_there_are_slots(shop: Workshop, slots: int) -> None:
    """The rest waits as pending, and follows as slots get free."""
    gated = Gated()
    app = await shop.engine(gated.job, max_concurrent_runs=slots)
    await app.start()
    made = [await app.trigger("gated") for _ in range(5)]
    await until(lambda: gated.running == slots)
    await asyncio.sleep(0.005)
    pending = await app.get_runs(RunFilter(statuses=[RunStatus.PENDING]))

    gated.gate.set()
    for one in made:
        await app.wait_for_run(one.id)

    assert len(pending) == 5 - slots
    assert gated.most == slots


async def test_stop_lets_running_jobs_end_and_claims_no_more(shop: Workshop) -> None:
    """A drain: what runs is finished, what waits stays pending."""
    gated = Gated()
    app = await shop.engine(gated.job)
    await app.start()
    first, second = await app.trigger("gated"), await app.trigger("gated")
    await until(lambda: gated.running)

    stopping = asyncio.ensure_future(app.stop())
    await asyncio.sleep(0.005)
    assert not stopping.done()
    gated.gate.set()
    await stopping

    assert (await shop.get(first.id)).status is RunStatus.COMPLETED
    assert (await shop.get(second.id)).status is RunStatus.PENDING


async def test_stop_gives_back_what_does_not_end_in_time(shop: Workshop) -> None:
    """Nothing is lost or failed: the run is pending again, and the next engine goes on at once."""
    gated = Gated()
    app = await shop.engine(gated.job)
    events = record(app, "run:release", "run:fail", "run:cancel")
    await app.start()
    made = await app.trigger("gated")
    await until(lambda: gated.running)

    stopping = asyncio.ensure_future(app.stop(timeout=5))
    await advance_until(shop.clock, stopping.done)
    await stopping

    run = await shop.get(made.id)
    assert (run.status, run.lease_owner) == (RunStatus.PENDING, None)
    assert names(events) == ["run:release"]
    assert [s.status for s in await shop.store.get_steps(run.id)] == []
    gated.gate.set()
    assert await (await shop.engine(gated.job)).process_until_idle() == 1


async def test_an_engine_can_be_started_again(shop: Workshop) -> None:
    """Start and stop are each other's undoing; both may be called twice."""
    app = await shop.engine(quick)
    await app.stop()
    for _ in range(2):
        await app.start()
        await app.start()
        await app.wait_for_run((await app.trigger(quick)).id)
        await app.stop()
        await app.stop()

    assert (await app.health()).state == "stopped"


async def test_processing_one_run_needs_no_worker(shop: Workshop) -> None:
    """For serverless use: one due run here and now, then up to so many, then all."""
    app = await shop.engine(quick)
    for _ in range(6):
        await app.trigger(quick)

    assert await app.process_one()
    assert await app.process_until_idle(max_runs=2) == 2
    assert await app.process_until_idle() == 3
    assert not await app.process_one()


async def test_a_sole_owner_takes_over_at_once(shop: Workshop) -> None:
    """Law 4: when it starts, no other engine lives, so no lease is waited for."""
    gated = Gated()
    dead = await shop.engine(gated.job)
    await dead.start()
    made = await dead.trigger("gated", concurrency_key="k")
    await until(lambda: gated.running)
    shop.die()
    began = shop.clock.now()
    gated.gate.set()

    app = await shop.engine(gated.job, sole_owner=True)
    await app.start()
    run = await app.wait_for_run(made.id)

    assert run.lease_generation == 2
    assert shop.clock.now() == began


async def test_a_dead_workers_run_goes_on_when_its_lease_ran_out(shop: Workshop) -> None:
    """Law 6: another engine takes it over, without anyone telling it."""
    gated = Gated()
    dead = await shop.engine(gated.job, lease=30)
    await dead.start()
    made = await dead.trigger("gated")
    await until(lambda: gated.running)
    shop.die()
    gated.gate.set()
    began = shop.clock.now()

    app = await shop.engine(gated.job, polling_interval=1000)
    await app.start()
    waiting = asyncio.ensure_future(app.wait_for_run(made.id))
    await advance_until(shop.clock, waiting.done)

    assert (await waiting).status is RunStatus.COMPLETED
    assert timedelta(seconds=29) < shop.clock.now() - began < timedelta(seconds=40)


@pytest.mark.parametrize("most", [1, 3])
async def test_a_run_that_kills_its_worker_again_and_again_is_failed(
    shop: Workshop, most: int
) -> None:
    """Law 6: after max_recoveries claims without a newly saved step, and it says so."""

    @job
    async def deadly(step: Step) -> None:
        shop.journal.append("ran")
        shop.die()
        await step.run("s", lambda: None, output=None)

    app = await shop.engine(deadly, max_recoveries=most)
    made = await app.trigger(deadly)
    for _ in range(most + 1):
        await shop.die_in(app)
        await shop.clock.advance(60)
        app = await shop.engine(deadly, max_recoveries=most)
    await app.process_one()

    run = await shop.get(made.id)
    assert run.status is RunStatus.FAILED
    assert run.failure is not None
    assert run.failure.type_name == "durably.errors.RecoveryLimitError"
    assert len(shop.journal) == most + 1
    assert f"{most + 1} times" in run.failure.message


async def test_a_run_that_saves_a_step_each_time_is_never_given_up(shop: Workshop) -> None:
    """Law 6: slow progress is progress."""

    @job
    async def slow(step: Step) -> str:
        for n in range(8):
            await step.run(f"s{n}", lambda: None, output=None)
            if len(shop.journal) <= n:
                shop.journal.append("died")
                shop.die()
        return "done"

    app = await shop.engine(slow, max_recoveries=1)
    made = await app.trigger(slow)
    for _ in range(8):
        await shop.die_in(app)
        await shop.clock.advance(60)
        app = await shop.engine(slow, max_recoveries=1)
    await shop.drain(app)

    assert (await shop.get(made.id)).output == "done"


async def test_a_run_of_an_unknown_job_is_parked(shop: Workshop) -> None:
    """B2: it is not failed; health names it, and registering its job lets it run at once."""
    later = await (await shop.engine(quick)).trigger(quick)
    app = await shop.engine()
    await app.start()
    await asyncio.sleep(0.005)
    assert (await shop.get(later.id)).status is RunStatus.PENDING
    assert (await app.health()).parked_jobs == ("quick",)

    app.register(quick)

    assert (await app.wait_for_run(later.id)).output == "done"
    assert (await app.health()).parked_jobs == ()


async def end_one(shop: Workshop) -> None:
    """Claim a run and finish it, without executing it."""
    now = shop.clock.now()
    until = now + timedelta(minutes=1)
    claim = await shop.store.claim(worker="w", now=now, until=until, jobs=("quick",), held=())
    assert claim is not None
    end = Finish(status=RunStatus.COMPLETED)
    await shop.store.finish(claim.lease, end, notes=NO_NOTES, now=now)


async def test_retention_removes_ended_runs_in_the_background(shop: Workshop) -> None:
    """In batches, at most once a minute, with an event for each; younger ones stay."""
    filler = await shop.engine(quick)
    for _ in range(150):
        await filler.trigger(quick)
        await end_one(shop)
    await shop.clock.advance(timedelta(days=2))
    young = await filler.trigger(quick)
    await end_one(shop)

    app = await shop.engine(quick, retain_runs="1d")
    events = record(app, "run:delete")
    await app.start()
    await until(lambda: len(events) == 100)
    await advance_until(shop.clock, lambda: len(events) == 150)

    assert [run.id for run in await app.get_runs()] == [young.id]
    await advance_slowly(shop.clock, 120)
    assert len(events) == 150


async def test_purging_by_hand_removes_what_ended_before(shop: Workshop) -> None:
    """purge_runs() answers with the count, up to its limit."""
    app = await shop.engine(quick)
    events = record(app, "run:delete")
    for _ in range(3):
        await app.trigger(quick)
    await app.process_until_idle()
    await app.trigger(quick)
    await shop.clock.advance(1)

    assert await app.purge_runs(shop.clock.now(), limit=2) == 2
    assert await app.purge_runs(shop.clock.now()) == 1
    assert await app.purge_runs(shop.clock.now()) == 0
    assert len(events) == 3
    assert len(await app.get_runs()) == 1


async def test_migrations_asked_for_at_once_are_one(shop: Workshop) -> None:
    """migrate() is idempotent, and a failed one can be tried again."""
    app = await shop.engine(quick)
    shop.faults.calls.clear()
    second = Durably(shop.faults, jobs=[quick], clock=shop.clock)
    shop.faults.fail("migrate", lambda: OSError("once"))

    answers = await asyncio.gather(*(second.migrate() for _ in range(3)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [OSError] * 3
    await asyncio.gather(*(second.migrate() for _ in range(3)))

    assert shop.faults.calls == ["migrate", "migrate"]
    assert app is not second


@pytest.mark.cpython_only
async def test_two_engines_share_the_work_of_one_file(tmp_path: Path) -> None:
    """Law 3: with real time and two connections, every run is executed once."""
    ran: list[int] = []

    @job
    async def example(step: Step, input: int) -> int:
        await step.run("s", ran.append, input)
        return input

    def engine() -> Durably:
        return Durably(
            f"sqlite:///{tmp_path / 'store.db'}",
            jobs=[example],
            max_concurrent_runs=4,
            polling_interval=0.01,
            clock=SystemClock(),
        )

    async with engine() as first, engine() as second:
        made = [await (first, second)[n % 2].trigger(example, n) for n in range(40)]
        runs = [await first.wait_for_run(one.id, timeout=60) for one in made]

    assert sorted(ran) == list(range(40))
    assert [run.lease_generation for run in runs] == [1] * 40


async def test_an_error_on_the_way_out_stops_at_once() -> None:
    """``async with`` does not wait for jobs when its body raised; it gives them back."""
    gated = Gated()

    async def fail() -> None:
        async with Durably("sqlite://", jobs=[gated.job]) as app:
            await app.trigger("gated")
            await until(lambda: gated.running)
            raise KeyError

    with pytest.raises(KeyError):
        await fail()

    assert gated.running == 0
