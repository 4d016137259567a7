"""Describe a column while its values go by: type, distinct values, smallest, largest, empty.

Memory is bounded: distinct values are counted exactly up to a limit and estimated beyond it, and
the description says which of the two it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import blake2b
from heapq import nsmallest
from typing import Final, Literal

from pydantic import BaseModel

Kind = Literal["int", "float", "bool", "date", "text", "empty"]
Rank = int | float | datetime | str

#: So many distinct values are counted exactly.
EXACT: Final = 100_000
#: Texts longer than this are cut in a summary.
LONGEST: Final = 80

# A leading zero or a plus sign marks an identifier (a postcode, a phone number), not a number.
_WHOLE: Final = r"(0|[1-9]\d{0,99})"
_INT: Final = re.compile(f"-?{_WHOLE}", re.ASCII)
_FLOAT: Final = re.compile(
    rf"-?({_WHOLE}(\.\d{{0,99}})?|\.\d{{1,99}})([eE][+-]?\d{{1,2}})?", re.ASCII
)
_DATE: Final = re.compile(
    r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)?)?", re.ASCII
)
_BOOLS: Final = {"true": 1, "yes": 1, "false": 0, "no": 0}
_STARTS_NUMBER: Final = frozenset("-.0123456789")


class ColumnSummary(BaseModel):
    """What a column holds."""

    name: str
    kind: Kind
    #: Different values, empty ones not among them.
    distinct: int
    #: True when *distinct* is counted, False when it is an estimate (within about 1 %).
    exact: bool
    empty: int
    smallest: str | None
    largest: str | None


class ColumnReader:
    """Reads the values of one column, in batches, and describes what went by."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._empty = 0
        self._distinct = DistinctCounter()
        self._texts = _Range()
        self._ranges: dict[Kind, _Range] = {}

    def add(self, values: Iterable[str]) -> None:
        """Take in the next *values* of the column."""
        values = list(values)
        self._empty += values.count("")
        fresh = self._distinct.add(values)
        for value in fresh:
            kind, rank = classify(value)
            self._ranges.setdefault(kind, _Range()).take(rank, value)
            self._texts.take(value, value)

    def summary(self) -> ColumnSummary:
        """Describe what was taken in so far."""
        kind = self._kind()
        ends = self._texts if kind == "text" else _Range.over(self._ranges.values())
        distinct, exact = self._distinct.count()
        return ColumnSummary(
            name=self._name,
            kind=kind,
            distinct=distinct,
            exact=exact,
            empty=self._empty,
            smallest=_clipped(ends.smallest),
            largest=_clipped(ends.largest),
        )

    def _kind(self) -> Kind:
        seen = self._ranges.keys()
        if not seen:
            return "empty"
        if len(seen) == 1:
            return next(iter(seen))
        return "float" if seen == {"int", "float"} else "text"


class DistinctCounter:
    """Counts different texts: exactly up to *exact* of them, by their smallest hashes beyond.

    The *exact* smallest of evenly spread 64-bit hashes lie as dense as all of them do, so the
    largest of these tells how many there are.
    """

    def __init__(self, exact: int = EXACT) -> None:
        self._exact = exact
        self._seen: set[str | bytes] | None = set()
        self._smallest: set[int] = set()
        self._bound = 1 << 64

    def add(self, values: Iterable[str]) -> set[str]:
        """Take in *values*; return the non-empty ones that may not have been seen before."""
        fresh = set(values)
        fresh.discard("")
        if self._seen is not None:
            fresh = {value for value in fresh if _key(value) not in self._seen}
            self._seen.update(map(_key, fresh))
            if len(self._seen) > self._exact:
                self._keep(_hash(key) for key in self._seen)
                self._seen = None
        else:
            self._keep(_hash(_key(value)) for value in fresh)
        return fresh

    def count(self) -> tuple[int, bool]:
        """Return how many different values were seen, and whether that is exact."""
        if self._seen is not None:
            return len(self._seen), True
        kept = nsmallest(self._exact, self._smallest)
        return round((len(kept) - 1) * (1 << 64) / kept[-1]), False

    def _keep(self, hashes: Iterable[int]) -> None:
        self._smallest.update(number for number in hashes if number < self._bound)
        if len(self._smallest) > 2 * self._exact:
            kept = nsmallest(self._exact, self._smallest)
            self._smallest, self._bound = set(kept), kept[-1] + 1


def classify(value: str) -> tuple[Kind, Rank]:
    """Guess what a non-empty *value* is; return with it what orders it among its kind."""
    bare = value.strip()
    if bare[:1] in _STARTS_NUMBER:
        if _INT.fullmatch(bare):
            return "int", int(bare)
        if _FLOAT.fullmatch(bare):
            return "float", float(bare)
        moment = _moment(bare)
        return ("text", value) if moment is None else ("date", moment)
    truth = _BOOLS.get(bare.lower()) if len(bare) <= len("false") else None
    return ("text", value) if truth is None else ("bool", truth)


def _moment(value: str) -> datetime | None:
    if not _DATE.fullmatch(value):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class _Range:
    """The smallest and the largest text by rank."""

    def __init__(self) -> None:
        self._low: tuple[Rank, str] | None = None
        self._high: tuple[Rank, str] | None = None

    @classmethod
    def over(cls, parts: Iterable[_Range]) -> _Range:
        """Join *parts*, whose ranks must be comparable."""
        whole = cls()
        for part in parts:
            for end in part.ends:
                whole.take(*end)
        return whole

    @property
    def ends(self) -> list[tuple[Rank, str]]:
        return [end for end in (self._low, self._high) if end]

    @property
    def smallest(self) -> str | None:
        return self._low and self._low[1]

    @property
    def largest(self) -> str | None:
        return self._high and self._high[1]

    def take(self, rank: Rank, value: str) -> None:
        # Ranks of one range are of one kind, which the type checker cannot know.
        if self._low is None or rank < self._low[0]:  # type: ignore[operator]
            self._low = (rank, value)
        if self._high is None or rank > self._high[0]:  # type: ignore[operator]
            self._high = (rank, value)


def _key(value: str) -> str | bytes:
    """Return what stands for *value* in memory: itself, or its digest when it is long."""
    return value if len(value) <= 32 else blake2b(value.encode(), digest_size=16).digest()


def _hash(key: str | bytes) -> int:
    raw = key.encode() if isinstance(key, str) else key
    return int.from_bytes(blake2b(raw, digest_size=8).digest(), "big")


def _clipped(value: str | None) -> str | None:
    return value if value is None or len(value) <= LONGEST else value[: LONGEST - 1] + "…"
