"""How a process that executes runs is told to end: in order at first, at once the second time.

SIGTERM is what a deploy sends. Nobody handles it unless the program does, so an engine does while
it is started: it drains, and the process then ends by the signal, as it would have. SIGINT is left
to whoever handles it, which is asyncio's runner as a rule. A second signal of either kind gives the
runs back and ends the process, also while a step blocks. A program with handlers of its own is left
alone, and so is one whose engine runs outside of the main thread, where Python takes no signals.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import signal
import threading
from typing import TYPE_CHECKING, Any, Protocol

from durably.threads import IN_BROWSER

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType


class Endable(Protocol):
    """What an engine does when its process is told to end."""

    async def drain(self) -> None:
        """Claim nothing more, let running jobs end for a while, and give the rest back."""
        ...

    async def abandon(self) -> None:
        """Give all runs back at once, whatever their code does: the process ends now."""
        ...


class _Signals:
    """The started engines of this process, and what its signals did before there were any."""

    def __init__(self) -> None:
        self._engines: dict[Endable, asyncio.AbstractEventLoop] = {}
        self._before: dict[int, Any] = {}
        self._told = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def watch(self, engine: Endable) -> None:
        """Let *engine* be told; the running loop is its own."""
        if IN_BROWSER or threading.current_thread() is not threading.main_thread():
            return
        self._engines[engine] = asyncio.get_running_loop()
        if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            self._take(signal.SIGTERM)
        if _is_pythons_own(signal.getsignal(signal.SIGINT)):
            self._take(signal.SIGINT)

    def forget(self, engine: Endable) -> None:
        """Leave the signals as they were, once no engine is left."""
        self._engines.pop(engine, None)
        if self._engines or threading.current_thread() is not threading.main_thread():
            return
        self._told = 0
        for number, before in self._before.items():
            if signal.getsignal(number) == self._handle:
                signal.signal(number, before)
        self._before.clear()

    def _take(self, number: int) -> None:
        self._before[number] = signal.getsignal(number)
        signal.signal(number, self._handle)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self._told += 1
        if self._told == 1 and number == signal.SIGINT:
            self._before[number](number, frame)
        elif self._told == 1:
            self._each(lambda engine: engine.drain(), number)
        elif self._told == 2:  # noqa: PLR2004 - the second time
            self._each(lambda engine: engine.abandon(), number)
        else:
            os._exit(128 + number)

    def _each(self, work: Callable[[Endable], Any], number: int) -> None:
        """Do *work* for every engine on its own loop, and then end as the signal ends a process."""
        waiting = dict(self._engines)

        def begin(engine: Endable) -> None:
            task = asyncio.ensure_future(work(engine))
            self._tasks.add(task)
            task.add_done_callback(functools.partial(done, engine))

        def done(engine: Endable, task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            if task.cancelled():  # the program comes to its own end
                return
            waiting.pop(engine, None)
            if not waiting:
                _end(number)

        for engine, loop in tuple(waiting.items()):
            with contextlib.suppress(RuntimeError):  # its loop is closed
                loop.call_soon_threadsafe(begin, engine)


def _is_pythons_own(handler: Any) -> bool:
    """Tell whether SIGINT does what Python or asyncio's runner does with it."""
    function = getattr(handler, "func", handler)
    is_runners = getattr(function, "__module__", None) == "asyncio.runners"
    return handler is signal.default_int_handler or is_runners


def _end(number: int) -> None:
    signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)
    os._exit(128 + number)


_signals = _Signals()
watch = _signals.watch
forget = _signals.forget
