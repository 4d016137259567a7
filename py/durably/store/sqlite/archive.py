"""A whole store as one SQLite file: how it is written, checked, and put in another one's place."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from durably.errors import ImportRefusedError
from durably.store.rows import ATTEMPT_COLUMNS, LOG_COLUMNS, RUN_COLUMNS, STEP_COLUMNS
from durably.store.sqlite.connection import open_connection
from durably.store.sqlite.migrate import migrate

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_HEADER = b"SQLite format 3\0"
_PIECE = 1 << 20

#: In an exported file only: the kept files that its runs refer to, cut into pieces.
_FILES = """CREATE TABLE durably_py_files (
  sha256 TEXT NOT NULL, piece INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (sha256, piece))"""

_COLUMNS = {
    "durably_runs": RUN_COLUMNS,
    "durably_steps": STEP_COLUMNS,
    "durably_logs": LOG_COLUMNS,
    "durably_py_attempts": ATTEMPT_COLUMNS,
    "durably_py_blobs": "run_id, sha256",
}


def add_files(path: Path, files: Iterable[Path]) -> None:
    """Put *files* into the exported database at *path*, each under its name, and close it whole."""
    with closing(_plain(path)) as db:
        db.execute(_FILES)
        db.execute("BEGIN")
        for file in files:
            with file.open("rb") as source:
                number = 0
                while piece := source.read(_PIECE):
                    values = (file.name, number, piece)
                    db.execute("INSERT INTO durably_py_files VALUES (?, ?, ?)", values)
                    number += 1
        db.execute("COMMIT")


def names_in(path: Path) -> list[str]:
    """Return the hashes of the kept files that an exported database holds."""
    with closing(_plain(path)) as db:
        if not _has(db, "durably_py_files"):
            return []
        return [name for (name,) in db.execute("SELECT DISTINCT sha256 FROM durably_py_files")]


def bytes_in(path: Path, name: str) -> bytes:
    """Return the bytes of a kept file that an exported database holds."""
    with closing(_plain(path)) as db:
        rows = db.execute(
            "SELECT CAST(bytes AS BLOB) FROM durably_py_files WHERE sha256 = ? ORDER BY piece",
            (name,),
        )
        return b"".join(piece for (piece,) in rows)


def check(path: Path) -> None:
    """Bring the database at *path* to this version's tables.

    ImportRefusedError says why it is no store, SchemaTooNewError that a newer version made it.
    """
    with path.open("rb") as file:
        if file.read(len(_HEADER)) != _HEADER:
            msg = "the file is not a SQLite database"
            raise ImportRefusedError(msg)
    try:
        with closing(open_connection(str(path))) as db:
            (said,) = db.execute("PRAGMA integrity_check(1)").fetchone()
            if said != "ok":
                msg = f"the file is damaged: {said}"
                raise ImportRefusedError(msg)
            if not _has(db, "durably_runs"):
                msg = "the file is a SQLite database, but holds no runs of Durably"
                raise ImportRefusedError(msg)
            db.execute("BEGIN IMMEDIATE")
            migrate(db)
            db.execute("COMMIT")
            for table, columns in _COLUMNS.items():
                db.execute(f"SELECT {columns} FROM {table} LIMIT 1").fetchall()
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error as error:
        msg = f"the file cannot be read as a store: {error}"
        raise ImportRefusedError(msg) from error


def make_empty(path: Path) -> None:
    """Make a store without runs at *path*."""
    with closing(open_connection(str(path))) as db:
        db.execute("BEGIN IMMEDIATE")
        migrate(db)
        db.execute("COMMIT")


def fit(path: Path, page_size: int) -> None:
    """Leave nothing in the checked database at *path* but what a store holds, in such pages."""
    with closing(open_connection(str(path))) as db:
        db.execute("PRAGMA journal_mode = DELETE")
        db.execute("DROP TABLE IF EXISTS durably_py_files")
        db.execute(f"PRAGMA page_size = {page_size:d}")
        db.execute("VACUUM")


def replace(db: sqlite3.Connection, path: Path) -> None:
    """Put the content of the database at *path* in the place of *db*'s, in one transaction."""
    (page_size,) = db.execute("PRAGMA page_size").fetchone()
    fit(path, page_size)
    with closing(_plain(path)) as source:
        source.backup(db)


def copy(db: sqlite3.Connection, path: str) -> None:
    """Write one consistent copy of *db* to the new file *path*."""
    db.execute("VACUUM INTO ?", (path,))


def _plain(path: Path) -> sqlite3.Connection:
    """Open a file that is in no use; it is no WAL database when this closes it."""
    connection = open_connection(str(path))
    try:
        connection.execute("PRAGMA journal_mode = DELETE")
    except BaseException:
        connection.close()
        raise
    return connection


def _has(db: sqlite3.Connection, table: str) -> bool:
    found = db.execute("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?", (table,))
    return found.fetchone() is not None
