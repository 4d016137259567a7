"""Decide when a failed step runs again.

Pure rules: no clock, no store, no I/O.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from datetime import timedelta

from durably.arguments import checked_kind, checked_whole
from durably.clock import as_duration, checked_duration
from durably.errors import ValidationError


class RetryAfter(Exception):
    """Raise it in a step to name the pause before the next attempt (timedelta or seconds)."""

    def __init__(
        self, delay: timedelta | float, reason: str = "the step asked for a later attempt"
    ) -> None:
        super().__init__(reason)
        self.delay = checked_duration("RetryAfter.delay", delay, may_be_zero=True)


class GiveUp(Exception):
    """Raise it in a step to fail without another attempt."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """How often, and after what pauses, a failed step is tried again.

    The pause after attempt n is ``backoff * factor ** (n - 1)``, at most *max_backoff*, and then
    shortened or lengthened by up to the share *jitter* (0 to 1) of itself at random.

    Of a group of errors, as a TaskGroup raises it, each member counts: one that gives up is
    enough, all must be among *retry_on*, and the longest RetryAfter holds.
    """

    max_attempts: int = 3
    backoff: timedelta | float = timedelta(seconds=1)
    factor: float = 2.0
    jitter: float = 0.1
    max_backoff: timedelta | float = timedelta(minutes=5)
    retry_on: tuple[type[Exception], ...] = (Exception,)
    give_up_on: tuple[type[Exception], ...] = field(default=())

    def __post_init__(self) -> None:
        """Refuse values that no schedule can follow."""
        _check(
            "max_attempts", self.max_attempts, "a whole number of at least 1", whole=True, least=1
        )
        _check("factor", self.factor, "a number of at least 1", least=1)
        _check("jitter", self.jitter, "a number from 0 to 1", least=0, most=1)
        for name in ("backoff", "max_backoff"):
            checked_duration(f"Retry.{name}", getattr(self, name), may_be_zero=True)
        for name in ("retry_on", "give_up_on"):
            kinds = getattr(self, name)
            if not isinstance(kinds, tuple) or not all(map(_is_error, kinds)):
                msg = f"Retry.{name} must be a tuple of exception classes, not {kinds!r}"
                raise ValidationError(msg)

    def pause_after(
        self, attempt: int, error: Exception, *, chance: float | None = None
    ) -> timedelta | None:
        """Return the pause after failed *attempt* (1-based), or None to give up.

        *chance* in [0, 1) places the pause within the jitter; it is drawn when not given.
        """
        checked_whole("attempt", attempt, least=1)
        checked_kind("error", error, Exception)
        causes = causes_of(error)
        gives_up = any(isinstance(cause, (GiveUp, *self.give_up_on)) for cause in causes)
        if attempt >= self.max_attempts or gives_up:
            return None
        delays = [cause.delay for cause in causes if isinstance(cause, RetryAfter)]
        others = [cause for cause in causes if not isinstance(cause, RetryAfter)]
        among = isinstance(error, self.retry_on)
        if not among and not all(isinstance(cause, self.retry_on) for cause in others):
            return None
        if delays:
            return max(delays)
        longest = as_duration(self.max_backoff)
        try:
            pause = min(as_duration(self.backoff) * self.factor ** (attempt - 1), longest)
        except OverflowError:
            pause = longest
        drawn = random.random() if chance is None else chance  # noqa: S311 - spreads load, no secret
        return pause * (1 + self.jitter * (2 * drawn - 1))


def causes_of(error: Exception) -> list[Exception]:
    """Return the errors that a group holds, as a TaskGroup raises it, or the one that it is."""
    if not isinstance(error, ExceptionGroup):
        return [error]
    return [cause for inner in error.exceptions for cause in causes_of(inner)]


def _check(
    name: str,
    value: object,
    wanted: str,
    *,
    least: float,
    most: float = math.inf,
    whole: bool = False,
) -> None:
    kinds = int if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or not least <= value <= most:
        msg = f"Retry.{name} must be {wanted}, not {value!r}"
        raise ValidationError(msg)


def _is_error(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, Exception)


#: One attempt and no record of it: what a step without a policy does.
NO_RETRY = Retry(max_attempts=1)
