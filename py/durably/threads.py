"""Where blocking work runs: on a thread on CPython, inline in Pyodide, which has none."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import queue
import sys
import threading
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Callable, Iterator

P = ParamSpec("P")
T = TypeVar("T")

#: Pyodide has one thread, the worker's own.
IN_BROWSER = sys.platform == "emscripten"


def running_loop() -> asyncio.AbstractEventLoop | None:
    """Return the event loop that runs on this thread, or None."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


@contextlib.contextmanager
def with_loop(loop: asyncio.AbstractEventLoop | None) -> Iterator[None]:
    """Let *loop* be the one that runs on this thread, or none, meanwhile."""
    before = running_loop()
    asyncio._set_running_loop(loop)  # noqa: SLF001 - it is documented for those who make loops
    try:
        yield
    finally:
        asyncio._set_running_loop(before)  # noqa: SLF001


@contextlib.contextmanager
def without_loop() -> Iterator[None]:
    """Hide the event loop from sync code, which on a server runs on a thread that has none.

    Only the browser needs it, where sync code runs on the loop's own thread, and the policy of
    event loops knows the loop also while it is hidden.
    """
    events: Any = asyncio.events
    policy = events._event_loop_policy  # noqa: SLF001 - to set one is deprecated
    events._event_loop_policy = _NoLoop()  # noqa: SLF001
    try:
        with with_loop(None):
            yield
    finally:
        events._event_loop_policy = policy  # noqa: SLF001


class _NoLoop:
    """A policy of event loops that says what Python says on a thread."""

    def get_event_loop(self) -> asyncio.AbstractEventLoop:
        """Raise RuntimeError."""
        msg = "There is no current event loop in this function"
        raise RuntimeError(msg)

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        """Raise RuntimeError: the browser has one loop, and nothing can wait for another."""
        return self.get_event_loop()

    def set_event_loop(self, _loop: asyncio.AbstractEventLoop | None) -> None:
        """Do nothing."""


def contained(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Call *function* on a thread; its StopIteration becomes a RuntimeError, as in a coroutine.

    No future of asyncio takes a StopIteration, and until Python 3.12 its waiter was never told.
    """
    try:
        return function(*args, **kwargs)
    except StopIteration as error:
        msg = f"{getattr(function, '__qualname__', function)} raised StopIteration"
        raise RuntimeError(msg) from error


def shielded() -> contextlib.AbstractContextManager[object]:
    """Keep a scope of anyio's that ran out from cancelling this task again and again.

    It does so at each turn of the loop until its tasks have left, and nobody else would get one.
    """
    anyio = sys.modules.get("anyio")
    return contextlib.nullcontext() if anyio is None else anyio.CancelScope(shield=True)


class StepThreads(Executor):
    """Threads for sync code of jobs: one for each piece of it at work, whatever their number.

    A piece may wait for another one, so a limit would stop both for good. None of them keeps the
    process from ending, as a pool's would: what they do then is not saved, and is done again.
    """

    def __init__(self) -> None:
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._idle = 0
        self._is_shut = False

    def submit(
        self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> concurrent.futures.Future[T]:
        """Call *fn* on a thread that has nothing else to do."""
        future: concurrent.futures.Future[T] = concurrent.futures.Future()

        def work() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = fn(*args, **kwargs)
            except BaseException as error:  # noqa: BLE001 - whoever waits is told
                future.set_exception(error)
            else:
                future.set_result(result)

        with self._lock:
            if self._is_shut:
                msg = "the engine is closed"
                raise RuntimeError(msg)
            if self._idle:
                self._idle -= 1
            else:
                self._threads += 1
                name = f"durably-step-{self._threads}"
                threading.Thread(target=self._serve, name=name, daemon=True).start()
            self._work.put(work)
        return future

    def _serve(self) -> None:
        while (work := self._work.get()) is not None:
            work()
            del work
            with self._lock:
                self._idle += 1
                if self._is_shut:
                    return

    def close(self) -> None:
        """Let the threads end when they have nothing to do; nobody waits for them."""
        with self._lock:
            self._is_shut = True
            for _ in range(self._threads):
                self._work.put(None)


async def until_done(future: Future[T]) -> T:
    """Await work that cannot be stopped: a cancelled caller still waits for it to end.

    Nobody may act on the caller's cancellation before the work is over, for it may still write.
    """
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        with contextlib.suppress(asyncio.CancelledError), shielded():
            await ended(future)
        raise


async def ended(future: Future[Any]) -> None:
    """Wait until *future* is done, however it ends; a cancelled caller too is told only then."""
    cancelled: asyncio.CancelledError | None = None
    while not future.done():
        try:
            with contextlib.nullcontext() if cancelled is None else shielded():
                await asyncio.wait({future})
        except asyncio.CancelledError as error:
            cancelled = error
    if not future.cancelled():
        future.exception()  # seen: nobody else will ask for it
    if cancelled is not None:
        raise cancelled
