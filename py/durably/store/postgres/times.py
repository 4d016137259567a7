"""Whose clock decides: the database's, or the caller's where time is a test's."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import TYPE_CHECKING, Literal, TypeVar

from durably.clock import from_iso

if TYPE_CHECKING:
    from datetime import datetime

    from durably.runs import LogRecord, StepAttempt, StepRecord

ClockName = Literal["database", "caller"]
CLOCKS: tuple[ClockName, ...] = ("database", "caller")

#: A clock that differs by no more than this is right: what a call takes is in it too.
_RIGHT = timedelta(seconds=1)

R = TypeVar("R", "StepRecord", "StepAttempt", "LogRecord")


class Times:
    """Between the times of callers and those in the tables.

    With the database's clock a statement is given durations, so that no machine's clock counts.
    Times that only tell of something, as when a step began, are moved by how far the machine's
    clock was found to be off.
    """

    def __init__(self, clock: ClockName) -> None:
        self.by_database = clock == "database"
        #: How far the database's clock is ahead of the caller's.
        self._ahead = timedelta(0)
        self.is_known = not self.by_database

    def now(self, moment: datetime) -> datetime | None:
        """Return what a statement is given for ``now``."""
        return None if self.by_database else moment

    def saw(self, now: datetime, found: str) -> datetime:
        """Take note of the time in the tables for the caller's *now*; return it."""
        there = from_iso(found)
        self.is_known = True
        if self.by_database and abs(there - now - self._ahead) > _RIGHT:
            ahead = there - now
            self._ahead = ahead if abs(ahead) > _RIGHT else timedelta(0)
        return there

    def there(self, moment: datetime) -> datetime:
        """Return the time in the tables that is *moment* for the caller."""
        return moment + self._ahead

    def here(self, moment: datetime) -> datetime:
        """Return the caller's time that is *moment* in the tables."""
        return moment - self._ahead

    def record_there(self, record: R) -> R:
        """Return a record with its times as they are in the tables."""
        return self._moved(record, self._ahead)

    def record_here(self, record: R) -> R:
        """Return a record with its times as the caller has them."""
        return self._moved(record, -self._ahead)

    def _moved(self, record: R, by: timedelta) -> R:
        if not by:
            return record
        moved = {
            name: value + by
            for name in ("started_at", "completed_at", "retry_at", "created_at")
            if (value := getattr(record, name, None)) is not None
        }
        return dataclasses.replace(record, **moved)
