"""Decide how the cells of a column are cleaned, from what all of them look like, and clean one.

A column of numbers or dates is one where most cells are such. What could be read in two ways, and
the rest of the column does not tell which, stays as it is.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, cast

from pydantic import Field

from demo_jobs.dates import DateShape, Order, date_shape, iso_date, order_of
from demo_jobs.numerals import Decimal, NumberShape, decimal_of, number_shape, plain_number
from demo_jobs.wire import Wire

Change = Literal["spaces", "emptied", "numbers", "dates"]
#: How often cells of a column have each shape.
Evidence = dict[str, int]

EMPTY_WORDS: Final = ("n/a", "na", "#n/a", "null", "none", "nan", "-", "–", "—", "?")

_SPACES: Final = re.compile(r"[^\S\r\n]+")
_NUMBER: Final = "number:"
_DATE: Final = "date:"
_STARTS: Final = frozenset("0123456789-−.,")
_LONG: Final = 60


class CleanOptions(Wire):
    """What to do; each can be switched off."""

    #: Spaces around a cell.
    trim: bool = True
    #: Several spaces in a row become one.
    collapse_spaces: bool = True
    #: Cells that hold nothing but one of these become empty; case does not matter.
    empty_words: list[str] = Field(default_factory=lambda: list(EMPTY_WORDS), max_length=100)
    types: Literal["auto", "none"] = "auto"
    dates: Literal["auto", "none"] = "auto"
    #: Of rows that are the same, the first stays; "columns" compares `duplicateColumns` only.
    duplicates: Literal["off", "whole-row", "columns"] = "off"
    duplicate_columns: list[str] = Field(default_factory=list)


class ColumnPlan(Wire):
    """What becomes of the cells of a column."""

    name: str
    kind: Literal["text", "number", "date"] = "text"
    decimal: Decimal | None = None
    order: Order | None = None
    #: Why something stays as it is; empty if nothing does.
    note: str = ""


class Tidier:
    """Cleans the cells of one column: what surrounds a value first, then its writing."""

    def __init__(self, options: CleanOptions, plan: ColumnPlan | None = None) -> None:
        self._options = options
        self._words = {word.strip().casefold() for word in options.empty_words}
        self._plan = plan
        self._known: dict[str, tuple[str, Change | None, bool]] = {}

    def tidy(self, cell: str) -> str:
        """Return *cell* without what surrounds its value."""
        text = cell.strip() if self._options.trim else cell
        if self._options.collapse_spaces:
            text = _SPACES.sub(" ", text)
        return "" if text.strip().casefold() in self._words else text

    def clean(self, cell: str) -> tuple[str, Change | None, bool]:
        """Return what *cell* becomes, what was done to it, and whether it could not be decided."""
        known = self._known.get(cell)
        if known is None:
            known = self._known[cell] = self._cleaned(cell)
        return known

    def _cleaned(self, cell: str) -> tuple[str, Change | None, bool]:
        tidied = self.tidy(cell)
        around: Change | None = None if tidied == cell else "spaces"
        bare = tidied.strip()
        if not bare:
            return tidied, around and ("emptied" if cell.strip() else "spaces"), False
        written, is_left = self._rewritten(bare)
        if written is None or written == tidied:
            return tidied, around, is_left
        return written, ("numbers" if self._kind == "number" else "dates"), False

    @property
    def _kind(self) -> str:
        return "text" if self._plan is None else self._plan.kind

    def _rewritten(self, text: str) -> tuple[str | None, bool]:
        plan = self._plan
        if plan is None or plan.kind == "text":
            return None, False
        if plan.kind == "date":
            written = iso_date(text, plan.order)
            return written, written is None
        if plan.decimal is None:
            shape = number_shape(text)
            same = plain_number(text, ".") if shape in {"whole", "spaced"} else None
            return same, same is None
        written = plain_number(text, plan.decimal)
        return written, written is None


def survey(seen: Iterable[str], tidier: Tidier, before: Mapping[str, int]) -> Evidence:
    """Add to *before* how often each shape is among the cells *seen*."""
    counted: Counter[str] = Counter(before)
    for cell, times in Counter(seen).items():
        counted[_shape(tidier.tidy(cell).strip())] += times
    return dict(counted)


def plan_column(name: str, evidence: Mapping[str, int], options: CleanOptions) -> ColumnPlan:
    """Decide what becomes of a column whose cells look as *evidence* says."""
    numbers = cast("Mapping[NumberShape, int]", _of(evidence, _NUMBER))
    dates = cast("Mapping[DateShape, int]", _of(evidence, _DATE))
    filled = sum(evidence.values()) - evidence.get("empty", 0)
    if options.dates == "auto" and sum(dates.values()) * 2 > filled:
        return _date_plan(name, dates)
    if options.types == "auto" and sum(numbers.values()) * 2 > filled:
        return _number_plan(name, numbers)
    return ColumnPlan(name=name)


def _date_plan(name: str, dates: Mapping[DateShape, int]) -> ColumnPlan:
    order = order_of(dates)
    notes = []
    slashed = dates.get("either", 0) + dates.get("day-first", 0) + dates.get("month-first", 0)
    if slashed and order is None:
        disagree = dates.get("day-first", 0) and dates.get("month-first", 0)
        why = (
            "some begin with the day and some with the month" if disagree else "no day is above 12"
        )
        notes.append(
            f"{_cells(slashed)} like 3/4/2024 stay as they are: {why}, so which is the month "
            "cannot be told."
        )
    if dates.get("short"):
        notes.append(f"{_cells(dates['short'])} with a year of two digits stay as they are.")
    if dates.get("wrong"):
        notes.append(f"{_cells(dates['wrong'])} name a day that does not exist.")
    return ColumnPlan(name=name, kind="date", order=order, note=_note(name, notes))


def _number_plan(name: str, numbers: Mapping[NumberShape, int]) -> ColumnPlan:
    if numbers.get("zero"):
        # Without their zeros they would be others: postcodes, phone numbers, article numbers.
        has_marks = any(shape not in {"zero", "whole"} for shape in numbers)
        note = f"“{name}”: stays text, as zeros lead some of its numbers." if has_marks else ""
        return ColumnPlan(name=name, note=note)
    decimal = decimal_of(numbers)
    notes = []
    marked = {shape: numbers.get(shape, 0) for shape in ("point", "comma", "either")}
    if decimal is None and any(marked.values()):
        why = (
            "as many have a decimal point as have a decimal comma"
            if marked["point"]
            else "the mark in 1.234 or 1,234 may stand for thousands or for decimals"
        )
        notes.append(f"{_cells(sum(marked.values()))} stay as they are: {why}.")
    if decimal is not None:
        other = marked["comma" if decimal == "." else "point"]
        if other:
            unlike = "comma" if decimal == "." else "point"
            notes.append(
                f"{_cells(other)} with a decimal {unlike} stay as they are, unlike the others."
            )
    return ColumnPlan(name=name, kind="number", decimal=decimal, note=_note(name, notes))


def _shape(text: str) -> str:
    if not text:
        return "empty"
    # Most cells are no candidates, and this tells quickly.
    if text[0] not in _STARTS or len(text) > _LONG:
        return "text"
    dated = date_shape(text)
    if dated is not None:
        return _DATE + dated
    number = number_shape(text)
    return "text" if number is None else _NUMBER + number


def _of(evidence: Mapping[str, int], prefix: str) -> dict[Any, int]:
    return {
        shape.removeprefix(prefix): count
        for shape, count in evidence.items()
        if shape.startswith(prefix)
    }


def _note(name: str, notes: list[str]) -> str:
    return f"“{name}”: {' '.join(notes)}" if notes else ""


def _cells(count: int) -> str:
    return "1 cell" if count == 1 else f"{count:,} cells"
