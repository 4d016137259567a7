"""One SQLite connection: how it is opened, on which thread it works, and what its errors mean."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar
from urllib.parse import quote

from durably.errors import (
    StoppedError,
    StorageBusyError,
    StorageError,
    StorageFullError,
    StorageReplacedError,
    StorageUnreadableError,
    ValidationError,
)
from durably.threads import IN_BROWSER, until_done

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")

#: How long a connection waits for another process's lock, in seconds.
BUSY_TIMEOUT = 5.0
_BUSY_PAUSE = 0.01
#: How often a write looks whether the file is still there, in seconds: a look costs 20 µs.
_LOOK_EVERY = 0.01

#: A log of more bytes than this is given back to the disk when nothing runs.
MOST_LOG = 8 << 20

_MEANINGS: dict[int, tuple[type[StorageError], str]] = {
    sqlite3.SQLITE_BUSY: (StorageBusyError, "the database is locked by another process"),
    sqlite3.SQLITE_LOCKED: (StorageBusyError, "the database is locked by another connection"),
    sqlite3.SQLITE_FULL: (StorageFullError, "there is no space left for the database"),
    sqlite3.SQLITE_CORRUPT: (StorageUnreadableError, "the database file is damaged"),
    sqlite3.SQLITE_NOTADB: (StorageUnreadableError, "the file is not a SQLite database"),
}
#: What is wrong with a value, and will be wrong with it the next time too.
_VALUE_ERRORS: dict[int, str] = {
    sqlite3.SQLITE_TOOBIG: "it is larger than the database takes, 1,000,000,000 bytes",
    sqlite3.SQLITE_MISMATCH: "it is of a kind that the database does not take",
    sqlite3.SQLITE_CONSTRAINT: "it breaks a rule of the database",
}


#: What a call of SQLite raises; the second two where it cannot be given a value.
_REFUSALS = (sqlite3.Error, OverflowError, UnicodeEncodeError)


def meaning_of(error: Exception) -> StorageError | ValidationError:
    """Return what an error of a call of SQLite means to the engine."""
    if not isinstance(error, sqlite3.Error):
        msg = f"numbers have at most 64 bits and text no lone surrogates ({error})"
        return ValidationError(msg)
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in _VALUE_ERRORS:
        msg = f"a value cannot be stored: {_VALUE_ERRORS[code]} ({error})"
        return ValidationError(msg)
    kind, sentence = _MEANINGS.get(
        code, (StorageError, "the database could not be read or written")
    )
    return kind(f"{sentence} ({error})")


class Connection:
    """Runs functions on one connection, one at a time, each write in one transaction.

    On CPython they run on a thread of their own, so that a lock or a slow disk never stops the
    event loop; in Pyodide they run at once.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        #: Identifies the file that was opened.
        self._file: tuple[int, int] | None = None
        #: When it was last found to be that file, in seconds.
        self._looked = 0.0
        self._closed = False
        self._thread = (
            None
            if IN_BROWSER
            else ThreadPoolExecutor(max_workers=1, thread_name_prefix="durably-store")
        )

    async def read(
        self,
        work: Callable[Concatenate[sqlite3.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run *work* outside a transaction."""
        return await self._run(self._read, work, args, kwargs)

    async def aside(self, work: Callable[[sqlite3.Connection, str], None], path: str) -> None:
        """Run long *work* on a connection of its own, so that it keeps no write waiting."""
        if self._thread is None or self._path == ":memory:":
            await self.read(work, path)
            return

        def alone() -> None:
            try:
                with closing(open_connection(self._path)) as connection:
                    work(connection, path)
            except sqlite3.Error as error:
                raise meaning_of(error) from error

        await until_done(asyncio.get_running_loop().run_in_executor(None, alone))

    async def write(
        self,
        work: Callable[Concatenate[sqlite3.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run *work* in one transaction: all of it is kept, with one flush, or nothing."""
        return await self._run(self._write, work, args, kwargs)

    async def close(self) -> None:
        """Close the connection; later calls are StoppedError."""
        if self._closed:
            return
        await self._run(self._close, None, (), {})
        self._closed = True
        if self._thread is not None:
            self._thread.shutdown(wait=False)

    async def _run(
        self,
        how: Callable[[Any, tuple[Any, ...], dict[str, Any]], T],
        work: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> T:
        if self._closed:
            msg = "the store is closed"
            raise StoppedError(msg)
        if self._thread is None:
            return how(work, args, kwargs)
        future = asyncio.get_running_loop().run_in_executor(self._thread, how, work, args, kwargs)
        return await until_done(future)

    def _read(self, work: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]) -> T:
        try:
            return work(self._open(), *args, **kwargs)
        except _REFUSALS as error:
            raise meaning_of(error) from error

    def _write(self, work: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]) -> T:
        try:
            connection = self._open()
            self._require_same_file()
            connection.execute("BEGIN IMMEDIATE")
            try:
                result = work(connection, *args, **kwargs)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        except _REFUSALS as error:
            raise meaning_of(error) from error
        return result

    def _close(self, _work: None, _args: tuple[Any, ...], _kwargs: dict[str, Any]) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = open_connection(self._path)
            self._file = self._file_now()
        return self._connection

    def _file_now(self) -> tuple[int, int] | None:
        """Return what identifies the file that the path leads to; None where none can change."""
        if IN_BROWSER or self._path == ":memory:":
            return None
        try:
            found = os.stat(self._path)  # noqa: PTH116 - at each write: a Path costs more
        except FileNotFoundError:
            return (0, 0)
        return (found.st_dev, found.st_ino)

    def _require_same_file(self) -> None:
        """Raise StorageReplacedError when what is written would be in no file that anyone finds."""
        if self._file is None or (now := time.monotonic()) < self._looked + _LOOK_EVERY:
            return
        if self._file != self._file_now():
            raise StorageReplacedError(self._path)
        self._looked = now


def open_connection(path: str) -> sqlite3.Connection:
    """Open a SQLite file (or ``:memory:``) for durable writes: WAL, one flush per transaction.

    In the browser the WAL's index is kept on the heap (``unix-excl``), as the file system there
    has no shared memory; every connection to such a file must be opened this way.
    """
    in_file = IN_BROWSER and path != ":memory:"
    target = f"file:{quote(path)}?vfs=unix-excl" if in_file else path
    connection = sqlite3.connect(
        target,
        timeout=BUSY_TIMEOUT,
        isolation_level=None,
        check_same_thread=False,
        uri=in_file,
    )
    try:
        _switch_to_wal(connection)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA journal_size_limit = {MOST_LOG}")
        # Built to overwrite what it deletes, SQLite needs room on a full disk to free some.
        connection.execute("PRAGMA secure_delete = OFF")
    except BaseException:
        connection.close()
        raise
    return connection


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Turn the write-ahead log on; SQLite itself does not wait for others to do that."""
    for _ in range(int(BUSY_TIMEOUT / _BUSY_PAUSE)):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            time.sleep(_BUSY_PAUSE)
        else:
            return
    connection.execute("PRAGMA journal_mode = WAL")
