"""ULIDs sort by their time and rise strictly."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from durably.ids import Ulids, is_ulid

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def number(ulid: str) -> int:
    """Read a ULID as the number that it writes."""
    value = 0
    for letter in ulid:
        value = value * 32 + ALPHABET.index(letter)
    return value


@given(st.lists(st.timedeltas(timedelta(days=-1), timedelta(days=1)), max_size=50))
def test_ids_of_one_source_rise_whatever_its_clock_does(moves: list[timedelta]) -> None:
    """Also when the clock stands still or goes back."""
    source = Ulids()
    made = [source.new(NOW + move) for move in moves]

    assert made == sorted(set(made))
    assert all(is_ulid(one) for one in made)


@given(st.datetimes(datetime(1971, 1, 1), datetime(9999, 1, 1)))  # noqa: DTZ001 - made aware below
def test_an_id_begins_with_its_milliseconds(moment: datetime) -> None:
    """The format of ulid/spec: 48 bits of time, 80 of randomness."""
    moment = moment.replace(tzinfo=UTC)

    assert number(Ulids().new(moment)) >> 80 == int(moment.timestamp() * 1000)


def test_two_sources_differ() -> None:
    """The rest comes from the operating system."""
    assert Ulids().new(NOW) != Ulids().new(NOW)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "01KDVDNA00EAD4E5W1YJK710G",
        "01KDVDNA00EAD4E5W1YJK710GCX",
        "01kdvdna00ead4e5w1yjk710gc",
        "81KDVDNA00EAD4E5W1YJK710GC",
        "01KDVDNA00EAD4E5W1YJK710GI",
        "01KDVDNA00EAD4E5W1YJK710G\n",
        None,
        7,
    ],
)
def test_what_is_no_ulid_is_told_apart(value: object) -> None:
    """Length, letters, and a time that fits 48 bits."""
    assert not is_ulid(value)
