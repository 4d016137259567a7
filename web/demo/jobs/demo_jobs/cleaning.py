"""The job `clean-table`: a table is copied with its cells cleaned and its duplicates left out.

All rows are looked at first, a few thousand in each step, to find out what each column holds; then
they are written, a thousand in each step. The table that was given stays as it is.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Final

from pydantic import Field

from demo_jobs.catalogue import TableInfo, require_columns, required
from demo_jobs.errors import TableRefused
from demo_jobs.finishing import catalogued, described
from demo_jobs.patience import PATIENCE
from demo_jobs.tables import Tables, database_path, opened, quoted
from demo_jobs.tidying import (
    CleanOptions,
    ColumnPlan,
    Evidence,
    Tidier,
    plan_column,
    survey,
)
from demo_jobs.wire import Wire
from durably import Step, job

#: Rows looked at, and rows written, by one step.
SURVEYED: Final = 5_000
WRITTEN: Final = 1_000
SHOWN_EXAMPLES: Final = 5

_LONGEST_EXAMPLE: Final = 80


class CleanInput(Wire):
    """A table to clean."""

    table: str
    options: CleanOptions = Field(default_factory=CleanOptions)
    #: What to call the new table; like the old one unless named.
    name: str | None = None


class Example(Wire):
    """A cell before and after."""

    before: str
    after: str


class ColumnChanges(Wire):
    """How many cells of a column were changed, by the last thing that was done to them."""

    spaces: int = 0
    emptied: int = 0
    numbers: int = 0
    dates: int = 0
    #: Cells that stayed as they were, as they are no number or date, or could be two.
    left: int = 0
    examples: list[Example] = Field(default_factory=list)


class CleanedColumn(ColumnChanges):
    """What was changed in a column."""

    name: str
    #: What most of its cells are.
    kind: str
    changed: int


class CleanResult(Wire):
    """What was changed, and the table that came of it."""

    table: TableInfo
    read: int
    #: Rows left out as an earlier one is the same.
    duplicates: int
    columns: list[CleanedColumn]
    #: Sentences about what could not be decided.
    notes: list[str]


class Survey(Wire):
    """What the rows up to *after* look like, column by column."""

    after: int = 0
    read: int = 0
    evidence: list[Evidence]


class Batch(Wire):
    """What one step wrote; only columns that were changed are named."""

    after: int
    read: int
    duplicates: int
    changes: dict[str, ColumnChanges]


@job(name="clean-table", retry=PATIENCE)
async def clean_table(step: Step, input: CleanInput) -> CleanResult:
    """Copy a table with its cells cleaned; say what was changed and what could not be decided."""
    database = database_path()
    options = input.options

    def decide(evidence: list[Evidence]) -> list[ColumnPlan]:
        plans = [
            plan_column(name, seen, options)
            for name, seen in zip(info.column_names, evidence, strict=True)
        ]
        for plan in plans:
            if plan.note:
                step.log.warn(plan.note)
        return plans

    def write(name: str, after: int, plans: list[ColumnPlan], shown: Mapping[str, int]) -> Batch:
        batch = _write_batch(
            database,
            step.run_id,
            info,
            after=after,
            plans=plans,
            options=options,
            shown=shown,
            step=name,
        )
        changed = sum(_changed(one) for one in batch.changes.values())
        step.log.info(
            f"{batch.read:,} rows: {changed:,} cells changed, {batch.duplicates:,} duplicates"
        )
        return batch

    def tidy_up() -> None:
        with opened(database) as tables, tables.transaction():
            drop_seen(tables, step.run_id)

    info = await step.run("look", _prepare, database, step.run_id, input.table, options)
    work = max(1, 2 * info.rows)
    surveyed = Survey(evidence=[{} for _ in info.columns])
    number = 0
    while surveyed.read < info.rows:
        number += 1
        surveyed = await step.run(
            f"survey-{number}", _survey_batch, database, info, surveyed, options
        )
        step.progress(surveyed.read, work, f"{surveyed.read:,} rows looked at")
    plans = await step.run("decide", decide, surveyed.evidence)
    totals: dict[str, ColumnChanges] = {}
    after, read, duplicates, number = 0, 0, 0, 0
    while read < info.rows:
        number += 1
        name = f"rows-{number}"
        shown = {column: len(total.examples) for column, total in totals.items()}
        batch = await step.run(name, write, name, after, plans, shown)
        after, read = batch.after, read + batch.read
        duplicates += batch.duplicates
        _add(totals, batch.changes)
        step.progress(info.rows + read, work, f"{read:,} rows cleaned")
    await step.run("tidy-up", tidy_up)
    summaries = await described(step, database, step.run_id, info.column_names)
    table = await catalogued(
        step,
        database,
        name=input.name or f"{info.name} cleaned",
        columns=summaries,
        origin="cleaned",
    )
    return CleanResult(
        table=table,
        read=read,
        duplicates=duplicates,
        columns=[_column(plan, totals.get(plan.name)) for plan in plans],
        notes=[plan.note for plan in plans if plan.note],
    )


def _prepare(database: Path, run_id: str, table: str, options: CleanOptions) -> TableInfo:
    """Make the new table, and return what is known about the old one."""
    with opened(database) as tables:
        info = required(tables, table)
        if options.duplicates == "columns":
            require_columns(info, options.duplicate_columns)
            if not options.duplicate_columns:
                raise TableRefused(
                    "no_column", "Choose the columns by which rows are the same, or whole rows."
                )
        tables.create(run_id, info.column_names)
        _make_seen(tables, run_id)
    return info


def _survey_batch(database: Path, info: TableInfo, before: Survey, options: CleanOptions) -> Survey:
    tidier = Tidier(options)
    with opened(database) as tables:
        rows = _rows(tables, info, before.after, SURVEYED)
    cells = zip(*(row[1:] for row in rows), strict=True)
    return Survey(
        after=rows[-1][0],
        read=before.read + len(rows),
        evidence=[
            survey(column, tidier, seen)
            for column, seen in zip(cells, before.evidence, strict=True)
        ],
    )


def _write_batch(
    database: Path,
    run_id: str,
    info: TableInfo,
    *,
    after: int,
    plans: Sequence[ColumnPlan],
    options: CleanOptions,
    shown: Mapping[str, int],
    step: str,
) -> Batch:
    """Write the cleaned rows that follow row *after*; done again, it leaves the same rows."""
    with opened(database) as tables:
        rows = _rows(tables, info, after, WRITTEN)
    tidiers = [Tidier(options, plan) for plan in plans]
    changes: dict[str, ColumnChanges] = {}

    def cleaned(row: tuple[int, *tuple[str, ...]]) -> tuple[int | str, ...]:
        cells = zip(row[1:], tidiers, plans, strict=True)
        return (row[0], *(_take(changes, plan.name, shown, cell, by) for cell, by, plan in cells))

    made = {row[0]: cleaned(row) for row in rows}
    last = rows[-1][0]
    with opened(database) as tables, tables.transaction():
        kept = made
        if options.duplicates != "off":
            places = _compared(info, options)
            digests = [(number, _digest(row, places)) for number, row in made.items()]
            firsts = _firsts(tables, run_id, digests, after=after, last=last)
            kept = {number: row for number, row in made.items() if number in firsts}
        tables.add_rows(run_id, len(plans), kept.values())
        tables.add_journal(run_id, step, secrets.token_hex(8))
    return Batch(after=last, read=len(rows), duplicates=len(rows) - len(kept), changes=changes)


def _rows(
    tables: Tables, info: TableInfo, after: int, limit: int
) -> list[tuple[int, *tuple[str, ...]]]:
    required(tables, info.id)  # it may have been removed since the last step
    return tables.rows_after(info.id, info.column_names, after=after, limit=limit)


def _take(
    changes: dict[str, ColumnChanges],
    column: str,
    shown: Mapping[str, int],
    cell: str,
    tidier: Tidier,
) -> str:
    after, change, is_left = tidier.clean(cell)
    if change is None and not is_left:
        return after
    counted = changes.setdefault(column, ColumnChanges())
    if is_left:
        counted.left += 1
    if change is not None:
        setattr(counted, change, getattr(counted, change) + 1)
        room = SHOWN_EXAMPLES - shown.get(column, 0) - len(counted.examples)
        if room > 0:
            example = Example(before=_clipped(cell), after=_clipped(after))
            if example not in counted.examples:
                counted.examples.append(example)
    return after


def _compared(info: TableInfo, options: CleanOptions) -> list[int]:
    """Return the places, in a row, of the cells by which rows are the same."""
    if options.duplicates == "whole-row":
        return list(range(1, len(info.columns) + 1))
    return [info.column_names.index(name) + 1 for name in options.duplicate_columns]


def _digest(row: Sequence[int | str], places: Iterable[int]) -> bytes:
    cells = json.dumps([row[place] for place in places], ensure_ascii=False)
    return blake2b(cells.encode(), digest_size=16).digest()


def _seen(run_id: str) -> str:
    return quoted(f"seen_{run_id}")


def _make_seen(tables: Tables, run_id: str) -> None:
    tables.connection.execute(
        f"CREATE TABLE IF NOT EXISTS {_seen(run_id)}"
        " (row INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE) STRICT"
    )


def drop_seen(tables: Tables, run_id: str) -> None:
    """Remove the helper table of a run."""
    tables.connection.execute(f"DROP TABLE IF EXISTS {_seen(run_id)}")


def _firsts(
    tables: Tables, run_id: str, rows: Iterable[tuple[int, bytes]], *, after: int, last: int
) -> set[int]:
    """Return which of *rows* are the first with their digest, of all rows so far.

    A row that was written down before is found again under its own number.
    """
    tables.connection.executemany(f"INSERT OR IGNORE INTO {_seen(run_id)} VALUES (?, ?)", rows)
    found = tables.connection.execute(
        f"SELECT row FROM {_seen(run_id)} WHERE row > ? AND row <= ?", (after, last)
    )
    return {row for (row,) in found}


def _add(totals: dict[str, ColumnChanges], changes: Mapping[str, ColumnChanges]) -> None:
    for column, change in changes.items():
        total = totals.setdefault(column, ColumnChanges())
        totals[column] = ColumnChanges(
            spaces=total.spaces + change.spaces,
            emptied=total.emptied + change.emptied,
            numbers=total.numbers + change.numbers,
            dates=total.dates + change.dates,
            left=total.left + change.left,
            examples=[*total.examples, *change.examples][:SHOWN_EXAMPLES],
        )


def _changed(changes: ColumnChanges) -> int:
    return changes.spaces + changes.emptied + changes.numbers + changes.dates


def _column(plan: ColumnPlan, total: ColumnChanges | None) -> CleanedColumn:
    total = total or ColumnChanges()
    return CleanedColumn(
        name=plan.name,
        kind=plan.kind,
        changed=_changed(total),
        spaces=total.spaces,
        emptied=total.emptied,
        numbers=total.numbers,
        dates=total.dates,
        left=total.left,
        examples=total.examples,
    )


def _clipped(text: str) -> str:
    return text if len(text) <= _LONGEST_EXAMPLE else text[: _LONGEST_EXAMPLE - 1] + "…"
