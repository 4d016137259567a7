"""A storage error never ends a run (law 9): it is waited out, told of, and gone when it is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from durably import (
    Cancelled,
    Durably,
    Progress,
    Retry,
    RunStatus,
    Snapshot,
    Step,
    StorageBusyError,
    StorageError,
    StorageFullError,
    job,
)
from durably.events import WorkerError
from durably.testing import When
from kit.engines import Workshop, advance_until, names, record, until

ERRORS: dict[str, Callable[[], StorageError]] = {
    "busy": lambda: StorageBusyError("locked"),
    "full": lambda: StorageFullError("no space"),
    "io": lambda: StorageError("broken disk"),
}

#: Every call that an execution makes.
CALLS = ("claim", "get_attempts", "save_attempt", "save_step", "finish", "release")


class Example:
    """A job that makes every call: it fails once in place and once durably."""

    def __init__(self) -> None:
        self.ran: list[str] = []

        def work(name: str) -> str:
            self.ran.append(name)
            if name == "b" and self.ran.count("b") == 1:
                raise ValueError("not yet")
            return name

        @job
        async def example(step: Step) -> str:
            a = await step.run("a", work, "a")
            b = await step.run("b", work, "b", retry=Retry(backoff=5, jitter=0))
            return a + b + await step.run("c", work, "c")

        self.job = example


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("call", CALLS)
async def test_an_error_of_any_call_costs_no_run_and_no_step(
    shop: Workshop, call: str, error: str, when: When
) -> None:
    """Law 9: three in a row, with the write undone, or done and its answer lost."""
    example = Example()
    app = await shop.engine(example.job, lease=300, preserve_steps=True)
    events = record(app, "worker:error")
    await app.start()
    made = await app.trigger(example.job)
    shop.faults.fail(call, ERRORS[error], when=when, times=3)

    ended = asyncio.ensure_future(app.wait_for_run(made.id))
    await advance_until(shop.clock, lambda: ended.done() and len(events) == 3)
    stopping = asyncio.ensure_future(app.stop())
    await advance_until(shop.clock, stopping.done)
    run = await ended

    assert (run.status, run.output) == (RunStatus.COMPLETED, "abc")
    assert example.ran == ["a", "b", "b", "c"]
    told = [event for event in events if isinstance(event, WorkerError)]
    assert [event.code for event in told] == [ERRORS[error]().code] * 3
    assert (await app.health()).fault is None


async def test_the_reason_is_visible_while_it_lasts(shop: Workshop) -> None:
    """Law 9: health names the code, the sentence and since when; then it is ok again."""
    gate = asyncio.Event()

    @job
    async def example(step: Step) -> None:
        await step.run("s", gate.wait)

    app = await shop.engine(example, lease=1000)
    events = record(app, "worker:error")
    await app.start("w")
    made = await app.trigger(example)
    await until(lambda: app.steps_in_flight)
    assert (await app.health()).state == "ok"
    shop.faults.fail("save_step", ERRORS["full"], times=3)
    began = shop.clock.now()
    gate.set()
    await until(lambda: app.waits_for_storage)

    health = await app.health()

    assert (health.state, health.worker_id, health.active_runs) == ("degraded", "w", (made.id,))
    assert health.fault is not None
    assert (health.fault.code, health.fault.since) == ("storage_full", began)
    assert "no space" in health.fault.message
    await advance_until(shop.clock, lambda: not app.waits_for_storage and not app.steps_in_flight)
    await app.wait_for_run(made.id)
    assert (await app.health()).state == "ok"
    first = events[0]
    assert isinstance(first, WorkerError)
    assert (first.code, first.context, first.run_id) == ("storage_full", "save-step", made.id)
    assert len(events) == 3


async def test_claims_that_fail_are_tried_with_growing_pauses(shop: Workshop) -> None:
    """B8: an unreachable database is not hammered, and the engine says so."""
    app = await shop.engine(Example().job)
    events = record(app, "worker:error")
    shop.faults.fail("claim", ERRORS["busy"], times=20)
    await app.start()
    began = shop.clock.now()

    await advance_until(shop.clock, lambda: len(events) >= 12, step=timedelta(milliseconds=100))

    assert shop.clock.now() - began > timedelta(seconds=15)
    assert (await app.health()).state == "degraded"
    await app.stop()
    assert (await app.health()).state == "stopped"


async def test_a_renewal_that_fails_stops_nothing(shop: Workshop) -> None:
    """Law 9: the next round tries again; the code goes on."""
    gate = asyncio.Event()

    @job
    async def example(step: Step) -> str:
        return str(await step.run("s", gate.wait))

    app = await shop.engine(example)
    renewed, errors = record(app, "run:lease-renewed"), record(app, "worker:error")
    await app.start()
    made = await app.trigger(example)
    await until(lambda: app.steps_in_flight)
    shop.faults.fail("renew", ERRORS["busy"], times=2)

    await advance_until(shop.clock, lambda: renewed)

    assert len(errors) == 2
    gate.set()
    assert (await app.wait_for_run(made.id)).output == "True"


async def test_stopping_does_not_wait_for_a_database_that_never_answers(shop: Workshop) -> None:
    """Law 9: the run is left as it is stored; the next engine goes on with it."""
    example = Example()
    app = await shop.engine(example.job)
    await app.start()
    made = await app.trigger(example.job)
    shop.faults.fail("save_step", ERRORS["io"], times=1000)
    shop.faults.fail("release", ERRORS["io"], times=1000)
    await until(lambda: app.waits_for_storage)

    stopping = asyncio.ensure_future(app.stop(timeout=1))
    await advance_until(shop.clock, stopping.done)
    await stopping
    assert (await shop.get(made.id)).status is RunStatus.LEASED

    await shop.drain(await shop.engine(example.job))
    run = await shop.get(made.id)
    assert (run.status, run.output) == (RunStatus.COMPLETED, "abc")


async def test_code_that_swallows_a_suspension_is_suspended_all_the_same(shop: Workshop) -> None:
    """Law 1: what the store did not take, the job was never given; it cannot end without it."""
    journal: list[str] = []

    @job
    async def example(step: Step) -> str:
        try:
            return await step.run("s", lambda: "worked", output=str)
        except BaseException:  # noqa: BLE001 - as careless code does
            journal.append("swallowed")
            return "made up"

    app = await shop.engine(example)
    await app.start()
    made = await app.trigger(example)
    shop.faults.fail("save_step", ERRORS["io"], times=50)
    await until(lambda: app.waits_for_storage)
    stopping = asyncio.ensure_future(app.stop(timeout=1))
    await advance_until(shop.clock, stopping.done)
    await stopping

    await shop.drain(await shop.engine(example))

    assert journal == ["swallowed"]
    assert (await shop.get(made.id)).output == "worked"


async def test_an_operation_of_the_program_is_told_what_the_database_said(shop: Workshop) -> None:
    """Law 10: a trigger or a cancel is not retried behind its caller's back."""
    app = await shop.engine(Example().job)
    shop.faults.fail("enqueue", ERRORS["full"])

    with pytest.raises(StorageFullError, match="no space"):
        await app.trigger("example")

    assert await shop.store.parked(jobs=()) == {}


async def test_notes_that_cannot_be_written_are_not_lost(shop: Workshop) -> None:
    """Law 9, law 12: progress and log lines of a slow step get through with the next try."""
    gate = asyncio.Event()

    @job
    async def example(step: Step) -> None:
        step.progress(1, 2)
        step.log.info("a line")
        await step.run("s", gate.wait)

    app = await shop.engine(example)
    app.keep_logs()
    await app.start()
    made = await app.trigger(example)
    await until(lambda: app.steps_in_flight)
    shop.faults.fail("save_notes", ERRORS["busy"], times=2)

    await advance_until(
        shop.clock,
        lambda: shop.faults.calls.count("save_notes") >= 3,
        step=timedelta(milliseconds=100),
    )

    assert len(await app.get_logs(made.id)) == 1
    found = await app.get_run(made.id)
    assert found is not None
    assert found.progress is not None
    gate.set()
    await app.wait_for_run(made.id)


class Talker:
    """A job that says something whenever a test wants, and has no step to carry it."""

    def __init__(self) -> None:
        self.say: Callable[[int], None]
        self.gate = asyncio.Event()

        @job(name="talker")
        async def talker(step: Step) -> None:
            def say(n: int) -> None:
                step.progress(n)
                step.log.info(f"line {n}")

            self.say = say
            await step.run("s", self.gate.wait)

        self.job = talker

    async def start(self, shop: Workshop) -> tuple[Durably, str]:
        """Return an engine that executes it, and the run's id."""
        app = await shop.engine(self.job)
        app.keep_logs()
        await app.start()
        made = await app.trigger(self.job)
        await until(lambda: app.steps_in_flight)
        return app, made.id


async def lines(shop: Workshop, run_id: str) -> list[str]:
    """Return the log lines that are stored."""
    return [line.message for line in await shop.store.get_logs(run_id)]


async def test_a_reader_is_answered_while_notes_cannot_be_written(shop: Workshop) -> None:
    """Law 9: reads work on a full disk; what waits is written when there is space again."""
    talker = Talker()
    app, run_id = await talker.start(shop)
    shop.faults.fail("save_notes", ERRORS["full"], times=3)
    talker.say(1)

    async with asyncio.timeout(10):
        found = await app.get_run(run_id)
        assert await app.get_logs(run_id) == []
        snapshot = await anext(app.subscribe(run_id))

    assert found is not None
    assert found.progress is None
    assert isinstance(snapshot, Snapshot)
    assert (await app.health()).state == "degraded"
    talker.say(2)
    logs = await app.get_logs(run_id)
    found = await app.get_run(run_id)
    assert [line.message for line in logs] == ["line 1", "line 2"]
    assert found is not None
    assert found.progress == Progress(current=2)
    assert (await app.health()).state == "ok"


async def test_a_reader_that_gives_up_loses_no_notes(shop: Workshop) -> None:
    """What it took to write them is there for the next write, and not older than what is stored."""
    talker = Talker()
    app, run_id = await talker.start(shop)
    save_notes, asked = shop.store.save_notes, asyncio.Event()

    async def hang(*_: Any, **__: Any) -> Any:
        asked.set()
        await asyncio.Event().wait()

    shop.store.save_notes = hang  # type: ignore[method-assign]
    talker.say(1)
    reading = asyncio.ensure_future(app.get_run(run_id))
    await asked.wait()
    talker.say(2)
    shop.store.save_notes = save_notes  # type: ignore[method-assign]
    await app.get_run(run_id)
    reading.cancel()
    await asyncio.wait({reading})

    await app.get_run(run_id)

    assert sorted(await lines(shop, run_id)) == ["line 1", "line 2"]
    assert (await shop.get(run_id)).progress == Progress(current=2)


@pytest.mark.parametrize(
    "error", [StorageBusyError("locked"), RuntimeError("odd")], ids=["storage", "other"]
)
async def test_notes_go_on_being_written_whatever_one_write_of_them_raised(
    shop: Workshop, error: Exception
) -> None:
    """Law 10: it is told, with growing pauses, and nothing is lost by it."""
    talker = Talker()
    app, run_id = await talker.start(shop)
    events = record(app, "worker:error")
    shop.faults.fail("save_notes", lambda: error, times=4)
    talker.say(1)
    began = shop.clock.now()

    await advance_until(shop.clock, lambda: len(events) == 4, step=timedelta(milliseconds=100))
    talker.say(2)
    await shop.clock.advance(10)
    await until(lambda: shop.faults.calls.count("save_notes") == 5)
    await asyncio.sleep(0.01)

    assert shop.clock.now() - began > timedelta(seconds=2)
    assert await lines(shop, run_id) == ["line 1", "line 2"]
    assert {(e.context, e.run_id) for e in events if isinstance(e, WorkerError)} == {
        ("save-notes", run_id)
    }


@pytest.mark.parametrize("call", ["claim", "next_due", "checkpoint"])
async def test_the_worker_goes_on_whatever_a_look_for_work_raised(
    shop: Workshop, call: str
) -> None:
    """Law 10: it is told and visible, and tried again, as with an error of the store."""
    example = Example()
    app = await shop.engine(example.job, sole_owner=True)
    events = record(app, "worker:error")
    shop.faults.fail(call, lambda: RuntimeError("odd"), times=2)
    await app.start()
    await until(lambda: events)
    assert (await app.health()).state == "degraded"

    made = await app.trigger(example.job)
    ended = asyncio.ensure_future(app.wait_for_run(made.id))
    await advance_until(shop.clock, lambda: ended.done() and len(events) == 2)

    assert (await ended).output == "abc"
    assert [e.context for e in events if isinstance(e, WorkerError)] == ["claim"] * 2
    await until(lambda: shop.faults.calls[-1] == "next_due")
    await asyncio.sleep(0.005)
    assert (await app.health()).state == "ok"
    await app.stop()


async def test_a_row_that_cannot_be_read_stops_no_run(shop: Workshop) -> None:
    """It fails where it would have been claimed."""
    example = Example()
    app = await shop.engine(example.job)
    bad, good = await app.trigger(example.job), await app.trigger(example.job)
    await shop.store._db.write(  # type: ignore[attr-defined]
        lambda db: db.execute("UPDATE durably_runs SET input = '{' WHERE id = ?", (bad.id,))
    )

    await shop.drain(app)

    assert (await shop.get(good.id)).status is RunStatus.COMPLETED
    failed = await shop.get(bad.id)
    assert (failed.status, failed.input) == (RunStatus.FAILED, "{")


async def test_leases_go_on_being_renewed_whatever_one_renewal_raised(shop: Workshop) -> None:
    """Law 5: those of the other runs, too."""
    talker = Talker()
    app, _ = await talker.start(shop)
    renewed, errors = record(app, "run:lease-renewed"), record(app, "worker:error")
    shop.faults.fail("renew", lambda: RuntimeError("odd"))

    await advance_until(shop.clock, lambda: len(renewed) == 2)

    assert len(errors) == 1


@pytest.mark.parametrize("ends", ["completes", "fails", "cancels itself"])
async def test_a_run_whose_end_cannot_be_written_fails(shop: Workshop, ends: str) -> None:
    """It says why; else it would be executed again and again, to the same end."""

    @job
    async def example(step: Step) -> str:
        shop.journal.append("executed")
        step.log.info("a line")
        if ends == "fails":
            raise ValueError("no")
        if ends == "cancels itself":
            raise Cancelled
        return "done"

    app = await shop.engine(example)
    app.keep_logs()
    events = record(app, "run:complete", "run:fail", "run:cancel", "worker:error")
    made = await app.trigger(example)
    shop.faults.fail("finish", lambda: ValueError("no such text"))
    await shop.drain(app)

    run = await shop.get(made.id)
    assert (run.status, run.error, run.output) == (RunStatus.FAILED, "no such text", None)
    assert shop.journal == ["executed"]
    assert await app.get_logs(made.id) == []
    assert names(events) == ["worker:error", "run:fail"]
    assert (await app.health()).fault is None


async def test_a_run_that_cannot_be_given_back_with_its_notes_is_given_back_without(
    shop: Workshop,
) -> None:
    """A run in backoff, for one, is not left to its lease."""

    @job
    async def example(step: Step) -> None:
        step.log.info("a line")
        await step.run("s", lambda: 1 / 0, output=float, retry=Retry(backoff=60))

    app = await shop.engine(example)
    app.keep_logs()
    made = await app.trigger(example)
    shop.faults.fail("release", lambda: ValueError("no such text"))
    await app.process_one()

    run = await shop.get(made.id)
    assert (run.status, run.lease_owner) == (RunStatus.PENDING, None)
    assert run.available_at is not None


@pytest.mark.parametrize("where", ["step", "job"])
@pytest.mark.parametrize("error", ERRORS)
async def test_an_error_of_the_store_that_reaches_the_code_fails_neither_step_nor_run(
    shop: Workshop, where: str, error: str
) -> None:
    """Law 9: as when a job triggers another and the disk is full; it is no attempt of the step."""
    calls: list[str] = []
    refusal = ERRORS[error]()

    def needs_the_store() -> str:
        calls.append("call")
        if len(calls) < 4:
            raise refusal
        return "done"

    @job
    async def example(step: Step) -> str:
        before = await step.run("before", lambda: calls.count("before"), output=int)
        if where == "step":
            return await step.run("x", needs_the_store, retry=Retry(max_attempts=2)) + str(before)
        return needs_the_store() + str(before)

    app = await shop.engine(example, preserve_steps=True)
    events = record(app, "worker:error")
    made = await app.trigger(example)
    began = shop.clock.now()
    await shop.drain(app)

    ended = await shop.get(made.id)
    assert (ended.status, ended.output) == (RunStatus.COMPLETED, "done0")
    assert len(calls) == 4
    assert [(one.code, one.context) for one in events if isinstance(one, WorkerError)] == [
        (refusal.code, where)
    ] * 3
    assert shop.clock.now() - began >= timedelta(seconds=15)
    counted = [one.counted for one in await app.get_step_attempts(made.id)]
    assert counted == ([False] * 3 + [True] if where == "step" else [])
