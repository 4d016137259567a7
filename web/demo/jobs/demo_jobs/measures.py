"""Take in the cells of one group, one by one, and say their sum, mean, ends or number.

Sums are exact: money must not end in 0.30000000000000004.
"""

from __future__ import annotations

from collections import Counter
from decimal import Context, Decimal
from typing import Final, Literal

from demo_jobs.majority import Family, family_of
from demo_jobs.summary import Rank, classify
from demo_jobs.wire import Wire

MeasureKind = Literal["sum", "mean", "min", "max", "count", "distinct"]

_EXACT: Final = Context(prec=200)
#: A mean has seldom an end; so many digits of it are enough.
_ROUNDED: Final = Context(prec=15)
_ONLY_NUMBERS: Final = frozenset({"sum", "mean"})
_FAMILIES: Final[tuple[Family, ...]] = ("number", "date", "text")


class Measure(Wire):
    """What to calculate of a column; a count without one counts rows."""

    measure: MeasureKind
    column: str | None = None

    @property
    def label(self) -> str:
        """Return what its column in the report is called."""
        if self.column is None:
            return "rows"
        return f"{self.measure} of {self.column}"


class Accumulator:
    """What one measure knows of the group so far."""

    def __init__(self, measure: Measure) -> None:
        self._measure = measure.measure
        self._counts_rows = measure.column is None
        self._count = 0
        self._sum = Decimal(0)
        self._seen: set[str] = set()
        #: The end among numbers, among dates and among texts; and how many of each there are.
        self._ends: dict[Family, tuple[Rank, str]] = {}
        self._families: Counter[Family] = Counter()

    @property
    def skipped(self) -> int:
        """Return how many cells that are not empty do not count, as most are of another kind."""
        if self._measure in _ONLY_NUMBERS:
            return self._families["date"] + self._families["text"]
        return self._families.total() - self._families[self._main]

    def add(self, cell: str) -> None:
        """Take in the next cell; an empty one counts as a row only."""
        bare = cell.strip()
        if self._counts_rows:
            self._count += 1
        elif not bare:
            return
        elif self._measure == "count":
            self._count += 1
        elif self._measure == "distinct":
            self._seen.add(bare)
        else:
            self._weigh(bare)

    def text(self) -> str:
        """Return the result as the text of a cell; empty when there is none."""
        if self._measure == "count":
            return str(self._count)
        if self._measure == "distinct":
            return str(len(self._seen))
        if self._measure in {"min", "max"}:
            return self._ends[self._main][1] if self._ends else ""
        if not self._count:
            return ""
        if self._measure == "sum":
            return plain(self._sum)
        return plain(_ROUNDED.divide(self._sum, Decimal(self._count)))

    @property
    def _main(self) -> Family:
        """Return of which family most cells are; numbers before dates before texts in a draw."""
        return max(_FAMILIES, key=lambda family: self._families[family])

    def _weigh(self, bare: str) -> None:
        kind, rank = classify(bare)
        family = family_of(kind)
        self._families[family] += 1
        if self._measure in _ONLY_NUMBERS:
            if family == "number":
                self._count += 1
                self._sum = _EXACT.add(self._sum, Decimal(bare))
            return
        rank = bare if family == "text" else rank
        end = self._ends.get(family)
        if end is None or _precedes(rank, end[0], is_min=self._measure == "min"):
            self._ends[family] = (rank, bare)


def plain(number: Decimal) -> str:
    """Return *number* without an exponent, and without zeros after the last decimal."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _precedes(rank: Rank, other: Rank, *, is_min: bool) -> bool:
    # Ranks of one family are of one kind, which the type checker cannot know.
    return rank < other if is_min else rank > other  # type: ignore[operator]
