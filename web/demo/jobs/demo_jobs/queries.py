"""What the page asks the app's tables: plain reads, no runs."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from demo_jobs.catalogue import TableInfo, listed
from demo_jobs.tables import JournalEntry, RefusedRow, database_path, opened
from durably import query

#: Cells are cut at this length on the page; the table keeps all of them.
LONGEST_CELL = 300
MOST_ENTRIES = 10_000


class PageInput(BaseModel):
    """A page of a table's rows."""

    #: The table's id, which is the id of the run that makes or made it.
    run: str
    offset: Annotated[int, Field(ge=0)] = 0
    limit: Annotated[int, Field(ge=1, le=500)] = 50


class RowsPage(BaseModel):
    """Rows in the order of their numbers; each begins with its number."""

    total: int
    columns: list[str]
    rows: list[list[str | int]]


class RefusedPage(BaseModel):
    """Refused rows in the file's order."""

    total: int
    rows: list[RefusedRow]


class JournalInput(BaseModel):
    """Part of what the steps of a run wrote down."""

    run: str
    after: Annotated[int, Field(ge=0)] = 0


@query(name="tables")
def tables() -> list[TableInfo]:
    """Return the tables that jobs may be given, the newest first."""
    with opened(database_path()) as found:
        return listed(found)


@query(name="rows")
def rows(input: PageInput) -> RowsPage:
    """Return rows of a table of whatever job; none while its run has made none yet."""
    with opened(database_path()) as found:
        columns = found.columns(input.run)
        if columns is None:
            return RowsPage(total=0, columns=[], rows=[])
        page = found.rows(input.run, limit=input.limit, offset=input.offset, longest=LONGEST_CELL)
        return RowsPage(
            total=found.count_rows(input.run), columns=columns, rows=[list(row) for row in page]
        )


@query(name="refused-rows")
def refused_rows(input: PageInput) -> RefusedPage:
    """Return refused rows."""
    with opened(database_path()) as found:
        return RefusedPage(
            total=found.count_refused(input.run),
            rows=found.refused(input.run, limit=input.limit, offset=input.offset),
        )


@query(name="journal")
def journal(input: JournalInput) -> list[JournalEntry]:
    """Return what the steps of a run wrote down when they were executed, oldest first."""
    with opened(database_path()) as found:
        return found.journal(input.run, after=input.after, limit=MOST_ENTRIES)


@query(name="check-tables")
def check_tables() -> str:
    """Return "ok", or what is wrong with the file of the app's tables."""
    with opened(database_path()) as found:
        return found.check()
