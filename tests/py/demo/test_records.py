"""Records are cut as the `csv` module cuts them, and their byte borders are exact."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo_jobs.records import BrokenRecord, Record, records

if TYPE_CHECKING:
    from pathlib import Path

CELL = st.text(
    alphabet=st.one_of(st.sampled_from(',;"\n\r\t aé€😀'), st.characters(codec="utf-8")), max_size=8
)
TABLE = st.lists(st.lists(CELL, min_size=2, max_size=4), max_size=8)


def read(path: Path, codec: str = "utf-8", offset: int = 0) -> list[Record | BrokenRecord]:
    """Read a whole file from *offset* on."""
    return list(records(path, codec=codec, delimiter=",", offset=offset, row=0, line=0))


@given(table=TABLE, line_end=st.sampled_from(["\n", "\r\n", "\r"]))
@pytest.mark.parametrize("codec", ["utf-8", "utf-16-le", "utf-16-be"])
def test_reading_from_any_record_on_gives_the_rest(
    tmp_path_factory: pytest.TempPathFactory, codec: str, table: list[list[str]], line_end: str
) -> None:
    """Law 1: the byte that a batch hands on is where the next one starts, wherever it is cut."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=line_end, quoting=csv.QUOTE_ALL).writerows(table)
    path = tmp_path_factory.mktemp("records") / "file.csv"
    path.write_bytes(text.getvalue().encode(codec))

    whole = read(path, codec)

    assert [record.cells for record in whole if isinstance(record, Record)] == table
    assert not whole or whole[-1].end == path.stat().st_size
    for number, record in enumerate(whole, start=1):
        rest = read(path, codec, record.end)
        assert [r.cells for r in rest if isinstance(r, Record)] == table[number:]


def test_a_quoted_field_may_cross_the_readers_buffer(tmp_path: Path) -> None:
    """Line breaks in quotes are kept as they are, however far they reach."""
    path = tmp_path / "file.csv"
    field = "line one\r\nline two\r" * 5_000
    path.write_bytes(f'a,"{field}",c\r\nd,e,f\r\n'.encode())

    first, second = read(path)

    assert isinstance(first, Record)
    assert first.cells == ["a", field, "c"]
    assert (second.row, second.line) == (2, 10_002)


def test_rows_and_lines_are_counted_apart(tmp_path: Path) -> None:
    """A row is a record; blank ones count; a line is what an editor shows."""
    path = tmp_path / "file.csv"
    path.write_bytes(b'a,"1\n2"\n\nb,3\n')

    assert [(r.row, r.line) for r in read(path)] == [(1, 1), (2, 3), (3, 4)]


@pytest.mark.parametrize(
    ("line", "column", "words"),
    [
        (b'1,"open,2\n', 2, "never closed"),
        (b'1,2,"a"b,3\n', 3, "closing quote"),
        (b'"x"y\n', 1, "closing quote"),
        (b"1,2," + b"x" * 200_000 + b"\n", 3, "too long"),
    ],
)
def test_a_broken_line_costs_only_itself(
    tmp_path: Path, line: bytes, column: int, words: str
) -> None:
    """The rows below a stray quote are read as if it were not there."""
    path = tmp_path / "file.csv"
    below = b"".join(b"%d,ok,fine\n" % number for number in range(20_000))
    path.write_bytes(b"a,b,c\n" + line + below)

    first, broken, *rest = read(path)

    assert isinstance(first, Record)
    assert isinstance(broken, BrokenRecord)
    assert (broken.row, broken.line, broken.column) == (2, 2, column)
    assert words in broken.reason
    assert broken.end == len(b"a,b,c\n" + line)
    assert len(rest) == 20_000
    assert rest[-1].end == path.stat().st_size


def test_a_stray_quote_that_meets_another_one_costs_only_its_line(tmp_path: Path) -> None:
    """A quote further down must not make one cell of everything between."""
    path = tmp_path / "file.csv"
    path.write_bytes(b'1,"open,2\n3,fine,4\n5,"a ""b""",6\n')

    broken, second, third = read(path)

    assert isinstance(broken, BrokenRecord)
    assert isinstance(second, Record)
    assert isinstance(third, Record)
    assert second.cells == ["3", "fine", "4"]
    assert third.cells == ["5", 'a "b"', "6"]
