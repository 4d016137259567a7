"""A table is grouped and measured; the report is a table and three files."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree as ET

import openpyxl  # type: ignore[import-untyped]
import pytest
from demo.desk import Desk, refusal
from hypothesis import given
from hypothesis import strategies as st

from demo_jobs import grouping, reporting
from demo_jobs.measures import Accumulator, Measure

COLUMNS = ["city", "day", "amount", "who"]
ROWS = [
    ["Köln", "2024-01-02", "0.1", "Zoë"],
    ["Köln", "2024-01-01", "0.2", "Ann"],
    ["東京", "2024-01-01", "10", "Zoë"],
    ["東京", "2024-01-02", "", "Zoë"],
    ["<b>&", "2024-01-03", "-3", ""],
    ["", "2024-01-03", "x", "Bob"],
]
ALL = [{"measure": one, "column": "amount"} for one in ("sum", "mean", "min", "max", "count")]


def report(**more: Any) -> dict[str, Any]:
    """Return an input that groups by city."""
    return {"table": "Sales", "groupBy": ["city"], "measures": ALL, **more}


async def test_groups_are_measured(desk: Desk) -> None:
    """Sums are exact, empty cells count as rows only, and what is no number is told."""
    desk.table("Sales", COLUMNS, ROWS)
    rows = {"measure": "count"}
    names = {"measure": "distinct", "column": "who"}

    result = await desk.run("make-report", report(measures=[*ALL, rows, names]))

    assert result.columns == [
        "city",
        *(f"{one} of amount" for one in ("sum", "mean", "min", "max", "count")),
        "rows",
        "distinct of who",
    ]
    assert result.rows == [
        ["東京", "10", "10", "10", "10", "1", "2", "1"],
        ["Köln", "0.3", "0.15", "0.1", "0.2", "2", "2", "2"],
        ["<b>&", "-3", "-3", "-3", "-3", "1", "1", "0"],
        ["", "", "", "x", "x", "1", "1", "1"],
    ]
    assert (result.groups, result.table.origin, result.table.rows) == (4, "report", 4)
    assert [list(row) for row in desk.cells(result.table.id)] == result.rows
    assert len(result.notes) == 2
    assert result.notes[0].startswith("1 cell of “amount” was left out of its sum")
    assert desk.leftovers() == []


async def test_a_report_is_three_files(desk: Desk) -> None:
    """CSV and workbook hold the same rows, the chart one of the measures."""
    desk.table("Sales", COLUMNS, ROWS)

    result = await desk.run("make-report", report(top=3, name='Q1/"24"'))

    text = desk.read(result.csv).decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(text))) == [result.columns, *result.rows]
    sheet = openpyxl.load_workbook(io.BytesIO(desk.read(result.xlsx))).active
    assert [cell.value for cell in sheet[2]] == ["東京", 10, 10, 10, 10, 1]
    assert sheet.max_row == 4
    svg = ET.fromstring(desk.read(result.svg))
    assert "Bar chart of sum of amount for 3 categories" in str(svg[1].text)
    assert [result.csv.name, result.xlsx.name, result.svg.name] == [
        "Q1--24-.csv",
        "Q1--24-.xlsx",
        "Q1--24-.svg",
    ]
    assert result.svg.media_type == "image/svg+xml"


async def test_dates_are_a_line_in_their_order(desk: Desk) -> None:
    """Unless a sort is asked for; a sort by another column holds for rows, not for the line."""
    desk.table("Sales", COLUMNS, ROWS[:-1])
    day = {
        "table": "Sales",
        "groupBy": ["day"],
        "measures": [{"measure": "sum", "column": "amount"}],
    }

    usual = await desk.run("make-report", day)
    by_sum = await desk.run("make-report", {**day, "sort": {"by": "sum of amount"}, "top": 2})

    assert usual.rows == [["2024-01-01", "10.2"], ["2024-01-02", "0.1"], ["2024-01-03", "-3"]]
    assert by_sum.rows == [["2024-01-03", "-3"], ["2024-01-02", "0.1"]]
    assert by_sum.groups == 3
    assert b"Line chart of sum of amount at 2 dates" in desk.read(by_sum.svg)


async def test_without_groups_the_whole_table_is_measured(desk: Desk) -> None:
    """Its chart has one bar for each number; ends of dates are dates."""
    desk.table("Sales", COLUMNS, ROWS[:-1])
    measures = [
        {"measure": "count"},
        {"measure": "mean", "column": "amount"},
        {"measure": "max", "column": "day"},
    ]

    result = await desk.run("make-report", {"table": "Sales", "measures": measures})

    assert result.rows == [["5", "1.825", "2024-01-03"]]
    assert b"Bar chart of the measures for 2 categories" in desk.read(result.svg)
    sheet = openpyxl.load_workbook(io.BytesIO(desk.read(result.xlsx))).active
    assert sheet["C2"].is_date


async def test_an_empty_table_has_an_empty_report(desk: Desk) -> None:
    """No groups, and no fault."""
    desk.table("Sales", COLUMNS, [])

    result = await desk.run("make-report", report())

    assert (result.rows, result.groups) == ([], 0)
    assert b"nothing to draw" in desk.read(result.svg)


async def test_one_odd_cell_does_not_turn_numbers_and_dates_into_texts(desk: Desk) -> None:
    """Most cells decide what is compared, sorted and drawn; the odd ones come last and are told."""
    days = [["2024-01-10", "9"], ["2024-01-02", "10"], ["soon", "11"], ["2024-01-02", "?"]]
    desk.table("t", ["day", "n"], days)
    ends = [{"measure": one, "column": "n"} for one in ("min", "max")]

    by_day = await desk.run("make-report", {"table": "t", "groupBy": ["day"], "measures": ends})
    whole = await desk.run("make-report", {"table": "t", "measures": ends})
    down = {"by": "min of n", "descending": True}
    sorted_down = await desk.run(
        "make-report", {"table": "t", "groupBy": ["day"], "measures": ends, "sort": down}
    )

    assert [row[0] for row in by_day.rows] == ["2024-01-02", "2024-01-10", "soon"]
    assert b"Line chart" in desk.read(by_day.svg)
    assert whole.rows == [["9", "11"]]
    assert len(whole.notes) == 2
    assert [row[1] for row in sorted_down.rows] == ["11", "10", "9"]


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"groupBy": ["nothing"]}, "no_column", "“nothing”"),
        ({"groupBy": ["city", "city"]}, "no_column", "different"),
        ({"measures": [{"measure": "sum"}]}, "no_column", "sum of"),
        ({"sort": {"by": "amount"}}, "wrong_sort", "“sum of amount”"),
        ({"table": "nothing"}, "no_table", ""),
    ],
)
async def test_what_cannot_be_measured_is_refused(
    desk: Desk, changes: dict[str, Any], code: str, words: str
) -> None:
    """Before anything is made."""
    desk.table("Sales", COLUMNS, ROWS)
    with refusal(code, words):
        await desk.run("make-report", report(**changes))


async def test_more_groups_than_anyone_reads_are_refused(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing is left of them."""
    monkeypatch.setattr(reporting, "MOST_GROUPS", 3)
    desk.table("Sales", COLUMNS, ROWS)

    with refusal("too_many_groups"):
        await desk.run("make-report", report())

    assert desk.leftovers() == []


@pytest.mark.slow
@pytest.mark.parametrize("write", range(1, 22))
async def test_a_death_at_any_write_changes_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, write: int
) -> None:
    """Law 1: each group is measured whole and once, whichever step was cut short."""
    monkeypatch.setattr(grouping, "READ", 100)
    groups: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    rows = []
    for n in range(500):
        key = (f"c{n % 7}", str(n % 3))
        groups[key] += Decimal(n) / 10
        rows.append([*key, f"{n / 10}"])
    desk.table("t", ["a", "b", "x"], rows)
    input = {
        "table": "t",
        "groupBy": ["a", "b"],
        "measures": [{"measure": "sum", "column": "x"}],
        "sort": {"by": "a"},
    }

    result, ran = await desk.run_dying("make-report", input, write)

    assert {(a, b): Decimal(total) for a, b, total in result.rows} == groups
    assert [row[:2] for row in result.rows] == [list(key) for key in sorted(groups)]
    assert sorted(set(ran)) == [f"groups-{number}" for number in range(1, 6)]
    assert len(ran) <= 6
    assert desk.leftovers() == []


@given(numbers=st.lists(st.decimals(-(10**9), 10**9, places=4), min_size=1, max_size=50))
def test_measures_are_exact(numbers: list[Decimal]) -> None:
    """Of whatever numbers, in whatever order."""
    cells = [f"{number:f}" for number in numbers]

    def measured(measure: Any) -> str:
        reader = Accumulator(Measure(measure=measure, column="x"))
        for cell in cells:
            reader.add(cell)
        return reader.text()

    assert Decimal(measured("sum")) == sum(numbers)
    assert Decimal(measured("min")) == min(numbers)
    assert Decimal(measured("max")) == max(numbers)
    assert float(measured("mean")) == pytest.approx(float(sum(numbers) / len(numbers)), rel=1e-12)
