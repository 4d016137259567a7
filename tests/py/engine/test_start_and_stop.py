"""An engine that is started, stopped and closed, whenever and however often."""

from __future__ import annotations

import asyncio

import pytest

from durably import (
    Durably,
    RunStatus,
    Step,
    StorageBusyError,
    job,
)
from kit.engines import Slow, Workshop, advance_until, record, take_over, until


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
    await take_over(shop, made.id)
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
