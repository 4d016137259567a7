"""Work on threads: what it raises comes back, whatever it is."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from durably.threads import contained


def first(values: list[int], *, of: str) -> int:
    """Return the first value, or raise StopIteration."""
    return next(iter(values))


def test_a_stop_iteration_is_a_runtime_error_as_in_a_coroutine() -> None:
    """PEP 479; anything else is as it was."""
    assert contained(first, [1, 2], of="two") == 1
    with pytest.raises(RuntimeError, match=r"^first raised StopIteration$") as caught:
        contained(first, [], of="none")
    assert isinstance(caught.value.__cause__, StopIteration)
    with pytest.raises(ZeroDivisionError):
        contained(lambda: 1 // 0)


@pytest.mark.cpython_only
async def test_who_waits_for_a_thread_is_told() -> None:
    """A StopIteration itself would never reach its waiter before Python 3.12."""
    with ThreadPoolExecutor(1) as threads:
        work = asyncio.wrap_future(threads.submit(contained, first, [], of="none"))
        with pytest.raises(RuntimeError, match="first raised StopIteration"):
            await asyncio.wait_for(work, 10)
