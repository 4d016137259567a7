"""Port 1: what time it is, and how to wait. Nothing else in the package reads a clock."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import time
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from typing import Protocol, runtime_checkable

from durably.arguments import refuse
from durably.errors import ValidationError

#: A time that is counted from now with any of these is one that a datetime can be.
_LONGEST = timedelta(days=36_500)

#: Set in tasks that only accompany others, as renewals do: no test has to let time pass for them.
accompanies: ContextVar[bool] = ContextVar("durably_accompanies", default=False)


#: Numbers are slow to write in WebAssembly, and every saved step has three times.
_MILLISECONDS = tuple(f".{n:03d}Z" for n in range(1000))


@runtime_checkable
class Clock(Protocol):
    """The only source of time, so that a test can be its own."""

    def now(self) -> datetime:
        """Return the present time, aware and in UTC."""
        ...

    def monotonic(self) -> timedelta:
        """Return the time since some moment; it never goes back, whatever is done to the clock."""
        ...

    async def sleep(self, duration: timedelta) -> None:
        """Return after *duration*, however the clock is set meanwhile.

        A duration of zero or less still lets other tasks run.
        """
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the present time, aware and in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> timedelta:
        """Return the time since some moment, which never goes back."""
        return timedelta(seconds=time.monotonic())

    async def sleep(self, duration: timedelta) -> None:
        """Return after *duration*; a duration of zero or less still lets other tasks run."""
        await asyncio.sleep(max(0.0, duration.total_seconds()))


async def wait_for_event(clock: Clock, event: asyncio.Event, timeout: timedelta | None) -> bool:
    """Wait until *event* is set, at most *timeout*; return whether it is set."""
    if event.is_set() or timeout is None:
        await event.wait()
        return True
    waiter = asyncio.ensure_future(event.wait())
    sleeper = asyncio.ensure_future(clock.sleep(timeout))
    try:
        await asyncio.wait({waiter, sleeper}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (waiter, sleeper):
            task.cancel()
        for task in (waiter, sleeper):
            with contextlib.suppress(asyncio.CancelledError):
                await task
    return event.is_set()


@functools.lru_cache(maxsize=16)
def to_iso(moment: datetime) -> str:
    """Write *moment* as ISO 8601 UTC text with milliseconds and ``Z``, as the tables hold it.

    ValidationError for a time without a zone: which moment it is would depend on the machine.
    """
    if moment.tzinfo is not UTC:
        check_aware("a time", moment)
        moment = moment.astimezone(UTC)
    return _iso_second(moment.replace(microsecond=0)) + _MILLISECONDS[moment.microsecond // 1000]


def check_aware(what: str, moment: object) -> None:
    """Raise ValidationError unless *moment* is a datetime that says its zone."""
    try:
        if isinstance(moment, datetime) and moment.utcoffset() is not None:
            moment.astimezone(UTC)
            return
    except OverflowError:  # at the ends of the calendar it is no time of UTC
        pass
    refuse(what, "a datetime with a time zone, such as UTC", moment)


@functools.lru_cache(maxsize=16)
def _iso_second(second: datetime) -> str:
    """Write a whole second of UTC."""
    return second.isoformat()[: -len("+00:00")]


def from_iso(text: str) -> datetime:
    """Read ISO 8601 text; text without an offset is taken as UTC."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def as_duration(value: timedelta | float) -> timedelta:
    """Take a timedelta, or a number of seconds."""
    return value if isinstance(value, timedelta) else timedelta(seconds=value)


def duration_of(name: str, value: timedelta | float) -> timedelta:
    """Take a timedelta or seconds, also less than none; ValidationError for another kind."""
    try:
        if not isinstance(value, bool):
            return as_duration(value)
    except (TypeError, ValueError, OverflowError):
        pass
    return refuse(name, "a timedelta or a number of seconds", value)


def checked_duration(
    name: str, value: timedelta | float, *, may_be_zero: bool = False, given: object = None
) -> timedelta:
    """Take a timedelta or seconds; ValidationError that names *name* for any other value.

    *given* is what the caller wrote, where that is not *value*.
    """
    duration = duration_of(name, value)
    shown = value if given is None else given
    if duration > _LONGEST:
        refuse(name, f"at most {_LONGEST.days} days", shown)
    if duration < timedelta(0) or not (duration or may_be_zero):
        limit = "not be negative" if may_be_zero else "be longer than nothing"
        msg = f"{name} must {limit}, not {shown!r}"
        raise ValidationError(msg)
    return duration
