"""An interrupt stops the own code of the run that is meant, and nothing else (C11)."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

import pytest

from durably import Durably, RunStatus, Step, SyncStep, job
from durably.engine.interrupts import Interrupts, token_of
from kit.engines import Workshop, names, record


class Host:
    """Interrupts as a host does: a signal, at a moment that the code does not choose."""

    def __init__(self) -> None:
        #: The runs that are to be stopped.
        self.requested: list[str] = []
        self.marks: list[int] = []
        self.interrupts = Interrupts(lambda: "\n".join(self.requested), self.marks.append)

    def signal(self, frame: FrameType | None = None) -> None:
        """Let an interrupt arrive in the caller's code."""
        self.interrupts.handle(signal.SIGINT, frame or sys._getframe(1))


@pytest.fixture
def host() -> Iterator[Host]:
    """Give SIGINT back to whoever had it."""
    before = signal.getsignal(signal.SIGINT)
    yield Host()
    signal.signal(signal.SIGINT, before)


async def engine(shop: Workshop, host: Host, *jobs: Any) -> Durably:
    """Return an engine whose host can interrupt it."""
    app = await shop.engine(*jobs)
    app.use_interrupts(host.interrupts)
    return app


async def test_the_code_of_the_run_that_is_meant_is_stopped(shop: Workshop, host: Host) -> None:
    """Its step is recorded as cancelled, its cleanup runs, the run is cancelled."""

    async def spin() -> None:
        host.requested.append(made.id)
        while True:
            host.signal()

    @job
    async def runaway(step: Step) -> None:
        await step.run("before", lambda: 1, output=int)
        try:
            await step.run("spin", spin)
        finally:
            shop.journal.append("cleaned up")

    app = await engine(shop, host, runaway)
    events = record(app, "run:cancel", "step:cancel", "step:fail", "run:fail", "worker:error")
    made = await app.trigger(runaway)

    await app.process_one()

    assert (await shop.get(made.id)).status is RunStatus.CANCELLED
    assert shop.journal == ["cleaned up"]
    steps = await shop.store.get_steps(made.id)
    assert [(s.name, s.status) for s in steps] == [
        ("before", "completed"),
        ("spin", "cancelled"),
    ]
    assert names(events) == ["step:cancel spin", "run:cancel"]


async def test_another_run_is_not_hit(shop: Workshop, host: Host) -> None:
    """Its code goes on as if nothing had come."""

    async def work() -> int:
        host.signal()
        return 7

    @job
    async def innocent(step: Step) -> int:
        return await step.run("work", work)

    app = await engine(shop, host, innocent)
    host.requested.append("01ARZ3NDEKTSV4RRFFQ69G5FAV")
    made = await app.trigger(innocent)

    await app.process_one()

    run = await shop.get(made.id)
    assert (run.status, run.output) == (RunStatus.COMPLETED, 7)


async def test_a_write_of_the_engine_is_never_stopped(
    shop: Workshop, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law 1: the step that is being saved is saved; the next one does not begin."""

    @job
    async def example(step: Step) -> None:
        await step.run("first", lambda: 1, output=int)
        shop.journal.append("first was saved")
        await step.run("second", lambda: 2, output=int)

    app = await engine(shop, host, example)
    save_step = shop.store.save_step

    async def interrupted_save(*args: Any, **kwargs: Any) -> Any:
        namespace = {"__name__": "durably.store.sqlite", "host": host}
        exec("host.signal()", namespace)
        return await save_step(*args, **kwargs)

    monkeypatch.setattr(shop.store, "save_step", interrupted_save)
    made = await app.trigger(example)
    host.requested.append(made.id)

    await app.process_one()

    assert shop.journal == ["first was saved"]
    steps = await shop.store.get_steps(made.id)
    assert [(s.name, s.status) for s in steps] == [("first", "completed")]
    assert (await shop.get(made.id)).status is RunStatus.CANCELLED


async def test_a_loop_that_keeps_the_engine_at_work_is_stopped_there(
    shop: Workshop, host: Host
) -> None:
    """Every interrupt may meet the engine: its next call then raises."""

    @job
    async def chatty(step: Step) -> None:
        async def talk() -> None:
            namespace = {"__name__": "durably.events", "host": host}
            exec("host.signal()", namespace)
            while True:
                step.progress(1, 2)

        await step.run("talk", talk)

    app = await engine(shop, host, chatty)
    made = await app.trigger(chatty)
    host.requested.append(made.id)

    await app.process_one()

    assert (await shop.get(made.id)).status is RunStatus.CANCELLED


async def test_code_that_swallows_the_interrupt_ends_as_cancelled(
    shop: Workshop, host: Host
) -> None:
    """What it makes of it does not count: neither its result nor its error."""

    async def spin() -> None:
        host.signal()

    @job
    async def stubborn(step: Step) -> str:
        try:
            await step.run("spin", spin)
        except BaseException:  # noqa: BLE001 - as bad as code can be
            shop.journal.append("swallowed")
        assert step.cancelled
        return "done"

    app = await engine(shop, host, stubborn)
    made = await app.trigger(stubborn)
    host.requested.append(made.id)

    await app.process_one()

    run = await shop.get(made.id)
    assert (run.status, run.output) == (RunStatus.CANCELLED, None)
    assert shop.journal == ["swallowed"]


async def test_a_task_that_the_job_made_is_its_own_code_too(shop: Workshop, host: Host) -> None:
    """Parallel steps are stopped with the one that was met."""

    async def spin() -> None:
        await asyncio.sleep(0)
        host.signal()

    @job
    async def parallel(step: Step) -> None:
        async def one(name: str) -> None:
            await asyncio.sleep(0)
            host.signal()
            await step.run(name, spin)

        await asyncio.gather(one("a"), one("b"))

    app = await engine(shop, host, parallel)
    made = await app.trigger(parallel)
    host.requested.append(made.id)

    await app.process_one()

    assert (await shop.get(made.id)).status is RunStatus.CANCELLED


async def test_an_event_loop_is_not_stopped_at_its_own_work(shop: Workshop, host: Host) -> None:
    """An interrupt that meets asyncio, although a job called it, waits for the job."""

    @job
    async def example(step: Step) -> str:
        namespace = {"__name__": "asyncio.tasks", "host": host}
        exec("host.signal()", namespace)
        shop.journal.append("went on")
        await step.run("next", lambda: None, output=None)
        return "never"

    app = await engine(shop, host, example)
    made = await app.trigger(example)
    host.requested.append(made.id)

    await app.process_one()

    assert shop.journal == ["went on"]
    assert (await shop.get(made.id)).status is RunStatus.CANCELLED


def test_outside_of_any_run_nothing_is_stopped(host: Host) -> None:
    """The engine's own tasks and queries have no run."""
    host.requested.append("01ARZ3NDEKTSV4RRFFQ69G5FAV")

    host.signal()


async def test_a_sync_job_goes_through(shop: Workshop, host: Host) -> None:
    """Its marks, where it is marked, end with 0: nothing of it hangs."""

    @job
    def example(step: SyncStep) -> int:
        return step.run("s", lambda: 1, output=int)

    app = await engine(shop, host, example)
    made = await app.trigger(example)

    await app.process_one()

    assert (await shop.get(made.id)).status is RunStatus.COMPLETED
    assert host.marks in ([], [token_of(made.id), 0])


def test_a_token_is_the_same_number_in_the_page() -> None:
    """tests/web/spa/page/cancels.test.ts expects the same."""
    assert token_of("01ARZ3NDEKTSV4RRFFQ69G5FAV") == 0x5C004D80


async def test_a_cancel_that_comes_before_the_end_loses_no_log_line(
    shop: Workshop, host: Host
) -> None:
    """The interrupt has stopped the code, and the cancel itself is heard while it cleans up."""

    async def spin() -> None:
        host.signal()

    @job
    async def runaway(step: Step) -> None:
        try:
            await step.run("spin", spin)
        finally:
            step.log.info("cleaned up")
            await shop.store.cancel(made.id, now=shop.clock.now())
            assert await app.get_logs(made.id) == []

    app = await engine(shop, host, runaway)
    app.keep_logs()
    made = await app.trigger(runaway)
    host.requested.append(made.id)

    await app.process_one()

    assert (await shop.get(made.id)).status is RunStatus.CANCELLED
    assert [line.message for line in await app.get_logs(made.id)] == ["cleaned up"]
