"""Where blocking work runs: on a thread on CPython, inline in Pyodide, which has none."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")

#: Pyodide has one thread, the worker's own.
IN_BROWSER = sys.platform == "emscripten"


def contained(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Call *function* on a thread; its StopIteration becomes a RuntimeError, as in a coroutine.

    No future of asyncio takes a StopIteration, and until Python 3.12 its waiter was never told.
    """
    try:
        return function(*args, **kwargs)
    except StopIteration as error:
        msg = f"{getattr(function, '__qualname__', function)} raised StopIteration"
        raise RuntimeError(msg) from error


async def until_done(future: Future[T]) -> T:
    """Await work that cannot be stopped: a cancelled caller still waits for it to end.

    Nobody may act on the caller's cancellation before the work is over, for it may still write.
    """
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        with contextlib.suppress(asyncio.CancelledError):
            await ended(future)
        raise


async def ended(future: Future[Any]) -> None:
    """Wait until *future* is done, however it ends; a cancelled caller too is told only then."""
    cancelled: asyncio.CancelledError | None = None
    while not future.done():
        try:
            await asyncio.wait({future})
        except asyncio.CancelledError as error:
            cancelled = error
    if not future.cancelled():
        future.exception()  # seen: nobody else will ask for it
    if cancelled is not None:
        raise cancelled
