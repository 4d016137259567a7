"""A whole store in PostgreSQL as one SQLite file with the same tables, and back."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psycopg import IsolationLevel

from durably.errors import StorageError
from durably.store.postgres.sql import qualified
from durably.store.rows import (
    ATTEMPT_COLUMNS,
    LOG_COLUMNS,
    RUN_COLUMNS,
    STEP_COLUMNS,
    WAIT_COLUMNS,
)
from durably.store.sqlite import archive as sqlite_archive
from durably.store.sqlite.connection import meaning_of, open_connection

if TYPE_CHECKING:
    from durably.store.postgres.connections import Connection

_COLUMNS = {
    "durably_runs": RUN_COLUMNS,
    "durably_run_labels": "run_id, key, value, created_at",
    "durably_steps": STEP_COLUMNS,
    "durably_logs": LOG_COLUMNS,
    "durably_py_attempts": ATTEMPT_COLUMNS,
    "durably_py_blobs": "run_id, sha256",
    "durably_py_waits": WAIT_COLUMNS,
    "durably_py_messages": "id, topic, key, payload, created_at, expires_at, wait_id",
    "durably_py_schedules": "name, job_name, spec, next_at, last_at, paused, updated_at",
}
#: How many rows are held in memory.
_AT_ONCE = 500


def _marks(columns: str) -> str:
    return ", ".join("?" * (columns.count(",") + 1))


async def copy(db: Connection, schema: str, path: str) -> None:
    """Write one consistent copy of everything to the new file *path*."""
    await asyncio.to_thread(sqlite_archive.make_empty, Path(path))
    target = await asyncio.to_thread(open_connection, path)
    try:
        await db.set_isolation_level(IsolationLevel.REPEATABLE_READ)
        async with db.transaction():
            for table, columns in _COLUMNS.items():
                into = f"INSERT INTO {table} ({columns}) VALUES ({_marks(columns)})"
                async with db.cursor(name="durably_copy") as source:
                    source.itersize = _AT_ONCE
                    await source.execute(qualified(f"SELECT {columns} FROM {table}", schema))
                    while rows := await source.fetchmany(_AT_ONCE):
                        await asyncio.to_thread(_insert, target, into, rows)
        await asyncio.to_thread(_close_whole, target)
    except sqlite3.Error as error:
        raise meaning_of(error) from error
    finally:
        target.close()
        if not db.closed:
            await db.set_isolation_level(None)


def _insert(db: sqlite3.Connection, statement: str, rows: list[tuple[Any, ...]]) -> None:
    db.execute("BEGIN IMMEDIATE")
    db.executemany(statement, rows)
    db.execute("COMMIT")


def _close_whole(db: sqlite3.Connection) -> None:
    """Leave one file, without a log beside it."""
    db.execute("PRAGMA journal_mode = DELETE")


async def replace(db: Connection, schema: str, path: Path) -> None:
    """Put the content of the checked SQLite file at *path* in the place of all, at once."""
    with closing(await asyncio.to_thread(open_connection, str(path))) as source:
        async with db.transaction():
            for table in _COLUMNS:
                await db.execute(qualified(f"TRUNCATE {table}", schema))
            for table, columns in _COLUMNS.items():
                await _fill(db, schema, table, columns, source)


async def _fill(
    db: Connection, schema: str, table: str, columns: str, source: sqlite3.Connection
) -> None:
    rows = source.execute(f"SELECT {columns} FROM {table}")
    into = qualified(f"COPY {table} ({columns}) FROM STDIN", schema)
    async with db.cursor() as cursor, cursor.copy(into) as target:
        while some := await asyncio.to_thread(rows.fetchmany, _AT_ONCE):
            for row in some:
                if any(isinstance(value, str) and "\0" in value for value in row):
                    msg = f"a text in {table} has a NUL character, which PostgreSQL cannot hold"
                    raise StorageError(msg)
                await target.write_row(row)
