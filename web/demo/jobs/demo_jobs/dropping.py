"""The job `drop-table`: a table and its rows are removed for good."""

from __future__ import annotations

from pathlib import Path

from demo_jobs.catalogue import found, required
from demo_jobs.cleaning import drop_seen
from demo_jobs.grouping import drop_index
from demo_jobs.matches import drop_keys
from demo_jobs.patience import PATIENCE
from demo_jobs.reporting import unsorted_id
from demo_jobs.tables import database_path, opened
from demo_jobs.wire import Wire
from durably import Step, job


class DropInput(Wire):
    """The table to remove."""

    #: Also the id of a run that ended before its table was whole: what it had made goes.
    table: str


class Dropped(Wire):
    """What was removed; a table that was never whole has no name."""

    id: str
    name: str | None
    rows: int


@job(name="drop-table", retry=PATIENCE)
async def drop_table(step: Step, input: DropInput) -> Dropped:
    """Remove a table; return what it was."""
    database = database_path()

    def drop() -> None:
        _drop(database, input.table)
        step.log.info(f"“{dropped.name or dropped.id}” and its {dropped.rows:,} rows are removed")

    # What was there is saved first: the second step may run twice, and then finds nothing.
    dropped = await step.run("look", _look, database, input.table)
    await step.run("drop", drop)
    step.progress(1, 1, f"“{dropped.name or dropped.id}” is removed")
    return dropped


def _look(database: Path, table_id: str) -> Dropped:
    with opened(database) as tables:
        info = found(tables, table_id)
        if info is None and tables.columns(table_id) is not None:
            return Dropped(id=table_id, name=None, rows=tables.count_rows(table_id))
        info = required(tables, table_id)
        return Dropped(id=info.id, name=info.name, rows=info.rows)


def _drop(database: Path, table_id: str) -> None:
    with opened(database) as tables, tables.transaction():
        # What a run needs on the way stays when it is cancelled.
        drop_seen(tables, table_id)
        drop_keys(tables, table_id)
        drop_index(tables, table_id)
        tables.drop(unsorted_id(table_id))
        tables.drop(table_id)
