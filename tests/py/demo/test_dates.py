"""Dates are read as people write them, and one that could be two days is left alone."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo_jobs.dates import date_shape, iso_date, order_of


@pytest.mark.parametrize(
    ("text", "shape", "iso"),
    [
        ("2024-02-29", "iso", "2024-02-29"),
        ("2024-02-29 10:00:00Z", "iso", "2024-02-29 10:00:00Z"),
        ("2024-2-9", "clear", "2024-02-09"),
        ("2024/02/29", "clear", "2024-02-29"),
        ("29.2.2024", "clear", "2024-02-29"),
        ("29.02.2024 7:05", "clear", "2024-02-29T07:05"),
        ("29.02.2024, 17:05:09", "clear", "2024-02-29T17:05:09"),
        ("31/12/2024", "day-first", None),
        ("12/31/2024", "month-first", None),
        ("12-31-2024 12:30 AM", "month-first", None),
        ("3/4/2024", "either", None),
        ("3/4/24", "short", None),
        ("31.02.2024", "wrong", None),
        ("2023-02-29", "wrong", None),
        ("13/13/2024", "wrong", None),
        ("1/2.2024", None, None),
        ("1.2", None, None),
        ("version 1.2.2024", None, None),
    ],
)
def test_the_writing_tells_the_day_or_does_not(
    text: str, shape: str | None, iso: str | None
) -> None:
    """Points mean day, month, year; slashes and dashes mean nothing by themselves."""
    assert (date_shape(text), iso_date(text, None)) == (shape, iso)


def test_the_order_decides_and_halves_of_a_day_are_kept() -> None:
    """Noon and midnight are the odd ones."""
    assert iso_date("3/4/2024", "day-first") == "2024-04-03"
    assert iso_date("3/4/2024", "month-first") == "2024-03-04"
    assert iso_date("12-31-2024 12:30 AM", "month-first") == "2024-12-31T00:30"
    assert iso_date("12/31/2024 12:30 p.m.", "month-first") == "2024-12-31T12:30"
    assert iso_date("12/31/2024 13:30 PM", "month-first") is None


@given(day=st.dates(min_value=dt.date(1000, 1, 1)))
def test_a_day_is_read_as_it_was_written(day: dt.date) -> None:
    """Whichever way it is written, if the way is known."""
    d, m, y = day.day, day.month, day.year

    assert iso_date(f"{d}.{m}.{y}", None) == day.isoformat()
    assert iso_date(f"{d}/{m:02}/{y}", "day-first") == day.isoformat()
    assert iso_date(f"{m:02}-{d:02}-{y}", "month-first") == day.isoformat()


def test_evidence_on_both_sides_is_none() -> None:
    """A column that has both orders was mixed from two."""
    assert order_of({"day-first": 1, "either": 9}) == "day-first"
    assert order_of({"month-first": 1}) == "month-first"
    assert order_of({"day-first": 9, "month-first": 1}) is None
    assert order_of({"either": 9}) is None
