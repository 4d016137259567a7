"""Law 6: a run is taken for what ends its workers only when it was executed alone."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from durably import Durably, Run, RunStatus, Step, job, open_store
from durably.runs import RunFilter
from kit.engines import Workshop

PROGRAM = """
import asyncio, os, sys, time
from durably import Durably, Step, job

def work():
    time.sleep(0.6)
    return "done"

def leave():
    time.sleep(0.2)
    os._exit(9)

@job(name="innocent")
async def innocent(step: Step) -> str:
    return await step.run("work", work)

@job(name="culprit")
async def culprit(step: Step) -> None:
    await step.run("leave", leave)

async def main():
    async with Durably(sys.argv[1], jobs=[innocent, culprit], max_concurrent_runs=4, lease=0.5,
                       lease_renew_interval=0.1, polling_interval=0.05) as app:
        made = [await app.trigger(name, idempotency_key=name)
                for name in ("innocent", "culprit")]
        for one in made:
            try:
                await app.wait_for_run(one.id)
            except Exception as error:
                print(error, flush=True)

asyncio.run(main())
"""


@pytest.mark.cpython_only
@pytest.mark.slow
async def test_a_run_beside_the_culprit_is_not_blamed(tmp_path: Path) -> None:
    """The process ends again and again, until what ends it has failed and the other is done."""
    url = f"sqlite:///{tmp_path / 'store.db'}"
    for _ in range(12):
        process = await asyncio.to_thread(
            subprocess.run, [sys.executable, "-c", PROGRAM, url], timeout=60, check=False
        )
        if process.returncode == 0:
            break

    store = open_store(url)
    runs = {run.job_name: run for run in await store.get_runs(RunFilter())}
    await store.close()
    assert (runs["innocent"].status, runs["innocent"].output) == (RunStatus.COMPLETED, "done")
    assert runs["culprit"].status is RunStatus.FAILED
    assert "died 6 times" in (runs["culprit"].error or "")


async def died_with(shop: Workshop, app: Durably, run: Run, times: int) -> None:
    """Let the worker of a run die so often."""
    for _ in range(times):
        now = shop.clock.now()
        names = tuple(app.jobs)
        claim = await shop.store.claim(worker="dead", now=now, until=now, jobs=names, held=())
        assert claim is not None
        assert claim.run.id == run.id


async def test_a_suspect_is_executed_alone(shop: Workshop) -> None:
    """It waits for what executes, and nothing is claimed beside it."""
    gate, at_work, most = asyncio.Event(), set[str](), 0

    @job(name="one")
    async def one(step: Step, name: str) -> str:
        nonlocal most
        at_work.add(name)
        most = max(most, len(at_work)) if "suspect" in at_work else most
        shop.journal.append(name)
        if name == "before":
            await gate.wait()
        await step.run("work", asyncio.sleep, 0)
        at_work.discard(name)
        return name

    app = await shop.engine(one, max_concurrent_runs=4)
    suspect = (await app.trigger(one, "suspect")).run
    await died_with(shop, app, suspect, 3)
    await app.trigger(one, "after")
    before = await app.trigger(one, "before")

    await app.start()
    for _ in range(50):
        await shop.clock.advance(0.1)
        await app.health()
        gate.set() if "before" in shop.journal else None
    await app.stop()

    assert {run.status for run in await app.get_runs()} == {RunStatus.COMPLETED}
    assert most == 1
    assert before.id


async def test_a_suspect_that_waits_for_a_child_makes_room_for_it(shop: Workshop) -> None:
    """It is given back, and goes on when the child has ended."""

    @job(name="child")
    async def child(step: Step) -> str:
        return await step.run("work", lambda: "of the child")

    @job(name="parent")
    async def parent(step: Step) -> str:
        async def call() -> str:
            made = await app.trigger(child, idempotency_key="child")
            return str((await app.wait_for_run(made.id)).output)

        return await step.run("call", call)

    app = await shop.engine(child, parent, max_concurrent_runs=4)
    made = await app.trigger(parent)
    await died_with(shop, app, made.run, 3)

    await app.start()
    for _ in range(300):
        await shop.clock.advance(0.1)
        await app.health()
    await app.stop()

    assert (await shop.get(made.id)).output == "of the child"
