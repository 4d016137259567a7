"""Runs that process_one() and process_until_idle() execute are kept, and stopped, like any."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from durably import Durably, RunStatus, Step, StorageBusyError, job
from kit.engines import Slow, Workshop, advance_slowly, names, record, until


class Gated:
    """A job whose step ends when a test lets it, and whose cleanup takes its turn."""

    def __init__(self, shop: Workshop) -> None:
        self.gate = asyncio.Event()

        async def work() -> str:
            shop.journal.append("began")
            try:
                await self.gate.wait()
            except asyncio.CancelledError:
                await asyncio.sleep(0)
                shop.journal.append("cleaned up")
                raise
            return "done"

        @job(name="gated")
        async def gated(step: Step) -> str:
            step.progress(7)
            return await step.run("s", work)

        self.job = gated


async def cut_off(work: Coroutine[Any, Any, object], shop: Workshop) -> None:
    """Begin *work*, and cancel it when the job's code runs."""
    task = asyncio.ensure_future(work)
    await until(lambda: shop.journal)
    task.cancel()
    await asyncio.wait_for(asyncio.wait({task}), 10)
    assert task.cancelled()


async def test_a_lease_is_kept_without_a_started_worker(shop: Workshop) -> None:
    """Law 5: a step that takes longer than the lease runs once."""
    gated = Gated(shop)
    app = await shop.engine(gated.job, lease=60)
    renewed = record(app, "run:lease-renewed")
    made = await app.trigger("gated")
    work = asyncio.ensure_future(app.process_until_idle())
    await until(lambda: shop.journal)
    elsewhere = await shop.engine(gated.job, lease=60)

    await advance_slowly(shop.clock, 180)
    assert not await elsewhere.process_one()
    gated.gate.set()

    assert await work == 1
    assert (await shop.get(made.id)).output == "done"
    assert shop.journal == ["began"]
    assert len(renewed) > 20
    told = len(renewed)
    await advance_slowly(shop.clock, 60)
    assert len(renewed) == told  # nothing is at work any more


async def test_notes_are_written_without_a_started_worker(shop: Workshop) -> None:
    """Law 12: who looks from another process sees them half a second later."""
    gated = Gated(shop)
    app = await shop.engine(gated.job)
    made = await app.trigger("gated")
    work = asyncio.ensure_future(app.process_one())
    await until(lambda: shop.journal)

    await advance_slowly(shop.clock, 1)

    progress = (await shop.get(made.id)).progress
    assert progress is not None
    assert progress.current == 7
    gated.gate.set()
    await work


@pytest.mark.parametrize("method", ["process_one", "process_until_idle"])
async def test_a_caller_that_is_cancelled_gives_its_run_back(shop: Workshop, method: str) -> None:
    """As a drain: its code is stopped and cleans up, and another process goes on at once."""
    gated = Gated(shop)
    app = await shop.engine(gated.job)
    events = record(app, "run:release", "run:cancel", "run:fail", "worker:error")
    made = await app.trigger("gated")

    await cut_off(getattr(app, method)(), shop)

    run = await shop.get(made.id)
    assert (run.status, run.lease_owner) == (RunStatus.PENDING, None)
    assert shop.journal == ["began", "cleaned up"]
    assert names(events) == ["run:release"]
    assert (await app.health()).active_runs == ()
    assert await shop.store.get_steps(made.id) == []
    gated.gate.set()
    assert await (await shop.engine(gated.job)).process_until_idle() == 1


async def test_a_caller_that_is_cancelled_twice_waits_all_the_same(shop: Workshop) -> None:
    """Nobody goes on beside code that is still cleaning up."""
    cleaned = asyncio.Event()

    @job
    async def example(step: Step) -> None:
        shop.journal.append("began")
        try:
            await asyncio.Event().wait()
        finally:
            await cleaned.wait()
            shop.journal.append("cleaned up")

    app = await shop.engine(example)
    made = await app.trigger(example)
    work = asyncio.ensure_future(app.process_one())
    await until(lambda: shop.journal)
    for _ in range(3):
        work.cancel()
        await asyncio.sleep(0.002)
    assert not work.done()
    cleaned.set()
    await asyncio.wait({work})

    assert work.cancelled()
    assert shop.journal == ["began", "cleaned up"]
    assert (await shop.get(made.id)).lease_owner is None


async def claiming(shop: Workshop) -> tuple[Durably, asyncio.Task[bool], Slow, str]:
    """Return an engine whose claim of a run is committed, and is not answered until a test says."""
    slow = Slow(shop.store, "claim")
    app = await shop.engine(Gated(shop).job)
    made = await app.trigger("gated")
    work = asyncio.ensure_future(app.process_one())
    await slow.arrived.wait()
    return app, work, slow, made.id


async def test_a_caller_that_is_cancelled_while_it_claims_gives_the_run_back(
    shop: Workshop,
) -> None:
    """The commit of the claim stands, though its answer was not waited for."""
    _, work, slow, run_id = await claiming(shop)
    work.cancel()
    await asyncio.sleep(0.002)
    slow.may_answer.set()
    await asyncio.wait_for(asyncio.wait({work}), 10)

    assert work.cancelled()
    run = await shop.get(run_id)
    assert (run.status, run.lease_owner, run.lease_generation) == (RunStatus.PENDING, None, 1)
    assert shop.journal == []


async def test_a_caller_that_is_cancelled_waits_for_no_database(shop: Workshop) -> None:
    """Law 9: what cannot be given back goes on when its lease has run out."""
    gated = Gated(shop)
    app = await shop.engine(gated.job)
    made = await app.trigger("gated")
    shop.faults.fail("release", lambda: StorageBusyError("locked"), times=1000)

    await cut_off(app.process_one(), shop)

    assert (await shop.get(made.id)).status is RunStatus.LEASED
    gated.gate.set()
    await shop.drain(await shop.engine(gated.job))
    assert (await shop.get(made.id)).output == "done"


async def test_a_caller_that_is_cancelled_gives_back_what_its_job_waits_for(
    shop: Workshop,
) -> None:
    """A parent and the child that is executed for it (B6)."""
    gated = Gated(shop)

    @job
    async def parent(step: Step) -> str:
        made = await step.run("start", start, output=str)
        return str((await app.wait_for_run(made)).output)

    async def start() -> str:
        return (await app.trigger("gated", idempotency_key="once")).id

    app = await shop.engine(gated.job, parent)
    made = await app.trigger(parent)

    await cut_off(app.process_one(), shop)

    assert {run.status for run in await app.get_runs()} == {RunStatus.PENDING}
    assert [run.lease_owner for run in await app.get_runs()] == [None, None]
    gated.gate.set()
    await shop.drain(app)
    assert (await shop.get(made.id)).output == "done"


async def test_stopping_the_engine_gives_back_what_is_being_claimed(shop: Workshop) -> None:
    """It does not wait for code that has not begun."""
    app, work, slow, run_id = await claiming(shop)

    stopping = asyncio.ensure_future(app.stop(timeout=0))
    await asyncio.sleep(0.005)
    assert not stopping.done()
    slow.may_answer.set()
    await asyncio.wait_for(stopping, 10)

    assert await work
    run = await shop.get(run_id)
    assert (run.status, run.lease_owner) == (RunStatus.PENDING, None)
    assert shop.journal == []


async def test_stopping_the_engine_stops_what_is_processed_by_hand(shop: Workshop) -> None:
    """The store is not closed under it, and no more is claimed."""
    gated = Gated(shop)
    app: Durably = await shop.engine(gated.job)
    made = [await app.trigger("gated") for _ in range(2)]
    work = asyncio.ensure_future(app.process_until_idle())
    await until(lambda: shop.journal)

    await app.stop(timeout=0)
    assert await asyncio.wait_for(work, 10) == 1

    assert shop.journal == ["began", "cleaned up"]
    for one in made:
        run = await shop.get(one.id)
        assert (run.status, run.lease_owner) == (RunStatus.PENDING, None)
