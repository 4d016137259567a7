"""Parallel work of one run: all of it settles, then it has its results or its first error."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from durably.errors import signal_in

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence


async def settle(
    branches: Sequence[Callable[[], Coroutine[Any, Any, Any]]], *, concurrency: int | None
) -> list[Any]:
    """Run *branches*, at most *concurrency* at a time, until all have ended; return their results.

    What ends the run outranks errors; of several errors the one of the lowest index is raised.
    """
    places = asyncio.Semaphore(concurrency or max(1, len(branches)))

    async def one(branch: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        async with places:
            return await branch()

    tasks = [asyncio.ensure_future(one(branch)) for branch in branches]
    try:
        results = await asyncio.gather(*tasks, return_exceptions=True)
    except asyncio.CancelledError:
        await _end(tasks)
        raise
    errors = [result for result in results if isinstance(result, BaseException)]
    for error in errors:
        if signal_in(error) is not None or isinstance(error, asyncio.CancelledError):
            raise error
    if errors:
        raise errors[0]
    return results


async def _end(tasks: list[asyncio.Task[Any]]) -> None:
    """Let branches that were cancelled with the job clean up before the job goes on to end."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
