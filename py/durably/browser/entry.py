"""Pyodide's end of the bridge to the page: text in, text out.

The host calls start() once and keeps the function it returns. Only text crosses this border, so
no object of one side has to be released by the other.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import logging
import platform
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any

from durably import wire
from durably.app import Durably
from durably.browser.store_files import work_on_files
from durably.codec import to_json
from durably.engine.interrupts import Interrupts
from durably.engine.own_code import OwnCode
from durably.errors import ConflictError, NotFoundError, ValidationError
from durably.jobs import JobDefinition
from durably.json_api import Api, read_object
from durably.plugins import log_persistence
from durably.queries import Query
from durably.store.sqlite import SqliteStore
from durably.store.sqlite.connection import open_connection

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Sequence

logger = logging.getLogger("durably")

#: Marks an error whose text the host can read as JSON.
ERROR_PREFIX = "durably:"

#: Runs that execute at the same time.
_SLOTS = 8

#: How long events are gathered before they cross to the page, in seconds.
_GATHER = 0.016

#: How many of one subscription are gathered at most.
_MAX_GATHERED = 1000


def describe() -> str:
    """Return the versions of Python and SQLite as JSON."""
    return to_json(
        {"pythonVersion": platform.python_version(), "sqliteVersion": sqlite3.sqlite_version}
    )


def probe_commit(directory: str) -> None:
    """Commit once, durably, to a scratch database in *directory*; the host counts the flushes."""
    path = f"{directory}/.probe.sqlite3"
    connection = open_connection(path)
    try:
        connection.execute("CREATE TABLE IF NOT EXISTS probe (moment TEXT)")
        connection.execute("INSERT INTO probe VALUES (datetime('now'))")
        connection.execute("DELETE FROM probe")
    finally:
        connection.close()
    for suffix in ("", "-wal", "-journal"):
        Path(path + suffix).unlink(missing_ok=True)


async def start(
    options_json: str,
    emit: Callable[[str, int, str], None],
    requested: Callable[[], str] | None = None,
    mark: Callable[[int], object] | None = None,
) -> Callable[[str, int, str], None]:
    """Open the store, register the jobs, start the engine; return how the host talks to it.

    Options: database and blobs (paths), modules (names to import jobs and queries from), workerId,
    cancel (runs to cancel before any is claimed), ownerLeft (as of Durably.start).
    *requested* and *mark* are those of Interrupts.
    An error's message is ERROR_PREFIX and the error as JSON.
    """
    try:
        options = read_object(options_json)
        durably = Durably(
            SqliteStore(wire.read_text(options, "database")),
            blobs=options.get("blobs"),
            max_concurrent_runs=_SLOTS,
            sole_owner=True,
        )
        async with contextlib.AsyncExitStack() as undo:
            undo.push_async_callback(durably.close)  # a start that fails must not keep the file
            durably.use(log_persistence())
            for name in wire.one_or_many(options, "modules"):
                durably.register(*definitions_in(name))
            if requested is not None and mark is not None:
                durably.use_interrupts(Interrupts(requested, mark))
            await durably.migrate()
            for run_id in wire.one_or_many(options, "cancel"):
                # One that has ended by now needs no cancel, and one that is gone neither.
                with contextlib.suppress(ConflictError, NotFoundError):
                    await durably.cancel(run_id)
            await durably.start(
                wire.read_text(options, "workerId"), owner_left=options.get("ownerLeft") is True
            )
            undo.pop_all()
    except Exception as error:
        raise RuntimeError(ERROR_PREFIX + to_json(wire.error_json(error))) from error
    folder = Path(wire.read_text(options, "database")).parent
    return Bridge(durably, emit, folder).dispatch


def definitions_in(module_name: str) -> list[JobDefinition[Any, Any] | Query]:
    """Return every job and query among a module's names; ValidationError when it has none."""
    try:
        with OwnCode(f"the app's module {module_name!r}"):
            module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        msg = f"the app's module {module_name!r} could not be imported: {error}"
        raise ValidationError(msg) from error
    found = {
        id(value): value
        for value in vars(module).values()
        if isinstance(value, (JobDefinition, Query))
    }
    if not found:
        msg = f"the app's module {module_name!r} has no jobs among its names"
        raise ValidationError(msg)
    return list(found.values())


def _written(events: Sequence[Any]) -> Iterator[str]:
    """Write each event that can be written; one that cannot must not take the others along."""
    for event in events:
        try:
            yield to_json(event)
        except (TypeError, ValueError):
            logger.exception("an event cannot be written", extra={"event_type": event["type"]})


class Bridge:
    """Routes the host's messages to the engine, and the engine's answers and events back."""

    def __init__(
        self, durably: Durably, emit: Callable[[str, int, str], None], folder: Path | None = None
    ) -> None:
        self._durably = durably
        self._emit = emit
        #: The folder of the store, where jobs keep files of their own.
        self._folder = folder
        self._api = Api(durably)
        self._tasks: set[asyncio.Task[None]] = set()
        #: What each subscription asked for, and the task that answers it.
        self._following: dict[int, tuple[str, asyncio.Task[None]]] = {}
        self._gathered: dict[int, list[dict[str, Any]]] = {}

    def dispatch(self, kind: str, id: int, text: str) -> None:
        """Take one message; everything is answered through emit, errors too."""
        if kind == "call":
            self._spawn(self._call(id, text))
        elif kind == "subscribe":
            self._follow(id, text)
        elif kind == "unsubscribe":
            following = self._following.pop(id, None)
            if following is not None:
                following[1].cancel()
        elif kind == "files":
            self._spawn(self._work_on_files(id, text))
        elif kind == "stop":
            self._spawn(self._stop(id))
        else:
            self._answer_error(id, NotFoundError(f"there is no message kind {kind!r}"))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _call(self, id: int, text: str) -> None:
        try:
            message = read_object(text)
            result = await self._api.call(
                wire.read_text(message, "op"),
                message.get("params") or {},
                repeated=message.get("repeated") is True,
            )
        except Exception as error:  # noqa: BLE001 - every error becomes the answer
            self._answer_error(id, error)
        else:
            self._emit("answer", id, f'{{"ok":true,"result":{result}}}')

    async def _stop(self, id: int) -> None:
        try:
            for _, task in tuple(self._following.values()):
                task.cancel()
            await self._durably.close()
        except Exception as error:  # noqa: BLE001 - every error becomes the answer
            self._answer_error(id, error)
        else:
            self._emit("answer", id, '{"ok":true,"result":null}')

    async def _work_on_files(self, id: int, text: str) -> None:
        try:
            work = read_object(text)
            await work_on_files(self._durably, work, self._folder)
            if work["act"] != "export":
                await self._follow_anew()
        except Exception as error:  # noqa: BLE001 - every error becomes the answer
            self._answer_error(id, error)
        else:
            self._emit("answer", id, '{"ok":true,"result":null}')

    def _follow(self, id: int, text: str) -> None:
        self._following[id] = (text, self._spawn(self._subscribe(id, text)))

    async def _follow_anew(self) -> None:
        """Begin every subscription again, with a snapshot: the runs are others now."""
        following = dict(self._following)
        for _, task in following.values():
            task.cancel()
        if following:
            await asyncio.wait({task for _, task in following.values()})
        for id, (text, _) in following.items():
            self._follow(id, text)

    async def _subscribe(self, id: int, text: str) -> None:
        ended: Exception | None = None
        try:
            async for message in self._api.subscribe(read_object(text)):
                self._gather(id, message)
        except Exception as error:  # noqa: BLE001 - every error becomes the answer
            ended = error
        except asyncio.CancelledError:
            self._gathered.pop(id, None)
            raise
        finally:
            self._following.pop(id, None)
        self._flush(id)
        self._emit("ended", id, "null" if ended is None else to_json(wire.error_json(ended)))

    def _gather(self, id: int, message: dict[str, Any]) -> None:
        """Send a snapshot at once and events in bundles: one crossing for many fast steps."""
        waiting = self._gathered.get(id)
        if waiting is not None:
            waiting.append(message)
            if len(waiting) == _MAX_GATHERED:
                self._flush(id)
            return
        self._gathered[id] = [message]
        if message["type"] == "snapshot":
            self._flush(id)
        else:
            asyncio.get_running_loop().call_later(_GATHER, self._flush, id)

    def _flush(self, id: int) -> None:
        gathered = self._gathered.pop(id, None)
        if not gathered:
            return
        try:
            text = to_json(gathered)
        except (TypeError, ValueError):
            text = f"[{','.join(_written(gathered))}]"
        self._emit("events", id, text)

    def _answer_error(self, id: int, error: Exception) -> None:
        self._emit("answer", id, json.dumps({"ok": False, "error": wire.error_json(error)}))
