"""The tables that jobs may be given: each is the whole of what one run made, under its run's id."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

from demo_jobs.errors import TableRefused
from demo_jobs.summary import ColumnSummary, Kind
from demo_jobs.tables import Tables, opened
from demo_jobs.wire import Wire

Origin = Literal["imported", "cleaned", "joined", "report", "synced"]

LONGEST_NAME: Final = 100

_FIELDS: Final = "id, name, rows, columns, origin, created_at"


class TableColumn(Wire):
    """A column, and what its values look like."""

    name: str
    kind: Kind


class TableInfo(Wire):
    """A table of the catalogue."""

    #: The id of the run that made it.
    id: str
    name: str
    rows: int
    columns: list[TableColumn]
    origin: Origin
    #: ISO 8601, in UTC.
    created_at: str

    @property
    def column_names(self) -> list[str]:
        """Return the names of the columns, in order."""
        return [column.name for column in self.columns]


def register(
    database: Path, table_id: str, *, name: str, columns: Sequence[ColumnSummary], origin: Origin
) -> TableInfo:
    """Put a finished table into the catalogue under *name*, or one like it that is not taken.

    Done again, it changes nothing and returns the same.
    """
    with opened(database) as tables, tables.transaction():
        known = found(tables, table_id)
        if known is not None:
            return known
        info = TableInfo(
            id=table_id,
            name=_unique(name, {one.name.casefold() for one in listed(tables)}),
            rows=tables.count_rows(table_id),
            columns=[TableColumn(name=column.name, kind=column.kind) for column in columns],
            origin=origin,
            created_at=datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        )
        kinds = json.dumps([column.model_dump() for column in info.columns], ensure_ascii=False)
        tables.connection.execute(
            f"INSERT INTO catalogue ({_FIELDS}) VALUES (?, ?, ?, ?, ?, ?)",
            (info.id, info.name, info.rows, kinds, info.origin, info.created_at),
        )
        return info


def listed(tables: Tables) -> list[TableInfo]:
    """Return all tables of the catalogue, the newest first."""
    rows = tables.connection.execute(
        f"SELECT {_FIELDS} FROM catalogue ORDER BY created_at DESC, rowid DESC"
    )
    return [_info(row) for row in rows]


def found(tables: Tables, table_id: str) -> TableInfo | None:
    """Return the table of that id; None if the catalogue has none."""
    row = tables.connection.execute(
        f"SELECT {_FIELDS} FROM catalogue WHERE id = ?", (table_id,)
    ).fetchone()
    return None if row is None else _info(row)


def required(tables: Tables, table_id: str) -> TableInfo:
    """Return the table of that id, or raise TableRefused."""
    info = found(tables, table_id)
    if info is None:
        raise TableRefused(
            "no_table",
            f"There is no table “{table_id}” (any more): choose one of those that are listed.",
        )
    return info


def require_columns(info: TableInfo, names: Sequence[str]) -> None:
    """Raise TableRefused unless the table has columns of all these *names*."""
    for name in names:
        if name not in info.column_names:
            known = ", ".join(f"“{column}”" for column in info.column_names[:50])
            raise TableRefused(
                "no_column",
                f"The table “{info.name}” has no column “{name}”; its columns are: {known}.",
            )


def _unique(wanted: str, taken: set[str]) -> str:
    base = " ".join(wanted.split())[:LONGEST_NAME] or "Table"
    name, count = base, 1
    while name.casefold() in taken:
        count += 1
        name = f"{base} {count}"
    return name


def _info(row: Sequence[str]) -> TableInfo:
    id, name, rows, columns, origin, created_at = row
    return TableInfo.model_validate(
        {
            "id": id,
            "name": name,
            "rows": rows,
            "columns": json.loads(columns),
            "origin": origin,
            "created_at": created_at,
        }
    )
