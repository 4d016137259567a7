"""Read one batch of rows and write it down: the unit of work that a step saves."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Final

from demo_jobs.layout import Layout, Place, StrPath
from demo_jobs.records import BrokenRecord, Record, records
from demo_jobs.summary import ColumnReader, ColumnSummary
from demo_jobs.tables import RefusedRow, opened

BATCH: Final = 1_000

_LONGEST_QUOTE: Final = 40


def make_table(database: Path, import_id: str, columns: Sequence[str]) -> None:
    """Make the table that the rows of an import go into."""
    with opened(database) as tables:
        tables.create(import_id, columns)


def import_batch(
    database: Path,
    import_id: str,
    source: StrPath,
    *,
    layout: Layout,
    start: Place,
    step: str,
) -> Place:
    """Write at most BATCH rows of *source* from *start* on; return where the next batch starts.

    The rows and a journal entry are one commit. Done again, it leaves the same rows.
    """
    rows: list[Sequence[str | int]] = []
    refused: list[RefusedRow] = []
    blank = 0
    place = start
    found = records(
        source,
        codec=layout.codec,
        delimiter=layout.delimiter,
        skip_spaces=layout.skip_spaces,
        offset=start.offset,
        row=start.row,
        line=start.line,
    )
    with closing(found):
        for record in islice(found, BATCH):
            place = Place(offset=record.end, row=record.row, line=record.end_line)
            if isinstance(record, Record) and len(record.cells) == len(layout.columns):
                rows.append((record.row, *record.cells))
            elif isinstance(record, Record) and not record.cells:
                blank += 1
            else:
                refused.append(refusal(record, layout.columns))
    with opened(database) as tables, tables.transaction():
        tables.add_rows(import_id, len(layout.columns), rows)
        tables.add_refused(import_id, refused)
        tables.add_journal(import_id, step, secrets.token_hex(8))
    return place.model_copy(
        update={
            "imported": start.imported + len(rows),
            "refused": start.refused + len(refused),
            "blank": start.blank + blank,
        }
    )


def refusal(record: Record | BrokenRecord, columns: Sequence[str]) -> RefusedRow:
    """Say why *record* is not a row of a table with *columns*."""
    if isinstance(record, BrokenRecord):
        at = record.column
        column = columns[at - 1] if at <= len(columns) else f"column {at}"
        return RefusedRow(row=record.row, line=record.line, column=column, reason=record.reason)
    width, cells = len(columns), record.cells
    counted = f"{_cells(len(cells))} instead of {width}"
    if len(cells) < width:
        column = columns[len(cells)]
        reason = f"{counted}: “{column}” is the first that is missing"
    else:
        column = f"column {width + 1}"
        reason = f"{counted}: the first that is too many holds “{_shortened(cells[width])}”"
    return RefusedRow(row=record.row, line=record.line, column=column, reason=reason)


def summarise(database: Path, import_id: str, columns: Sequence[str]) -> list[ColumnSummary]:
    """Describe *columns* of the imported rows, reading the table once."""
    readers = [ColumnReader(name) for name in columns]
    with opened(database) as tables:
        for rows in tables.values(import_id, columns):
            for reader, values in zip(readers, zip(*rows, strict=True), strict=True):
                reader.add(values)
    return [reader.summary() for reader in readers]


def first_refused(database: Path, import_id: str, limit: int) -> list[RefusedRow]:
    """Return the first *limit* refused rows of an import."""
    with opened(database) as tables:
        return tables.refused(import_id, limit=limit)


def _cells(count: int) -> str:
    return "1 cell" if count == 1 else f"{count:,} cells"


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_QUOTE else text[: _LONGEST_QUOTE - 1] + "…"
