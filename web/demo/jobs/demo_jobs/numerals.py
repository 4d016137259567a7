"""Read numbers as people write them: with a comma or a point, with or without thousands marked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Literal

Decimal = Literal[".", ","]

#: What the writing of a number tells about its decimal mark: that it is a "point" or a "comma";
#: that it may be "either", as in 1.234; nothing, as there is none ("whole") and thousands are
#: marked by what is never a decimal mark ("spaced"). "zero" is no number: a zero leads it, as in a
#: postcode.
NumberShape = Literal["whole", "spaced", "point", "comma", "either", "zero"]

_SPACES: Final = " \u00a0\u2009\u202f'’"
_ZERO: Final = re.compile(rf"0[\d{_SPACES}]*\d", re.ASCII)
_EXPONENT: Final = re.compile(r"-?\d+(\.\d+)?[eE][+-]?\d{1,2}", re.ASCII)


def _pattern(mark: Decimal, group: str) -> re.Pattern[str]:
    # A whole part that is grouped does not begin with a zero: 0,123 is no way to write 123.
    return re.compile(
        rf"(?P<sign>[-−]?)"
        rf"(?:(?P<grouped>[1-9]\d{{0,2}}(?P<group>[{group}{_SPACES}])\d{{3}}(?:(?P=group)\d{{3}})*)"
        rf"|(?P<plain>\d*))"
        rf"(?:{re.escape(mark)}(?P<fraction>\d+))?",
        re.ASCII,
    )


_PATTERNS: Final[Mapping[Decimal, re.Pattern[str]]] = {
    ".": _pattern(".", ","),
    ",": _pattern(",", "."),
}


def number_shape(text: str) -> NumberShape | None:
    """Tell how *text* is written if it is a number; None if it is none."""
    if text.isdecimal() and text.isascii() and text[0] != "0":
        return "whole"
    if _ZERO.fullmatch(text.removeprefix("-").removeprefix("−")):
        return "zero"
    if _EXPONENT.fullmatch(text):
        return "point"
    return _mark_shape(text)


def _mark_shape(text: str) -> NumberShape | None:
    point, comma = plain_number(text, "."), plain_number(text, ",")
    if point == comma:
        spaced: NumberShape = "whole" if point == text else "spaced"
        return None if point is None else spaced
    if point is None:
        return "comma"
    return "point" if comma is None else "either"


def plain_number(text: str, decimal: Decimal) -> str | None:
    """Return *text* as a number with a point and nothing else; None if it is not written so.

    All digits stay, also zeros at the end.
    """
    if decimal == "." and _EXPONENT.fullmatch(text):
        return text
    match = _PATTERNS[decimal].fullmatch(text)
    if match is None:
        return None
    grouped, plain, fraction = match["grouped"], match["plain"], match["fraction"]
    whole = plain if grouped is None else grouped.replace(match["group"], "")
    if not (whole or fraction) or (len(whole) > 1 and whole[0] == "0"):
        return None
    sign = "-" if match["sign"] else ""
    return f"{sign}{whole or '0'}.{fraction}" if fraction else f"{sign}{whole}"


def decimal_of(shapes: Mapping[NumberShape, int]) -> Decimal | None:
    """Return the decimal mark that most of a column's numbers show; None if nothing tells."""
    points, commas = shapes.get("point", 0), shapes.get("comma", 0)
    if points == commas:
        return None
    return "." if points > commas else ","
