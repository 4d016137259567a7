"""The bus visits those who could want an event, in order, and nobody else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from durably import Run, Step, job
from durably.bus import EventBus
from durably.engine import step_call
from durably.events import (
    LogWritten,
    RunCancelled,
    RunCompleted,
    RunResumed,
    StepCompleted,
    StepStarted,
    WorkerError,
)
from durably.testing import FakeClock
from kit.engines import Workshop, until


@job
async def work(step: Step, input: int = 5) -> None:
    """Complete some steps."""
    for n in range(input):
        await step.run(f"s{n}", abs, n, output=int)


@pytest.fixture
async def run(shop: Workshop) -> Run:
    """Return a run to tell of."""
    app = await shop.engine(work)
    return (await app.trigger(work)).run


@pytest.fixture
async def other(shop: Workshop) -> Run:
    """Return another run."""
    app = await shop.engine(work)
    return (await app.trigger(work)).run


@pytest.fixture
def bus() -> EventBus:
    """Return a bus nobody listens to."""
    return EventBus(FakeClock())


def named(heard: list[str], name: str) -> Callable[[Any], None]:
    """Return a listener that says who was called, and with what."""
    return lambda event: heard.append(f"{name} {event.type}")


async def test_an_event_visits_only_those_who_could_want_it(
    bus: EventBus, run: Run, other: Run
) -> None:
    """Of 1,000 who listen to another run, to other types or to both none is looked at."""
    heard: list[str] = []
    for n in range(1000):
        bus.on_any(named(heard, "other"), run_id=f"run {n}")
        bus.on_any(named(heard, "type"), run_id=run.id, types=[RunResumed.type])
        bus.on(RunResumed, named(heard, "all of a type"))
    bus.on_any(named(heard, "this"), run_id=run.id)

    visited = bus._listeners_of(RunCancelled.type, run.id)
    bus.tell(run, RunCancelled)
    bus.tell(other, RunCancelled)

    assert len(visited) == 1
    assert heard == ["this run:cancel"]


async def test_listeners_are_called_by_how_wide_they_listen_and_then_in_their_order(
    bus: EventBus, run: Run
) -> None:
    """Every run before one run, a type before all; each event reaches all before the next one."""
    heard: list[str] = []
    bus.on_any(named(heard, "run"), run_id=run.id)
    bus.on_any(named(heard, "run, type"), run_id=run.id, types=[RunCancelled.type])
    bus.on_any(named(heard, "all"))
    bus.on(RunCancelled, named(heard, "first of type"))
    bus.on(RunCancelled, named(heard, "second of type"))

    bus.tell(run, RunCancelled)
    bus.tell(run, RunResumed)

    assert heard == [
        "first of type run:cancel",
        "second of type run:cancel",
        "all run:cancel",
        "run, type run:cancel",
        "run run:cancel",
        "all run:resume",
        "run run:resume",
    ]


async def test_a_listener_that_was_stopped_is_not_called_any_more(bus: EventBus, run: Run) -> None:
    """Not by the event in whose round it was stopped either; who came in it hears the next one."""
    heard: list[str] = []

    def first(_: object) -> None:
        heard.append("first")
        for stop in stops:
            stop()
        bus.on_any(named(heard, "late"), run_id=run.id)

    stops = [
        bus.on(RunCancelled, first),
        bus.on_any(named(heard, "second")),
        bus.on_any(named(heard, "third"), run_id=run.id),
    ]
    bus.tell(run, RunCancelled)
    assert heard == ["first"]

    bus.tell(run, RunCancelled)
    assert heard == ["first", "late run:cancel"]


async def test_stopping_twice_takes_nobody_elses_place(bus: EventBus, run: Run) -> None:
    """Two registrations of one function are two, and a run's place may be taken anew."""
    heard: list[str] = []
    listener = named(heard, "it")
    first = bus.on_any(listener, run_id=run.id)
    first()
    second = bus.on_any(listener, run_id=run.id)
    third = bus.on_any(listener, run_id=run.id)
    first()
    second()
    second()

    bus.tell(run, RunCancelled)
    third()

    assert heard == ["it run:cancel"]
    assert not bus._listeners


async def test_a_type_named_twice_is_told_once(bus: EventBus, run: Run) -> None:
    """And stops with one call."""
    heard: list[str] = []
    stop = bus.on_any(named(heard, "it"), types=[RunCancelled.type, RunCancelled.type])

    bus.tell(run, RunCancelled)
    stop()
    bus.tell(run, RunCancelled)

    assert heard == ["it run:cancel"]


async def test_faults_of_the_engine_go_to_those_who_listen_to_every_run(
    bus: EventBus, run: Run
) -> None:
    """A worker:error may name a run and is none of its events."""
    heard: list[str] = []
    bus.on_any(named(heard, "run"), run_id=run.id)
    bus.on_any(named(heard, "all"))

    bus.publish(WorkerError, error="e", code="c", context="claim", run_id=run.id)

    assert heard == ["all worker:error"]


async def test_nothing_is_made_for_nobody(
    bus: EventBus, run: Run, other: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number of an event that nobody hears is passed over."""
    made: list[str] = []
    monkeypatch.setattr(StepStarted, "__init__", lambda *_, **__: made.append("made"))
    bus.on_any(print, run_id=other.id)
    bus.on(LogWritten, print)

    bus.tell(run, StepStarted, step_name="s", step_index=0)

    assert (made, bus.sequence) == ([], 1)


async def test_a_steps_result_is_decoded_only_for_those_who_listen_to_its_run(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A subscriber of another run costs a step nothing."""
    decoded: list[str] = []

    def decode(text: str) -> object:
        decoded.append(text)
        return json.loads(text)

    monkeypatch.setattr(step_call, "from_json", decode)
    app = await shop.engine(work)
    watched, unwatched = await app.trigger(work), await app.trigger(work)
    stop = app._bus.on_any(print, run_id="of nobody")
    got: list[Any] = []
    app._bus.on_any(got.append, run_id=watched.id, types=[StepCompleted.type])
    await shop.drain(app)
    stop()

    assert decoded == ["0", "1", "2", "3", "4"]
    assert {event.run_id for event in got} == {watched.id} != {unwatched.id}


async def test_waiting_for_one_run_hears_of_no_other(shop: Workshop) -> None:
    """Many who wait for many runs are visited once each: by the end of their own run."""
    app = await shop.engine(work)
    runs = [await app.trigger(work) for _ in range(20)]
    waiting = [asyncio.ensure_future(app.wait_for_run(run.id)) for run in runs]
    await until(lambda: all(app._bus.listens(RunCompleted, run.id) for run in runs))

    assert [len(app._bus._listeners_of(RunCompleted.type, run.id)) for run in runs] == [1] * 20
    await shop.drain(app)
    assert {run.id for run in await asyncio.gather(*waiting)} == {run.id for run in runs}
