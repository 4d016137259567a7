"""Hear of runs that may be claimed, by LISTEN; whoever wrote them, NOTIFY tells of it."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING

import psycopg

from durably.errors import StoppedError, StorageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from durably.store.postgres.connections import Connection, Connections

_CHANNEL = "durably_runs"
#: How long a notification may take that was sent to see whether any arrives, in seconds.
_PROOF = 5.0
#: How often an idle connection is tried, in seconds.
_TRY_EVERY = 30.0
_SHORTEST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0


class Watch:
    """Listens on a connection of its own, as long as somebody wants to be woken."""

    def __init__(self, db: Connections) -> None:
        self._db = db
        #: Whether notifications arrive; they do not behind a pooler in transaction mode.
        self.hears = False

    async def run(self, wake: Callable[[], None]) -> None:
        """Call *wake* whenever a run may have come due, until cancelled or the store is closed."""
        failures = 0
        while not (self._db.behind_pooler or self._db.is_closed):
            try:
                async with await self._db.connect() as connection:
                    await self._listen(connection)
                    failures = 0
                    while not self._db.is_closed:
                        wake()  # also after it was lost: what came meanwhile was not heard of
                        await self._hear(connection)
            except (StorageError, StoppedError, psycopg.Error, OSError, TimeoutError):
                failures += 1
            finally:
                self.hears = False
            await asyncio.sleep(min(_SHORTEST_PAUSE * 2 ** min(failures, 10), _LONGEST_PAUSE))

    async def _listen(self, connection: Connection) -> None:
        """Listen, and see whether what is sent from elsewhere arrives."""
        await connection.execute(f"LISTEN {_CHANNEL}".encode())
        token = uuid.uuid4().hex
        await self._db.execute(
            "SELECT pg_notify(%(channel)s, %(token)s)", {"channel": _CHANNEL, "token": token}
        )
        async for notice in connection.notifies(timeout=_PROOF):
            if notice.payload == token:
                self.hears = True
                return
        await self._wait_without()

    async def _wait_without(self) -> None:
        """Notifications do not arrive here: the next try is not soon."""
        await asyncio.sleep(_TRY_EVERY)
        msg = "notifications do not arrive"
        raise StorageError(msg)

    async def _hear(self, connection: Connection) -> None:
        """Return when there is a notification; find out now and then whether one could come."""
        while True:
            async for notice in connection.notifies(timeout=_TRY_EVERY):
                if notice.payload == self._db.schema:
                    return
            async with asyncio.timeout(_PROOF):
                await connection.execute(b"SELECT 1")
