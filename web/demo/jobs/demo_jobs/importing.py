"""The job `import-csv`: a file goes into a table, a thousand rows at a time.

Each batch is one step, and what a step returns is where the next one starts. A run that is
interrupted goes on at that byte; no batch that was saved is read again. A file that is packed, or
is an Excel workbook, is made a CSV file first.
"""

from __future__ import annotations

from pydantic import BaseModel, Field

from demo_jobs.batches import first_refused, import_batch, make_table
from demo_jobs.catalogue import TableInfo
from demo_jobs.finishing import catalogued, described
from demo_jobs.layout import Delimiter, Encoding, Layout, Place, inspect
from demo_jobs.patience import PATIENCE
from demo_jobs.summary import ColumnSummary
from demo_jobs.tables import RefusedRow, database_path
from demo_jobs.unpacking import Unpacked, unpack
from durably import Blob, Step, job

#: Refused rows in the output; all of them are in the table.
SHOWN_REFUSED = 100


class ImportOptions(BaseModel):
    """How to read the file; what is "auto" or null is found out."""

    encoding: Encoding = "auto"
    delimiter: Delimiter = "auto"
    #: The sheet of an Excel workbook; the first one unless named.
    sheet: str | None = None
    #: The file of a ZIP archive; the only table in it unless named.
    member: str | None = None
    #: What to call the table; like the file unless named.
    name: str | None = None


class ImportInput(BaseModel):
    """A file to import."""

    file: Blob
    options: ImportOptions = Field(default_factory=ImportOptions)


class ImportResult(BaseModel):
    """What became of the file."""

    imported: int
    refused: int
    blank: int
    delimiter: str
    encoding: str
    notes: list[str]
    columns: list[ColumnSummary]
    first_refused: list[RefusedRow] = Field(alias="firstRefused", max_length=SHOWN_REFUSED)
    #: The table in the catalogue; null for imports of the time before there was one.
    table: TableInfo | None = None


@job(name="import-csv", retry=PATIENCE)
async def import_csv(step: Step, input: ImportInput) -> ImportResult:
    """Import a CSV file or an Excel workbook into a table of its own and describe its columns."""
    database = database_path()
    import_id = step.run_id
    options = input.options

    def open_up() -> Unpacked:
        found = unpack(
            input.file,
            workplace=database.with_name(f"unpacking-{import_id}"),
            sheet=options.sheet or None,
            member=options.member or None,
        )
        for note in found.notes:
            step.log.info(note)
        return found

    def look(unpacked: Unpacked) -> Layout:
        layout = inspect(
            unpacked.file,
            encoding="utf-8" if unpacked.is_sheet else options.encoding,
            delimiter="," if unpacked.is_sheet else options.delimiter,
        )
        make_table(database, import_id, layout.columns)
        step.log.info(f"{len(layout.columns)} columns: {', '.join(layout.columns)[:200]}")
        for note in layout.notes:
            step.log.warn(note)
        return layout

    def batch(name: str, file: Blob, layout: Layout, start: Place) -> Place:
        end = import_batch(database, import_id, file, layout=layout, start=start, step=name)
        refused = end.refused - start.refused
        line = f"Rows {start.row + 1:,}–{end.row:,}: {end.imported - start.imported:,} imported"
        if refused:
            step.log.warn(f"{line}, {refused:,} refused")
        else:
            step.log.info(line)
        return end

    unpacked = await step.run("unpack", open_up)
    layout = await step.run("look", look, unpacked)
    place = layout.start
    number = 0
    while place.offset < layout.size:
        number += 1
        name = f"rows-{number}"
        place = await step.run(name, batch, name, unpacked.file, layout, place)
        step.progress(place.offset, layout.size, f"{place.imported:,} rows imported")
    summaries = await described(step, database, import_id, layout.columns)
    refused = await step.run("refused", first_refused, database, import_id, SHOWN_REFUSED)
    table = await catalogued(
        step,
        database,
        name=options.name or unpacked.name,
        columns=summaries,
        origin="imported",
    )
    return ImportResult(
        imported=place.imported,
        refused=place.refused,
        blank=place.blank,
        delimiter=layout.delimiter,
        encoding=layout.codec,
        notes=[*unpacked.notes, *layout.notes],
        columns=summaries,
        firstRefused=refused,
        table=table,
    )
