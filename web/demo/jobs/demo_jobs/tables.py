"""Keep rows, refused rows and the journal in the app's own SQLite file.

Every write of a batch is one transaction that can be done again: a batch whose commit was followed
by a crash before its checkpoint is executed twice, and leaves the same rows.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

#: Names the database file.
PATH_VARIABLE: Final = "IMPORTS_DATABASE"

_IN_BROWSER: Final = sys.platform == "emscripten"
_DEFAULT_PATH: Final = "/durably/imports.sqlite3" if _IN_BROWSER else "imports.sqlite3"

_TROUBLES: Final = {
    sqlite3.SQLITE_FULL: "storage_full: there is no room for the imported rows",
    sqlite3.SQLITE_BUSY: "storage_busy: another program holds the imported rows",
    sqlite3.SQLITE_IOERR: "storage_io: the imported rows cannot be written",
    sqlite3.SQLITE_CANTOPEN: "storage_io: the file of the imported rows cannot be opened",
}

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS imports (
  id TEXT PRIMARY KEY,
  columns TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS refused (
  import_id TEXT NOT NULL,
  row INTEGER NOT NULL,
  line INTEGER NOT NULL,
  "column" TEXT NOT NULL,
  reason TEXT NOT NULL,
  PRIMARY KEY (import_id, row)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS journal (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  run_id TEXT NOT NULL,
  step TEXT NOT NULL,
  token TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS journal_by_run ON journal (run_id, seq);
CREATE TABLE IF NOT EXISTS catalogue (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  rows INTEGER NOT NULL,
  columns TEXT NOT NULL,
  origin TEXT NOT NULL,
  created_at TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS pages (
  import_id TEXT NOT NULL,
  page INTEGER NOT NULL,
  stored TEXT NOT NULL,
  PRIMARY KEY (import_id, page)
) STRICT, WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedRow:
    """A row that was not imported; *row* and *line* count from 1."""

    row: int
    line: int
    column: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """One execution of one step, written down by the step itself."""

    step: str
    token: str


def database_path() -> Path:
    """Return where the app's database file is: beside the runs in the browser."""
    return Path(os.environ.get(PATH_VARIABLE, _DEFAULT_PATH))


class StorageTrouble(Exception):
    """The database could not be written or read just now; trying later may help."""


@contextmanager
def opened(path: Path) -> Iterator[Tables]:
    """Open the database file at *path*, made if need be, for as long as the block runs.

    A full disk, a lock or an I/O error in the block comes out as StorageTrouble.
    """
    try:
        with closing(_connected(path)) as connection:
            yield Tables(connection)
    except sqlite3.OperationalError as error:
        trouble = _TROUBLES.get(error.sqlite_errorcode & 0xFF)
        if trouble is None:
            raise
        raise StorageTrouble(f"{trouble} ({error})") from error


def _connected(path: Path) -> sqlite3.Connection:
    # The browser's file system has no shared memory: unix-excl keeps the WAL index on the heap.
    mode = "?vfs=unix-excl" if _IN_BROWSER else ""
    connection = sqlite3.connect(
        f"file:{quote(str(path))}{mode}", uri=True, isolation_level=None, timeout=10
    )
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.executescript(_SCHEMA)
    except BaseException:
        connection.close()
        raise
    return connection


class Tables:
    """What the demo's jobs write and the page reads."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @property
    def connection(self) -> sqlite3.Connection:
        """Return the connection, for modules that have statements of their own."""
        return self._connection

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit everything the block writes together, or nothing of it."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            # SQLite rolls back by itself when the disk is full.
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def create(self, import_id: str, columns: Sequence[str]) -> None:
        """Make the table of one import, with the file's own column names."""
        declared = "".join(f", {quoted(name)} TEXT NOT NULL" for name in columns)
        with self.transaction():
            self._connection.execute(
                f"CREATE TABLE IF NOT EXISTS {table_of(import_id)}"
                f' ("_row" INTEGER PRIMARY KEY{declared}) STRICT'
            )
            self._name_columns(import_id, columns)

    def widen(self, import_id: str, columns: Sequence[str]) -> None:
        """Give the table of one import more *columns*; they are empty in its rows so far."""
        for name in columns:
            self._connection.execute(
                f"ALTER TABLE {table_of(import_id)}"
                f" ADD COLUMN {quoted(name)} TEXT NOT NULL DEFAULT ''"
            )
        self._name_columns(import_id, [*(self.columns(import_id) or []), *columns])

    def drop(self, import_id: str) -> None:
        """Remove the table of one import and what is known about it, save the journal."""
        self._connection.execute(f"DROP TABLE IF EXISTS {table_of(import_id)}")
        for table, key in (
            ("imports", "id"),
            ("catalogue", "id"),
            ("refused", "import_id"),
            ("pages", "import_id"),
        ):
            self._connection.execute(f"DELETE FROM {table} WHERE {key} = ?", (import_id,))

    def _name_columns(self, import_id: str, columns: Sequence[str]) -> None:
        self._connection.execute(
            "INSERT OR REPLACE INTO imports (id, columns) VALUES (?, ?)",
            (import_id, json.dumps(list(columns), ensure_ascii=False)),
        )

    def add_rows(self, import_id: str, width: int, rows: Iterable[Sequence[str | int]]) -> None:
        """Write *rows*, each its row number and *width* cells; a row written before is replaced."""
        marks = ", ".join("?" * (width + 1))
        self._connection.executemany(
            f"INSERT OR REPLACE INTO {table_of(import_id)} VALUES ({marks})", rows
        )

    def add_refused(self, import_id: str, rows: Iterable[RefusedRow]) -> None:
        """Write down why *rows* were not imported."""
        self._connection.executemany(
            "INSERT OR REPLACE INTO refused VALUES (?, ?, ?, ?, ?)",
            ((import_id, row.row, row.line, row.column, row.reason) for row in rows),
        )

    def add_journal(self, run_id: str, step: str, token: str) -> None:
        """Write down that *step* is being executed."""
        self._connection.execute(
            "INSERT INTO journal (run_id, step, token) VALUES (?, ?, ?)", (run_id, step, token)
        )

    def columns(self, import_id: str) -> list[str] | None:
        """Return the column names of an import; None if there is no such import."""
        found = self._connection.execute(
            "SELECT columns FROM imports WHERE id = ?", (import_id,)
        ).fetchone()
        return None if found is None else list(json.loads(found[0]))

    def values(self, import_id: str, columns: Sequence[str]) -> Iterator[list[tuple[str, ...]]]:
        """Yield the cells of *columns*, a thousand rows at a time, in no order."""
        wanted = ", ".join(map(quoted, columns))
        cursor = self._connection.execute(f"SELECT {wanted} FROM {table_of(import_id)}")
        while rows := cursor.fetchmany(1000):
            yield rows

    def rows_after(
        self, import_id: str, columns: Sequence[str], *, after: int, limit: int
    ) -> list[tuple[int, *tuple[str, ...]]]:
        """Return whole rows with a number above *after*: the number, then *columns*."""
        wanted = "".join(f", {quoted(name)}" for name in columns)
        return self._connection.execute(
            f'SELECT "_row"{wanted} FROM {table_of(import_id)}'
            ' WHERE "_row" > ? ORDER BY "_row" LIMIT ?',
            (after, limit),
        ).fetchall()

    def rows(
        self, import_id: str, *, limit: int, offset: int, longest: int
    ) -> list[tuple[str | int, ...]]:
        """Return rows in the file's order: the row number, then the cells, cut at *longest*."""
        columns = self.columns(import_id) or []
        wanted = "".join(
            f", CASE WHEN length({name}) > {longest:d}"
            f" THEN substr({name}, 1, {longest:d}) || '…' ELSE {name} END"
            for name in map(quoted, columns)
        )
        return self._connection.execute(
            f'SELECT "_row"{wanted} FROM {table_of(import_id)} ORDER BY "_row" LIMIT ? OFFSET ?',
            (limit, offset),
        ).fetchall()

    def refused(self, import_id: str, *, limit: int, offset: int = 0) -> list[RefusedRow]:
        """Return refused rows in the file's order."""
        found = self._connection.execute(
            'SELECT row, line, "column", reason FROM refused'
            " WHERE import_id = ? ORDER BY row LIMIT ? OFFSET ?",
            (import_id, limit, offset),
        )
        return [
            RefusedRow(row=row, line=line, column=column, reason=reason)
            for row, line, column, reason in found
        ]

    def count_rows(self, import_id: str) -> int:
        """Return how many rows an import has."""
        found = self._connection.execute(f"SELECT count(*) FROM {table_of(import_id)}")
        return int(found.fetchone()[0])

    def count_refused(self, import_id: str) -> int:
        """Return how many rows of an import were refused."""
        found = self._connection.execute(
            "SELECT count(*) FROM refused WHERE import_id = ?", (import_id,)
        )
        return int(found.fetchone()[0])

    def check(self) -> str:
        """Return "ok", or what is wrong with the file."""
        (said,) = self._connection.execute("PRAGMA integrity_check").fetchone()
        return str(said)

    def journal(self, run_id: str, *, after: int, limit: int) -> list[JournalEntry]:
        """Return what was written down for a run, oldest first, *after* so many entries."""
        found = self._connection.execute(
            "SELECT step, token FROM journal WHERE run_id = ? ORDER BY seq LIMIT ? OFFSET ?",
            (run_id, limit, after),
        )
        return [JournalEntry(step=step, token=token) for step, token in found]


def quoted(name: str) -> str:
    """Return *name* as SQL writes the name of a table or a column."""
    return '"' + name.replace('"', '""') + '"'


def table_of(import_id: str) -> str:
    """Return the name, for SQL, of the table that holds the rows of *import_id*."""
    return quoted(f"rows_{import_id}")
