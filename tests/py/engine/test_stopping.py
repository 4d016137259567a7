"""Code that must stop is told once, whoever learns of it, and nothing begins after its end."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from typing import Any

import pytest

from durably import (
    Cancelled,
    Durably,
    Retry,
    RunStatus,
    Step,
    StepTimeoutError,
    StorageBusyError,
    SyncStep,
    job,
)
from durably.runs import Claim, Hold
from kit.engines import Slow, Workshop, advance_until, names, record, until

#: Renewals that would tell the code are far away.
SELDOM = {"lease": 10_000, "lease_renew_interval": 9_000}

End = Callable[[Workshop, str], Awaitable[object]]


async def cancel(shop: Workshop, run_id: str) -> None:
    """Cancel a run as another process does: nobody here is told."""
    await shop.store.cancel(run_id, now=shop.clock.now())


async def take_over(shop: Workshop, run_id: str) -> Claim | None:
    """Claim a run as another process does whose clock says that its lease ran out."""
    now = shop.clock.now() + timedelta(days=1)
    until = now + timedelta(days=1)
    return await shop.store.claim(worker="other", now=now, until=until, jobs=("example",), held=())


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


# --- whoever learns of it stops the code ---


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


# --- nothing begins after the end ---


async def test_what_a_job_left_behind_does_no_more_steps(shop: Workshop) -> None:
    """Its run has ended: nobody would save what the step did."""
    tasks: list[asyncio.Task[None]] = []
    gate = asyncio.Event()

    @job
    async def example(step: Step) -> str:
        async def later() -> None:
            await gate.wait()
            await step.run("later", shop.journal.append, "ran")

        tasks.append(asyncio.ensure_future(later()))
        return "done"

    run = await shop.run(example, preserve_steps=True)
    gate.set()
    await asyncio.wait(tasks)

    assert run.output == "done"
    assert shop.journal == []
    assert isinstance(tasks[0].exception(), Cancelled)
    assert await shop.store.get_steps(run.id) == []


async def test_a_step_that_waits_its_turn_does_not_begin_when_its_job_has_failed(
    shop: Workshop,
) -> None:
    """As behind a semaphore, which the steps that are ended with the job hand on."""

    async def work(n: int) -> None:
        shop.journal.append(f"{n} began")
        if n == 0:
            await until(lambda: len(shop.journal) == 2)
            raise ValueError("the first fails")
        await asyncio.Event().wait()

    @job
    async def example(step: Step) -> None:
        turns = asyncio.Semaphore(2)

        async def one(n: int) -> None:
            try:
                await turns.acquire()
                await step.run(f"s{n}", work, n)
            except asyncio.CancelledError:
                turns.release()
                raise

        await asyncio.gather(*map(one, range(6)))

    run = await shop.run(example)

    assert run.error == "the first fails"
    assert shop.journal == ["0 began", "1 began"]


class Crowd:
    """More sync steps at once than there are threads, each held on its thread by a test."""

    THREADS = 32

    def __init__(self, shop: Workshop) -> None:
        self.first_may_end = threading.Event()
        self.may_end = threading.Event()
        self._shop = shop

    def work(self, n: int) -> None:
        """Hold a thread; the first fails then."""
        self._shop.journal.append(f"{n}")
        if n == 0:
            self.first_may_end.wait(60)
            raise ValueError("the first fails")
        self.may_end.wait(60)

    def steps(self, step: Step) -> list[Coroutine[Any, Any, None]]:
        """Return the steps of the crowd."""
        return [step.run(f"s{n}", self.work, n) for n in range(self.THREADS + 8)]


@pytest.mark.cpython_only
@pytest.mark.parametrize("how", ["cancel", "failure", "group"])
async def test_a_sync_step_that_waits_for_a_thread_does_not_begin_when_it_is_stopped(
    shop: Workshop, how: str
) -> None:
    """Neither after the cancel of its run, nor after the end of its job or of its group."""
    crowd = Crowd(shop)

    @job
    async def example(step: Step) -> None:
        if how == "group":
            with contextlib.suppress(ExceptionGroup):
                async with asyncio.TaskGroup() as group:
                    for one in crowd.steps(step):
                        group.create_task(one)
        else:
            await asyncio.gather(*crowd.steps(step))

    app = await shop.engine(example)
    failed = record(app, "step:fail")
    made = await app.trigger(example)
    work = asyncio.ensure_future(app.process_one())
    await until(lambda: len(shop.journal) == Crowd.THREADS)
    if how == "cancel":
        await app.cancel(made.id)
    else:
        crowd.first_may_end.set()
        await until(lambda: failed)
        await asyncio.sleep(0.01)
    crowd.first_may_end.set()
    crowd.may_end.set()
    await work

    # The thread of the step that failed takes another before anybody knows of the failure.
    assert len(shop.journal) == Crowd.THREADS + (how != "cancel")


@pytest.mark.cpython_only
async def test_a_sync_job_that_waits_for_a_thread_does_not_begin_when_it_is_stopped(
    shop: Workshop,
) -> None:
    """As a sync step."""
    crowd = Crowd(shop)

    @job
    async def full(step: Step) -> None:
        await asyncio.gather(*crowd.steps(step))

    @job
    def example(step: SyncStep) -> None:
        shop.journal.append("the sync job")

    app = await shop.engine(full, example, max_concurrent_runs=2)
    await app.start()
    await app.trigger(full)
    await until(lambda: len(shop.journal) == Crowd.THREADS)
    made = await app.trigger(example)
    leased = record(app, "run:leased")
    await until(lambda: leased)
    await asyncio.sleep(0.01)
    await app.cancel(made.id)
    crowd.first_may_end.set()
    crowd.may_end.set()
    await app.stop()

    assert "the sync job" not in shop.journal


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


# --- stop, close, start ---


async def test_a_claim_under_way_when_the_engine_stops_is_not_forgotten(shop: Workshop) -> None:
    """Its commit stands: the run is given back, not left leased to nobody."""

    @job
    async def example(step: Step) -> None:
        await step.run("s", asyncio.Event().wait)

    slow = Slow(shop.store, "claim")
    app = await shop.engine(example)
    await app.start()
    made = await app.trigger(example)
    await slow.arrived.wait()

    stopping = asyncio.ensure_future(app.stop(timeout=0))
    await asyncio.sleep(0.005)
    slow.may_answer.set()
    await stopping

    run = await shop.get(made.id)
    assert (run.status, run.lease_owner) == (RunStatus.PENDING, None)


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


async def test_close_during_a_stop_gives_back_what_still_runs(shop: Workshop) -> None:
    """The store is not closed under running code; whoever waits in stop() goes on."""

    @job
    async def example(step: Step) -> None:
        await step.run("s", asyncio.Event().wait)

    app = await shop.engine(example)
    errors = record(app, "worker:error")
    await app.start()
    made = await app.trigger(example)
    await until(lambda: app.steps_in_flight)

    stopping = asyncio.ensure_future(app.stop())
    await asyncio.sleep(0.005)
    assert (await app.health()).active_runs == (made.id,)
    await app.stop(timeout=0)
    await asyncio.wait_for(stopping, 10)

    run = await shop.get(made.id)
    assert (run.status, run.lease_owner) == (RunStatus.PENDING, None)
    assert errors == []


async def test_a_stop_that_is_cancelled_can_be_taken_up_again(shop: Workshop) -> None:
    """Until then its runs go on, and keep their leases (law 5)."""
    gate = asyncio.Event()

    @job
    async def example(step: Step) -> str:
        return str(await step.run("s", gate.wait))

    app = await shop.engine(example, lease=60)
    renewed = record(app, "run:lease-renewed")
    await app.start()
    made = await app.trigger(example)
    await until(lambda: app.steps_in_flight)
    stopping = asyncio.ensure_future(app.stop())
    await asyncio.sleep(0.005)
    stopping.cancel()
    await asyncio.wait({stopping})

    await advance_until(shop.clock, lambda: len(renewed) >= 20)
    gate.set()
    await app.stop()

    assert (await shop.get(made.id)).output == "True"


async def test_leaving_the_block_of_an_engine_closes_it_also_when_it_is_cancelled() -> None:
    """Whoever has no patience for the drain gets the runs given back."""

    @job
    async def example(step: Step) -> None:
        await step.run("s", asyncio.Event().wait)

    app = Durably("sqlite://", jobs=[example])

    async def use() -> None:
        async with app:
            await app.trigger(example)
            await until(lambda: app.steps_in_flight)

    work = asyncio.ensure_future(use())
    await until(lambda: app.steps_in_flight)
    await asyncio.sleep(0.01)
    work.cancel()
    await asyncio.wait_for(asyncio.wait({work}), 10)

    assert work.cancelled()
    assert app.steps_in_flight == 0
    assert (await app.health()).active_runs == ()


async def test_a_start_waits_for_the_stop_before_it(shop: Workshop) -> None:
    """An engine has one worker: two would claim each other's runs, and know nothing of it."""
    gate = asyncio.Event()

    @job
    async def example(step: Step) -> str:
        return str(await step.run("s", gate.wait))

    app = await shop.engine(example)
    await app.start("first")
    first = await app.trigger(example)
    await until(lambda: app.steps_in_flight)
    stopping = asyncio.ensure_future(app.stop())
    await asyncio.sleep(0.005)

    starting = asyncio.ensure_future(app.start("second"))
    second = await app.trigger(example)
    await asyncio.sleep(0.01)
    assert not starting.done()
    gate.set()
    await asyncio.gather(stopping, starting)

    assert (await app.wait_for_run(second.id)).output == "True"
    assert (await shop.get(first.id)).output == "True"
    health = await app.health()
    assert (health.state, health.worker_id) == ("ok", "second")


async def test_a_start_that_failed_can_be_tried_again(shop: Workshop) -> None:
    """Law 10: the second one does what the first could not."""

    @job
    async def example(step: Step) -> str:
        return "done"

    app = await shop.engine(example, sole_owner=True)
    shop.faults.fail("abandon_leases", lambda: StorageBusyError("locked"))
    with pytest.raises(StorageBusyError):
        await app.start()
    assert (await app.health()).state == "stopped"

    await app.start()

    assert (await app.wait_for_run((await app.trigger(example)).id)).output == "done"


async def test_an_engine_that_is_stopped_while_it_starts_does_not_run(shop: Workshop) -> None:
    """The stop came last."""

    @job
    async def example(step: Step) -> None:
        shop.journal.append("ran")

    (await shop.engine(example, sole_owner=True))  # makes the tables
    now = shop.clock.now()
    app = await shop.engine(example, sole_owner=True)
    made = await app.trigger(example)
    assert await take_over(shop, made.id)
    slow = Slow(shop.store, "abandon_leases")
    starting = asyncio.ensure_future(app.start())
    await slow.arrived.wait()

    await app.stop()
    slow.may_answer.set()
    await starting
    await asyncio.sleep(0.01)

    assert shop.clock.now() == now
    assert shop.journal == []
    assert (await app.health()).state == "stopped"


# --- two codes of one run or key ---


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
