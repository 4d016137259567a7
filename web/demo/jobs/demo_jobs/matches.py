"""Find which rows of two tables belong together, with the keys of both in helper tables.

A key is the cells of the key columns, trimmed, as one text; SQLite finds equal ones by an index.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Final, Literal

from demo_jobs.tables import Tables, quoted, table_of
from demo_jobs.wire import Wire

Side = Literal["left", "right"]

SIDES: Final[tuple[Side, Side]] = ("left", "right")
SHOWN_REPEATED: Final = 10

_LONGEST_KEY: Final = 80


class RepeatedKey(Wire):
    """A key that several rows have, and how many on each side."""

    key: str
    left: int
    right: int


class Matches(Wire):
    """How the rows of two tables match."""

    #: Pairs of rows.
    pairs: int
    matched_left: int
    matched_right: int
    #: How many keys more than one row has.
    repeated_left: int
    repeated_right: int
    #: Those that make the most pairs.
    repeated: list[RepeatedKey]


def key_of(cells: Iterable[str], *, ignore_case: bool) -> str | None:
    """Return the key that *cells* make; None when all are empty: such a row matches no other."""
    parts = [cell.strip() for cell in cells]
    if not any(parts):
        return None
    if ignore_case:
        parts = [part.casefold() for part in parts]
    # One column is by far the usual case, and its key is smaller without the brackets.
    return parts[0] if len(parts) == 1 else json.dumps(parts, ensure_ascii=False)


def make_keys(tables: Tables, run_id: str) -> None:
    """Make the helper tables of a run."""
    for side in SIDES:
        tables.connection.execute(
            f"CREATE TABLE IF NOT EXISTS {_keys(run_id, side)}"
            " (row INTEGER PRIMARY KEY, key TEXT) STRICT"
        )


def drop_keys(tables: Tables, run_id: str) -> None:
    """Remove the helper tables of a run."""
    for side in SIDES:
        tables.connection.execute(f"DROP TABLE IF EXISTS {_keys(run_id, side)}")


def add_keys(
    tables: Tables, run_id: str, side: Side, rows: Iterable[tuple[int, str | None]]
) -> None:
    """Write down the keys of rows; one that was written down before is replaced."""
    tables.connection.executemany(
        f"INSERT OR REPLACE INTO {_keys(run_id, side)} VALUES (?, ?)", rows
    )


def index_keys(tables: Tables, run_id: str) -> None:
    """Make keys quick to find."""
    for side in SIDES:
        index = quoted(f"by_key_{run_id}_{side}")
        tables.connection.execute(
            f"CREATE INDEX IF NOT EXISTS {index} ON {_keys(run_id, side)} (key)"
        )


def count_matches(tables: Tables, run_id: str) -> Matches:
    """Count what belongs together before any of it is written."""
    counted = (
        "SELECT key, l.n AS l, r.n AS r FROM"
        f" (SELECT key, count(*) AS n FROM {_keys(run_id, 'left')}"
        " WHERE key IS NOT NULL GROUP BY key) AS l"
        f" JOIN (SELECT key, count(*) AS n FROM {_keys(run_id, 'right')}"
        " WHERE key IS NOT NULL GROUP BY key) AS r USING (key)"
    )
    pairs, left, right = tables.connection.execute(
        f"SELECT total(l * r), total(l), total(r) FROM ({counted})"
    ).fetchone()
    repeated = tables.connection.execute(
        f"{counted} WHERE l.n > 1 OR r.n > 1 ORDER BY l.n * r.n DESC, key LIMIT ?",
        (SHOWN_REPEATED,),
    )
    return Matches(
        pairs=int(pairs),
        matched_left=int(left),
        matched_right=int(right),
        repeated_left=_count_repeated(tables, run_id, "left"),
        repeated_right=_count_repeated(tables, run_id, "right"),
        repeated=[
            RepeatedKey(key=key[:_LONGEST_KEY], left=many, right=other)
            for key, many, other in repeated
        ],
    )


class Selection(Wire):
    """Which columns of which tables the rows that match have."""

    left: str
    right: str
    left_columns: list[str]
    right_columns: list[str]


class Pair(Wire):
    """The last pair of rows that was written; 0 stands for no row."""

    left: int = 0
    right: int = 0


Found = tuple[int, int, tuple[str, ...]]


def matching_rows(
    tables: Tables, run_id: str, chosen: Selection, *, after: Pair, keep_left: bool, limit: int
) -> list[Found]:
    """Return at most *limit* pairs that follow *after*: both row numbers, then the cells.

    With *keep_left* rows of the left table that match no other are among them, with empty cells.
    """
    kind = "LEFT JOIN" if keep_left else "CROSS JOIN"  # CROSS: the left table is the outer loop
    wanted = _wanted("lt", chosen.left_columns) + _wanted("rt", chosen.right_columns)
    # A row of the left table that was in the middle of its pairs comes first, by itself, so that
    # the pairs before are not counted off again and again.
    common = (
        f"SELECT l.row, coalesce(r.row, 0){wanted} FROM {_keys(run_id, 'left')} AS l"
        f' JOIN {table_of(chosen.left)} AS lt ON lt."_row" = l.row'
        f" {kind} {_keys(run_id, 'right')} AS r ON r.key = l.key {{more}}"
        f' LEFT JOIN {table_of(chosen.right)} AS rt ON rt."_row" = r.row'
        " WHERE {where} ORDER BY l.row, r.row LIMIT ?"
    )
    rest = tables.connection.execute(
        common.format(more="AND r.row > ?", where="l.row = ? AND r.row IS NOT NULL"),
        (after.right, after.left, limit),
    ).fetchall()
    further = tables.connection.execute(
        common.format(more="", where="l.row > ?"), (after.left, limit - len(rest))
    ).fetchall()
    return [(left, right, tuple(cells)) for left, right, *cells in (*rest, *further)]


def lonely_rows(
    tables: Tables, run_id: str, columns: Sequence[str], right: str, *, after: int, limit: int
) -> list[tuple[int, tuple[str, ...]]]:
    """Return at most *limit* rows of the right table, after row *after*, that match no other."""
    found = tables.connection.execute(
        f"SELECT r.row{_wanted('rt', columns)} FROM {_keys(run_id, 'right')} AS r"
        f' JOIN {table_of(right)} AS rt ON rt."_row" = r.row'
        f" WHERE r.row > ? AND NOT EXISTS (SELECT 1 FROM {_keys(run_id, 'left')} AS l"
        " WHERE l.key = r.key) ORDER BY r.row LIMIT ?",
        (after, limit),
    )
    return [(row, tuple(cells)) for row, *cells in found]


def _count_repeated(tables: Tables, run_id: str, side: Side) -> int:
    (count,) = tables.connection.execute(
        f"SELECT count(*) FROM (SELECT 1 FROM {_keys(run_id, side)}"
        " WHERE key IS NOT NULL GROUP BY key HAVING count(*) > 1)"
    ).fetchone()
    return int(count)


def _wanted(alias: str, columns: Sequence[str]) -> str:
    return "".join(f", coalesce({alias}.{quoted(name)}, '')" for name in columns)


def _keys(run_id: str, side: Side) -> str:
    return quoted(f"keys_{run_id}_{side}")
