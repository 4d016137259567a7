"""Slots of cron expressions and intervals, changes of the clock, and slots that were missed."""

import itertools
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from durably.errors import ValidationError
from durably.schedules import Cron, Every, due_slots

BERLIN = ZoneInfo("Europe/Berlin")
MINUTE = timedelta(minutes=1)
#: Half an hour forth and back, and the usual ones on both halves of the earth.
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "UTC")


def at(text: str, zone: str = "UTC") -> datetime:
    """Return a moment, read in a zone."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def following(schedule: Cron | Every, moment: datetime, count: int) -> list[datetime]:
    """Return the next slots."""
    found: list[datetime] = []
    while len(found) < count:
        slot = schedule.next_after(moment)
        assert slot is not None
        found.append(moment := slot)
    return found


def test_slots_are_read_in_the_schedules_zone() -> None:
    """Nine o'clock is nine o'clock there, whatever the machine's zone is."""
    cron = Cron("0 9 * * mon-fri", tz="Europe/Berlin")
    friday = at("2026-11-27 09:00", "Europe/Berlin")
    assert following(cron, friday - MINUTE, 2) == [friday, at("2026-11-30 08:00")]


def test_a_slot_in_the_gap_runs_right_after_it() -> None:
    """No day goes without its run because an hour was left out."""
    cron = Cron("30 2 * * *", tz="Europe/Berlin")
    slots = following(cron, at("2026-03-28 12:00"), 2)
    assert slots == [
        at("2026-03-29 03:00", "Europe/Berlin"),
        at("2026-03-30 02:30", "Europe/Berlin"),
    ]


def test_several_slots_in_the_gap_run_once() -> None:
    """They all fall on the moment after it."""
    cron = Cron("0,20,40 2-3 * * *", tz="Europe/Berlin", misfire="all")
    last, now = at("2026-03-28 12:00"), at("2026-03-29 12:00")
    local = [f"{slot.astimezone(BERLIN):%H:%M}" for slot in due_slots(cron, last=last, now=now)]
    assert local == ["03:00", "03:20", "03:40"]


def test_a_slot_in_the_doubled_hour_runs_once() -> None:
    """The first time, whenever it is looked at."""
    cron = Cron("30 2 * * *", tz="Europe/Berlin", misfire="all")
    first = at("2026-10-25 00:30")  # 02:30 summer time
    assert following(cron, at("2026-10-24 12:00"), 2) == [first, at("2026-10-26 01:30")]
    for now in (first, first + timedelta(minutes=40), first + timedelta(hours=5)):
        assert due_slots(cron, last=at("2026-10-24 12:00"), now=now) == [first]
    assert due_slots(cron, last=first, now=first + timedelta(hours=5)) == []


def test_an_hourly_slot_runs_in_both_of_the_doubled_hours() -> None:
    """It goes by the time that passes."""
    cron = Cron("0 * * * *", tz="Europe/Berlin")
    start = at("2026-10-24 23:30")
    slots = following(cron, start, 4)
    assert [slot - start for slot in slots] == [timedelta(minutes=30 + 60 * n) for n in range(4)]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("expression", ["0 * * * *", "*/7 * * * *", "15 1,2,3 * * *", "0 2 * * 0"])
@given(data=st.data())
def test_backwards_gives_what_forwards_gives(
    zone: str, expression: str, data: st.DataObject
) -> None:
    """Slots that passed are those that were to come."""
    days = data.draw(st.integers(0, 365 * 2))
    first = at("2025-11-27 00:00") + timedelta(days=days, minutes=data.draw(st.integers(0, 1440)))
    now = first + timedelta(minutes=data.draw(st.integers(0, 3000)))
    cron = Cron(expression, tz=zone, misfire="all", limit=10_000)
    forwards = []
    slot = cron.next_after(first)
    while slot is not None and slot <= now:
        forwards.append(slot)
        slot = cron.next_after(slot)
    assert due_slots(cron, last=first, now=now) == forwards
    assert forwards == sorted(set(forwards))


@pytest.mark.parametrize("zone", ZONES)
def test_every_day_has_its_slot_once(zone: str) -> None:
    """Two years long, in zones of every kind."""
    cron = Cron("30 2 * * *", tz=zone, misfire="all", limit=10_000)
    last = at("2025-01-01 00:00", zone)
    slots = due_slots(cron, last=last, now=last + timedelta(days=730))
    days = [slot.astimezone(ZoneInfo(zone)).date() for slot in slots]
    assert len(days) == 730
    assert all(b - a == timedelta(days=1) for a, b in itertools.pairwise(days))


@given(seconds=st.integers(1, 10**6), moment=st.integers(0, 4 * 10**9))
def test_intervals_are_counted_from_one_moment(seconds: int, moment: int) -> None:
    """Every worker finds the same slots."""
    now = datetime.fromtimestamp(moment, UTC)
    every = Every(seconds)
    following_slot, newest = every.next_after(now), next(every.until(now))
    assert following_slot is not None
    assert newest <= now < following_slot
    assert following_slot - newest == timedelta(seconds=seconds)
    assert newest.timestamp() % seconds == 0


def test_nothing_is_due_before_an_interval_starts() -> None:
    """Its first slot is its start."""
    start = at("2026-01-01 00:10")
    every = Every(timedelta(hours=1), start=start, misfire="all")
    assert every.next_after(start - timedelta(days=1)) == start
    assert due_slots(every, last=start - timedelta(days=2), now=start - MINUTE) == []


@pytest.mark.parametrize(
    ("misfire", "late", "hours"),
    [
        ("skip", timedelta(seconds=30), [5]),
        ("skip", timedelta(minutes=30), []),
        ("once", timedelta(minutes=30), [5]),
        ("all", timedelta(minutes=30), [3, 4, 5]),
    ],
)
def test_missed_slots_are_dropped_or_made_up_for(
    misfire: str, late: timedelta, hours: list[int]
) -> None:
    """As the policy says."""
    every = Every(timedelta(hours=1), misfire=misfire, limit=3)
    slots = due_slots(every, last=at("2026-01-01 00:00"), now=at("2026-01-01 05:00") + late)
    assert [slot.hour for slot in slots] == hours


def test_a_clock_that_was_set_back_meets_no_slot_twice() -> None:
    """What was looked at stays so."""
    every = Every(timedelta(hours=1), misfire="all")
    assert due_slots(every, last=at("2026-01-01 05:00"), now=at("2026-01-01 03:00")) == []


def test_years_of_missed_slots_cost_no_more_than_the_limit() -> None:
    """They are counted from the newest on."""
    cron = Cron("* * * * *", misfire="all", limit=2)
    now = at("2026-01-01 00:00")
    assert due_slots(cron, last=at("2000-01-01 00:00"), now=now) == [now - MINUTE, now]


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("", "a cron expression must be text that is not empty"),
        ("0 9 * *", "must be five fields"),
        ("0 0 9 * * *", "must be five fields"),
        ("61 9 * * *", "cannot be read: Bad minute"),
        ("0 9 31 2 *", "Bad day-of-month"),
        ("0 9 * * fr", "Bad day-of-week"),
    ],
)
def test_a_cron_expression_that_cannot_be_is_refused(expression: str, said: str) -> None:
    """Law 10: with what is wrong with it."""
    with pytest.raises(ValidationError, match=said):
        Cron(expression)


@given(st.lists(st.text("0123456789*/,-#LWmonja", min_size=1), min_size=5, max_size=5))
def test_any_text_is_a_schedule_or_a_validation_error(fields: list[str]) -> None:
    """Nothing else is raised."""
    try:
        Cron(" ".join(fields))
    except ValidationError:
        return


@pytest.mark.parametrize("name", ["Mars/Olympus", "Europe", "../etc/passwd", "CEST"])
def test_a_zone_that_does_not_exist_is_refused(name: str) -> None:
    """And no file is read by its name."""
    with pytest.raises(ValidationError, match="there is no time zone"):
        Cron("0 9 * * *", tz=name)


def test_without_a_time_zone_database_only_utc_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what to add."""
    monkeypatch.setattr("zoneinfo.available_timezones", frozenset)
    assert Cron("0 9 * * *").next_after(at("2026-01-01 08:00")) == at("2026-01-01 09:00")
    with pytest.raises(ValidationError, match=r"add the package tzdata .*packages: \['tzdata'\]"):
        Cron("0 9 * * *", tz="Nowhere/Known")


def test_policies_that_cannot_be_are_refused() -> None:
    """Law 10: each argument by its name."""
    with pytest.raises(ValidationError, match=r"Every\.misfire must be one of skip, once, all"):
        Every(60, misfire="never")
    with pytest.raises(ValidationError, match="at least one second"):
        Every(timedelta(milliseconds=1))
    with pytest.raises(ValidationError, match=r"Cron\.limit"):
        Cron("* * * * *", limit=0)
    with pytest.raises(ValidationError, match="with a time zone"):
        Every(60, start=datetime(2026, 1, 1))  # noqa: DTZ001 - that is what is refused
