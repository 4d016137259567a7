"""A table is cleaned into a new one, and what was changed is told."""

from __future__ import annotations

from typing import Any

import pytest
from demo.desk import Desk, refusal

from demo_jobs.cleaning import WRITTEN

COLUMNS = ["plz", "preis", "tag", "termin", "note"]
ROWS = [
    ["01067", "1.234,50", "31.12.2023", "12/31/2023", "  viel   Platz "],
    ["50667", "3,5", "1.2.2024", "1/2/2024", "n/a"],
    ["80331", "1.234", "2024-03-01", "3/4/2024", "-"],
    ["80331", "kostenlos", "32.1.2024", "13/13/2024", "größer\u00a0\u00a0Raum"],
    ["01067", "12", "", "", "viel Platz"],
]


async def test_cells_become_what_they_mean(desk: Desk) -> None:
    """Numbers get a point, dates become ISO, words for nothing become nothing; the rest stays."""
    source = desk.table("Räume", COLUMNS, ROWS)

    result = await desk.run("clean-table", {"table": "Räume"})

    assert desk.cells(result.table.id) == [
        ("01067", "1234.50", "2023-12-31", "2023-12-31", "viel Platz"),
        ("50667", "3.5", "2024-02-01", "2024-01-02", ""),
        ("80331", "1234", "2024-03-01", "2024-03-04", ""),
        ("80331", "kostenlos", "32.1.2024", "13/13/2024", "größer Raum"),
        ("01067", "12", "", "", "viel Platz"),
    ]
    assert desk.cells(source.id) == [tuple(row) for row in ROWS]
    assert (result.table.name, result.table.origin) == ("Räume cleaned", "cleaned")
    plz, preis, tag, termin, note = result.columns
    assert (plz.kind, plz.changed) == ("text", 0)
    assert (preis.kind, preis.numbers, preis.left) == ("number", 3, 1)
    assert [(one.before, one.after) for one in preis.examples] == [
        ("1.234,50", "1234.50"),
        ("3,5", "3.5"),
        ("1.234", "1234"),
    ]
    assert (tag.kind, tag.dates, tag.left) == ("date", 2, 1)
    assert (termin.kind, termin.dates, termin.left) == ("date", 3, 1)
    assert (note.spaces, note.emptied, note.changed) == (2, 2, 4)
    assert result.notes == [
        "“tag”: 1 cell name a day that does not exist.",
        "“termin”: 1 cell name a day that does not exist.",
    ]
    assert desk.leftovers() == []


@pytest.mark.parametrize(
    ("cells", "cleaned", "left", "words"),
    [
        (["1.234", "5"], ["1.234", "5"], 1, "may stand for thousands or for decimals"),
        (["1.5", "2,5"], ["1.5", "2,5"], 2, "as many have a decimal point as"),
        (["1.5", "2.5", "2,5"], ["1.5", "2.5", "2,5"], 1, "unlike the others"),
        (["1,234", "2.5"], ["1234", "2.5"], 0, ""),
        (["1,234", "2,5"], ["1.234", "2.5"], 0, ""),
        (["007", "1.234,5"], ["007", "1.234,5"], 0, "zeros lead some"),
        (["1 000", "20"], ["1000", "20"], 0, ""),
        (["1/2/2024", "3/4/2024"], ["1/2/2024", "3/4/2024"], 2, "no day is above 12"),
        (["31/1/2024", "1/31/2024"], ["31/1/2024", "1/31/2024"], 2, "some begin with the day"),
        (["31/1/2024", "3/4/2024"], ["2024-01-31", "2024-04-03"], 0, ""),
        (["1.2.24", "2.3.24"], ["1.2.24", "2.3.24"], 2, "a year of two digits"),
        (["a", "b", "1,5"], ["a", "b", "1,5"], 0, ""),
    ],
)
async def test_what_could_be_two_things_is_left_and_told(
    desk: Desk, cells: list[str], cleaned: list[str], left: int, words: str
) -> None:
    """The rest of the column is the evidence; without any nothing is guessed."""
    desk.table("t", ["c"], [[cell] for cell in cells])

    result = await desk.run("clean-table", {"table": "t"})

    assert [cell for (cell,) in desk.cells(result.table.id)] == cleaned
    assert result.columns[0].left == left
    assert words in " ".join(result.notes)
    assert bool(words) == bool(result.notes)


async def test_what_is_switched_off_is_not_done(desk: Desk) -> None:
    """Each kind of cleaning is a choice."""
    desk.table("t", ["a", "b", "c"], [[" x  y ", "1,5", "1.2.2024"], ["n/a", "2,5", "-"]])
    off = {"trim": False, "collapseSpaces": False, "emptyWords": [], "types": "none"}

    result = await desk.run("clean-table", {"table": "t", "options": {**off, "dates": "none"}})
    words = await desk.run("clean-table", {"table": "t", "options": {**off, "emptyWords": ["N/A"]}})

    assert desk.cells(result.table.id) == desk.cells("t")
    assert desk.cells(words.table.id)[1] == ("", "2,5", "-")


async def test_of_rows_that_are_the_same_the_first_stays(desk: Desk) -> None:
    """They are compared as they are cleaned, across batches, whole or by chosen columns."""
    count = 2 * WRITTEN + 500
    rows = [[f"k{n % 700} ", str(n % 1_400)] for n in range(count)]
    desk.table("t", ["k", "n"], [*rows, ["k1", "1"]])

    whole = await desk.run("clean-table", {"table": "t", "options": {"duplicates": "whole-row"}})
    options = {"duplicates": "columns", "duplicateColumns": ["k"]}
    by_key = await desk.run("clean-table", {"table": "t", "options": options})

    assert (whole.duplicates, whole.table.rows) == (count + 1 - 1_400, 1_400)
    assert (by_key.duplicates, by_key.table.rows) == (count + 1 - 700, 700)
    assert desk.numbered(by_key.table.id)[-1] == (701, "k699", "699")
    assert desk.leftovers() == []
    with refusal("no_column", "“nothing”.*“k”, “n”"):
        await desk.run(
            "clean-table",
            {"table": "t", "options": {**options, "duplicateColumns": ["nothing"]}},
        )
    with refusal("no_column", "Choose the columns"):
        await desk.run(
            "clean-table", {"table": "t", "options": {**options, "duplicateColumns": []}}
        )


async def test_an_empty_table_is_cleaned_too(desk: Desk) -> None:
    """There is nothing to do, and that is no error."""
    desk.table("t", ["a"], [])

    result = await desk.run("clean-table", {"table": "t"})

    assert (result.read, result.table.rows, result.columns[0].kind) == (0, 0, "text")


async def test_examples_are_few_and_short(desk: Desk) -> None:
    """The report stays small whatever the table holds."""
    desk.table("t", ["c"], [[f" {n}{'x' * 500}"] for n in range(2_500)])

    result = await desk.run("clean-table", {"table": "t"})

    (column,) = result.columns
    assert (column.spaces, len(column.examples)) == (2_500, 5)
    assert max(len(one.after) for one in column.examples) == 80


@pytest.mark.slow
@pytest.mark.parametrize("write", range(1, 19))
async def test_a_death_at_any_write_changes_nothing(desk: Desk, write: int) -> None:
    """Law 1: the same rows, the same counts, and no saved batch is written again."""
    rows: list[list[Any]] = [[f" {n % 900}", f"{n},5"] for n in range(2_500)]
    desk.table("t", ["k", "n"], rows)
    options = {"duplicates": "columns", "duplicateColumns": ["k"]}

    result, ran = await desk.run_dying("clean-table", {"table": "t", "options": options}, write)

    assert (result.duplicates, result.table.rows, result.read) == (1_600, 900, 2_500)
    assert [column.changed for column in result.columns] == [2_500, 2_500]
    assert desk.cells(result.table.id) == [(str(n), f"{n}.5") for n in range(900)]
    assert sorted(set(ran)) == ["rows-1", "rows-2", "rows-3"]
    assert len(ran) <= 4
    assert desk.leftovers() == []
