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
_PATTERN = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")


class Ulids:
    """A source of strictly rising ULIDs."""

    def __init__(self) -> None:
        self._last = 0

    def new(self, now: datetime) -> str:
        """Return an id for *now* that is greater than every one returned before."""
        milliseconds = int(now.timestamp() * 1000)
        if milliseconds > self._last >> _RANDOM_BITS:
            self._last = milliseconds << _RANDOM_BITS | int.from_bytes(os.urandom(10))
        else:
            self._last += 1
        return _encode(self._last)


def is_ulid(value: object) -> bool:
    """Tell whether *value* is a ULID in its canonical upper-case form."""
    return isinstance(value, str) and _PATTERN.fullmatch(value) is not None


def _encode(number: int) -> str:
    high, low = number >> 70, number & (1 << 70) - 1
    return (
        _PAIRS[high >> 50]
        + _PAIRS[high >> 40 & 1023]
        + _PAIRS[high >> 30 & 1023]
        + _PAIRS[high >> 20 & 1023]
        + _PAIRS[high >> 10 & 1023]
        + _PAIRS[high & 1023]
        + _PAIRS[low >> 60]
        + _PAIRS[low >> 50 & 1023]
        + _PAIRS[low >> 40 & 1023]
        + _PAIRS[low >> 30 & 1023]
        + _PAIRS[low >> 20 & 1023]
        + _PAIRS[low >> 10 & 1023]
        + _PAIRS[low & 1023]
    )
