"""Bring a PostgreSQL schema to this version's tables, step by step and forward only."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from psycopg import sql as names

from durably.errors import SchemaTooNewError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from durably.store.postgres.connections import Connection

#: The newest schema of @coji/durably whose tables this package knows.
PEER_VERSION = 1

#: What all migrations of one database wait for: one brings the tables, the others find them.
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('durably_py_schema', 0))"
_NOW = """to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')"""


async def migrate(db: Connection, schema: str) -> None:
    """Apply what is missing; runs inside one transaction, so a crash leaves the old version."""
    await db.execute(_LOCK)
    named = names.Identifier(schema)
    if not await _is_there(db, "SELECT to_regnamespace(quote_ident(%s)) IS NOT NULL", schema):
        await db.execute(names.SQL("CREATE SCHEMA {}").format(named))
    await db.execute(names.SQL("SET LOCAL search_path TO {}, pg_catalog").format(named))
    present = await _newest(db, schema, "durably_py_schema")
    steps = list(_migrations())
    if (
        present > steps[-1][0]
        or await _newest(db, schema, "durably_schema_versions") > PEER_VERSION
    ):
        msg = (
            "this database was made by a newer version of Durably; "
            "update the package, or open another database"
        )
        raise SchemaTooNewError(msg)
    if present == 0:
        await db.execute(
            "CREATE TABLE IF NOT EXISTS durably_py_schema ("
            "version INTEGER PRIMARY KEY, applied_at TEXT NOT NULL)"
        )
    for version, script in steps:
        if version > present:
            await db.execute(script)
            await db.execute(
                f"INSERT INTO durably_py_schema VALUES (%s, {_NOW})".encode(), (version,)
            )


async def _is_there(db: Connection, question: str, *values: str) -> bool:
    row = await (await db.execute(question.encode(), values)).fetchone()
    return row is not None and bool(row[0])


async def _newest(db: Connection, schema: str, table: str) -> int:
    found = "SELECT to_regclass(format('%%I.%%I', %s::text, %s::text)) IS NOT NULL"
    if not await _is_there(db, found, schema, table):
        return 0
    cursor = await db.execute(f"SELECT coalesce(max(version), 0) FROM {table}".encode())
    row = await cursor.fetchone()
    return int(row[0]) if row else 0


def _migrations() -> Iterator[tuple[int, bytes]]:
    folder = files("durably.store.postgres.migrations")
    for entry in sorted(folder.iterdir(), key=lambda found: found.name):
        if entry.name.endswith(".sql"):
            yield int(entry.name[:4]), entry.read_bytes()
