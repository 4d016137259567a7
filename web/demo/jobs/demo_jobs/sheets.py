"""Read a sheet of an Excel workbook as CSV, and write rows as a workbook.

The package for it is loaded by the first file that needs it: most visits need none.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final

from demo_jobs.errors import ImportRefused, Refused
from demo_jobs.files import patient_with_disk
from demo_jobs.summary import Kind, classify
from demo_jobs.tables import StorageTrouble

#: What Excel itself keeps of a number.
_DIGITS: Final = 15
_LONGEST_TITLE: Final = 31
_NO_TITLE: Final = re.compile(r"[\[\]:*?/\\]")
_SHOWN_SHEETS: Final = 20
#: Characters that no XML holds.
_NO_XML: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
#: Whole numbers beyond this are other numbers in Excel; so are those with more digits.
_LARGEST: Final = 10**_DIGITS


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """Which sheet was read, and which others there are."""

    title: str
    others: list[str]


def write_sheet_as_csv(workbook: Path, target: Path, *, sheet: str | None) -> Sheet:
    """Write the cells of one sheet of *workbook* to *target* as CSV in UTF-8.

    It is the first that is not hidden unless *sheet* names one. Formulas are the values that Excel
    calculated last. Rows are as many as in the sheet, blank ones too, so that numbers of rows are
    those that Excel shows.
    """
    # Loaded here: a visit without a workbook does not pay for it.
    import openpyxl  # type: ignore[import-untyped]  # noqa: PLC0415

    try:
        # The file itself, as the package asks a path for the ending of its name.
        with workbook.open("rb") as source, ExitStack() as stack:
            book = openpyxl.load_workbook(source, read_only=True, data_only=True, keep_links=False)
            stack.callback(book.close)
            found = _found(book, sheet)
            # Some programs write wrong dimensions; the cells say how far a sheet reaches.
            found.reset_dimensions()
            with patient_with_disk(), target.open("w", encoding="utf-8", newline="") as file:
                # With each cell in quotes nothing in it can be taken for a sign of the format.
                writer = csv.writer(file, quoting=csv.QUOTE_ALL)
                writer.writerows(_texts(found.iter_rows()))
            others = [one.title for one in book.worksheets if one.title != found.title]
            return Sheet(title=found.title, others=others)
    except (Refused, StorageTrouble, OSError, MemoryError):
        raise
    except Exception as error:
        # A damaged file makes the package raise whatever comes first.
        raise ImportRefused(
            "broken_workbook",
            f"The Excel workbook cannot be read ({type(error).__name__}: {error}). "
            "Open it in a spreadsheet program and save it anew as .xlsx or CSV.",
        ) from error


def text_of(value: Any, number_format: str = "General") -> str:
    """Return the text for the *value* of a cell: dates as ISO, whole numbers without a point."""
    match value:
        case None:
            text = ""
        case bool():
            text = "true" if value else "false"
        case float():
            text = _number(value)
        case datetime():
            # A date is a moment to Excel, at midnight; only its format tells one from the other.
            has_time = value.time() != time() or "h" in number_format.casefold()
            text = value.isoformat() if has_time else value.date().isoformat()
        case date() | time():
            text = value.isoformat()
        case timedelta():
            text = _duration(value)
        case _:
            text = str(value)
    return text


def write_workbook(
    target: Path,
    *,
    title: str,
    columns: Sequence[str],
    kinds: Sequence[Kind],
    rows: Iterable[Sequence[str]],
) -> None:
    """Write *rows* below their names as a workbook; numbers and dates are such in Excel, too."""
    import openpyxl  # noqa: PLC0415 - as above
    from openpyxl.cell import WriteOnlyCell  # type: ignore[import-untyped]  # noqa: PLC0415
    from openpyxl.styles import Font  # type: ignore[import-untyped]  # noqa: PLC0415

    def cell(text: str, kind: Kind) -> Any:
        value = _value(text, kind)
        made = WriteOnlyCell(sheet, value=value)
        if isinstance(value, str):
            made.data_type = "s"  # a text that begins with "=" stays a text
        return made

    with patient_with_disk():
        book = openpyxl.Workbook(write_only=True)
        sheet = book.create_sheet(_title(title))
        sheet.freeze_panes = "A2"
        header = [cell(name, "text") for name in columns]
        for made in header:
            made.font = Font(bold=True)
        sheet.append(header)
        for row in rows:
            sheet.append(
                [cell(text, kind) if text else None for text, kind in zip(row, kinds, strict=True)]
            )
        book.save(target)


def _found(book: Any, wanted: str | None) -> Any:
    sheets = book.worksheets
    for sheet in sheets:
        if wanted is None and sheet.sheet_state == "visible":
            return sheet
        if wanted is not None and sheet.title.casefold() == wanted.strip().casefold():
            return sheet
    if wanted is None and sheets:
        return sheets[0]
    titles = ", ".join(f"“{sheet.title}”" for sheet in sheets[:_SHOWN_SHEETS]) or "none"
    what = "no sheet with cells" if wanted is None else f"no sheet “{wanted}”"
    raise ImportRefused("no_sheet", f"The workbook has {what}; its sheets are: {titles}.")


def _texts(rows: Iterable[Iterable[Any]]) -> Iterator[list[str]]:
    """Yield the texts of *rows*, each as wide as the first that is not blank, or wider."""
    width, blank = 0, 0
    for row in rows:
        texts = [
            "" if cell.value is None else text_of(cell.value, cell.number_format) for cell in row
        ]
        while texts and not texts[-1]:
            texts.pop()
        if not texts:
            blank += 1
            continue
        # Blank rows at the end are none: only a format was set there.
        yield from ([] for _ in range(blank))
        blank = 0
        width = width or len(texts)
        yield texts + [""] * (width - len(texts))


def _number(value: float) -> str:
    if value.is_integer() and abs(value) < _LARGEST:
        return str(int(value))
    return f"{value:.{_DIGITS}g}"


def _duration(value: timedelta) -> str:
    sign, seconds = ("-", -value) if value < timedelta(0) else ("", value)
    minutes, rest = divmod(int(seconds.total_seconds()), 60)
    return f"{sign}{minutes // 60}:{minutes % 60:02}:{rest:02}"


def _value(text: str, kind: Kind) -> str | int | float | date | datetime:
    """Return *text* as what Excel has for its *kind*, as far as Excel can hold it."""
    if kind in {"int", "float"} and classify(text)[0] in {"int", "float"}:
        digits = sum(character.isdigit() for character in text)
        if digits <= _DIGITS:
            bare = text.strip()
            return int(bare) if classify(text)[0] == "int" else float(bare)
    if kind == "date" and classify(text)[0] == "date":
        moment = datetime.fromisoformat(text.strip())
        if moment.tzinfo is None and moment.year >= 1900:
            return moment.date() if len(text.strip()) == len("2024-01-01") else moment
    return _NO_XML.sub("\ufffd", text)


def _title(wanted: str) -> str:
    return _NO_TITLE.sub(" ", wanted).strip(" '")[:_LONGEST_TITLE] or "Sheet"
