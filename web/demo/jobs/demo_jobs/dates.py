"""Read dates as people write them, and write them as ISO 8601 has them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal

#: Which of day and month comes first where slashes or dashes part them.
Order = Literal["day-first", "month-first"]

#: What the writing of a date tells: nothing is to be done ("iso"), there is one way to read it
#: ("clear"), only one order gives a date, or "either" does. "short" has a year of two digits, and
#: "wrong" is written as a date but is none, as the 31st of February.
DateShape = Literal["iso", "clear", "day-first", "month-first", "either", "short", "wrong"]

_TIME: Final = (
    r"(?:(?:T|,? )(?P<hour>\d{1,2}):(?P<minute>\d\d)"
    r"(?::(?P<second>\d\d)(?P<rest>\.\d{1,6})?)?(?: ?(?P<half>[AaPp])\.?[Mm]\.?)?)?"
)
_YEAR_FIRST: Final = re.compile(
    rf"(?P<year>\d{{4}})(?P<mark>[-/.])(?P<a>\d{{1,2}})(?P=mark)(?P<b>\d{{1,2}}){_TIME}", re.ASCII
)
_YEAR_LAST: Final = re.compile(
    rf"(?P<a>\d{{1,2}})(?P<mark>[-/.])(?P<b>\d{{1,2}})(?P=mark)(?P<year>\d{{4}}|\d\d){_TIME}",
    re.ASCII,
)
_ISO: Final = re.compile(
    r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)?)?", re.ASCII
)
_NOON: Final = 12


def date_shape(text: str) -> DateShape | None:
    """Tell how *text* is written if it is meant as a date; None if it is not."""
    if _ISO.fullmatch(text):
        return "iso" if _exists(text) else "wrong"
    match = _YEAR_LAST.fullmatch(text)
    if _YEAR_FIRST.fullmatch(text) or (match and match["mark"] == "." and len(match["year"]) > 2):
        return "clear" if iso_date(text, None) else "wrong"
    if match is None:
        return None
    return "short" if len(match["year"]) == 2 else _order_shape(text)


def _order_shape(text: str) -> DateShape:
    day_first, month_first = iso_date(text, "day-first"), iso_date(text, "month-first")
    if day_first and month_first:
        return "either"
    if day_first:
        return "day-first"
    return "month-first" if month_first else "wrong"


def iso_date(text: str, order: Order | None) -> str | None:
    """Return the date *text* in ISO 8601; None if it is none, or *order* would have to be known.

    Points part day, month and year in that order wherever they are used.
    """
    if _ISO.fullmatch(text):
        return text if _exists(text) else None
    match = _YEAR_FIRST.fullmatch(text)
    if match:
        return _written(match, month=match["a"], day=match["b"])
    match = _YEAR_LAST.fullmatch(text)
    if match is None or len(match["year"]) == 2:
        return None
    if match["mark"] == "." or order == "day-first":
        return _written(match, month=match["b"], day=match["a"])
    if order == "month-first":
        return _written(match, month=match["a"], day=match["b"])
    return None


def order_of(shapes: Mapping[DateShape, int]) -> Order | None:
    """Return the order that a column's dates show; None if nothing tells, or they disagree."""
    days, months = shapes.get("day-first", 0), shapes.get("month-first", 0)
    if bool(days) == bool(months):
        return None
    return "day-first" if days else "month-first"


def _written(match: re.Match[str], *, month: str, day: str) -> str | None:
    date = f"{match['year']}-{month:0>2}-{day:0>2}"
    if match["hour"] is not None:
        hour = _hour(int(match["hour"]), match["half"])
        second = "" if match["second"] is None else f":{match['second']}{match['rest'] or ''}"
        date += f"T{hour:02}:{match['minute']}{second}"
    return date if _exists(date) else None


def _hour(hour: int, half: str | None) -> int:
    if half is None:
        return hour
    if not 1 <= hour <= _NOON:
        return 99  # no such hour: the date will not exist
    return hour % _NOON + (_NOON if half in "pP" else 0)


def _exists(iso: str) -> bool:
    try:
        datetime.fromisoformat(iso)
    except ValueError:
        return False
    return True
