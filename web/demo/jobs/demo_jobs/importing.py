"""The job `import-csv`: a file goes into a table, a thousand rows at a time.

Each batch is one step, and what a step returns is where the next one starts. A run that is
interrupted goes on at that byte; no batch that was saved is read again.
"""

from __future__ import annotations

from pydantic import BaseModel, Field

from demo_jobs.batches import first_refused, import_batch, make_table, summarise
from demo_jobs.layout import Delimiter, Encoding, Layout, Place, inspect
from demo_jobs.summary import ColumnSummary
from demo_jobs.tables import RefusedRow, StorageTrouble, database_path
from durably import Blob, Retry, Step, job

#: Refused rows in the output; all of them are in the table.
SHOWN_REFUSED = 100
#: Columns described by one step: each step reads the table once.
COLUMNS_PER_STEP = 4
#: A full disk costs time, never the import; anything else that a step raises ends the run.
PATIENCE = Retry(max_attempts=1_000_000, backoff=1, factor=1, retry_on=(StorageTrouble,))


class ImportOptions(BaseModel):
    """How to read the file; what is "auto" is found out."""

    encoding: Encoding = "auto"
    delimiter: Delimiter = "auto"


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


@job(name="import-csv", retry=PATIENCE)
async def import_csv(step: Step, input: ImportInput) -> ImportResult:
    """Import a CSV file into a table of its own and describe its columns."""
    database = database_path()
    import_id = step.run_id

    def look() -> Layout:
        layout = inspect(
            input.file, encoding=input.options.encoding, delimiter=input.options.delimiter
        )
        make_table(database, import_id, layout.columns)
        step.log.info(f"{len(layout.columns)} columns: {', '.join(layout.columns)[:200]}")
        for note in layout.notes:
            step.log.warn(note)
        return layout

    def batch(name: str, layout: Layout, start: Place) -> Place:
        end = import_batch(database, import_id, input.file, layout=layout, start=start, step=name)
        refused = end.refused - start.refused
        line = f"Rows {start.row + 1:,}–{end.row:,}: {end.imported - start.imported:,} imported"
        if refused:
            step.log.warn(f"{line}, {refused:,} refused")
        else:
            step.log.info(line)
        return end

    layout = await step.run("look", look)
    place = layout.start
    number = 0
    while place.offset < layout.size:
        number += 1
        name = f"rows-{number}"
        place = await step.run(name, batch, name, layout, place)
        step.progress(place.offset, layout.size, f"{place.imported:,} rows imported")
    summaries: list[ColumnSummary] = []
    for first in range(0, len(layout.columns), COLUMNS_PER_STEP):
        columns = layout.columns[first : first + COLUMNS_PER_STEP]
        summaries += await step.run(
            f"columns-{first + 1}-to-{first + len(columns)}",
            summarise,
            database,
            import_id,
            columns,
        )
    refused = await step.run("refused", first_refused, database, import_id, SHOWN_REFUSED)
    return ImportResult(
        imported=place.imported,
        refused=place.refused,
        blank=place.blank,
        delimiter=layout.delimiter,
        encoding=layout.codec,
        notes=layout.notes,
        columns=summaries,
        firstRefused=refused,
    )
