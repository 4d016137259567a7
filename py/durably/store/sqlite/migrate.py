"""Bring a SQLite database to this version's tables, step by step and forward only."""

from __future__ import annotations

import sqlite3
from importlib.resources import files
from typing import TYPE_CHECKING

from durably.errors import SchemaTooNewError

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The newest schema of @coji/durably whose tables this package knows.
PEER_VERSION = 1

_OWN_TABLE = """CREATE TABLE IF NOT EXISTS durably_py_schema (
  version INTEGER PRIMARY KEY, applied_at TEXT NOT NULL)"""


def migrate(db: sqlite3.Connection) -> None:
    """Apply what is missing; runs inside one transaction, so a crash leaves the old version."""
    db.execute(_OWN_TABLE)
    present = _newest(db, "durably_py_schema")
    steps = list(_migrations())
    if present > steps[-1][0] or _newest(db, "durably_schema_versions") > PEER_VERSION:
        msg = (
            "this database was made by a newer version of Durably; "
            "update the package, or open another database"
        )
        raise SchemaTooNewError(msg)
    for version, script in steps:
        if version > present:
            for statement in _statements(script):
                db.execute(statement)
            db.execute(
                "INSERT INTO durably_py_schema VALUES (?, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))",
                (version,),
            )


def _newest(db: sqlite3.Connection, table: str) -> int:
    exists = db.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
    if exists is None:
        return 0
    (version,) = db.execute(f"SELECT coalesce(max(version), 0) FROM {table}").fetchone()
    return int(version)


def _migrations() -> Iterator[tuple[int, str]]:
    folder = files("durably.store.sqlite.migrations")
    for entry in sorted(folder.iterdir(), key=lambda found: found.name):
        if entry.name.endswith(".sql"):
            yield int(entry.name[:4]), entry.read_text(encoding="utf-8")


def _statements(script: str) -> Iterator[str]:
    """Split a script: executescript() would end the transaction it must be part of."""
    lines = [line for line in script.splitlines() if not line.lstrip().startswith("--")]
    statement = ""
    for piece in "\n".join(lines).split(";")[:-1]:
        statement += f"{piece};"
        if sqlite3.complete_statement(statement):  # a trigger has statements inside
            yield statement
            statement = ""
