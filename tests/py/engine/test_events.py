"""Events tell of what is committed, in order; subscriptions begin with a snapshot."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from durably import (
    Event,
    Run,
    RunCancelledError,
    RunFailedError,
    RunNotFoundError,
    Snapshot,
    Step,
    ValidationError,
    WaitTimeoutError,
    is_domain_event,
    job,
)
from durably.events import EVENT_TYPES, RunCompleted, StepCompleted
from kit.engines import Workshop, advance_until, names, record, until


@job
async def example(step: Step, input: int) -> int:
    """Say something, and do it."""
    step.progress(1, 2)
    step.log.info("a line", {"k": 1})
    return await step.run("s", lambda: input + 1, output=int)


@job
async def broken(step: Step) -> None:
    """Fail."""
    await step.run("s", lambda: 1 / 0, output=float)


async def test_a_runs_events_come_in_the_order_of_its_life(shop: Workshop) -> None:
    """Every event has a time and a sequence that rises by one."""
    app = await shop.engine(example)
    events = record(app)
    await app.trigger(example, 1, labels={"a": "b"})
    await shop.drain(app)

    assert names(events) == [
        "run:trigger",
        "run:leased",
        "run:progress",
        "log:write",
        "step:start s",
        "step:complete s",
        "run:complete",
    ]
    assert [event.sequence for event in events] == list(range(1, 8))
    assert {event.timestamp for event in events} == {shop.clock.now()}
    assert {tuple(getattr(event, "labels", {}).items()) for event in events} == {(("a", "b"),)}


async def test_an_event_is_published_after_the_commit_it_tells_of(shop: Workshop) -> None:
    """A listener that reads the store finds what the event says."""
    app = await shop.engine(example, broken, preserve_steps=True)
    states: list[tuple[str, str, int]] = []

    async def look(event: Any) -> None:
        run = await shop.get(event.run_id)
        states.append((event.type, str(run.status), run.completed_step_count))

    for type in ("run:trigger", "run:complete", "run:fail"):
        app.on(type, look)
    await app.trigger(example, 1)
    await app.trigger(broken)
    await app.process_until_idle()
    await until(lambda: len(states) == 4)

    assert sorted(states)[:2] == [("run:complete", "completed", 1), ("run:fail", "failed", 0)]


async def test_a_failed_run_tells_its_error_and_step(shop: Workshop) -> None:
    """run:fail names the step that failed; step:fail comes before it."""
    app = await shop.engine(broken)
    events: list[Any] = record(app, "step:fail", "run:fail")
    await app.trigger(broken)
    await shop.drain(app)

    step, run = events
    assert (step.step_name, step.error) == ("s", "division by zero")
    assert (run.error, run.error_type, run.failed_step_name) == (
        "division by zero",
        "ZeroDivisionError",
        "s",
    )


async def test_a_listener_that_raises_stops_no_other(shop: Workshop) -> None:
    """What it raised goes to the error handlers with its event, sync or async; nothing fails."""
    app = await shop.engine(example)
    heard: list[str] = []
    errors: list[tuple[str, str]] = []

    def bad(event: Event) -> None:
        raise ValueError("sync")

    async def worse(event: Event) -> None:
        raise ValueError("async")

    app.on("run:trigger", bad)
    app.on("run:trigger", worse)
    app.on("run:trigger", lambda event: heard.append(event.type))
    stop = app.on_error(lambda error, event: errors.append((str(error), event.type)))
    await app.trigger(example, 1)
    await until(lambda: len(errors) == 2)

    assert heard == ["run:trigger"]
    assert sorted(errors) == [("async", "run:trigger"), ("sync", "run:trigger")]
    stop()
    stop()


async def test_errors_of_listeners_are_logged_when_nobody_handles_them(
    shop: Workshop, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing goes wrong in silence; a handler that raises is logged too."""
    app = await shop.engine(example)

    def bad(*_: object) -> None:
        raise ValueError("oh")

    app.on("run:trigger", bad)
    with caplog.at_level(logging.ERROR, "durably"):
        await app.trigger(example, 1)
        app.on_error(bad)
        await app.trigger(example, 1)

    assert [entry.message for entry in caplog.records] == [
        "a listener of run:trigger raised",
        "an error handler raised",
    ]


async def test_a_listener_can_leave(shop: Workshop) -> None:
    """Also from inside itself; leaving twice is fine."""
    app = await shop.engine(example)
    heard: list[int] = []

    def once(event: Event) -> None:
        heard.append(event.sequence)
        stop()

    stop = app.on("run:trigger", once)
    await app.trigger(example, 1)
    await app.trigger(example, 1)
    stop()

    assert len(heard) == 1


async def test_a_class_stands_for_its_type(shop: Workshop) -> None:
    """Listeners of a class get events of that class."""
    app = await shop.engine(example)
    outputs: list[Any] = []
    app.on(StepCompleted, lambda event: outputs.append(event.output))
    await app.trigger(example, 1)
    await shop.drain(app)

    assert outputs == [2]


async def test_an_event_that_does_not_exist_is_refused(shop: Workshop) -> None:
    """With the names of those that do."""
    app = await shop.engine()

    with pytest.raises(ValidationError, match=r"no event 'run:ended'; .*run:complete"):
        app.on("run:ended", print)


async def test_domain_events_are_those_of_a_runs_life() -> None:
    """Parity: trigger, coalesced, waiting, complete, fail, cancel, delete, and no other."""
    domain = {name for name, kind in EVENT_TYPES.items() if kind.is_domain}

    assert domain == {
        "run:trigger",
        "run:coalesced",
        "run:waiting",
        "run:complete",
        "run:fail",
        "run:cancel",
        "run:delete",
    }


async def test_domain_events_are_told_apart(shop: Workshop) -> None:
    """By is_domain_event."""
    app = await shop.engine(example)
    events = record(app)
    await app.trigger(example, 1)
    await shop.drain(app)

    assert names([event for event in events if is_domain_event(event)]) == [
        "run:trigger",
        "run:complete",
    ]


async def test_a_lease_that_is_renewed_is_told(shop: Workshop) -> None:
    """With its owner and its new end."""
    gate = asyncio.Event()

    @job
    async def slow(step: Step) -> None:
        await step.run("s", gate.wait)

    app = await shop.engine(slow, lease=30, lease_renew_interval=5)
    events: list[Any] = record(app, "run:lease-renewed")
    await app.start("w")
    made = await app.trigger(slow)
    await until(lambda: app.steps_in_flight)
    await advance_until(shop.clock, lambda: len(events) == 3)
    gate.set()
    await app.wait_for_run(made.id)

    ends = [event.lease_expires_at for event in events]
    assert ends == sorted(ends)
    assert {event.lease_owner for event in events} == {"w"}


async def collect(app: Any, run_id: str, into: list[Snapshot | Event]) -> None:
    """Take a subscription to its end."""
    async for item in app.subscribe(run_id):
        into.append(item)  # noqa: PERF401 - a test looks at what has come so far


async def test_a_subscription_begins_with_the_present_state_and_ends_with_the_run(
    shop: Workshop,
) -> None:
    """Whatever happened before is in the snapshot, whatever follows is an event: no gap."""
    gate = asyncio.Event()

    @job
    async def slow(step: Step) -> str:
        step.log.info("early")
        step.progress(1)
        await step.run("first", lambda: None, output=None)
        await step.run("gate", gate.wait)
        step.log.info("late")
        return "done"

    app = await shop.engine(slow)
    app.keep_logs()
    await app.start()
    made = await app.trigger(slow)
    got: list[Any] = []
    await until(lambda: app.steps_in_flight)
    await until(lambda: shop.faults.calls.count("save_step"))
    following = asyncio.ensure_future(collect(app, made.id, got))
    await until(lambda: got)
    gate.set()
    await following

    first = got[0]
    assert isinstance(first, Snapshot)
    assert first.run.status == "leased"
    assert [line.message for line in first.logs] == ["early"]
    assert first.run.progress is not None
    assert names(got[1:])[-3:] == ["step:complete gate", "log:write", "run:complete"]
    sequences = [item.sequence for item in got]
    assert sequences == sorted(set(sequences))


async def test_a_subscription_to_an_ended_run_is_its_snapshot(shop: Workshop) -> None:
    """There is nothing to wait for."""
    app = await shop.engine(example)
    made = await app.trigger(example, 1)
    await shop.drain(app)
    got: list[Any] = []

    await collect(app, made.id, got)

    assert [item.run.status for item in got] == ["completed"]


@pytest.mark.parametrize("end", ["cancel", "delete_run"])
async def test_a_subscription_ends_when_its_run_is_cancelled_or_deleted(
    shop: Workshop, end: str
) -> None:
    """Ends: complete, fail, cancel, delete."""
    app = await shop.engine(example)
    made = await app.trigger(example, 1)
    got: list[Any] = []
    following = asyncio.ensure_future(collect(app, made.id, got))
    await until(lambda: got)

    await app.cancel(made.id)
    await following

    assert names(got[1:]) == ["run:cancel"]
    if end == "delete_run":
        await app.delete_run(made.id)
        with pytest.raises(RunNotFoundError):
            await collect(app, made.id, got)


async def test_following_an_unknown_run_ends_at_once(shop: Workshop) -> None:
    """B13: with the id that does not exist, for subscribe and for wait alike."""
    app = await shop.engine(example)

    with pytest.raises(RunNotFoundError, match="'none'"):
        await collect(app, "none", [])
    with pytest.raises(RunNotFoundError, match="'none'"):
        await app.wait_for_run("none")


async def test_waiting_returns_the_run_with_progress_and_lines_on_the_way(shop: Workshop) -> None:
    """Callbacks get what the run says while it is waited for."""
    app = await shop.engine(example)
    made = await app.trigger(example, 1)
    progress: list[Any] = []
    lines: list[Any] = []
    waiting = asyncio.ensure_future(
        app.wait_for_run(made.id, on_progress=progress.append, on_log=lines.append)
    )
    await until(lambda: app._bus.listens(RunCompleted, made.id))
    await shop.drain(app)

    run: Run = await waiting
    assert run.output == 2
    assert [(p.current, p.total) for p in progress] == [(1, 2)]
    assert [(line.message, line.data) for line in lines] == [("a line", {"k": 1})]
    assert not any(app._bus.listens(event, made.id) for event in EVENT_TYPES.values())


async def test_waiting_raises_what_the_run_ended_with(shop: Workshop) -> None:
    """A failed run's message, or that it was cancelled, each with the run's id."""
    app = await shop.engine(broken)
    failed, cancelled = await app.trigger(broken), await app.trigger(broken)
    await app.cancel(cancelled.id)
    await shop.drain(app)

    with pytest.raises(RunFailedError, match="division by zero") as first:
        await app.wait_for_run(failed.id)
    with pytest.raises(RunCancelledError) as second:
        await app.wait_for_run(cancelled.id)

    assert (first.value.run_id, first.value.error) == (failed.id, "division by zero")
    assert second.value.run_id == cancelled.id


@pytest.mark.parametrize("alone", [True, False])
async def test_waiting_no_longer_than_asked(shop: Workshop, alone: bool) -> None:
    """The run itself goes on."""
    app = await shop.engine(example, sole_owner=alone)
    made = await app.trigger(example, 1)
    waiting = asyncio.ensure_future(app.wait_for_run(made.id, timeout=90))
    await advance_until(shop.clock, waiting.done)

    with pytest.raises(WaitTimeoutError, match="90 s; it goes on") as caught:
        await waiting
    assert isinstance(caught.value, TimeoutError)
    await shop.drain(app)
    assert (await shop.get(made.id)).output == 2
