"""ULIDs: ids that sort by the time they were made.

The format is https://github.com/ulid/spec: 48 bits of milliseconds, 80 of randomness, in
Crockford's base 32. Within one millisecond the random part is counted up, so that ids of one
process are strictly rising; it comes from the operating system, also after a restored snapshot.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = tuple(a + b for a in _ALPHABET for b in _ALPHABET)
_RANDOM_BITS = 80
_HALF = (1 << 40) - 1
_PATTERN = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")


class Ulids:
    """A source of strictly rising ULIDs."""

    def __init__(self) -> None:
        self._milliseconds = 0
        self._time = ""
        self._random = 0

    def new(self, now: datetime) -> str:
        """Return an id for *now* that is greater than every one returned before."""
        milliseconds = int(now.timestamp() * 1000)
        if milliseconds > self._milliseconds:
            self._begin(milliseconds, int.from_bytes(os.urandom(10)))
        else:
            self._random += 1
            if self._random >> _RANDOM_BITS:  # counted through: only the next millisecond is left
                self._begin(self._milliseconds + 1, 0)
        high, low = self._random >> 40, self._random & _HALF
        return self._time + _eight(high) + _eight(low)

    def _begin(self, milliseconds: int, random: int) -> None:
        self._milliseconds = milliseconds
        self._time = _PAIRS[milliseconds >> 40] + _eight(milliseconds & _HALF)
        self._random = random


def is_ulid(value: object) -> bool:
    """Tell whether *value* is a ULID in its canonical upper-case form."""
    return isinstance(value, str) and _PATTERN.fullmatch(value) is not None


def _eight(number: int) -> str:
    """Write 40 bits as eight characters."""
    return (
        _PAIRS[number >> 30]
        + _PAIRS[number >> 20 & 1023]
        + _PAIRS[number >> 10 & 1023]
        + _PAIRS[number & 1023]
    )
