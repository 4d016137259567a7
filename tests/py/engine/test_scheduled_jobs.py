"""Jobs that run by themselves: each slot once, whatever is restarted and however many look."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from durably import (
    Cron,
    Durably,
    Every,
    JobDefinition,
    NotFoundError,
    RunStatus,
    Step,
    StorageBusyError,
    ValidationError,
    define_job,
    job,
)
from durably.testing import FakeClock, ProcessDied
from kit.engines import Workshop, advance_until, record, until

T0 = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def hourly(shop: Workshop, **options: Any) -> JobDefinition[Any, Any]:
    """Return a job that notes when it ran, every hour."""

    async def note(step: Step) -> None:
        await step.run("note", lambda: shop.journal.append(shop.clock.now().isoformat()))

    return define_job("hourly", note, schedule=Every(HOUR, **options))


async def slots(app: Durably) -> list[str]:
    """Return the slots for which there are runs."""
    keys = [run.idempotency_key or "" for run in await app.jobs["hourly"].get_runs()]
    return sorted(key.removeprefix("schedule/hourly/2026-01-") for key in keys)


async def test_a_started_engine_runs_a_job_at_each_slot(shop: Workshop) -> None:
    """Its timer is set for it; a job that is due now is not made to wait for a look."""
    app = await shop.engine(hourly(shop), sole_owner=True)
    ended = record(app, "run:complete")
    await app.start()
    await until(lambda: shop.clock.next_due() is not None)

    await advance_until(shop.clock, lambda: len(ended) == 3, step=timedelta(minutes=5))

    assert await slots(app) == [f"01T0{n}:00:00+00:00" for n in (1, 2, 3)]
    (state,) = await app.schedules()
    assert (state.name, state.job_name, state.paused) == ("hourly", "hourly", False)
    assert (state.last_at, state.next_at) == (T0 + 3 * HOUR, T0 + 4 * HOUR)
    await app.close()


@pytest.mark.parametrize(
    ("misfire", "made"),
    [("skip", []), ("once", ["02T12"]), ("all", ["02T10", "02T11", "02T12"])],
)
async def test_slots_that_passed_while_nobody_was_there(
    shop: Workshop, misfire: str, made: list[str]
) -> None:
    """As the schedule says; the next slot is one to come."""
    app = await shop.engine(hourly(shop, misfire=misfire, limit=3))
    assert await app.process_until_idle() == 0
    shop.die()
    shop.clock.jump(DAY + 12 * HOUR + 30 * timedelta(minutes=1))

    other = await shop.engine(hourly(shop, misfire=misfire, limit=3))
    assert await other.process_until_idle() == len(made)

    assert [slot[:5] for slot in await slots(other)] == made
    assert await other.next_due() == T0 + DAY + 13 * HOUR


async def test_two_processes_make_one_run_for_a_slot(shop: Workshop) -> None:
    """Whoever is first; the other finds the schedule moved on."""
    one, two = await shop.engine(hourly(shop)), await shop.engine(hourly(shop))
    for app in (one, two):
        assert await app.process_until_idle() == 0
    shop.clock.jump(HOUR)

    await asyncio.gather(one.process_until_idle(), two.process_until_idle())

    assert await slots(one) == ["01T01:00:00+00:00"]
    assert len(shop.journal) == 1


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_process_that_dies_at_a_slot_loses_and_repeats_nothing(
    shop: Workshop, when: Any
) -> None:
    """Laws 1, 8: at every write of it."""
    for write in range(1, 8):
        world = Workshop()
        app = await world.engine(hourly(world))
        await app.process_until_idle()
        world.clock.jump(HOUR)
        world.faults.die_at(world.faults.writes + write, when=when)
        with contextlib.suppress(ProcessDied):
            await app.process_until_idle()
        other = await world.engine(hourly(world))
        world.clock.jump(timedelta(minutes=1))
        await other.process_until_idle()

        assert await slots(other) == ["01T01:00:00+00:00"]
        (run,) = await other.jobs["hourly"].get_runs()
        assert run.status is RunStatus.COMPLETED
        await world.close()


async def test_a_schedule_is_paused_and_goes_on(shop: Workshop) -> None:
    """In every process; what is missed meanwhile is not made up for."""
    app = await shop.engine(hourly(shop, misfire="all"))
    other = await shop.engine(hourly(shop, misfire="all"))
    await other.process_until_idle()
    await app.pause_schedule("hourly")
    shop.clock.jump(5 * HOUR + timedelta(minutes=30))
    assert await other.process_until_idle() == 0
    assert await app.process_until_idle() == 0

    await app.resume_schedule("hourly")
    (state,) = await app.schedules()
    assert (state.paused, state.next_at) == (False, T0 + 6 * HOUR)
    made = await app.trigger_schedule("hourly")
    assert await app.process_until_idle() == 1
    assert (await shop.get(made.id)).idempotency_key is None
    shop.clock.jump(HOUR)
    assert await app.process_until_idle() == 1
    for call in (app.pause_schedule, app.resume_schedule, app.trigger_schedule):
        with pytest.raises(NotFoundError, match="no schedule 'none'"):
            await call("none")


async def test_a_changed_schedule_counts_anew_and_an_unchanged_one_goes_on(shop: Workshop) -> None:
    """A restart alone moves nothing, nor does it make a slot twice."""
    app = await shop.engine(hourly(shop))
    await app.process_until_idle()
    shop.clock.jump(HOUR / 2)
    same = await shop.engine(hourly(shop))
    await same.process_until_idle()
    assert await same.next_due() == T0 + HOUR

    changed = await shop.engine(
        define_job("hourly", hourly(shop).function, schedule=Cron("15 * * * *"))
    )
    await changed.process_until_idle()
    assert await changed.next_due() == T0 + HOUR + timedelta(minutes=15)


async def test_a_job_has_several_schedules_and_a_default_input(shop: Workshop) -> None:
    """Each has a name of its own."""

    @job(schedule=[Cron("0 9 * * mon-fri", tz="Europe/Berlin"), Every(7 * DAY, start=T0)])
    async def digest(step: Step, input: str = "all") -> str:
        return input

    app = await shop.engine(digest)
    await app.process_until_idle()
    nine = datetime(2026, 1, 1, 8, tzinfo=UTC)

    states = await app.schedules()
    assert [(state.name, state.next_at) for state in states] == [
        ("digest#1", nine),
        ("digest#2", T0 + 7 * DAY),
    ]
    shop.clock.jump(nine - T0)
    assert await app.process_until_idle() == 1
    (run,) = await app.get_runs()
    assert run.output == "all"


async def test_a_job_that_is_registered_later_is_looked_at(shop: Workshop) -> None:
    """Also by an engine that has schedules already."""
    app = await shop.engine(hourly(shop))
    await app.process_until_idle()
    app.register(define_job("late", hourly(shop).function, schedule=Every(HOUR / 2)))
    await app.process_until_idle()

    assert await app.next_due() == T0 + HOUR / 2


async def test_a_database_that_refuses_is_asked_again(shop: Workshop) -> None:
    """Law 9: the slot is met when it can be."""
    app = await shop.engine(hourly(shop), sole_owner=True)
    ended = record(app, "run:complete")
    await app.start()
    await until(lambda: shop.clock.next_due() is not None)
    shop.faults.fail("move_schedule", lambda: StorageBusyError("locked"), times=3)

    await advance_until(shop.clock, lambda: ended, step=timedelta(minutes=5))

    assert await slots(app) == ["01T01:00:00+00:00"]
    await app.close()


async def test_a_schedule_needs_a_job_that_can_run_by_itself() -> None:
    """Law 10: refused where it is written."""

    async def needs(step: Step, input: int) -> None: ...

    async def plain(step: Step) -> None: ...

    with pytest.raises(ValidationError, match="needs a default"):
        define_job("needs", needs, schedule=Every(HOUR))
    with pytest.raises(ValidationError, match="a Cron or an Every"):
        define_job("plain", plain, schedule="0 9 * * *")  # type: ignore[arg-type]


async def test_a_clock_that_is_set_back_meets_no_slot_twice() -> None:
    """The schedule waits until its next slot comes again."""
    shop = Workshop(clock=FakeClock(T0))
    app = await shop.engine(hourly(shop))
    await app.process_until_idle()
    shop.clock.jump(HOUR)
    await app.process_until_idle()
    shop.clock.jump(-HOUR / 2)
    assert await app.process_until_idle() == 0
    shop.clock.jump(HOUR / 2 + HOUR)
    assert await app.process_until_idle() == 1

    assert await slots(app) == ["01T01:00:00+00:00", "01T02:00:00+00:00"]
    await shop.close()
