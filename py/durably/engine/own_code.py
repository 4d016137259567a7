"""Users' code: the context that it runs in, and what it raises.

A step's code runs in a context of its own: what it binds there the job does not see, for in a
replay the code does not run. What it raises ends that step, and nothing else: an exit is an error
like others, and so is a cancellation that nobody asked of the step.
"""

from __future__ import annotations

import asyncio
import dis
import threading
import types
from typing import TYPE_CHECKING, Any, TypeVar

from durably.errors import CancelledInsideError, ExitedError, ValidationError, signal_in
from durably.threads import running_loop

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator
    from contextvars import Context
    from types import TracebackType

T = TypeVar("T")


@types.coroutine
def in_context(context: Context, coroutine: Coroutine[Any, Any, T]) -> Generator[Any, Any, T]:
    """Await *coroutine* in this task, with each piece of it in *context*."""
    resume: Callable[[Any], Any] = coroutine.send
    given: Any = None
    while True:
        try:
            awaited = context.run(resume, given)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]
        try:
            given = yield awaited
            resume = coroutine.send
        except BaseException as error:  # noqa: BLE001 - it is the coroutine's
            given = error
            resume = coroutine.throw


class OwnCode:
    """Takes what users' code in its block raises for what it is to the engine.

    *what* names the code in errors; *was_stopped* tells whether somebody asked it to stop, other
    than by cancelling its task.
    """

    __slots__ = ("_cancels", "_task", "_was_stopped", "_what")

    def __init__(self, what: str, was_stopped: Callable[[], bool] = lambda: False) -> None:
        self._what = what
        self._was_stopped = was_stopped
        self._task = asyncio.current_task() if running_loop() else None
        self._cancels = self._task.cancelling() if self._task else 0

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(
        self, _kind: object, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Raise another error where one counts as such."""
        if error is None:
            return
        told = self._told(error)
        if told is not None:
            raise told from error

    def _told(self, error: BaseException) -> Exception | None:
        if isinstance(error, asyncio.CancelledError):
            asked = self._task is not None and self._task.cancelling() > self._cancels
            return None if asked or self._was_stopped() else CancelledInsideError(self._what)
        if isinstance(error, Exception):
            needs_loop = type(error) is RuntimeError and "event loop" in str(error)
            return _needs_loop(self._what) if needs_loop else None
        if signal_in(error) is not None or _is_real(error):
            return None
        return ExitedError(self._what, error)


def _is_real(error: BaseException) -> bool:
    """Tell whether a KeyboardInterrupt is the user's, at the keyboard, and not raised by code.

    Python raises it between two instructions of the main thread, or in one that waits; asyncio's
    runner does so in a function of its own.
    """
    if not isinstance(error, KeyboardInterrupt):
        return False
    trace = error.__traceback__
    if trace is None or threading.current_thread() is not threading.main_thread():
        return False
    while trace.tb_next is not None:
        trace = trace.tb_next
    if trace.tb_frame.f_globals.get("__name__") == "asyncio.runners":
        return True
    code = trace.tb_frame.f_code.co_code
    return dis.opname[code[trace.tb_lasti]] not in {"RAISE_VARARGS", "RERAISE"}


def refuse_task(what: str, value: object) -> None:
    """Raise ValidationError for a task that a function made which is not async.

    On a thread it could not have made one; a coroutine is fine, for it is awaited.
    """
    if asyncio.isfuture(value):
        value.cancel()
        raise _needs_loop(what)


def _needs_loop(what: str) -> ValidationError:
    return ValidationError(
        f"{what} needs the event loop, and a function that is not async has none "
        "(on a server it runs on a thread): make it async def, and await inside of it"
    )
