"""What holds a table is opened: workbooks, archives, and archives of workbooks."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
import zipfile
from pathlib import Path
from typing import Any

import openpyxl  # type: ignore[import-untyped]
import pytest
from demo.desk import Desk, refusal

from demo_jobs.archives import Limits, chosen_member, gunzip, unzip
from demo_jobs.errors import ImportRefused
from demo_jobs.sheets import text_of, write_sheet_as_csv, write_workbook
from demo_jobs.unpacking import table_name

CSV = "name;Preis\r\nMüsli;3,50\r\n".encode()


def moment(*parts: int) -> dt.datetime:
    """Return a moment as Excel has them: of no time zone."""
    return dt.datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001


def workbook(**sheets: list[list[Any]]) -> bytes:
    """Make a workbook of these sheets."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def zipped(**members: bytes) -> bytes:
    """Make a ZIP archive; two underscores stand for a point."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "."), data)
    return content.getvalue()


async def test_a_workbook_of_five_thousand_rows_is_imported(desk: Desk) -> None:
    """Texts, numbers, dates and empty cells come as what they are; row numbers are Excel's."""
    rows: list[list[Any]] = [["Id", "Stadt", "Tag", "Zeit", "Betrag", "aktiv", "leer"]]
    for n in range(1, 5_001):
        day = dt.date(2024, 1, 1) + dt.timedelta(days=n % 300)
        start = moment(2024, 5, 1, n % 24, 30)
        city = ["Köln", "東京", "São Paulo, Süd"][n % 3]
        rows.append([n, city, day, start, n / 4, n % 2 == 0, None])
    rows.insert(3, [])

    output = await desk.run(
        "import-csv", {"file": desk.keep(workbook(Umsatz=rows), "Umsatz 2024.xlsx")}
    )

    assert (output.imported, output.refused, output.blank) == (5_000, 0, 1)
    assert output.table.name == "Umsatz 2024"
    kinds = [column.kind for column in output.columns]
    assert kinds == ["int", "text", "date", "date", "float", "bool", "empty"]
    stored = desk.numbered(output.table.id)
    assert stored[0] == (2, "1", "東京", "2024-01-02", "2024-05-01T01:30:00", "0.25", "false", "")
    assert stored[2][0] == 5
    assert stored[3][5] == "1"
    assert output.notes == ["The sheet “Umsatz” of the workbook was read."]
    assert desk.leftovers() == []


async def test_a_sheet_is_chosen_by_its_name(desk: Desk) -> None:
    """The first is a guess, which a note says; a name that is not there lists those that are."""
    file = desk.keep(workbook(Eins=[["a"], [1]], Zwei=[["b"], [2.0]]), "buch.xlsx")

    first = await desk.run("import-csv", {"file": file})
    second = await desk.run("import-csv", {"file": file, "options": {"sheet": "zwei"}})

    assert first.notes == [
        "The sheet “Eins” of the workbook was read; name another one to read it: “Zwei”."
    ]
    assert (first.table.name, second.table.name) == ("buch Eins", "buch Zwei")
    assert desk.cells(second.table.id) == [("2",)]
    with refusal("no_sheet", "“Drei”.*“Eins”, “Zwei”"):
        await desk.run("import-csv", {"file": file, "options": {"sheet": "Drei"}})


async def test_archives_are_opened_down_to_the_table(desk: Desk) -> None:
    """A workbook in an archive, a packed CSV file: what comes out is read as ever."""
    packed = desk.keep(zipped(readme__md=b"x", **{"sub/buch__xlsx": workbook(A=[["a"], ["é"]])}))
    gz = desk.keep(gzip.compress(CSV), "Preise.csv.gz")

    of_zip = await desk.run("import-csv", {"file": packed})
    of_gz = await desk.run("import-csv", {"file": gz})

    assert (of_zip.table.name, desk.cells(of_zip.table.id)) == ("buch", [("é",)])
    assert of_zip.notes[0] == "“sub/buch.xlsx” was read from the archive."
    assert (of_gz.table.name, of_gz.delimiter) == ("Preise", ";")
    assert desk.cells(of_gz.table.id) == [("Müsli", "3,50")]
    assert desk.leftovers() == []


async def test_one_of_several_files_of_an_archive_is_chosen(desk: Desk) -> None:
    """Which one cannot be guessed: they are listed, and the choice is obeyed."""
    file = desk.keep(zipped(a__csv=b"a\n1\n", b__csv=b"b\n2\n", c__log=b"c\n3\n"), "all.zip")

    with refusal("which_member", "“a.csv”, “b.csv”"):
        await desk.run("import-csv", {"file": file})
    chosen = await desk.run("import-csv", {"file": file, "options": {"member": "c.log"}})
    with refusal("no_member", "“a.csv”, “b.csv”, “c.log”"):
        await desk.run("import-csv", {"file": file, "options": {"member": "d.csv"}})

    assert desk.cells(chosen.table.id) == [("3",)]


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (b"PK\x03\x04rest", "broken_archive", "damaged"),
        (gzip.compress(CSV)[:-4], "broken_archive", "damaged"),
        (b"\x1f\x8b\x08\x00nothing", "broken_archive", "damaged"),
        (zipped(readme__md=b"x"), "no_member", "“readme.md”"),
        (zipped(**{"xl/workbook__xml": b"<x"}), "broken_workbook", "save it anew"),
        (zipped(**{"xl/workbook__bin": b"x"}), "not_csv", "binary Excel"),
        (zipped(**{"META-INF/manifest__xml": b"x"}), "not_csv", "OpenDocument"),
        (zipped(**{"[Content_Types]__xml": b"x"}), "not_csv", "Office"),
        (gzip.compress(gzip.compress(gzip.compress(gzip.compress(b"a")))), "broken_archive", "3"),
        (gzip.compress(b"\0" * 40_000_000), "too_large", "unpacks to more than"),
        (zipped(bomb__csv=b"a" * 40_000_000), "too_large", "unpacks to more than"),
        (workbook(A=[["x" * 32_000] * 2_000]), "too_large", "unpacks to more than"),
    ],
)
async def test_what_cannot_be_opened_is_refused_with_what_to_do(
    desk: Desk, content: bytes, code: str, words: str
) -> None:
    """Nothing is imported, nothing is left, and bombs do not go off."""
    with refusal(code, words):
        await desk.run("import-csv", {"file": desk.keep(content)})

    assert demo_tables(desk) == []
    assert list(desk.folder.glob("*.tmp")) == []


def demo_tables(desk: Desk) -> list[str]:
    """Return the names of the tables in the catalogue."""
    import demo_jobs  # noqa: PLC0415

    return [table.name for table in demo_jobs.list_tables()]


def test_an_archive_that_lies_about_its_size_is_cut_off(tmp_path: Path) -> None:
    """The limit counts the bytes that come out, not those that were announced."""
    archive, target = tmp_path / "a.gz", tmp_path / "out"
    archive.write_bytes(gzip.compress(b"a" * 5_000))
    small = Limits(most=4_000, ratio=1_000, free=0)

    with pytest.raises(ImportRefused, match="too_large"):
        gunzip(archive, target, small)
    archive.write_bytes(zipped(a__csv=b"a" * 5_000))
    with pytest.raises(ImportRefused, match="too_large"):
        unzip(archive, "a.csv", target, small)


def test_a_locked_member_is_refused(tmp_path: Path) -> None:
    """A password cannot be given here."""
    content = bytearray(zipped(a__csv=b"a\n1\n"))
    at = content.index(b"PK\x01\x02")
    content[at + 8] |= 1
    archive = tmp_path / "a.zip"
    archive.write_bytes(content)

    with pytest.raises(ImportRefused, match="locked_archive"):
        unzip(archive, "a.csv", tmp_path / "out", Limits())


def test_files_that_archivers_add_are_no_tables() -> None:
    """A Mac puts a shadow beside each file."""
    assert chosen_member(["x/a.csv", "x/._a.csv"], None) == "x/a.csv"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "true"),
        (3.0, "3"),
        (0.1 + 0.2, "0.3"),
        (1e20, "1e+20"),
        (dt.date(2024, 2, 29), "2024-02-29"),
        (moment(2024, 2, 29), "2024-02-29"),
        (moment(2024, 2, 29, 10, 5), "2024-02-29T10:05:00"),
        (dt.time(10, 5), "10:05:00"),
        (dt.timedelta(hours=30, minutes=5), "30:05:00"),
        (-dt.timedelta(minutes=5), "-0:05:00"),
        ("#N/A", "#N/A"),
    ],
)
def test_cells_become_texts_that_sort_and_compare(value: Any, text: str) -> None:
    """Whole numbers have no point, and dates are ISO 8601."""
    assert text_of(value) == text


def test_midnight_is_a_time_where_the_format_has_hours() -> None:
    """Only the format tells a date from a moment at midnight."""
    midnight = moment(2024, 2, 29)

    assert text_of(midnight, "yyyy-mm-dd hh:mm") == "2024-02-29T00:00:00"


def test_a_written_workbook_reads_as_it_was(tmp_path: Path) -> None:
    """Numbers and dates are such, and a text that looks like a formula stays a text."""
    path, target = tmp_path / "a.xlsx", tmp_path / "a.csv"
    columns, rows = ["n", "d", "t"], [["1", "2024-02-29", "=1+1"], ["2.5", "", "a\x0bb"]]

    write_workbook(path, title="a/b:c", columns=columns, kinds=["float", "date", "text"], rows=rows)

    sheet = openpyxl.load_workbook(path).active
    assert sheet.title == "a b c"
    assert [cell.value for cell in sheet[2]] == [1, moment(2024, 2, 29), "=1+1"]
    assert sheet["C2"].data_type == "s"
    assert write_sheet_as_csv(path, target, sheet=None).title == "a b c"
    with target.open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [columns, rows[0], ["2.5", "", "a\ufffdb"]]


@pytest.mark.parametrize(
    ("file", "table"),
    [
        ("sales.csv", "sales"),
        ("C:\\data\\sales.csv.gz", "sales"),
        ("v1.2.tsv", "v1.2"),
        (".csv", ".csv"),
        ("", ""),
    ],
)
def test_a_table_is_called_like_its_file(file: str, table: str) -> None:
    """Endings and folders are no part of the name."""
    assert table_name(file) == table
