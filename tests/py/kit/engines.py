"""Engines for tests: virtual time, a store that can fail, and processes that die."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from durably import Durably, Event, JobDefinition, Query, Run, Wait, open_store
from durably.store.protocol import Store
from durably.testing import FakeClock, FaultyStore, ProcessDied, drain


class Workshop:
    """Makes engines over one store, one after another, as processes that start and die do."""

    def __init__(self, store: str | Store = "sqlite://", clock: FakeClock | None = None) -> None:
        self.store: Store = open_store(store) if isinstance(store, str) else store
        self.clock = clock or FakeClock()
        #: The store as the newest engine sees it.
        self.faults = FaultyStore(self.store)
        #: What the jobs of a test did, in order.
        self.journal: list[str] = []
        self._made: list[Durably] = []

    async def engine(self, *jobs: JobDefinition[Any, Any] | Query, **options: Any) -> Durably:
        """Return an engine that has its tables and has not been started."""
        asyncio.get_running_loop().set_exception_handler(_pass_over_the_dead)
        self.faults = FaultyStore(self.store)
        app = Durably(self.faults, jobs=jobs, **({"clock": self.clock} | options))
        await app.migrate()
        self._made.append(app)
        return app

    def die(self) -> None:
        """End the process of the newest engine: nothing it does reaches the store any more."""
        self.faults.is_dead = True

    async def die_in(self, app: Durably) -> None:
        """Execute one run of *app*, in which the process dies."""
        with pytest.raises(ProcessDied):
            await app.process_one()

    async def drain(self, app: Durably) -> int:
        """Run everything, moving time past every wait; return the count of executions."""
        return await drain(app, self.clock)

    async def run(self, job: JobDefinition[Any, Any], input: Any = None, **options: Any) -> Run:
        """Run one job to its end in an engine of its own; return the run as it is stored."""
        app = await self.engine(job, **options)
        made = await app.trigger(job, input)
        await self.drain(app)
        return await self.get(made.id)

    async def get(self, run_id: str) -> Run:
        """Return a run as it is stored."""
        found = await self.store.get_run(run_id)
        assert found is not None
        return found

    async def close(self) -> None:
        """End every engine and the store."""
        for app in self._made:
            with contextlib.suppress(ProcessDied):
                await app.close()
        await self.store.close()


def _pass_over_the_dead(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Say nothing of the tasks of a dead process: nobody is left to ask how they ended.

    A report would come from the collector, in the middle of whatever runs then; the traceback it
    prints is made with `ast`, which in Python 3.11 must not be entered twice.
    """
    if not isinstance(context.get("exception"), ProcessDied):
        loop.default_exception_handler(context)


async def take_over(shop: Workshop, run_id: str) -> None:
    """Claim a run as another process does whose clock says that its lease ran out."""
    now = shop.clock.now() + timedelta(days=1)
    until = now + timedelta(days=1)
    jobs = ((await shop.get(run_id)).job_name,)
    claim = await shop.store.claim(worker="other", now=now, until=until, jobs=jobs, held=())
    assert claim is not None
    assert claim.run.id == run_id


class Slow:
    """A call of the store that is done, but whose answer is on its way until a test lets it go."""

    def __init__(self, store: Store, method: str) -> None:
        self.arrived = asyncio.Event()
        self.may_answer = asyncio.Event()
        self._call = getattr(store, method)
        setattr(store, method, self._answer_late)

    async def _answer_late(self, *args: Any, **kwargs: Any) -> Any:
        result = await self._call(*args, **kwargs)
        if result:
            self.arrived.set()
            await self.may_answer.wait()
        return result


def record(app: Durably, *types: str) -> list[Event]:
    """Return a list that gets every event, or those of *types*."""
    events: list[Event] = []
    app.on_any(
        lambda event: events.append(event) if event.type in (types or {event.type}) else None
    )
    return events


def names(events: list[Event]) -> list[str]:
    """Return the types of events, with the name of a step."""
    return [
        f"{event.type} {step}" if (step := getattr(event, "step_name", None)) else event.type
        for event in events
    ]


async def until(condition: Callable[[], object], *, seconds: float = 60) -> None:
    """Let other tasks and threads work until *condition* holds."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, "it never came true"
        await asyncio.sleep(0.001)


async def advance_slowly(clock: FakeClock, seconds: float) -> None:
    """Move virtual time on by *seconds*, one by one, so that threads keep up with it."""
    end = clock.now() + timedelta(seconds=seconds)
    await advance_until(clock, lambda: clock.now() >= end)


async def advance_until(
    clock: FakeClock, condition: Callable[[], object], *, step: timedelta = timedelta(seconds=1)
) -> None:
    """Move virtual time on, little by little, until *condition* holds."""
    for _ in range(5000):
        for _ in range(5):
            if condition():
                return
            await asyncio.sleep(0.001)
        await clock.advance(step)
    raise AssertionError("it never came true")


async def waits_of(app: Durably, run_id: str, count: int = 1) -> list[Wait]:
    """Return what a run waits for, once it has come to *count* of them."""
    for _ in range(60_000):
        if len(waits := await app.get_waits(run_id)) >= count:
            return waits
        await asyncio.sleep(0.001)
    raise AssertionError("it never came to wait")
