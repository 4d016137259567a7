"""The job `join-tables`: rows of two tables that have the same key become one row.

The keys are written down first, counted, and only then are rows made, a thousand in each step. A
step returns the last pair it wrote, which is where the next one starts.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field

from demo_jobs.catalogue import TableInfo, require_columns, required
from demo_jobs.errors import TableRefused
from demo_jobs.finishing import catalogued, described
from demo_jobs.layout import MOST_COLUMNS
from demo_jobs.matches import (
    SIDES,
    Matches,
    Pair,
    RepeatedKey,
    Selection,
    Side,
    add_keys,
    count_matches,
    drop_keys,
    index_keys,
    key_of,
    lonely_rows,
    make_keys,
    matching_rows,
)
from demo_jobs.patience import PATIENCE
from demo_jobs.tables import Tables, database_path, opened
from demo_jobs.wire import Wire
from durably import Step, job

Kind = Literal["inner", "left", "outer"]
Keys = Annotated[list[str], Field(min_length=1, max_length=20)]

#: Rows whose keys are written down, and rows made, by one step.
KEYED: Final = 5_000
JOINED: Final = 1_000
#: Beyond this it is a mistake: keys that are none.
MOST_ROWS: Final = 1_000_000


class JoinInput(Wire):
    """Two tables, and what of each makes a row belong to one of the other."""

    left: str
    right: str
    left_keys: Keys
    #: As many as of the left table, in the same order.
    right_keys: Keys
    #: Rows that match no other: none stay, those of the left table stay, or all do.
    kind: Kind = "inner"
    ignore_case: bool = False
    name: str | None = None


class JoinResult(Wire):
    """What matched, and the table that came of it."""

    table: TableInfo
    #: Rows made of a left and a right one.
    pairs: int
    matched_left: int
    unmatched_left: int
    matched_right: int
    unmatched_right: int
    #: How many keys more than one row of a table has.
    repeated_left: int
    repeated_right: int
    #: Those that made the most rows.
    repeated: list[RepeatedKey]


class JoinPlan(Wire):
    """The tables as they were found, and the columns of the new one."""

    left: TableInfo
    right: TableInfo
    columns: list[str]
    #: Those columns of the right table that are no keys: their cells are in the left keys.
    right_columns: list[str]

    @property
    def selection(self) -> Selection:
        """Return what to read for a pair of rows."""
        return Selection(
            left=self.left.id,
            right=self.right.id,
            left_columns=self.left.column_names,
            right_columns=self.right_columns,
        )


class Keyed(Wire):
    """How far the keys of a table are written down."""

    after: int = 0
    rows: int = 0


class Joined(Wire):
    """The last pair that was written, and how many rows there are."""

    pair: Pair = Field(default_factory=Pair)
    rows: int = 0


@job(name="join-tables", retry=PATIENCE)
async def join_tables(step: Step, input: JoinInput) -> JoinResult:
    """Join two tables by key columns; say what matched, and which keys are repeated."""
    database, run_id = database_path(), step.run_id

    def look() -> JoinPlan:
        plan = _plan(database, input)
        with opened(database) as tables:
            tables.create(run_id, plan.columns)
            make_keys(tables, run_id)
        return plan

    def count() -> Matches:
        with opened(database) as tables:
            with tables.transaction():
                index_keys(tables, run_id)
            matches = count_matches(tables, run_id)
        step.log.info(f"{matches.pairs:,} pairs of rows have the same key")
        return matches

    def tidy_up() -> None:
        with opened(database) as tables, tables.transaction():
            drop_keys(tables, run_id)

    def give_up() -> None:
        with opened(database) as tables, tables.transaction():
            drop_keys(tables, run_id)
            tables.drop(run_id)

    plan = await step.run("look", look)
    keyed_rows = plan.left.rows + plan.right.rows
    for side in SIDES:
        await _write_keys(step, database, input, plan=plan, side=side)
    matches = await step.run("count", count)
    if matches.pairs > MOST_ROWS:
        await step.run("give-up", give_up)
        raise _too_many(plan, matches)
    lonely_left = 0 if input.kind == "inner" else plan.left.rows - matches.matched_left
    lonely_right = plan.right.rows - matches.matched_right if input.kind == "outer" else 0
    expected = matches.pairs + lonely_left + lonely_right
    total = max(1, keyed_rows + expected)
    joined = Joined()
    number = 0
    while joined.rows < matches.pairs + lonely_left:
        number += 1
        name = f"rows-{number}"
        joined = await step.run(
            name, _join_batch, database, plan, input.kind, joined, run_id=run_id, step=name
        )
        step.progress(keyed_rows + joined.rows, total, f"{joined.rows:,} rows joined")
    joined = Joined(rows=joined.rows)
    number = 0
    while joined.rows < expected:
        number += 1
        name = f"lonely-{number}"
        joined = await step.run(
            name, _lonely_batch, database, plan, input, joined, run_id=run_id, step=name
        )
        step.progress(keyed_rows + joined.rows, total, f"{joined.rows:,} rows joined")
    await step.run("tidy-up", tidy_up)
    summaries = await described(step, database, run_id, plan.columns)
    table = await catalogued(
        step,
        database,
        name=input.name or f"{plan.left.name} + {plan.right.name}",
        columns=summaries,
        origin="joined",
    )
    return JoinResult(
        table=table,
        pairs=matches.pairs,
        matched_left=matches.matched_left,
        unmatched_left=plan.left.rows - matches.matched_left,
        matched_right=matches.matched_right,
        unmatched_right=plan.right.rows - matches.matched_right,
        repeated_left=matches.repeated_left,
        repeated_right=matches.repeated_right,
        repeated=matches.repeated,
    )


async def _write_keys(
    step: Step, database: Path, input: JoinInput, *, plan: JoinPlan, side: Side
) -> None:
    """Write down the keys of one table, some thousand in each step."""
    read = 0 if side == "left" else plan.left.rows
    info = plan.left if side == "left" else plan.right
    columns = input.left_keys if side == "left" else input.right_keys

    def write(before: Keyed) -> Keyed:
        with opened(database) as tables:
            required(tables, info.id)  # it may have been removed since the last step
            rows = tables.rows_after(info.id, columns, after=before.after, limit=KEYED)
            keys = [(row[0], key_of(row[1:], ignore_case=input.ignore_case)) for row in rows]
            with tables.transaction():
                add_keys(tables, step.run_id, side, keys)
        return Keyed(after=rows[-1][0], rows=before.rows + len(rows))

    keyed = Keyed()
    number = 0
    while keyed.rows < info.rows:
        number += 1
        keyed = await step.run(f"keys-{side}-{number}", write, keyed)
        done = read + keyed.rows
        step.progress(done, 2 * (plan.left.rows + plan.right.rows), f"{done:,} keys read")


def _plan(database: Path, input: JoinInput) -> JoinPlan:
    if len(input.left_keys) != len(input.right_keys):
        raise TableRefused(
            "wrong_keys",
            f"{len(input.left_keys)} key columns of the left table cannot be compared with "
            f"{len(input.right_keys)} of the right one: choose as many of both.",
        )
    with opened(database) as tables:
        left, right = required(tables, input.left), required(tables, input.right)
    require_columns(left, input.left_keys)
    require_columns(right, input.right_keys)
    others = [name for name in right.column_names if name not in input.right_keys]
    columns = joined_columns(left.column_names, others)
    if len(columns) > MOST_COLUMNS:
        raise TableRefused(
            "too_many_columns",
            f"Together the tables have {len(columns):,} columns; at most {MOST_COLUMNS:,} fit.",
        )
    return JoinPlan(left=left, right=right, columns=columns, right_columns=others)


def joined_columns(left: list[str], right: list[str]) -> list[str]:
    """Return the names of both tables' columns; one of the right that is taken gets a number."""
    names, taken = list(left), {name.casefold() for name in left} | {"_row"}
    # What a name becomes must not be one that another column of the right has by itself.
    own = {name.casefold() for name in right}
    for wanted in right:
        name, count = wanted, 1
        while name.casefold() in taken or (count > 1 and name.casefold() in own):
            count += 1
            name = f"{wanted}_{count}"
        taken.add(name.casefold())
        names.append(name)
    return names


def _join_batch(
    database: Path, plan: JoinPlan, kind: Kind, before: Joined, *, run_id: str, step: str
) -> Joined:
    """Write the pairs that follow *before*; done again, it leaves the same rows."""
    with opened(database) as tables:
        _require_both(tables, plan)
        found = matching_rows(
            tables,
            run_id,
            plan.selection,
            after=before.pair,
            keep_left=kind != "inner",
            limit=JOINED,
        )
        rows: list[tuple[int | str, ...]] = [
            (number, *cells) for number, (_, _, cells) in enumerate(found, start=before.rows + 1)
        ]
        with tables.transaction():
            tables.add_rows(run_id, len(plan.columns), rows)
            tables.add_journal(run_id, step, secrets.token_hex(8))
    left, right, _ = found[-1]
    return Joined(pair=Pair(left=left, right=right), rows=before.rows + len(rows))


def _lonely_batch(
    database: Path, plan: JoinPlan, input: JoinInput, before: Joined, *, run_id: str, step: str
) -> Joined:
    """Write rows of the right table that match no other; the left key columns have their keys."""
    place = dict(zip(input.left_keys, input.right_keys, strict=True))
    columns = [*input.right_keys, *plan.right_columns]
    with opened(database) as tables:
        _require_both(tables, plan)
        found = lonely_rows(
            tables, run_id, columns, plan.right.id, after=before.pair.right, limit=JOINED
        )
        rows: list[tuple[int | str, ...]] = []
        for number, (_, cells) in enumerate(found, start=before.rows + 1):
            keys = dict(zip(input.right_keys, cells, strict=False))
            left = [keys[place[name]] if name in place else "" for name in plan.left.column_names]
            rows.append((number, *left, *cells[len(input.right_keys) :]))
        with tables.transaction():
            tables.add_rows(run_id, len(plan.columns), rows)
            tables.add_journal(run_id, step, secrets.token_hex(8))
    return Joined(pair=Pair(right=found[-1][0]), rows=before.rows + len(rows))


def _require_both(tables: Tables, plan: JoinPlan) -> None:
    """Refuse to go on when one of the tables was removed since the last step."""
    for info in (plan.left, plan.right):
        required(tables, info.id)


def _too_many(plan: JoinPlan, matches: Matches) -> TableRefused:
    worst = matches.repeated[0]
    return TableRefused(
        "too_many_matches",
        f"{matches.pairs:,} rows would come of “{plan.left.name}” and “{plan.right.name}”; at most "
        f"{MOST_ROWS:,} are made. The key “{worst.key}” alone is in {worst.left:,} rows of the "
        f"one and {worst.right:,} of the other: choose more key columns, or remove duplicates.",
    )
