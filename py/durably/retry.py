"""Decide when a failed step runs again.

Pure rules: no clock, no store, no I/O.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import timedelta

from durably.clock import as_duration
from durably.errors import ValidationError


class RetryAfter(Exception):
    """Raise it in a step to name the pause before the next attempt (timedelta or seconds)."""

    def __init__(
        self, delay: timedelta | float, reason: str = "the step asked for a later attempt"
    ) -> None:
        super().__init__(reason)
        self.delay = as_duration(delay)


class GiveUp(Exception):
    """Raise it in a step to fail without another attempt."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """How often, and after what pauses, a failed step is tried again.

    The pause after attempt n is ``backoff * factor ** (n - 1)``, at most *max_backoff*, and then
    shortened or lengthened by up to the share *jitter* (0 to 1) of itself at random.
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
        if self.max_attempts < 1:
            msg = f"Retry.max_attempts must be at least 1, not {self.max_attempts!r}"
            raise ValidationError(msg)
        for name in ("backoff", "max_backoff"):
            if as_duration(getattr(self, name)) < timedelta(0):
                msg = f"Retry.{name} must not be negative"
                raise ValidationError(msg)
        if self.factor < 1:
            msg = f"Retry.factor must be at least 1, not {self.factor!r}"
            raise ValidationError(msg)
        if not 0 <= self.jitter <= 1:
            msg = f"Retry.jitter must be between 0 and 1, not {self.jitter!r}"
            raise ValidationError(msg)

    def pause_after(
        self, attempt: int, error: Exception, *, chance: float | None = None
    ) -> timedelta | None:
        """Return the pause after failed *attempt* (1-based), or None to give up.

        *chance* in [0, 1) places the pause within the jitter; it is drawn when not given.
        """
        if attempt >= self.max_attempts or isinstance(error, (GiveUp, *self.give_up_on)):
            return None
        if isinstance(error, RetryAfter):
            return error.delay
        if not isinstance(error, self.retry_on):
            return None
        longest = as_duration(self.max_backoff)
        try:
            pause = min(as_duration(self.backoff) * self.factor ** (attempt - 1), longest)
        except OverflowError:
            pause = longest
        drawn = random.random() if chance is None else chance  # noqa: S311 - spreads load, no secret
        return pause * (1 + self.jitter * (2 * drawn - 1))


#: One attempt and no record of it: what a step without a policy does.
NO_RETRY = Retry(max_attempts=1)
