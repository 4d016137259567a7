"""What holds for SQLite alone: its migrations, its files, and what its errors mean."""

from __future__ import annotations

import asyncio
import sqlite3
from importlib.resources import files
from pathlib import Path

import pytest

from durably import (
    RunFilter,
    SchemaTooNewError,
    SqliteStore,
    StorageBusyError,
    StorageError,
    StorageFullError,
    StorageUnreadableError,
    ValidationError,
    open_store,
)
from durably.store.sqlite.connection import meaning_of, open_connection
from kit.stores import put, run, save, status, step, take, taken

FIRST = files("durably.store.sqlite.migrations") / "0001_tables.sql"


def tables(path: Path) -> dict[str, str]:
    """Return every table and index of a database file, with its definition."""
    db = open_connection(str(path))
    found = dict(db.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL"))
    db.close()
    return found


async def migrated(path: Path) -> SqliteStore:
    """Return a store over *path* with its tables."""
    store = SqliteStore(str(path))
    await store.migrate()
    return store


def execute(path: Path, *statements: str) -> None:
    """Do something to a database file behind the store's back."""
    db = open_connection(str(path))
    for statement in statements:
        db.executescript(statement)
    db.close()


async def test_migrating_again_changes_nothing(tmp_path: Path) -> None:
    """Every migration is applied once, in order."""
    path = tmp_path / "store.db"
    store = await migrated(path)
    await put(store, run("r1"))
    before = tables(path)

    await store.migrate()

    assert tables(path) == before
    assert await status(store, "r1") == "pending"
    await store.close()


async def test_every_migration_is_recorded(tmp_path: Path) -> None:
    """Both this package and @coji/durably see which version the tables have (law 11)."""
    path = tmp_path / "store.db"
    await (await migrated(path)).close()

    db = open_connection(str(path))
    own = [row[0] for row in db.execute("SELECT version FROM durably_py_schema ORDER BY 1")]
    peer = [row[0] for row in db.execute("SELECT version FROM durably_schema_versions")]
    db.close()

    folder = files("durably.store.sqlite.migrations")
    count = sum(entry.name.endswith(".sql") for entry in folder.iterdir())
    assert (own, peer) == (list(range(1, count + 1)), [1])


async def test_a_database_of_coji_durably_is_taken_over_with_its_runs(tmp_path: Path) -> None:
    """Law 11: its tables, schema version 1, get what this package adds; its runs go on."""
    path = tmp_path / "store.db"
    execute(
        path,
        FIRST.read_text(encoding="utf-8"),
        "INSERT INTO durably_runs (id, job_name, input, status, created_at, updated_at) VALUES"
        " ('r1', 'job', '{\"a\":1}', 'pending', '2025-12-01T00:00:00.000Z',"
        " '2025-12-01T00:00:00.000Z')",
    )

    store = await migrated(path)

    claim = await take(store)
    assert claim is not None
    assert (claim.run.id, claim.run.input, claim.run.recoveries) == ("r1", {"a": 1}, 0)
    await store.close()


async def test_a_database_of_the_first_version_of_this_package_is_brought_on(
    tmp_path: Path,
) -> None:
    """Migrations start behind the last one applied."""
    path, fresh = tmp_path / "store.db", tmp_path / "fresh.db"
    execute(
        path,
        FIRST.read_text(encoding="utf-8"),
        "CREATE TABLE durably_py_schema (version INTEGER PRIMARY KEY, applied_at TEXT NOT NULL)",
        "INSERT INTO durably_py_schema VALUES (1, 'then')",
    )

    await (await migrated(path)).close()
    await (await migrated(fresh)).close()

    assert set(tables(path)) == set(tables(fresh))


@pytest.mark.parametrize(
    "newer",
    [
        "UPDATE durably_py_schema SET version = 999 WHERE version = 1",
        "INSERT INTO durably_schema_versions VALUES (2, 'now')",
    ],
    ids=["ours", "coji"],
)
async def test_a_newer_database_is_refused_and_left_alone(tmp_path: Path, newer: str) -> None:
    """B15: with a sentence that says what to do."""
    path = tmp_path / "store.db"
    await (await migrated(path)).close()
    execute(path, newer)
    before = tables(path)
    store = SqliteStore(str(path))

    with pytest.raises(SchemaTooNewError, match="newer version") as caught:
        await store.migrate()

    assert caught.value.code == "schema_too_new"
    assert tables(path) == before
    await store.close()


async def test_a_failing_migration_leaves_the_version_before(tmp_path: Path) -> None:
    """A migration is one transaction: half of it never stays."""
    path = tmp_path / "store.db"
    execute(path, "CREATE TABLE durably_py_attempts (other TEXT)")
    before = tables(path)
    store = SqliteStore(str(path))

    with pytest.raises(StorageError):
        await store.migrate()

    assert tables(path) == before
    await store.close()


async def test_a_file_that_is_no_database_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    """B15: it is refused with its reason, and not a byte of it changes."""
    path = tmp_path / "store.db"
    path.write_bytes(b"this is not a database" * 100)
    store = SqliteStore(str(path))

    with pytest.raises(StorageUnreadableError, match="not a SQLite database") as caught:
        await store.migrate()

    assert caught.value.code == "storage_unreadable"
    assert path.read_bytes() == b"this is not a database" * 100
    await store.close()


async def test_a_damaged_database_is_unreadable_not_empty(tmp_path: Path) -> None:
    """B15: pages that are not what SQLite wrote there are an error with a code."""
    path = tmp_path / "store.db"
    store = await migrated(path)
    await put(store, *(run(f"r{n}") for n in range(200)))
    await store.close()
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    store = SqliteStore(str(path))

    with pytest.raises(StorageUnreadableError, match="damaged"):
        await store.get_runs(RunFilter())

    await store.close()


async def test_a_folder_that_is_not_there_is_a_storage_error(tmp_path: Path) -> None:
    """No silent fallback (law 10), and nothing is made."""
    store = SqliteStore(str(tmp_path / "none" / "store.db"))

    with pytest.raises(StorageError) as caught:
        await store.migrate()

    assert caught.value.code == "storage_io"
    assert not (tmp_path / "none").exists()
    await store.close()


async def test_connections_that_migrate_at_once_agree(tmp_path: Path) -> None:
    """Whoever is first makes the tables, the others find them."""
    path = tmp_path / "store.db"
    stores = [SqliteStore(str(path)) for _ in range(5)]

    await asyncio.gather(*(store.migrate() for store in stores))

    await put(stores[0], run("r1"))
    assert await status(stores[-1], "r1") == "pending"
    for store in stores:
        await store.close()


def test_a_file_is_opened_for_durable_writes(tmp_path: Path) -> None:
    """One flush for every commit: WAL with synchronous=FULL."""
    db = open_connection(str(tmp_path / "store.db"))

    mode = db.execute("PRAGMA journal_mode").fetchone()
    synchronous = db.execute("PRAGMA synchronous").fetchone()
    db.close()

    assert (mode, synchronous) == (("wal",), (2,))


@pytest.mark.parametrize(
    ("code", "meaning", "stable"),
    [
        (sqlite3.SQLITE_BUSY, StorageBusyError, "storage_busy"),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, StorageBusyError, "storage_busy"),
        (sqlite3.SQLITE_LOCKED, StorageBusyError, "storage_busy"),
        (sqlite3.SQLITE_FULL, StorageFullError, "storage_full"),
        (sqlite3.SQLITE_IOERR_FSYNC, StorageError, "storage_io"),
        (sqlite3.SQLITE_CORRUPT, StorageUnreadableError, "storage_unreadable"),
        (sqlite3.SQLITE_NOTADB, StorageUnreadableError, "storage_unreadable"),
    ],
)
def test_a_database_error_has_its_meaning(
    code: int, meaning: type[StorageError], stable: str
) -> None:
    """Law 9: what the engine waits out is told by the error's code, extended codes included."""
    error = sqlite3.OperationalError("the words of SQLite")
    error.sqlite_errorcode = code

    found = meaning_of(error)

    assert type(found) is meaning
    assert found.code == stable
    assert "the words of SQLite" in str(found)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "sqlite://:memory:"])
async def test_a_store_in_memory_begins_empty(url: str) -> None:
    """Every such store is one of its own."""
    first, second = open_store(url), open_store(url)
    for store in (first, second):
        await store.migrate()
    await put(first, run("r1"))

    assert await status(second, "r1") is None

    await first.close()
    await second.close()


async def test_a_url_names_a_file(tmp_path: Path) -> None:
    """Three slashes and a path, absolute with a fourth; odd characters are part of the name."""
    path = tmp_path / "a b?c#d%20é.db"
    store = open_store(f"sqlite:///{path}")
    await store.migrate()
    await store.close()

    assert path.exists()


@pytest.mark.parametrize("url", ["", "sqlite:", "sqlite:///", "store.db", "mysql://x/y"])
def test_a_url_that_names_no_store_is_refused(url: str) -> None:
    """Law 10: with the form that it should have."""
    with pytest.raises(ValidationError, match="sqlite:///path"):
        open_store(url)


@pytest.mark.parametrize("damage", ["input = 'no JSON'", "progress = '{}'", "labels = ''"])
async def test_a_run_that_cannot_be_read_stops_no_other(tmp_path: Path, damage: str) -> None:
    """It would be found first by every claim, for ever: it is failed, and says why."""
    path = tmp_path / "store.db"
    store = await migrated(path)
    await put(store, run("r1"), run("r2"))
    execute(path, f"UPDATE durably_runs SET {damage} WHERE id = 'r1'")

    assert (await taken(store)).run.id == "r2"

    await store.close()
    db = open_connection(str(path))
    (failed,) = db.execute("SELECT status, error, lease_owner FROM durably_runs WHERE id = 'r1'")
    db.close()
    assert (failed[0], failed[2]) == ("failed", None)
    assert "cannot be read" in failed[1]


async def test_an_input_that_is_no_json_is_shown_as_text(tmp_path: Path) -> None:
    """Once its run has failed of it, pages of runs can be read again."""
    path = tmp_path / "store.db"
    store = await migrated(path)
    await put(store, run("r1"))
    execute(path, "UPDATE durably_runs SET input = 'no \"JSON\"'")

    assert await take(store) is None

    (found,) = await store.get_runs(RunFilter())
    assert (found.status, found.input) == ("failed", 'no "JSON"')
    assert found.failure is not None
    assert found.failure.type_name == "durably.errors.StorageUnreadableError"
    await store.close()


async def test_a_saved_step_is_one_transaction_of_two_statements(tmp_path: Path) -> None:
    """Law 12: one insert, one update, one flush, and no read."""
    store = await migrated(tmp_path / "store.db")
    await put(store, run("r1"))
    held = await taken(store)
    statements: list[str] = []
    connection = store._db._connection
    assert connection is not None
    connection.set_trace_callback(statements.append)

    for n in range(3):
        await save(store, held.lease, step(held.lease, f"s{n}", n))

    connection.set_trace_callback(None)
    await store.close()
    kinds = [statement.split()[0] for statement in statements]
    assert kinds == ["BEGIN", "INSERT", "UPDATE", "COMMIT"] * 3


async def test_a_claim_that_finds_nothing_takes_no_lock(tmp_path: Path) -> None:
    """An idle engine must not keep other processes from writing."""
    store = await migrated(tmp_path / "store.db")
    statements: list[str] = []
    connection = store._db._connection
    assert connection is not None
    connection.set_trace_callback(statements.append)

    assert await take(store) is None

    connection.set_trace_callback(None)
    await store.close()
    assert [statement.split()[0] for statement in statements] == ["SELECT"]
