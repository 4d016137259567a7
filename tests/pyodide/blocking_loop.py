"""An asyncio loop that runs to completion where nothing may block but a sleep.

Pyodide's own loop is the browser's: it cannot wait for a coroutine in the middle of a call, as
pytest wants. This one waits for timers by sleeping. It knows neither sockets nor threads: Pyodide
has none.
"""

import asyncio
import time


class _Timers:
    """Stands where asyncio keeps its selector; there is nothing here to select from."""

    def select(self, timeout: float | None) -> list[object]:
        """Sleep until the next timer is due."""
        if timeout is None:
            # Nothing is ready and no timer is set: in a browser this test would hang for ever.
            message = "every task waits, and nothing is left that could wake one"
            raise RuntimeError(message)
        if timeout > 0:
            time.sleep(timeout)
        return []

    def close(self) -> None:
        """Do nothing: no file is open."""


class BlockingLoop(asyncio.BaseEventLoop):
    """A complete asyncio loop for tasks, timers and callbacks."""

    def __init__(self) -> None:
        super().__init__()
        self._selector = _Timers()

    def _process_events(self, event_list: list[object]) -> None:
        """Take what the selector found: never anything."""

    def _write_to_self(self) -> None:
        """Wake the selector from another thread: there is none."""


class BlockingLoopPolicy(asyncio.DefaultEventLoopPolicy):
    """Makes every new loop a BlockingLoop."""

    def new_event_loop(self) -> BlockingLoop:
        """Return a loop that needs nothing of the browser."""
        return BlockingLoop()
