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

#: How Python says that no event loop runs on a thread.
_NO_LOOP = ("no running event loop", "There is no current event loop")


@types.coroutine
def in_context(context: Context, coroutine: Coroutine[Any, Any, T]) -> Generator[Any, Any, T]:
    """Await *coroutine* in this task, with each piece of it in *context*."""
    resume: Callable[[Any], Any] = coroutine.send
    given: Any = None
    try:
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
    finally:
        del given, resume  # an error must not hold, by its trace, itself


class OwnCode:
    """Takes what users' code in its block raises for what it is to the engine.

    *what* names the code in errors; *was_stopped* tells whether somebody asked it to stop, other
    than by cancelling its task.
    """

    __slots__ = ("_cancels", "_task", "_was_stopped", "_what")

    def __init__(self, what: str, was_stopped: Callable[[], bool] = lambda: False) -> None:
        self._what = what
        self._was_stopped = was_stopped
        self._cancels = 0
        try:
            self._task = asyncio.current_task()
        except RuntimeError:  # on a thread
            self._task = None
        if self._task is not None:
            # A task that cancelled itself is told at the first await, which may be in the block.
            self._cancels = self._task.cancelling() - getattr(self._task, "_must_cancel", 0)

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
            needs_loop = type(error) is RuntimeError and str(error).startswith(_NO_LOOP)
            return _needs_loop(self._what) if needs_loop else None
        if signal_in(error) is not None:
            return None
        if isinstance(error, GeneratorExit) and self._task is None and running_loop() is None:
            return ExitedError(self._what, error)  # a thread's code is no coroutine to be closed
        return exit_of(self._what, error)


def exit_of(what: str, error: BaseException) -> ExitedError | None:
    """Return the error that an exit is, which *what* raised; None where it is a real one."""
    if _is_real(error):
        return None
    exited = ExitedError(what, error)
    exited.__cause__ = error
    return exited


def _is_real(error: BaseException) -> bool:
    """Tell whether *error* came from outside of the code: Ctrl+C, or Python closing a coroutine.

    Python raises these between two instructions, or in one that waits; a KeyboardInterrupt on the
    main thread only, or in a function of asyncio's runner.
    """
    if not isinstance(error, (KeyboardInterrupt, GeneratorExit)):
        return False
    trace = error.__traceback__
    if trace is None:
        return False
    if isinstance(error, KeyboardInterrupt) and (
        threading.current_thread() is not threading.main_thread()
    ):
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
