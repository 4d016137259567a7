"""Whatever write the process dies at, the next process ends the work right (law 1).

Each scenario runs once to count its writes; then it runs again for each of them, with the process
ending before the write, and after it with the answer lost. A fresh engine finishes the work.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from durably import (
    Call,
    Cancelled,
    ConflictError,
    Durably,
    JobDefinition,
    Retry,
    RunFailedError,
    RunFilter,
    RunStatus,
    Step,
    SyncStep,
    job,
)
from durably.testing import ProcessDied, When
from kit.backends import MANY, Open
from kit.engines import Workshop


@dataclass
class World:
    """What outlives the process: the outside world of the jobs, and of the program."""

    shop: Workshop
    #: How often each step's code ran.
    ran: Counter[str] = field(default_factory=Counter)
    #: Steps whose result the job was given: from then on they must never run again.
    seen: set[str] = field(default_factory=set)
    repeated: list[str] = field(default_factory=list)

    def work(self, name: str) -> str:
        """Be the code of a step."""
        if name in self.seen:
            self.repeated.append(name)
        self.ran[name] += 1
        return name.upper()

    def see(self, name: str, result: str) -> str:
        """Be the job that is given a step's result."""
        assert result == name.upper()
        self.seen.add(name)
        return result


Act = Callable[[Durably], Awaitable[None]]


@dataclass
class Scenario:
    """A job, what the program does with it, and what must come out."""

    job: JobDefinition[Any, Any]
    #: May be done again as it is, by a program whose call was not answered.
    act: Act
    #: Outputs or statuses of the runs, oldest first.
    ends: list[object]
    #: What may stand behind them when the program made its calls a second time.
    more: list[object] = field(default_factory=list)
    #: Runs that jobs make have ids of the process that makes them: their order says nothing.
    in_order: bool = True


#: The client makes the ids, so that a call repeated after a lost answer is the same run (law 8).
IDS = [f"01KDVDNA00000000000000000{n}" for n in range(5)]


def plain(world: World) -> Scenario:
    """Run steps one after another, with progress and log lines."""

    @job
    async def example(step: Step) -> str:
        text = ""
        for name in "abcd":
            text += world.see(name, await step.run(name, world.work, name))
            step.progress(len(text), 4)
            step.log.info("a line")
        return text

    async def act(app: Durably) -> None:
        await app.trigger(example, run_id=IDS[0])

    return Scenario(example, act, ["ABCD"])


def parallel(world: World) -> Scenario:
    """Run steps at the same time."""

    @job
    async def example(step: Step) -> str:
        async def one(name: str) -> str:
            return world.see(name, await step.run(name, world.work, name))

        return "".join(await asyncio.gather(*(one(name) for name in "abcd")))

    async def act(app: Durably) -> None:
        await app.trigger(example, run_id=IDS[0])

    return Scenario(example, act, ["ABCD"])


def retry(world: World) -> Scenario:
    """Fail in two steps once, with a pause in place and with a durable one."""

    @job
    async def example(step: Step) -> str:
        def flaky(name: str) -> str:
            if world.ran[f"{name} failed"] == 0:
                world.ran[f"{name} failed"] += 1
                raise ValueError("not yet")
            return world.work(name)

        text = ""
        for name, pause in (("a", 1), ("b", 100)):
            policy = Retry(max_attempts=3, backoff=pause, jitter=0)
            text += world.see(name, await step.run(name, flaky, name, retry=policy))
        return text

    async def act(app: Durably) -> None:
        await app.trigger(example, run_id=IDS[0])

    return Scenario(example, act, ["AB"])


def cancel(world: World) -> Scenario:
    """Cancel a run from inside, and one from outside, which then is resumed."""

    @job
    async def example(step: Step, input: str) -> str:
        if input == "self":
            await step.run("self", world.work, "self")
            raise Cancelled
        return world.see("a", await step.run("a", world.work, "a"))

    async def act(app: Durably) -> None:
        await app.trigger(example, "self", run_id=IDS[0])
        await app.trigger(example, "other", run_id=IDS[1])
        await app.cancel(IDS[1])
        await app.resume(IDS[1])

    async def careful(app: Durably) -> None:
        try:
            await act(app)
        except ConflictError:  # the call was made before and the run has gone on since
            return

    return Scenario(example, careful, [RunStatus.CANCELLED, "A"])


def concurrency_key(world: World) -> Scenario:
    """Let a run of a key wait for another, and a third call find the one that waits."""

    @job
    async def example(step: Step, input: str) -> str:
        return world.see(input, await step.run(input, world.work, input))

    async def act(app: Durably) -> None:
        await app.trigger(example, "a", run_id=IDS[0], concurrency_key="k")
        await app.process_until_idle(max_runs=1)
        await app.trigger(example, "b", run_id=IDS[1], concurrency_key="k", coalesce="skip")
        await app.trigger(example, "c", run_id=IDS[2], concurrency_key="k", coalesce="skip")

    # Called again when b has run already, the third call has nothing to find.
    return Scenario(example, act, ["A", "B"], more=["C"])


def batch(world: World) -> Scenario:
    """Make several runs in one call, one of which fails."""

    @job
    async def example(step: Step, input: str) -> str:
        result = world.see(input, await step.run(input, world.work, input))
        if input == "b":
            raise ValueError("no")
        return result

    async def act(app: Durably) -> None:
        calls = [Call(name, run_id=id) for name, id in zip("abc", IDS, strict=False)]
        await app.jobs.example.batch_trigger(calls)

    return Scenario(example, act, ["A", RunStatus.FAILED, "C"])


def sync(world: World) -> Scenario:
    """Run a job of sync code."""

    @job
    def example(step: SyncStep) -> str:
        policy = Retry(max_attempts=2, backoff=1, jitter=0)
        text = world.see("a", step.run("a", world.work, "a", retry=policy))
        return text + world.see("b", step.run("b", world.work, "b"))

    async def act(app: Durably) -> None:
        await app.trigger(example, run_id=IDS[0])

    return Scenario(example, act, ["AB"])


def sleeping(world: World) -> Scenario:
    """Sleep in place and for long, beside a step and after one."""

    @job
    async def example(step: Step) -> str:
        a = world.see("a", await step.run("a", world.work, "a"))
        await step.sleep("short", 1)

        async def one(name: str) -> str:
            await step.sleep(f"nap {name}", 100)
            return world.see(name, await step.run(name, world.work, name))

        return a + "".join(await asyncio.gather(one("b"), one("c")))

    async def act(app: Durably) -> None:
        await app.trigger(example, run_id=IDS[0], delay=50)

    return Scenario(example, act, ["ABC"])


def told(world: World) -> Scenario:
    """Wait for an answer, for a message, and for one that does not come."""

    @job
    async def example(step: Step) -> str:
        wait = await step.prepare_wait("answer")
        a = world.see("a", await step.run("a", world.work, "a"))
        text = await step.wait_for(wait, str) or ""
        text += await step.wait_for("message", str, key="k") or ""
        silent = await step.wait_for("silent", str, timeout=100)
        return a + text + str(silent) + world.see("b", await step.run("b", world.work, "b"))

    async def act(app: Durably) -> None:
        await app.trigger(example, run_id=IDS[0])
        await world.shop.drain(app)  # past the lease of a process that died
        (wait,) = [one for one in await app.get_waits(IDS[0]) if one.name == "answer"]
        await app.signal(wait.id, "1", signal_id="s")
        await app.send("message", "2", key="k", message_id="m")

    return Scenario(example, act, ["A12NoneB"])


def calling(world: World) -> Scenario:
    """Call runs one after another and beside each other; one of them fails."""

    @job
    async def example(step: Step, input: str) -> str:
        if input != "all":
            if input == "d":
                raise ValueError("no")
            return world.see(input, await step.run(input, world.work, input))
        text: str = await step.call("one", example, "a")
        text += "".join(await step.map("more", example, ["b", "c"]))
        try:
            await step.call("bad", example, "d")
        except RunFailedError:
            text += "!"
        return text

    async def act(app: Durably) -> None:
        await app.trigger(example, "all", run_id=IDS[0])

    ends: list[object] = ["A", "ABC!", "B", "C", RunStatus.FAILED]
    return Scenario(example, act, ends, in_order=False)


SCENARIOS = [plain, parallel, retry, cancel, concurrency_key, batch, sync, sleeping, told, calling]


async def live(scenario: Scenario, world: World, write: int, when: When) -> int:
    """Live one process, to its death at the *write*-th write or to its end; count the writes."""
    app = await world.shop.engine(scenario.job, preserve_steps=True)
    app.keep_logs()
    world.shop.faults.die_at(write, when=when)
    try:
        await scenario.act(app)
        await world.shop.drain(app)
    except ProcessDied:
        assert world.shop.faults.is_dead
    return world.shop.faults.writes


async def check(scenario: Scenario, world: World) -> None:
    """Hold the end of the work against the laws."""
    store = world.shop.store
    runs = list(reversed(await store.get_runs(RunFilter())))
    ends = [run.output if run.status is RunStatus.COMPLETED else run.status for run in runs]
    if not scenario.in_order:
        ends.sort(key=str)
    assert ends in (scenario.ends, scenario.ends + scenario.more)
    assert world.repeated == []
    for run in runs:
        assert run.lease_owner is None
        steps = [s.name for s in await store.get_steps(run.id) if s.status == "completed"]
        assert len(steps) == len(set(steps)) == run.completed_step_count
        attempts = Counter(
            (attempt.step_name, attempt.number) for attempt in await store.get_attempts(run.id)
        )
        assert set(attempts.values()) <= {1}


@pytest.fixture(params=MANY)
def new_store(request: pytest.FixtureRequest) -> Iterator[Open]:
    """Return how to open one more empty store."""
    with MANY[request.param]() as open_it:
        yield open_it


@pytest.mark.parametrize("make", SCENARIOS, ids=lambda make: make.__name__)
async def test_a_process_that_dies_at_any_write_loses_and_repeats_nothing(
    make: Callable[[World], Scenario], new_store: Open, capsys: pytest.CaptureFixture[str]
) -> None:
    """Laws 1, 3, 6, 8: a completed step ran for the last time, and the work ends as it should."""
    whole = World(Workshop(new_store()))
    scenario = make(whole)
    writes = await live(scenario, whole, 0, "before")
    await check(scenario, whole)
    await whole.shop.close()

    points: list[tuple[int, When]] = [
        (write, when) for write in range(1, writes + 1) for when in ("before", "after")
    ]
    for write, when in points:
        world = World(Workshop(new_store()))
        scenario = make(world)
        await live(scenario, world, write, when)
        assert world.shop.faults.is_dead

        await live(scenario, world, 0, "before")

        await check(scenario, world)
        await world.shop.close()
    with capsys.disabled():
        print(f" [{len(points)} crash points]", end="")  # noqa: T201 - how much was tried


@pytest.mark.parametrize("make", SCENARIOS, ids=lambda make: make.__name__)
async def test_a_process_that_dies_again_and_again_still_ends_its_work(
    make: Callable[[World], Scenario], new_store: Open
) -> None:
    """Law 1: each process lives a write longer than the last, until one has no more to write."""
    world = World(Workshop(new_store()))
    scenario = make(world)

    for write in range(4, 40):
        await live(scenario, world, write, "after")
        if not world.shop.faults.is_dead:
            break

    await check(scenario, world)
    await world.shop.close()
