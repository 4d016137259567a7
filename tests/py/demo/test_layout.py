"""How a file is written is found out before a row of it is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from demo_jobs.errors import ImportRefused
from demo_jobs.layout import LONGEST_LINE, MOST_COLUMNS, Layout, inspect, name_columns

if TYPE_CHECKING:
    from pathlib import Path

    from demo_jobs.layout import Encoding


def look(tmp_path: Path, content: bytes, encoding: Encoding = "auto") -> Layout:
    """Inspect a file of these bytes."""
    path = tmp_path / "file.csv"
    path.write_bytes(content)
    return inspect(path, encoding=encoding)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_the_delimiter_is_found(tmp_path: Path, delimiter: str, line_end: str) -> None:
    """The other candidates may stand in the cells."""
    lines = [["name", "note", "n"], ["Ann", "a, b; c | d", "1"], ["Bob", "x;y", "2"]]
    text = line_end.join(
        delimiter.join(f'"{cell}"' if delimiter in cell else cell for cell in line)
        for line in lines
    )

    assert look(tmp_path, text.encode()).delimiter == delimiter


def test_one_column_needs_no_delimiter(tmp_path: Path) -> None:
    """A list of words is a table of one column."""
    layout = look(tmp_path, b"word\nalpha\nbeta\n")

    assert (layout.delimiter, layout.columns) == (",", ["word"])


def test_excels_separator_line_is_obeyed_and_skipped(tmp_path: Path) -> None:
    """`sep=;` says what the delimiter is, whatever the rest looks like."""
    layout = look(tmp_path, b"sep=;\r\na,b;c\r\n1,2;3\r\n")

    assert (layout.delimiter, layout.columns) == (";", ["a,b", "c"])
    assert (layout.start.row, layout.start.line) == (2, 2)


@pytest.mark.parametrize(
    ("mark", "codec"),
    [(b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")],
)
def test_a_byte_order_mark_tells_the_encoding(tmp_path: Path, mark: bytes, codec: str) -> None:
    """The mark is no part of the first column's name, and its bytes are counted."""
    header = "größe,b\n".encode(codec)
    layout = look(tmp_path, mark + header + "1,2\n".encode(codec))

    assert (layout.codec, layout.columns) == (codec, ["größe", "b"])
    assert layout.start.offset == len(mark) + len(header)


def test_spaces_between_a_delimiter_and_a_quote_are_left_out(tmp_path: Path) -> None:
    """Some programs write `1, "two"`; elsewhere a leading space belongs to its cell."""
    spaced = look(tmp_path, b'"a", "b"\n1, "x, y"\n')
    plain = look(tmp_path, b"a, b\n1, 2\n")

    assert (spaced.skip_spaces, spaced.columns) == (True, ["a", "b"])
    assert not plain.skip_spaces


def test_blank_lines_before_the_header_are_skipped(tmp_path: Path) -> None:
    """They count as rows, as in a spreadsheet."""
    layout = look(tmp_path, b"\n\na,b\n1,2\n")

    assert (layout.columns, layout.start.row) == (["a", "b"], 3)


def test_a_header_of_empty_names_is_still_the_header(tmp_path: Path) -> None:
    """The first row of values must not be taken for the names."""
    assert look(tmp_path, b",\n1,2\n").columns == ["column_1", "column_2"]


def test_a_header_alone_is_no_error(tmp_path: Path) -> None:
    """There is nothing to import, and a note says so."""
    layout = look(tmp_path, b"a,b")

    assert layout.start.offset == layout.size
    assert layout.notes == ["The file has a header and no rows."]


def test_names_become_usable_and_unique() -> None:
    """Every change is noted with its reason."""
    names, notes = name_columns(["Name", "", "name", "Name_2", "_row", "two\nlines"])

    assert names == ["Name", "column_2", "name_2", "Name_2_2", "_row_2", "two lines"]
    assert len(notes) == 4
    assert notes[1] == "Column 3 has the same name as column 1 (“name”); it is called “name_2”."


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (b"", "empty_file", "no bytes"),
        (b"\xef\xbb\xbf", "empty_file", "blank lines"),
        (b"\n\r\n  \n", "empty_file", "blank lines"),
        (b"PK\x03\x04rest", "not_csv", "Excel"),
        (b"%PDF-1.7\n", "not_csv", "PDF"),
        (b"a,b\n1,\x002\n", "not_csv", "Character 7 of the file is NUL"),
        (b'{"a": 1}', "not_csv", "JSON"),
        (b"<!DOCTYPE html><p>", "not_csv", "HTML"),
        (b"a,b\n1,2\nJos\xe9,\x81\n", "not_utf8", "byte 0xE9 at offset 11 (line 3)"),
        (b"a,b\n1,2\nJos\xe9,\x81\n", "not_utf8", "byte 0x81 at offset 13 (line 3)"),
        (b"a,b\nJos\xe9,\x07\n", "not_csv", "control character U+0007"),
        ("Zoë,Köln,Łódź\n".encode() + b"1,\xc3", "not_utf8", "byte 0xC3 at offset 21 (line 2)"),
        ("a,\x01\n1,2\n".encode("utf-16-le"), "not_csv", "control character U+0001"),
        (b"\xff\xfea\x00\x00", "wrong_encoding", "not UTF-16"),
        (b'a,"b\n1,2\n', "broken_header", "never closed"),
        (b"a," * MOST_COLUMNS + b"b\n", "too_many_columns", "2,000 columns"),
        (b"x" * (LONGEST_LINE + 1), "not_csv", "longer than"),
    ],
)
def test_what_is_no_csv_is_refused(tmp_path: Path, content: bytes, code: str, words: str) -> None:
    """The message has a code and says where and what."""
    with pytest.raises(ImportRefused) as refused:
        look(tmp_path, content)

    assert refused.value.code == code
    assert str(refused.value).startswith(f"{code}: ")
    assert words in refused.value.sentence


def test_a_bad_byte_is_found_behind_a_chunk_border(tmp_path: Path) -> None:
    """Offsets count from the file's first byte, also for a character cut in two."""
    padding = b"a,b\n" + b"x,y\n" * 262_143
    assert len(padding) == 1024 * 1024
    content = padding[:-1] + b"\xc3" + b"(\n"

    (note,) = look(tmp_path, content).notes

    assert "byte 0xC3 at offset 1,048,575 (line 262,144)" in note
    with pytest.raises(ImportRefused, match=r"offset 1,048,575 \(line 262,144\)"):
        look(tmp_path, content, "utf-8")


def test_what_is_no_utf_8_is_read_as_windows_1252_and_a_note_says_why(tmp_path: Path) -> None:
    """The guess names the byte it is made for, and that it can be changed."""
    layout = look(tmp_path, "Käse;Preis\r\nMüsli – süß;3,50 €\r\n".encode("cp1252"))

    assert (layout.codec, layout.columns) == ("cp1252", ["Käse", "Preis"])
    (note,) = layout.notes
    assert note == (
        "Read as Windows-1252 because byte 0xE4 at offset 1 (line 1) is no UTF-8; "
        "choose another encoding if letters look wrong."
    )


def test_utf_8_with_a_fault_is_not_taken_for_windows_1252(tmp_path: Path) -> None:
    """One broken byte must not turn the letters of all other rows into pairs of signs."""
    content = "name\nZoë\nJürgen\nAmélie\n".encode() + b"Jos\xe9\n"

    with pytest.raises(ImportRefused, match=r"not_utf8: .*line 5"):
        look(tmp_path, content)
    assert look(tmp_path, content, "windows-1252").codec == "cp1252"


def test_windows_1252_is_read_when_asked_for(tmp_path: Path) -> None:
    """What was chosen goes before what the bytes look like, also before a mark of UTF-8."""
    layout = look(tmp_path, b"caf\xe9,b\n1,2\n", "windows-1252")
    marked = look(tmp_path, b"\xef\xbb\xbfcaf\xc3\xa9,b\n1,2\n", "windows-1252")

    assert layout.columns == ["café", "b"]
    assert layout.notes == ["The file was read as Windows-1252, as asked for."]
    assert (marked.codec, marked.columns) == ("cp1252", ["cafÃ©", "b"])


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_recognised(tmp_path: Path, codec: str) -> None:
    """Every other byte of most texts is zero, and which one tells the order."""
    layout = look(tmp_path, "größe,b\n1,2\n".encode(codec))

    assert (layout.codec, layout.columns) == (codec, ["größe", "b"])
    assert "Read as UTF-16 because every other byte is zero" in layout.notes[0]


def test_utf_16_without_a_mark_is_read_when_asked_for(tmp_path: Path) -> None:
    """Which end comes first shows in the zeros."""
    assert look(tmp_path, "a,b\n".encode("utf-16-be"), "utf-16").codec == "utf-16-be"
    assert look(tmp_path, "a,b\n".encode("utf-16-le"), "utf-16").codec == "utf-16-le"
