"""For tests of jobs: virtual time, faults at chosen writes, and runs driven to their end.

Nothing here is needed in production; all of it works with any test runner.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from durably.app import Durably
from durably.arguments import checked_call, checked_kind, checked_method, checked_whole, refuse
from durably.clock import accompanies, check_aware, duration_of
from durably.jobs import JobDefinition
from durably.store.protocol import Store
from durably.triggers import NOT_GIVEN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from durably.handles import Ended
    from durably.waits import Wait

In = TypeVar("In")
Out = TypeVar("Out")

#: The methods of a Store that change something.
WRITES = frozenset(name for name in dir(Store) if getattr(getattr(Store, name), "changes", False))

When = Literal["before", "after"]

#: When it wakes, which of several at that time it is, what wakes it, and whether time is to pass
#: for its sake.
_Sleeper = tuple[timedelta, int, asyncio.Future[None], bool]


class FakeClock:
    """A clock that stands still until a test moves it."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        check_aware("start", start)
        self._now = start
        self._elapsed = timedelta(0)
        self._sleepers: list[_Sleeper] = []
        self._order = itertools.count()

    def now(self) -> datetime:
        """Return the present virtual time."""
        return self._now

    def monotonic(self) -> timedelta:
        """Return how long the clock was moved on; no jump counts."""
        return self._elapsed

    async def sleep(self, duration: timedelta) -> None:
        """Return once the test has moved the clock by *duration*."""
        if duration <= timedelta(0):
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        counts = not accompanies.get()
        due = self._elapsed + duration
        heapq.heappush(self._sleepers, (due, next(self._order), woken, counts))
        await woken

    async def advance(self, duration: timedelta | float) -> None:
        """Move on by *duration*, waking each sleeper at its own time and letting it work."""
        end = self._elapsed + duration_of("duration", duration)
        while (due := self._next_wake()) is not None and due <= end:
            self._move_to(max(self._elapsed, due))
            self._wake()
            await settle()
        self._move_to(end)
        await settle()

    def jump(self, duration: timedelta | float) -> None:
        """Set the clock forward, or back by a negative *duration*; no time passes by that."""
        self._now += duration_of("duration", duration)

    async def advance_to_next(self) -> None:
        """Move on to when the next sleeper wakes, whatever it waits for."""
        if (due := self._next_wake()) is not None:
            await self.advance(due - self._elapsed)

    def next_due(self) -> datetime | None:
        """Return when the next sleeper wakes, or None when nobody sleeps.

        What only accompanies a run, such as the renewal of its lease, does not count.
        """
        sleepers = self._sleepers
        due = min(
            (due for due, _, woken, counts in sleepers if counts and not woken.done()), default=None
        )
        return None if due is None else self._now + (due - self._elapsed)

    def _move_to(self, elapsed: timedelta) -> None:
        self._now += elapsed - self._elapsed
        self._elapsed = elapsed

    def _next_wake(self) -> timedelta | None:
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)
        return self._sleepers[0][0] if self._sleepers else None

    def _wake(self) -> None:
        while self._sleepers and self._sleepers[0][0] <= self._elapsed:
            _, _, woken, _ = heapq.heappop(self._sleepers)
            if not woken.done():
                woken.set_result(None)


async def settle(rounds: int = 20) -> None:
    """Let every task that can go on go on."""
    for _ in range(rounds):
        await asyncio.sleep(0)


class ProcessDied(BaseException):
    """Stands for the end of the process; nothing that follows reaches the store."""


class FaultyStore:
    """A Store that fails or dies where a test says; everything else goes to the real one.

    ``fail("save_step", error)`` makes the next such call raise; ``die_at(n)`` ends the "process"
    at the n-th write. *when* "before" leaves the write undone, "after" does it and loses the
    answer.
    """

    def __init__(self, store: Store) -> None:
        self._store = checked_method("store", store, "enqueue")
        self._faults: list[tuple[str, When, Callable[[], BaseException]]] = []
        self._die_at: tuple[int, When] | None = None
        #: How many writes were asked for.
        self.writes = 0
        #: Whether the "process" has ended.
        self.is_dead = False
        #: The name of every call, in order.
        self.calls: list[str] = []

    def fail(
        self,
        method: str,
        error: Callable[[], BaseException],
        *,
        when: When = "before",
        times: int = 1,
    ) -> None:
        """Make the next *times* calls of *method* raise what *error* makes."""
        if not isinstance(method, str) or not hasattr(self._store, method):
            refuse("method", "the name of a method of the store", method)
        checked_call("error", error)
        checked_whole("times", times, least=0)
        _check_when(when)
        self._faults.extend([(method, when, error)] * times)

    def die_at(self, write: int, *, when: When = "before") -> None:
        """End the "process" at the *write*-th write (1-based) from the first one on; 0 is none."""
        _check_when(when)
        self._die_at = (checked_whole("write", write, least=0), when)

    def __getattr__(self, name: str) -> Any:
        """Return the real store's method, with the faults armed for it."""
        method = getattr(self._store, name)
        if not callable(method):
            return method

        async def call(*args: Any, **kwargs: Any) -> Any:
            return await self._call(name, method, args, kwargs)

        return call

    async def _call(
        self, name: str, method: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        if self.is_dead and name != "close":
            raise ProcessDied
        self.calls.append(name)
        fault = self._take_fault(name)
        if fault is not None and fault[0] == "before":
            raise fault[1]
        result = await method(*args, **kwargs)
        if fault is not None:
            raise fault[1]
        return result

    def _take_fault(self, name: str) -> tuple[When, BaseException] | None:
        if name in WRITES:
            self.writes += 1
            if self._die_at is not None and self.writes == self._die_at[0]:
                self.is_dead = True
                return self._die_at[1], ProcessDied()
        for armed in self._faults:
            if armed[0] == name:
                self._faults.remove(armed)
                return armed[1], armed[2]()
        return None


def _check_when(when: object) -> None:
    if when not in {"before", "after"}:
        refuse("when", "'before' or 'after'", when)


async def drain(app: Durably, clock: FakeClock, *, limit: timedelta = timedelta(days=365)) -> int:
    """Execute everything that is due, moving *clock* past backoffs, until nothing is left to do.

    Returns how many times a run was executed. It stops when the next thing due is further away
    than *limit*. The app must not have been started.
    """
    checked_kind("app", app, Durably)
    checked_kind("clock", clock, FakeClock)
    checked_kind("limit", limit, timedelta)
    executed = 0
    end = clock.now() + limit
    while True:
        began = clock.now()
        executed += await _process(app, clock)
        if clock.now() > began:  # something may have come due behind the last look
            continue
        due = await app.next_due()
        if due is None or due > end:
            return executed
        await clock.advance(due - clock.now())


async def _process(app: Durably, clock: FakeClock) -> int:
    work = asyncio.ensure_future(app.process_until_idle())
    while not work.done():
        await asyncio.wait({work}, timeout=0.001)
        # Time passes only while no step's code runs: a pause between attempts, not a slow step.
        if work.done() or (app.steps_in_flight and not app.waits_for_storage):
            continue
        if clock.next_due() is not None:
            await clock.advance_to_next()
            await app.next_due()  # a read, after the renewals that were due: none comes too late
    return work.result()


@overload
async def run_to_completion(
    job: JobDefinition[In, Out],
    input: Any = NOT_GIVEN,
    *,
    jobs: Iterable[JobDefinition[Any, Any]] = (),
    answers: Mapping[str, Any] = ...,
    until: Literal["end"] = "end",
    clock: FakeClock | None = None,
    **options: Any,
) -> Ended[Out]: ...
@overload
async def run_to_completion(
    job: JobDefinition[In, Out],
    input: Any = NOT_GIVEN,
    *,
    jobs: Iterable[JobDefinition[Any, Any]] = (),
    answers: Mapping[str, Any] = ...,
    until: Literal["waiting"],
    clock: FakeClock | None = None,
    **options: Any,
) -> list[Wait]: ...
async def run_to_completion(
    job: JobDefinition[In, Out],
    input: Any = NOT_GIVEN,
    *,
    jobs: Iterable[JobDefinition[Any, Any]] = (),
    answers: Mapping[str, Any] = MappingProxyType({}),
    until: Literal["end", "waiting"] = "end",
    clock: FakeClock | None = None,
    **options: Any,
) -> Ended[Out] | list[Wait]:
    """Run *job* alone on a store in memory, with virtual time, and return its typed output.

    *jobs* are those that it calls. *answers* are what its waits are told as it comes to them, by
    their names; a wait without an answer runs into its deadline. With *until* "waiting" it stops
    where the job first waits for something that has no answer, and returns what that is.
    RunFailedError when it fails, RunCancelledError when it cancels itself, WaitTimeoutError when
    it waits for ever.
    """
    checked_kind("job", job, JobDefinition)
    if until not in {"end", "waiting"}:
        refuse("until", "'end' or 'waiting'", until)
    clock = clock or FakeClock()
    app = Durably("sqlite://", jobs=[job, *jobs], clock=clock, **options)
    await app.migrate()
    try:
        handle = app.jobs[job.name]
        made = await handle.trigger(input)
        while True:
            await _process(app, clock)
            run = await app.get_run(made.id)
            if run is None or run.is_terminal:
                return await handle.result_of(made)
            waits = [one for one in await app.get_waits(made.id) if one.status == "pending"]
            if await _answer(app, waits, answers):
                continue
            if until == "waiting" and run.is_waiting and waits:
                return waits
            due = await app.next_due()
            if due is None:  # nothing ever comes: the time that it is given is up
                return await handle.result_of(made, timeout=0)
            await clock.advance(max(due - clock.now(), timedelta(0)))
    finally:
        await app.close()


async def _answer(app: Durably, waits: list[Wait], answers: Mapping[str, Any]) -> bool:
    asked = [one for one in waits if one.kind == "signal" and one.name in answers]
    for wait in asked:
        await app.signal(wait.id, answers[wait.name])
    return bool(asked)
