"""When a job runs by itself: cron expressions, intervals, and what became of missed slots.

A slot is a moment at which a schedule wants a run. Pure rules: no clock, no store, no I/O but the
time zone database.
"""

from __future__ import annotations

import contextlib
import itertools
import zoneinfo
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Protocol

from cronsim import CronSim, CronSimError

from durably.arguments import checked_text, checked_whole, refuse
from durably.clock import check_aware, checked_duration
from durably.errors import ValidationError

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What to do with slots that passed while no engine ran.
MISFIRES = ("skip", "once", "all")
#: A slot that is met so late is still met in time: timers and sleeping machines are not exact.
_GRACE = timedelta(minutes=1)
#: Where an interval is counted from: the same moment for every worker.
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
#: As many fields as an expression has, and which one is the hour.
_FIELDS, _HOUR = 5, 1
#: More runs at once than this are no catching up, but a flood.
_MOST_AT_ONCE = 10_000


class Schedule(Protocol):
    """What Cron and Every are: a rule that gives slots, and what to do with those that passed."""

    @property
    def misfire(self) -> str:
        """One of MISFIRES."""
        ...

    @property
    def limit(self) -> int:
        """The most slots that are made up for at once, with misfire "all"."""
        ...

    @property
    def grace(self) -> timedelta | float:
        """How late a slot is still met in time, with misfire "skip"."""
        ...

    def next_after(self, moment: datetime) -> datetime | None:
        """Return the first slot after *moment*, in UTC, or None when there is no more."""
        ...

    def until(self, moment: datetime) -> Iterator[datetime]:
        """Yield the slots up to and with *moment*, in UTC, newest first."""
        ...


@dataclass(frozen=True, slots=True)
class Cron:
    """Slots by a cron expression of five fields: minute, hour, day, month and day of the week.

    It is read in the time zone *tz*, a name such as Europe/Berlin. Where the hour is ``*``, slots
    go by the time that passes, also over a change of the clock. Else every slot is met once a day:
    one in the hour that is left out right after it, one in the hour that comes twice the first
    time.

    *misfire* says what becomes of slots that passed while no engine ran: "skip" drops those that
    are older than *grace* (timedelta or seconds), "once" makes one run for all of them, "all" one
    for each of the newest *limit*. ValidationError for an expression or a zone that does not exist.
    """

    expression: str
    tz: str = field(default="UTC", kw_only=True)
    misfire: str = field(default="once", kw_only=True)
    limit: int = field(default=100, kw_only=True)
    grace: timedelta | float = field(default=_GRACE, kw_only=True)

    def __post_init__(self) -> None:
        """Refuse what cannot be read, or never comes."""
        checked_text("a cron expression", self.expression)
        _check_policy("Cron", self)
        _zone_of(self.tz)
        if len(self.expression.split()) != _FIELDS:
            wanted = "five fields: minute, hour, day, month and day of the week"
            refuse("a cron expression", wanted, self.expression)
        try:
            CronSim(self.expression, _EPOCH)
        except CronSimError as error:
            msg = f"the cron expression {self.expression!r} cannot be read: {error}"
            raise ValidationError(msg) from error
        if self.next_after(_EPOCH) is None:
            msg = f"the cron expression {self.expression!r} names a day that never comes"
            raise ValidationError(msg)

    def next_after(self, moment: datetime) -> datetime | None:
        """Return the first slot after *moment*, in UTC, or None when there is no more."""
        check_aware("moment", moment)
        zone = _zone_of(self.tz)
        local = moment.astimezone(zone)
        slots = self._slots(local, zone, backwards=False)
        return next((slot for slot in slots if slot > moment), None)

    def until(self, moment: datetime) -> Iterator[datetime]:
        """Yield the slots up to and with *moment*, in UTC, newest first."""
        check_aware("moment", moment)
        zone = _zone_of(self.tz)
        start = moment.astimezone(zone).replace(microsecond=0)
        if not self._by_elapsed_time:
            # In an hour that came for the second time, slots of its end have been met already.
            start = start.replace(tzinfo=None) + _repeated(start)
            start = start.replace(tzinfo=zone)
        previous = None
        for slot in self._slots(start, zone, backwards=True):
            if slot <= moment and slot != previous:
                yield slot
                previous = slot

    @property
    def _by_elapsed_time(self) -> bool:
        return self.expression.split()[_HOUR] == "*"

    def _slots(self, start: datetime, zone: tzinfo, *, backwards: bool) -> Iterator[datetime]:
        """Yield slots from about *start* on; the same moment twice where two fall on it."""
        if backwards:  # a tick goes back by a second, and the start is a slot too
            start = (start.astimezone(UTC) + _SECOND).astimezone(start.tzinfo)
        with contextlib.suppress(OverflowError):  # the calendar ends
            if self._by_elapsed_time:
                for slot in CronSim(self.expression, start, reverse=backwards):
                    yield slot.astimezone(UTC)
                return
            wall = start.replace(tzinfo=None, fold=0)
            for slot in CronSim(self.expression, wall, reverse=backwards):
                yield _moment_of(slot, zone)


@dataclass(frozen=True, slots=True)
class Every:
    """Slots at equal distances of *interval* (timedelta or seconds, at least one second).

    They are counted from *start*, by default the beginning of 1970 in UTC: every hour is at the
    full hour. *misfire*, *limit* and *grace* are as those of Cron.
    """

    interval: timedelta | float
    start: datetime = field(default=_EPOCH, kw_only=True)
    misfire: str = field(default="once", kw_only=True)
    limit: int = field(default=100, kw_only=True)
    grace: timedelta | float = field(default=_GRACE, kw_only=True)

    def __post_init__(self) -> None:
        """Refuse distances that cannot be kept."""
        if checked_duration("Every.interval", self.interval) < _SECOND:
            refuse("Every.interval", "at least one second", self.interval)
        check_aware("Every.start", self.start)
        _check_policy("Every", self)

    def next_after(self, moment: datetime) -> datetime | None:
        """Return the first slot after *moment*, in UTC, or None when there is no more."""
        check_aware("moment", moment)
        number = max(0, self._count(moment) + 1)
        try:
            return self.start.astimezone(UTC) + number * self._step
        except OverflowError:
            return None

    def until(self, moment: datetime) -> Iterator[datetime]:
        """Yield the slots up to and with *moment*, in UTC, newest first."""
        check_aware("moment", moment)
        for number in range(self._count(moment), -1, -1):
            yield self.start.astimezone(UTC) + number * self._step

    @property
    def _step(self) -> timedelta:
        return checked_duration("Every.interval", self.interval)

    def _count(self, moment: datetime) -> int:
        """Return the number of the last slot at or before *moment*; the first one has 0."""
        return (moment - self.start.astimezone(UTC)) // self._step


def due_slots(schedule: Schedule, *, last: datetime, now: datetime) -> list[datetime]:
    """Return the slots after *last* and up to *now* that a run is to be made for, oldest first.

    *last* is the newest slot that was looked at, or when the schedule began. What misfired is
    dropped, made up for by one run, or by one each, as the schedule says. A *now* before *last*, as
    after a clock that was set back, gives none: no slot is met twice.
    """
    check_aware("last", last)
    check_aware("now", now)
    passed = itertools.takewhile(lambda slot: slot > last, schedule.until(now))
    if schedule.misfire == "all":
        return list(itertools.islice(passed, schedule.limit))[::-1]
    newest = next(passed, None)
    if newest is None:
        return []
    grace = checked_duration("grace", schedule.grace, may_be_zero=True)
    return [] if schedule.misfire == "skip" and now - newest > grace else [newest]


def _check_policy(whose: str, schedule: Cron | Every) -> None:
    if schedule.misfire not in MISFIRES:
        refuse(f"{whose}.misfire", f"one of {', '.join(MISFIRES)}", schedule.misfire)
    checked_whole(f"{whose}.limit", schedule.limit, least=1, most=_MOST_AT_ONCE)
    checked_duration(f"{whose}.grace", schedule.grace, may_be_zero=True)


def _zone_of(name: str) -> tzinfo:
    checked_text("Cron.tz", name)
    if name == "UTC":  # it needs no database
        return UTC
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        if zoneinfo.available_timezones():
            msg = f"there is no time zone {name!r}; it must be a name such as Europe/Berlin"
        else:
            msg = (
                f"the time zone {name!r} was not found, as this system has no time zone database; "
                "add the package tzdata (in a browser app: packages: ['tzdata'])"
            )
        raise ValidationError(msg) from error


def _moment_of(wall: datetime, zone: tzinfo) -> datetime:
    """Return when clocks in *zone* show *wall* first, or when they skip over it."""
    local = wall.replace(tzinfo=zone)
    moment = local.astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == wall:
        return moment
    return _jump_between(local.replace(fold=1).astimezone(UTC), moment, zone)


def _jump_between(before: datetime, after: datetime, zone: tzinfo) -> datetime:
    """Return the second at which *zone* changes its offset between two moments."""
    offset = before.astimezone(zone).utcoffset()
    while after - before > _SECOND:
        middle = before + (after - before) // _SECOND // 2 * _SECOND
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after


def _repeated(local: datetime) -> timedelta:
    """Return by how much clocks were set back where *local* comes for the second time."""
    if not local.fold:
        return timedelta(0)
    first = local.replace(fold=0).utcoffset() or timedelta(0)
    return first - (local.utcoffset() or timedelta(0))
