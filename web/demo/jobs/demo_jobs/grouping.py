"""Group the rows of a table and measure each group, some thousand rows at a time.

An index puts the rows of a group beside one another, so a step holds one group in memory, and the
next one starts behind the last group that was whole.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from itertools import groupby
from typing import Final

from demo_jobs.catalogue import TableInfo
from demo_jobs.measures import Accumulator, Measure
from demo_jobs.tables import Tables, quoted, table_of
from demo_jobs.wire import Wire

#: A step ends with the group in which it has read so many rows, or made so many groups.
READ: Final = 20_000
MADE: Final = 1_000

_WIDEST_INDEX: Final = 8


class Grouped(Wire):
    """Behind which group the next step starts, and what was done so far."""

    #: The cells of the last group; null before the first.
    after: list[str] | None = None
    groups: int = 0
    rows: int = 0
    is_done: bool = False
    #: By measure: cells that do not count, as they are of another kind than most.
    skipped: list[int]


def index_groups(
    tables: Tables, info: TableInfo, run_id: str, group_by: Sequence[str], measured: Sequence[str]
) -> None:
    """Put the rows of each group beside one another."""
    # With the measured columns in the index the rows need not be looked up one by one.
    covering = [*group_by, *measured] if len(measured) <= _WIDEST_INDEX else list(group_by)
    columns = ", ".join(quoted(name) for name in dict.fromkeys(covering))
    tables.connection.execute(
        f"CREATE INDEX IF NOT EXISTS {_index(run_id)} ON {table_of(info.id)} ({columns})"
    )


def drop_index(tables: Tables, run_id: str) -> None:
    """Remove the index again: it is of no use to anyone else."""
    tables.connection.execute(f"DROP INDEX IF EXISTS {_index(run_id)}")


def next_groups(
    tables: Tables,
    info: TableInfo,
    group_by: Sequence[str],
    measures: Sequence[Measure],
    before: Grouped,
) -> tuple[list[tuple[str, ...]], Grouped]:
    """Return the groups that follow *before*, measured, and where the next ones start."""
    made: list[tuple[str, ...]] = []
    skipped = list(before.skipped)
    width, rows, after, is_done = len(group_by), before.rows, before.after, True
    with closing(_sorted(tables, info, group_by, measures, before.after)) as found:
        for key, members in groupby(found, key=lambda row: row[:width]):
            if made and (rows - before.rows >= READ or len(made) >= MADE):
                is_done = False
                break
            readers = [Accumulator(measure) for measure in measures]
            for row in members:
                rows += 1
                for reader, cell in zip(readers, row[width:], strict=True):
                    reader.add(cell)
            made.append((*key, *(reader.text() for reader in readers)))
            skipped = [
                count + reader.skipped for count, reader in zip(skipped, readers, strict=True)
            ]
            after = list(key)
    return made, Grouped(
        after=after,
        groups=before.groups + len(made),
        rows=rows,
        is_done=is_done,
        skipped=skipped,
    )


def _sorted(
    tables: Tables,
    info: TableInfo,
    group_by: Sequence[str],
    measures: Sequence[Measure],
    after: list[str] | None,
) -> Generator[tuple[str, ...], None, None]:
    keys = ", ".join(map(quoted, group_by))
    cells = [quoted(one.column) if one.column is not None else "''" for one in measures]
    wanted = ", ".join([*map(quoted, group_by), *cells])
    where = "" if after is None else f" WHERE ({keys}) > ({', '.join('?' * len(after))})"
    order = f" ORDER BY {keys}" if group_by else ""
    yield from tables.connection.execute(
        f"SELECT {wanted} FROM {table_of(info.id)}{where}{order}", after or []
    )


def _index(run_id: str) -> str:
    return quoted(f"groups_{run_id}")
