"""A batch is written as a whole and can be done again."""

from __future__ import annotations

import itertools
import sqlite3
from typing import TYPE_CHECKING

from demo_jobs.batches import import_batch, make_table, summarise
from demo_jobs.layout import Layout, Place, inspect
from demo_jobs.tables import opened

if TYPE_CHECKING:
    from pathlib import Path

    from demo_jobs.tables import RefusedRow

NASTY = (
    "\ufeffid,name,note\r\n"
    '1,Zoë,"a, b"\r\n'
    '2,"Ann ""the"" cat","two\r\nlines"\r\n'
    "3,short\r\n"
    "\r\n"
    "4,long,x,extra\r\n"
    '5,"bad"quote,x\r\n'
    "6,日本,\r\n"
).encode()


def import_all(tmp_path: Path, content: bytes) -> tuple[Path, Layout, list[Place]]:
    """Import a file batch by batch; return the database, the layout and every place."""
    source, database = tmp_path / "file.csv", tmp_path / "imports.sqlite3"
    source.write_bytes(content)
    layout = inspect(source)
    make_table(database, "r1", layout.columns)
    places = [layout.start]
    while places[-1].offset < layout.size:
        places.append(
            import_batch(
                database, "r1", source, layout=layout, start=places[-1], step=f"rows-{len(places)}"
            )
        )
    return database, layout, places


def everything(database: Path) -> tuple[list[tuple[str | int, ...]], list[RefusedRow]]:
    """Return all imported and all refused rows."""
    with opened(database) as tables:
        return (
            tables.rows("r1", limit=1_000_000, offset=0, longest=1_000),
            tables.refused("r1", limit=1_000_000),
        )


def test_every_row_is_imported_or_refused_with_a_reason(tmp_path: Path) -> None:
    """Row numbers are those of a spreadsheet: the header is row 1, a blank line is a row."""
    database, _, places = import_all(tmp_path, NASTY)

    rows, refused = everything(database)

    assert rows == [
        (2, "1", "Zoë", "a, b"),
        (3, "2", 'Ann "the" cat', "two\r\nlines"),
        (8, "6", "日本", ""),
    ]
    assert [(row.row, row.line, row.column, row.reason) for row in refused] == [
        (4, 5, "note", "2 cells instead of 3: “note” is the first that is missing"),
        (6, 7, "column 4", "4 cells instead of 3: the first that is too many holds “extra”"),
        (7, 8, "name", "text follows a closing quote; a quote inside quotes must be doubled"),
    ]
    assert (places[-1].imported, places[-1].refused, places[-1].blank) == (3, 3, 1)


def test_a_batch_done_again_leaves_the_same_rows(tmp_path: Path) -> None:
    """Law 1: a crash between the app's commit and the checkpoint leaves no duplicates."""
    lines = b"".join(b"%d,n%d\n" % (n, n) if n % 7 else b"%d\n" % n for n in range(2_500))
    database, layout, places = import_all(tmp_path, b"id,name\n" + lines)
    before = everything(database)

    for start, end in itertools.pairwise(places):
        again = import_batch(
            database, "r1", tmp_path / "file.csv", layout=layout, start=start, step="again"
        )
        assert again == end

    assert everything(database) == before
    assert [place.row for place in places] == [1, 1001, 2001, 2501]


def test_spaces_before_quotes_do_not_cut_cells(tmp_path: Path) -> None:
    """A comma inside such quotes is part of the cell, in every batch."""
    database, _, _ = import_all(tmp_path, b'"a", "b"\n 41, "x, y"\n')

    assert everything(database)[0] == [(2, "41", "x, y")]


def test_a_batch_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """Rows and the journal entry are one commit."""
    database, layout, places = import_all(tmp_path, b"id,name\n1,a\n2,b\n")
    with sqlite3.connect(database) as connection:
        connection.execute(
            "CREATE TRIGGER t BEFORE INSERT ON journal BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
        connection.execute('DELETE FROM "rows_r1"')
    connection.close()

    try:
        import_batch(
            database, "r1", tmp_path / "file.csv", layout=layout, start=places[0], step="again"
        )
    except sqlite3.IntegrityError as error:
        assert str(error) == "no"  # noqa: PT017 - the point is what is left afterwards

    assert everything(database) == ([], [])


def test_column_names_of_any_kind_can_be_columns(tmp_path: Path) -> None:
    """Names are data: quotes, keywords and spaces in them are harmless."""
    database, layout, _ = import_all(tmp_path, b'"a""b; DROP TABLE x",select,Z z,_ROW\n1,2,3,4\n')

    rows, _ = everything(database)
    summaries = summarise(database, "r1", layout.columns)

    assert rows == [(2, "1", "2", "3", "4")]
    assert [summary.name for summary in summaries] == [
        'a"b; DROP TABLE x',
        "select",
        "Z z",
        "_ROW_2",
    ]
