"""A column is described from its values, in bounded memory."""

from __future__ import annotations

import pytest

from demo_jobs.summary import ColumnReader, ColumnSummary, DistinctCounter


def describe(*values: str) -> ColumnSummary:
    """Describe a column of these values."""
    reader = ColumnReader("c")
    for value in values:
        reader.add([value])
    return reader.summary()


@pytest.mark.parametrize(
    ("values", "kind", "smallest", "largest"),
    [
        (["10", "9", "-3"], "int", "-3", "10"),
        (["1", "2.5", ".5", "1e3"], "float", ".5", "1e3"),
        (["true", "No", "YES"], "bool", "No", "true"),
        (
            ["2024-02-29", "2023-12-31", "2024-02-29T10:00:00Z"],
            "date",
            "2023-12-31",
            "2024-02-29T10:00:00Z",
        ),
        (["2024-02-30"], "text", "2024-02-30", "2024-02-30"),
        (["01234", "5"], "text", "01234", "5"),
        (["10", "9", "x"], "text", "10", "x"),
        (["1", "true"], "text", "1", "true"),
        ([" 41", "5 "], "int", "5 ", " 41"),
        (["  ", "1"], "text", "  ", "1"),
        (["nan", "inf"], "text", "inf", "nan"),
        (["٣"], "text", "٣", "٣"),
        (["", ""], "empty", None, None),
        ([], "empty", None, None),
    ],
)
def test_the_kind_is_the_one_that_fits_every_value(
    values: list[str], kind: str, smallest: str | None, largest: str | None
) -> None:
    """The ends are compared as what they are and shown as they are written."""
    summary = describe(*values)

    assert (summary.kind, summary.smallest, summary.largest) == (kind, smallest, largest)


def test_empty_values_are_counted_and_say_nothing_about_the_kind() -> None:
    """They are no value among the distinct ones either."""
    summary = describe("", "1", "", "1", "2")

    assert (summary.kind, summary.empty, summary.distinct, summary.exact) == ("int", 2, 2, True)


def test_a_long_text_is_cut() -> None:
    """A summary stays small whatever the cells hold."""
    assert describe("x" * 500).smallest == "x" * 79 + "…"


def test_distinct_values_are_exact_up_to_the_limit() -> None:
    """Long values count by their digest."""
    counter = DistinctCounter(exact=1_000)
    counter.add(f"{'long ' * 20}{number % 1_000}" for number in range(5_000))

    assert counter.count() == (1_000, True)


@pytest.mark.parametrize("distinct", [1_001, 20_000, 200_000])
def test_distinct_values_are_estimated_beyond_the_limit(distinct: int) -> None:
    """The estimate says that it is one, and repeats do not move it."""
    counter = DistinctCounter(exact=1_000)
    for _ in range(2):
        for start in range(0, distinct, 500):
            counter.add(str(number) for number in range(start, min(start + 500, distinct)))

    count, exact = counter.count()

    assert not exact
    assert abs(count - distinct) < distinct * 0.15
