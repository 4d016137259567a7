"""Connections to PostgreSQL: made when needed, kept while they work, given back when lost."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import socket
from collections import deque
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeAlias, TypeVar

import psycopg
from psycopg.pq import TransactionStatus

from durably.errors import StoppedError, StorageUnreachableError, StorageUnsupportedError
from durably.store.postgres.meaning import TRANSIENT, meaning_of
from durably.store.postgres.sql import qualified
from durably.threads import until_done

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

P = ParamSpec("P")
T = TypeVar("T")
Connection: TypeAlias = "psycopg.AsyncConnection[tuple[Any, ...]]"
Rows: TypeAlias = "list[tuple[Any, ...]]"

#: The oldest PostgreSQL that its project still cares for.
OLDEST = 14
#: How long a connection may take to be made, in seconds.
_CONNECT_TIMEOUT = 10
#: How often a transaction is tried that others aborted.
_TRIES = 5

# A commit is on the disk when it is acknowledged (law 1), and a statement sees what was committed
# before it began, whatever the database's own settings are. Compiling costs more than it saves,
# and so does a new plan for each value.
_SETTINGS = b"""SELECT set_config('jit', 'off', false),
  set_config('plan_cache_mode', 'force_generic_plan', false),
  set_config('default_transaction_isolation', 'read committed', false),
  CASE WHEN current_setting('synchronous_commit') = 'off'
    THEN set_config('synchronous_commit', 'on', false) END"""


class Connections:
    """Runs statements and transactions, each on a connection that nothing else uses meanwhile.

    Unlike a general pool it has no task of its own that connects in the background: who needs a
    connection makes it, and is told at once why that cannot be.
    """

    def __init__(
        self, url: str, schema: str, *, most: int, timeout: float, behind_pooler: bool
    ) -> None:
        self.schema = schema
        self.behind_pooler = behind_pooler
        self._url = url
        self._most = most
        self._timeout = timeout
        self._closed = False
        self._idle: deque[Connection] = deque()
        self._slots = asyncio.Semaphore(most)
        self._loop: asyncio.AbstractEventLoop | None = None
        #: What is under way: close() waits for it.
        self._working: set[asyncio.Task[Any]] = set()

    async def execute(
        self, text: str, values: Mapping[str, Any] | None = None, *, again: bool = True
    ) -> Rows:
        """Execute one statement, which is a transaction; return its rows.

        Where a kept connection turns out to be lost, it is made again on a new one, unless
        *again* is false.
        """
        return await self._run(functools.partial(fetch, self.schema, text, values), again=again)

    async def transact(
        self,
        work: Callable[Concatenate[Connection, P], Awaitable[T]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Do *work* in one transaction: all of it is kept, or nothing."""

        async def whole(db: Connection) -> T:
            async with db.transaction():
                return await work(db, *args, **kwargs)

        return await self._run(whole)

    async def slow(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Do *work* on a connection of its own, however long it takes."""
        return await self._run(work, timed=False)

    async def connect(self) -> Connection:
        """Make a connection; the error says why there is none."""
        try:
            connection = await psycopg.AsyncConnection.connect(
                self._url,
                autocommit=True,
                connect_timeout=_CONNECT_TIMEOUT,
                prepare_threshold=None if self.behind_pooler else 5,
                fallback_application_name="durably",
            )
        except (psycopg.Error, OSError) as error:
            raise meaning_of(error) from error
        try:
            require_version(connection.info.server_version)
            if not self.behind_pooler:
                await connection.execute(_SETTINGS)
        except psycopg.Error as error:
            await connection.close()
            raise meaning_of(error) from error
        except BaseException:
            await connection.close()
            raise
        return connection

    async def close(self) -> None:
        """Let what is under way end, and close every connection; later calls are StoppedError."""
        self._closed = True
        while self._working:
            await until_done(asyncio.ensure_future(asyncio.wait(set(self._working))))
        await self._forget_idle()

    @property
    def is_closed(self) -> bool:
        """Tell whether close() was called."""
        return self._closed

    async def _run(
        self,
        work: Callable[[Connection], Awaitable[T]],
        *,
        again: bool = True,
        timed: bool = True,
    ) -> T:
        if self._closed:
            msg = "the store is closed"
            raise StoppedError(msg)
        task = asyncio.ensure_future(self._work(work, again=again, timed=timed))
        self._working.add(task)
        task.add_done_callback(self._working.discard)
        return await until_done(task)

    async def _work(
        self, work: Callable[[Connection], Awaitable[T]], *, again: bool, timed: bool
    ) -> T:
        await self._belong_to_this_loop()
        async with self._slots:
            tries = 0
            while True:
                kept = bool(self._idle)
                connection = self._idle.pop() if kept else await self.connect()
                tries += 1
                timer = _Timer(connection, self._timeout if timed else None)
                try:
                    with timer:
                        return await work(connection)
                except psycopg.errors.UniqueViolation:  # an answer, to who asked for it
                    raise
                except (psycopg.Error, OSError, UnicodeError) as error:
                    if timer.is_over:
                        msg = f"the database did not answer within {self._timeout:g} s"
                        raise StorageUnreachableError(msg) from error
                    if connection.closed:  # the others are lost too, most likely
                        await self._forget_idle()
                        if kept and again:
                            continue
                    elif _state(error) in TRANSIENT and tries < _TRIES:
                        continue
                    elif (
                        _state(error) == "25006"
                    ):  # a standby now: the next one may find the new primary
                        await connection.close()
                        await self._forget_idle()
                    raise meaning_of(error) from error
                finally:
                    await self._take_back(connection)

    async def _take_back(self, connection: Connection) -> None:
        usable = not connection.closed and (
            connection.info.transaction_status is TransactionStatus.IDLE
        )
        if usable and not self._closed:
            self._idle.append(connection)
        else:
            await connection.close()

    async def _belong_to_this_loop(self) -> None:
        """Leave what belongs to a loop that has ended."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop = loop
            self._slots = asyncio.Semaphore(self._most)
            await self._forget_idle()

    async def _forget_idle(self) -> None:
        while self._idle:
            await self._idle.pop().close()


class _Timer:
    """Cuts a connection on which there is no answer: no other way ends a wait for it."""

    def __init__(self, connection: Connection, seconds: float | None) -> None:
        self._connection = connection
        self._seconds = seconds
        self._handle: asyncio.TimerHandle | None = None
        self.is_over = False

    def __enter__(self) -> None:
        if self._seconds is not None:
            self._handle = asyncio.get_running_loop().call_later(self._seconds, self._cut)

    def __exit__(self, *_: object) -> None:
        if self._handle is not None:
            self._handle.cancel()

    def _cut(self) -> None:
        self.is_over = True
        with contextlib.suppress(psycopg.Error, OSError):
            line = socket.socket(fileno=self._connection.pgconn.socket)
            try:
                line.shutdown(socket.SHUT_RDWR)
            finally:
                line.detach()


def require_version(version: int) -> None:
    """Raise StorageUnsupportedError for a server that is too old; *version* is as libpq has it."""
    if version < OLDEST * 10_000:
        msg = f"PostgreSQL {version // 10_000} is too old; {OLDEST} or newer is needed"
        raise StorageUnsupportedError(msg)


async def fetch(schema: str, text: str, values: Mapping[str, Any] | None, db: Connection) -> Rows:
    """Execute a statement on *db*; return its rows, if it returns any."""
    cursor = await db.execute(qualified(text, schema), values)
    return await cursor.fetchall() if cursor.description is not None else []


def _state(error: Exception) -> str:
    return getattr(error, "sqlstate", None) or ""
