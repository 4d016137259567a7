"""Runs are followed without a gap: those of other processes too, and by slow readers too."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from durably import Durably, Run, RunFilter, RunStatus, Snapshot, Step, ValidationError, job
from durably.events import RunResumed, StepStarted
from durably.following import MAX_WAITING
from kit.engines import Workshop, advance_until, until


async def collect(app: Durably, run_id: str, into: list[Any]) -> None:
    """Take a subscription to its end."""
    async for item in app.subscribe(run_id):
        into.append(item)  # noqa: PERF401 - a test looks at what has come so far


@job
async def one_step(step: Step) -> int:
    """Return what its only step returned."""
    step.progress(1, 2)
    return await step.run("only", lambda: 7, output=int)


async def test_a_run_of_another_process_is_followed_to_its_end(shop: Workshop) -> None:
    """Each change that is seen comes as a new snapshot, and the last one ends the subscription."""
    watcher = await shop.engine(one_step)
    other = await shop.engine(one_step)
    made = await other.trigger(one_step)
    got: list[Any] = []
    following = asyncio.ensure_future(collect(watcher, made.id, got))
    await until(lambda: got)

    await shop.clock.advance(0.01)
    await other.process_one()
    await advance_until(shop.clock, following.done)

    assert all(isinstance(item, Snapshot) for item in got)
    assert got[0].run.status is RunStatus.PENDING
    assert (got[-1].run.status, got[-1].run.output) == (RunStatus.COMPLETED, 7)


async def test_a_run_that_another_process_deletes_ends_its_subscription(shop: Workshop) -> None:
    """There is nothing left to tell of."""
    watcher = await shop.engine(one_step)
    other = await shop.engine(one_step)
    made = await other.trigger(one_step)
    got: list[Any] = []
    following = asyncio.ensure_future(collect(watcher, made.id, got))
    await until(lambda: got)

    await other.cancel(made.id)
    await other.delete_run(made.id)
    await advance_until(shop.clock, following.done)

    await following
    assert len(got) == 1


async def test_progress_made_just_before_a_cancel_is_kept(shop: Workshop) -> None:
    """What the run said last is written when its code has stopped."""

    @job
    async def talkative(step: Step) -> None:
        async def endless() -> None:
            step.progress(3, 9, "almost")
            await asyncio.Event().wait()

        await step.run("endless", endless)

    app = await shop.engine(talkative)
    made = await app.trigger(talkative)
    work = asyncio.ensure_future(app.process_one())
    await until(lambda: app.steps_in_flight)

    await app.cancel(made.id)
    await work

    progress = (await shop.get(made.id)).progress
    assert progress is not None
    assert (progress.current, progress.total, progress.message) == (3, 9, "almost")


@job
async def endless(step: Step) -> None:
    """Go on until it is cancelled."""
    await step.run("endless", asyncio.Event().wait)


def flood(app: Durably, run: Run, count: int) -> None:
    """Tell *count* events of a run, as fast steps do."""
    for n in range(count):
        app._bus.tell(run, StepStarted, step_name=f"s{n}", step_index=n)


def kinds(items: list[Any]) -> list[str]:
    """Return what came: snapshots with the status that they show, and types of events."""
    return [
        f"snapshot {item.run.status}" if isinstance(item, Snapshot) else item.type for item in items
    ]


async def test_as_many_events_wait_as_are_promised(shop: Workshop) -> None:
    """A subscriber that comes back in time is given every one of them, in order."""
    app = await shop.engine(endless)
    made = await app.trigger(endless)
    items = app.subscribe(made.id)
    await anext(items)
    waiting = asyncio.ensure_future(anext(items))
    await until(lambda: app._bus.listens(StepStarted, made.id))
    await asyncio.sleep(0)

    flood(app, made.run, MAX_WAITING)
    got: list[Any] = [await waiting, *[await anext(items) for _ in range(MAX_WAITING - 1)]]
    await items.aclose()

    assert [event.step_index for event in got] == list(range(MAX_WAITING))


@pytest.mark.parametrize("over", [1, MAX_WAITING + 7])
async def test_a_subscriber_that_reads_too_slowly_is_given_the_state_instead(
    shop: Workshop, over: int
) -> None:
    """Once, however much it missed; what follows the new snapshot are events again."""
    app = await shop.engine(endless)
    made = await app.trigger(endless)
    items = app.subscribe(made.id)
    first: Any = await anext(items)

    flood(app, made.run, MAX_WAITING + over)
    again: Any = await anext(items)
    app._bus.tell(made.run, RunResumed)
    after = await anext(items)
    await items.aclose()

    assert kinds([first, again, after]) == ["snapshot pending", "snapshot pending", "run:resume"]
    assert again.sequence == first.sequence + MAX_WAITING + over
    assert after.sequence == again.sequence + 1


async def test_what_waits_for_one_that_never_reads_is_bounded(shop: Workshop) -> None:
    """No event is held beyond the number that may wait, and none once they were dropped."""
    app = await shop.engine(endless)
    made = await app.trigger(endless)
    items = app.subscribe(made.id)
    await anext(items)
    (listener,) = app._bus._listeners_of(StepStarted.type, made.id)
    feed: Any = listener.call.__self__  # type: ignore[union-attr]

    held = []
    for _ in range(5):
        flood(app, made.run, MAX_WAITING // 2)
        held.append(len(feed._events))
    await items.aclose()

    assert held == [MAX_WAITING // 2, MAX_WAITING, 0, 0, 0]


@pytest.mark.parametrize("end", ["complete", "cancel", "delete"])
async def test_the_end_of_a_run_is_told_to_the_slowest(shop: Workshop, end: str) -> None:
    """Whether it came before the rest was dropped or after: by the state, or by its deletion."""
    app = await shop.engine(one_step)
    made = await app.trigger(one_step)
    got: list[Any] = []
    items = app.subscribe(made.id)
    got.append(await anext(items))

    flood(app, made.run, MAX_WAITING)
    if end == "complete":
        await shop.drain(app)
    else:
        await app.cancel(made.id)
    if end == "delete":
        await app.delete_run(made.id)
    flood(app, made.run, MAX_WAITING)
    async for item in items:
        got.append(item)  # noqa: PERF401 - the comprehension would hide when it ends

    last = {"complete": "snapshot completed", "cancel": "snapshot cancelled"}
    assert kinds(got) == ["snapshot pending", last.get(end, "run:delete")]
    assert not app._bus._listeners


async def test_a_slow_subscriber_of_many_runs_is_given_their_state_anew(shop: Workshop) -> None:
    """What ended meanwhile is there as it is now, and what began is there too."""
    app = await shop.engine(one_step)
    ended = await app.trigger(one_step, labels={"a": "b"})
    items = app.subscribe_runs(RunFilter(labels={"a": "b"}))
    first: Any = await anext(items)

    await shop.drain(app)
    flood(app, ended.run, MAX_WAITING)
    begun = await app.trigger(one_step, labels={"a": "b"})
    again: Any = await anext(items)
    await app.trigger(one_step)  # of no concern
    await app.cancel(begun.id)
    after: Any = await anext(items)
    await items.aclose()

    assert [(run.id, str(run.status)) for run in first.runs] == [(ended.id, "pending")]
    assert [(run.id, str(run.status)) for run in again.runs] == [
        (begun.id, "pending"),
        (ended.id, "completed"),
    ]
    assert (after.type, after.run_id) == ("run:cancel", begun.id)
    assert not app._bus._listeners


async def test_others_get_turns_while_a_backlog_is_read(shop: Workshop) -> None:
    """A reader that awaits nothing of its own does not keep the loop to itself."""
    app = await shop.engine(endless)
    made = await app.trigger(endless)
    items = app.subscribe(made.id)
    await anext(items)
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    flood(app, made.run, 5000)
    beside = asyncio.ensure_future(others())
    for _ in range(5000):
        await anext(items)
    beside.cancel()
    await items.aclose()

    assert turns >= 40


async def test_progress_that_is_not_stored_yet_is_in_the_snapshot_of_many_runs(
    shop: Workshop,
) -> None:
    """Its event came before the subscription, so the state has to have it."""

    @job
    async def talkative(step: Step) -> None:
        step.progress(3, 9)
        await step.run("endless", asyncio.Event().wait)

    app = await shop.engine(talkative)
    await app.trigger(talkative)
    work = asyncio.ensure_future(app.process_one())
    await until(lambda: app.steps_in_flight)

    items = app.subscribe_runs()
    first: Any = await anext(items)
    await items.aclose()
    work.cancel()

    assert [run.progress.current for run in first.runs] == [3]


async def test_many_runs_are_chosen_by_a_filter(shop: Workshop) -> None:
    """As get_runs has it; anything else is refused at once."""
    app = await shop.engine(one_step)

    with pytest.raises(ValidationError, match="chosen must be a RunFilter"):
        app.subscribe_runs("one_step")  # type: ignore[arg-type]
