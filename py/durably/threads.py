"""Where blocking work runs: on a thread on CPython, inline in Pyodide, which has none."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from asyncio import Future

T = TypeVar("T")

#: Pyodide has one thread, the worker's own.
IN_BROWSER = sys.platform == "emscripten"


async def until_done(future: Future[T]) -> T:
    """Await work that cannot be stopped: a cancelled caller still waits for it to end.

    Nobody may act on the caller's cancellation before the work is over, for it may still write.
    """
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        while not future.done():
            try:
                await asyncio.wait({future})
            except asyncio.CancelledError:
                continue
        if not future.cancelled():
            future.exception()  # seen: nobody else will ask for it
        raise
