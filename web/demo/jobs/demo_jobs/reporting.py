"""The job `make-report`: rows are grouped and measured; the report is a table and three files.

Groups are measured in steps and kept in a table of their own until all are there; then they are
sorted. The files - CSV, an Excel workbook and a chart - are kept beside the run.
"""

from __future__ import annotations

import csv
import io
import secrets
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field

from demo_jobs.catalogue import TableInfo, require_columns, required
from demo_jobs.charts import Bar, Dot, bar_chart, line_chart
from demo_jobs.errors import TableRefused
from demo_jobs.files import keep, scratch
from demo_jobs.finishing import catalogued, described
from demo_jobs.grouping import Grouped, drop_index, index_groups, next_groups
from demo_jobs.joining import joined_columns
from demo_jobs.majority import is_of, main_family, rank_of
from demo_jobs.measures import Measure
from demo_jobs.patience import PATIENCE
from demo_jobs.sheets import write_workbook
from demo_jobs.summary import Kind, classify
from demo_jobs.tables import database_path, opened
from demo_jobs.wire import Wire
from durably import Blob, Step, job

SHOWN_ROWS: Final = 200
MOST_GROUPS: Final = 100_000

_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class Sort(Wire):
    """By which column of the report its rows are sorted."""

    by: str
    descending: bool = False


class ReportInput(Wire):
    """What to measure of a table, and by what to group it."""

    table: str
    group_by: Annotated[list[str], Field(max_length=3)] = Field(default_factory=list)
    measures: Annotated[list[Measure], Field(min_length=1, max_length=20)]
    #: By the first group if it is a date, else by the first measure with the largest first.
    sort: Sort | None = None
    #: How many rows are kept; all unless given.
    top: Annotated[int, Field(ge=1)] | None = None
    name: str | None = None


class ReportResult(Wire):
    """The report: its first rows, the table of all, and the files."""

    table: TableInfo
    columns: list[str]
    rows: list[list[str]] = Field(max_length=SHOWN_ROWS)
    #: How many groups there are, also those that `top` left out.
    groups: int
    notes: list[str]
    csv: Blob
    xlsx: Blob
    svg: Blob


class ReportPlan(Wire):
    """The table as it was found, and the columns of the report."""

    info: TableInfo
    columns: list[str]
    #: How many of them are groups; the others are measures.
    width: int
    title: str


@job(name="make-report", retry=PATIENCE)
async def make_report(step: Step, input: ReportInput) -> ReportResult:
    """Group and measure a table; make a table, a CSV file, a workbook and a chart of it."""
    database, run_id = database_path(), step.run_id
    measures = input.measures

    def look() -> ReportPlan:
        plan = _plan(database, input)
        with opened(database) as tables:
            tables.create(run_id, plan.columns)
            tables.create(unsorted_id(run_id), plan.columns)
            if input.group_by:
                with tables.transaction():
                    columns = [one.column for one in measures if one.column is not None]
                    index_groups(tables, plan.info, run_id, input.group_by, columns)
        return plan

    def group(name: str, before: Grouped) -> Grouped:
        with opened(database) as tables:
            required(tables, plan.info.id)  # it may have been removed since the last step
            made, after = next_groups(tables, plan.info, input.group_by, measures, before)
            rows: list[tuple[int | str, ...]] = [
                (number, *cells) for number, cells in enumerate(made, before.groups + 1)
            ]
            with tables.transaction():
                tables.add_rows(unsorted_id(run_id), len(plan.columns), rows)
                tables.add_journal(run_id, name, secrets.token_hex(8))
        step.log.info(f"{after.groups:,} groups of {after.rows:,} rows")
        return after

    def give_up() -> None:
        with opened(database) as tables, tables.transaction():
            drop_index(tables, run_id)
            tables.drop(unsorted_id(run_id))
            tables.drop(run_id)

    plan = await step.run("look", look)
    total = max(1, plan.info.rows)
    grouped = Grouped(skipped=[0] * len(measures))
    number = 0
    while not grouped.is_done:
        number += 1
        name = f"groups-{number}"
        grouped = await step.run(name, group, name, grouped)
        step.progress(min(grouped.rows, total), total, f"{grouped.groups:,} groups")
        if grouped.groups > MOST_GROUPS:
            await step.run("give-up", give_up)
            raise TableRefused(
                "too_many_groups",
                f"More than {MOST_GROUPS:,} groups would come of “{plan.info.name}”: group by "
                "columns whose values repeat.",
            )
    await step.run("sort", _sort, database, run_id, plan, input)
    summaries = await described(step, database, run_id, plan.columns)
    kinds = [column.kind for column in summaries]
    made = {
        kind: await step.run(f"{kind}-file", make, database, run_id, plan, kinds=kinds)
        for kind, make in (("csv", _csv), ("xlsx", _xlsx), ("svg", _svg))
    }
    table = await catalogued(step, database, name=plan.title, columns=summaries, origin="report")
    shown = await step.run("shown", _rows, database, run_id, plan.columns, SHOWN_ROWS)
    return ReportResult(
        table=table,
        columns=plan.columns,
        rows=shown,
        groups=grouped.groups,
        notes=_notes(measures, grouped.skipped),
        csv=made["csv"],
        xlsx=made["xlsx"],
        svg=made["svg"],
    )


def _plan(database: Path, input: ReportInput) -> ReportPlan:
    with opened(database) as tables:
        info = required(tables, input.table)
    require_columns(info, input.group_by)
    for one in input.measures:
        if one.column is None and one.measure != "count":
            raise TableRefused("no_column", f"Choose the column to take the {one.measure} of.")
    require_columns(info, [one.column for one in input.measures if one.column is not None])
    if len(set(input.group_by)) < len(input.group_by):
        raise TableRefused("no_column", "Choose different columns to group by.")
    columns = joined_columns(input.group_by, [one.label for one in input.measures])
    if input.sort is not None and input.sort.by not in columns:
        known = ", ".join(f"“{name}”" for name in columns)
        raise TableRefused(
            "wrong_sort", f"The report has no column “{input.sort.by}”; it has: {known}."
        )
    by = f" by {', '.join(input.group_by)}" if input.group_by else ""
    return ReportPlan(
        info=info,
        columns=columns,
        width=len(input.group_by),
        title=input.name or f"{info.name}: {input.measures[0].label}{by}",
    )


def _sort(database: Path, run_id: str, plan: ReportPlan, input: ReportInput) -> None:
    """Write the groups in their order, and remove what was needed on the way; as often as run."""
    with opened(database) as tables, tables.transaction():
        if tables.columns(unsorted_id(run_id)) is None:
            return  # it was all done before
        rows = tables.rows_after(unsorted_id(run_id), plan.columns, after=0, limit=-1)
        groups = [row[1:] for row in rows]
        sort = input.sort or _usual_sort(groups, plan)
        place = plan.columns.index(sort.by)
        family = main_family(cells[place] for cells in groups)
        # Empty cells and those of another kind come last, whichever way the others go.
        fitting: list[tuple[str, ...]] = []
        others: list[tuple[str, ...]] = []
        for cells in groups:
            fits = cells[place].strip() and is_of(cells[place], family)
            (fitting if fits else others).append(cells)
        fitting.sort(key=lambda cells: rank_of(cells[place], family), reverse=sort.descending)
        wanted = [*fitting, *others][: input.top]
        tables.add_rows(run_id, len(plan.columns), ((n, *row) for n, row in enumerate(wanted, 1)))
        tables.drop(unsorted_id(run_id))
        drop_index(tables, run_id)


def _usual_sort(groups: Sequence[Sequence[str]], plan: ReportPlan) -> Sort:
    if plan.width and main_family(cells[0] for cells in groups) == "date":
        return Sort(by=plan.columns[0])
    return Sort(by=plan.columns[plan.width], descending=True)


def _rows(database: Path, run_id: str, columns: list[str], limit: int) -> list[list[str]]:
    with opened(database) as tables:
        found = tables.rows_after(run_id, columns, after=0, limit=limit)
    return [list(row[1:]) for row in found]


def _csv(database: Path, run_id: str, plan: ReportPlan, *, kinds: Sequence[Kind]) -> Blob:
    del kinds  # CSV knows none
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(plan.columns)
    writer.writerows(_rows(database, run_id, plan.columns, -1))
    # Excel takes a file for UTF-8 by the mark at its beginning only.
    content = text.getvalue().encode("utf-8-sig")
    return keep(content, name=f"{_file_name(plan)}.csv", media_type="text/csv")


def _xlsx(database: Path, run_id: str, plan: ReportPlan, *, kinds: Sequence[Kind]) -> Blob:
    with scratch(database.with_name(f"report-{run_id}.tmp")) as place:
        write_workbook(
            place,
            title=plan.title,
            columns=plan.columns,
            kinds=kinds,
            rows=_rows(database, run_id, plan.columns, -1),
        )
        return keep(place, name=f"{_file_name(plan)}.xlsx", media_type=_XLSX)


def _svg(database: Path, run_id: str, plan: ReportPlan, *, kinds: Sequence[Kind]) -> Blob:
    del kinds  # a chart is of what most cells are
    chart = _chart(_rows(database, run_id, plan.columns, -1), plan, key=run_id)
    return keep(chart.encode(), name=f"{_file_name(plan)}.svg", media_type="image/svg+xml")


def _chart(rows: Sequence[Sequence[str]], plan: ReportPlan, *, key: str) -> str:
    """Draw the first measure that is a number; without groups, a bar for each that is one."""
    numeric = [
        at
        for at in range(plan.width, len(plan.columns))
        if main_family(row[at] for row in rows) == "number"
    ]
    if not plan.width:
        bars = [Bar(label=plan.columns[at], value=float(rows[0][at])) for at in numeric]
        return bar_chart(bars, title=plan.title, measure="the measures", key=key)
    if not numeric:
        return bar_chart([], title=plan.title, measure="nothing", key=key)
    at = numeric[0]
    drawn = [row for row in rows if main_family([row[at]]) == "number"]
    if plan.width == 1 and main_family(row[0] for row in drawn) == "date":
        moments = [(row, classify(row[0])[1]) for row in drawn]
        dots = [
            Dot(moment=moment, label=row[0], value=float(row[at]))
            for row, moment in moments
            if isinstance(moment, datetime)
        ]
        return line_chart(dots, title=plan.title, measure=plan.columns[at], key=key)
    bars = [
        Bar(label=" · ".join(cell or "(empty)" for cell in row[: plan.width]), value=float(row[at]))
        for row in drawn
    ]
    return bar_chart(bars, title=plan.title, measure=plan.columns[at], key=key)


def _notes(measures: Sequence[Measure], skipped: Sequence[int]) -> list[str]:
    return [
        f"{'1 cell' if count == 1 else f'{count:,} cells'} of “{one.column}” "
        f"{'was' if count == 1 else 'were'} left out of its {one.measure}: not of the kind that "
        "the others are."
        for one, count in zip(measures, skipped, strict=True)
        if count
    ]


def _file_name(plan: ReportPlan) -> str:
    return "".join("-" if character in '/\\:*?"<>|' else character for character in plan.title)


def unsorted_id(run_id: str) -> str:
    """Return the id of the table in which a report's groups wait to be sorted."""
    return f"{run_id}-unsorted"
