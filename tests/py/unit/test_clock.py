"""Time comes from a clock, and a test's clock is virtual."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from durably import SystemClock, ValidationError
from durably.clock import accompanies, as_duration, from_iso, to_iso, wait_for_event
from durably.runs import MAX_PAGE, RunFilter
from durably.testing import FakeClock, settle


@given(st.datetimes(timezones=st.just(UTC)))
def test_times_read_back_to_the_millisecond(moment: datetime) -> None:
    """As the tables hold them."""
    assert abs(from_iso(to_iso(moment)) - moment) < timedelta(milliseconds=1)


OFFSETS = st.timedeltas(timedelta(hours=-23), timedelta(hours=23)).map(timezone)


@given(st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31), timezones=OFFSETS))  # noqa: DTZ001
def test_times_are_written_as_python_writes_those_of_utc(moment: datetime) -> None:
    """Whatever their own offset is, and whatever was written before."""
    written = moment.astimezone(UTC).isoformat(timespec="milliseconds")

    assert to_iso(moment) == written.replace("+00:00", "Z")


def test_text_without_an_offset_is_utc() -> None:
    """SQLite's own functions write it so."""
    assert from_iso("2026-01-01 00:00:00") == datetime(2026, 1, 1, tzinfo=UTC)
    assert to_iso(datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=1)))).endswith("00.000Z")
    assert as_duration(1.5) == timedelta(seconds=1.5)


async def test_the_system_clock_tells_utc_and_sleeps() -> None:
    """A duration of nothing lets others run."""
    clock = SystemClock()

    await clock.sleep(timedelta(milliseconds=1))
    await clock.sleep(timedelta(seconds=-1))

    assert clock.now().tzinfo is UTC


async def test_sleepers_wake_in_their_order(clock: FakeClock) -> None:
    """Each at its own time, and one that sleeps again within the move wakes again."""
    woken: list[tuple[str, float]] = []
    began = clock.now()

    async def sleeper(name: str, *pauses: float) -> None:
        for pause in pauses:
            await clock.sleep(timedelta(seconds=pause))
            woken.append((name, (clock.now() - began).total_seconds()))

    sleepers = (sleeper("a", 5), sleeper("b", 1, 2), sleeper("c", 0))
    tasks = [asyncio.ensure_future(one) for one in sleepers]
    await settle()
    await clock.advance(10)

    assert woken == [("c", 0), ("b", 1), ("b", 3), ("a", 5)]
    assert clock.now() - began == timedelta(seconds=10)
    assert clock.next_due() is None
    assert all(task.done() for task in tasks)


async def test_no_time_has_to_pass_for_what_only_accompanies(clock: FakeClock) -> None:
    """It sleeps and wakes as all do, but nobody is asked to move the clock for its sake."""
    woken: list[str] = []

    async def sleeper(name: str, seconds: float, *, aside: bool) -> None:
        accompanies.set(aside)
        await clock.sleep(timedelta(seconds=seconds))
        woken.append(name)

    tasks = [
        asyncio.ensure_future(sleeper("aside", 1, aside=True)),
        asyncio.ensure_future(sleeper("main", 2, aside=False)),
    ]
    await settle()
    assert clock.next_due() == clock.now() + timedelta(seconds=2)

    await clock.advance_to_next()
    assert woken == ["aside"]
    await clock.advance_to_next()
    assert woken == ["aside", "main"]
    await clock.advance_to_next()

    assert clock.next_due() is None
    assert all(task.done() for task in tasks)


async def test_waiting_ends_with_the_event_or_the_time(clock: FakeClock) -> None:
    """Whichever comes first; nothing is left behind."""
    event = asyncio.Event()
    waiting = asyncio.ensure_future(wait_for_event(clock, event, timedelta(seconds=5)))
    await settle()
    await clock.advance(5)
    assert await waiting is False

    waiting = asyncio.ensure_future(wait_for_event(clock, event, timedelta(seconds=5)))
    await settle()
    event.set()
    assert await waiting is True
    assert await wait_for_event(clock, event, None) is True
    assert clock.next_due() is None


@pytest.mark.parametrize("page", [{"limit": 0}, {"limit": MAX_PAGE + 1}, {"offset": -1}])
def test_a_page_that_cannot_be_is_refused(page: dict[str, int]) -> None:
    """B12: the bounds are those of the store, too."""
    with pytest.raises(ValidationError):
        RunFilter(**page)  # type: ignore[arg-type]
