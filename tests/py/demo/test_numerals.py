"""Numbers are read as people write them, and no digit is lost."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo_jobs.numerals import decimal_of, number_shape, plain_number


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("0", "whole"),
        ("-12", "whole"),
        ("12 345", "spaced"),
        ("1'234'567", "spaced"),
        ("1.5", "point"),
        ("1,234.50", "point"),
        ("1,234,567", "point"),
        ("1'234.5", "point"),
        ("-2.5e10", "point"),
        ("1,5", "comma"),
        ("0,123", "comma"),
        ("1234,567", "comma"),
        ("1.234,50", "comma"),
        ("1.234.567", "comma"),
        ("1\u202f234,5", "comma"),
        ("1,234", "either"),
        ("1.234", "either"),
        ("007", "zero"),
        ("0151 234", "zero"),
        ("1,23,456", None),
        ("1.234.56", None),
        ("1 234'567", None),
        ("+49", None),
        ("12-34", None),
        ("€5", None),
        ("", None),
        ("٣", None),
        (".", None),
        ("1.", None),
    ],
)
def test_the_writing_tells_the_decimal_mark_or_does_not(text: str, shape: str | None) -> None:
    """What can be read in two ways is called so, and an identifier is no number."""
    assert number_shape(text) == shape


NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12)


@given(number=NUMBERS, places=st.integers(0, 6), mark=st.sampled_from(".,"), group=st.booleans())
@pytest.mark.parametrize("space", ["", " ", "'", "\u00a0"])
def test_a_number_is_read_as_it_was_written(
    space: str, number: Decimal, places: int, mark: str, group: bool
) -> None:
    """Whatever marks decimals and thousands: the same number, with the same digits."""
    written = f"{number:{',' if group else ''}.{places}f}"
    marks = {",": space or ("," if mark == "." else "."), ".": mark}
    text = "".join(marks.get(sign, sign) for sign in written)

    plain = plain_number(text, "." if mark == "." else ",")

    assert plain == written.replace(",", "")


@given(text=st.text(alphabet="0123456789.,' -e", max_size=12))
def test_what_is_read_is_a_number_with_the_same_digits(text: str) -> None:
    """Nothing is made up, and nothing is left out."""
    for mark in (".", ","):
        plain = plain_number(text, mark)
        if plain is not None:
            Decimal(plain)
            digits = [sign for sign in text if sign.isdigit()]
            assert [sign for sign in plain if sign.isdigit()] in (digits, ["0", *digits])


def test_most_numbers_decide_and_a_draw_does_not() -> None:
    """What can be read either way has no say."""
    assert decimal_of({"point": 2, "comma": 1, "either": 9}) == "."
    assert decimal_of({"comma": 1}) == ","
    assert decimal_of({"point": 1, "comma": 1}) is None
    assert decimal_of({"either": 5, "whole": 5}) is None
