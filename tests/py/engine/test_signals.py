"""A process that is told to end drains, and gives back what does not end in time."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from durably import (
    ConflictError,
    Durably,
    Run,
    RunStatus,
    Step,
    StorageFullError,
    SyncStep,
    job,
    open_store,
)
from durably.runs import RunFilter
from durably.testing import FaultyStore

pytestmark = [pytest.mark.cpython_only, pytest.mark.slow]

HEAD = """
import asyncio, sys, time
from durably import Durably, Step, job

def work(seconds):
    print("works", flush=True)
    time.sleep(seconds)
    print("worked", flush=True)

@job(name="long")
async def long(step: Step, seconds: float) -> str:
    await step.run("work", work, seconds)
    return "done"
"""
AS_THE_DOCS_SHOW = """
async def main():
    async with Durably(sys.argv[1], jobs=[long], lease=60) as app:
        made = await app.trigger(long, float(sys.argv[2]), idempotency_key="one")
        await app.wait_for_run(made.id)

asyncio.run(main())
"""
SERVING = """
async def main():
    app = Durably(sys.argv[1], jobs=[long], lease=60)
    await app.migrate()
    await app.trigger(long, float(sys.argv[2]), idempotency_key="one")
    await app.serve(drain=float(sys.argv[3]))
    await app.close()
    print("closed", flush=True)

asyncio.run(main())
"""


def start(folder: Path, program: str, *arguments: float) -> subprocess.Popen[str]:
    """Start a server, and return it once its step has begun."""
    url = f"sqlite:///{folder / 'store.db'}"
    process = subprocess.Popen(
        [sys.executable, "-c", HEAD + program, url, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "works\n"
    return process


async def the_run(folder: Path) -> Run:
    """Return the only run."""
    store = open_store(f"sqlite:///{folder / 'store.db'}")
    (run,) = await store.get_runs(RunFilter())
    await store.close()
    return run


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("program", [AS_THE_DOCS_SHOW, SERVING])
async def test_a_step_that_ends_in_time_is_saved(
    tmp_path: Path, program: str, number: signal.Signals
) -> None:
    """The process ends after it, the run is nobody's, and nothing is held against it."""
    process = start(tmp_path, program, 0.5, 5)
    process.send_signal(number)
    out, error = process.communicate(timeout=20)

    run = await the_run(tmp_path)
    assert "worked" in out
    assert "ValueError" not in error
    # Ctrl+C ends the block of `async with` by an error, and then nothing is waited for.
    at_once = program is AS_THE_DOCS_SHOW and number == signal.SIGINT
    assert run.completed_step_count == 1 or at_once
    assert run.lease_owner is None
    assert run.recoveries == 0
    if program is SERVING and number == signal.SIGTERM:
        assert (process.returncode, "closed" in out) == (0, True)


async def test_deploys_are_not_held_against_a_run(tmp_path: Path) -> None:
    """Each gives it back before its long step has ended; the next process claims it at once."""
    for _ in range(3):
        process = start(tmp_path, SERVING, 3600, 0)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
        run = await the_run(tmp_path)
        assert (run.status, run.lease_owner, run.recoveries) == (RunStatus.PENDING, None, 0)


@pytest.mark.parametrize("first", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
async def test_a_second_signal_ends_the_process_at_once(
    tmp_path: Path, first: signal.Signals, second: signal.Signals
) -> None:
    """Though a step blocks; the run is there to be claimed."""
    process = start(tmp_path, AS_THE_DOCS_SHOW, 3600)
    process.send_signal(first)
    await asyncio.sleep(0.3)
    process.send_signal(second)
    out, _ = process.communicate(timeout=60)

    run = await the_run(tmp_path)
    assert "worked" not in out
    assert process.returncode in {-second, 128 + second}
    assert (run.status, run.lease_owner, run.recoveries) == (RunStatus.PENDING, None, 0)


async def test_handlers_of_the_program_are_left_alone() -> None:
    """Its own SIGTERM is its own; what the engine took it gives back."""
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    async with Durably("sqlite://") as app:
        await app.migrate()
        assert signal.getsignal(signal.SIGTERM) is not before[0]
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before

    def own(*_: object) -> None: ...

    signal.signal(signal.SIGTERM, own)
    try:
        async with Durably("sqlite://"):
            assert signal.getsignal(signal.SIGTERM) is own
    finally:
        signal.signal(signal.SIGTERM, before[0])


def test_an_engine_works_on_one_event_loop_after_another(tmp_path: Path) -> None:
    """As a command line or a notebook does it: notes are written, and a full disk is waited out."""
    store = FaultyStore(open_store(f"sqlite:///{tmp_path / 'store.db'}"))

    @job(name="noting")
    async def noting(step: Step) -> str:
        step.progress(1)
        await step.run("wait", asyncio.sleep, 0.7)
        return "done"

    app = Durably(store, jobs=[noting])

    async def once() -> str:
        await app.migrate()
        made = await app.trigger(noting)
        store.fail("save_step", lambda: StorageFullError("full"), times=2)
        await app.process_until_idle()
        run = await app.get_run(made.id)
        assert run is not None
        return str(run.output)

    async def started() -> str:
        await app.start()
        made = await app.trigger(noting)
        run = await app.wait_for_run(made.id, timeout=20)
        return str(run.output)  # and its loop ends, with the engine started

    outputs = [asyncio.run(work()) for work in (once, once, started, once, started)]

    assert outputs == ["done"] * 5
    assert store.calls.count("save_notes") >= 5
    asyncio.run(app.close())


async def test_a_started_engine_is_not_started_on_another_loop() -> None:
    """While its own runs; what another one triggers is executed here all the same."""
    ran, told = threading.Event(), list[threading.Thread]()

    @job(name="here")
    async def here(step: Step) -> None:
        await step.run("ran", ran.set)

    async with Durably("sqlite://", jobs=[here]) as app:
        app.on("run:trigger", lambda _event: told.append(threading.current_thread()))

        def elsewhere() -> None:
            with pytest.raises(ConflictError, match="another event loop"):
                asyncio.run(app.start())
            asyncio.run(app.trigger(here))

        await asyncio.to_thread(elsewhere)
        assert await asyncio.to_thread(ran.wait, 20)
    assert told == [threading.main_thread()]


async def test_any_number_of_sync_steps_may_wait_for_each_other() -> None:
    """Each has a thread: the later ones release the earlier."""
    gates = [threading.Event() for _ in range(100)]

    def pass_on(number: int) -> int:
        if number + 1 < len(gates):
            assert gates[number + 1].wait(20)
        gates[number].set()
        return number

    @job(name="crowd")
    async def crowd(step: Step) -> int:
        parts = [step.run(f"s{n}", pass_on, n) for n in range(len(gates))]
        return sum(await asyncio.gather(*parts))

    async with Durably("sqlite://", jobs=[crowd]) as app:
        ended = await app.jobs.crowd.trigger_and_wait(timeout=60)

    assert ended.output == sum(range(100))


async def test_any_number_of_sync_jobs_may_wait_for_children() -> None:
    """Their threads are not what the children wait for."""

    @job(name="child")
    def child(step: SyncStep, number: int) -> int:
        return step.run("number", lambda: number)

    async with Durably("sqlite://", max_concurrent_runs=40) as app:
        loop = asyncio.get_running_loop()

        @job(name="parent")
        def parent(step: SyncStep, number: int) -> int:
            waiting = app.jobs.child.trigger_and_wait(number, timeout=60)
            ended = asyncio.run_coroutine_threadsafe(waiting, loop).result()
            return int(ended.output)

        app.register(child, parent)
        made = await app.jobs.parent.batch_trigger(range(40))
        runs = [await app.wait_for_run(one.id, timeout=60) for one in made]

    assert [run.output for run in runs] == list(range(40))
