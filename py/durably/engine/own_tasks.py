"""Tasks that users' code makes beside its steps.

asyncio ends the whole loop with a task that exits. One that a run's code made gives an error in
place of its exit, to whoever awaits it, while the run is executed.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from durably.engine.current import current_execution, current_step
from durably.engine.interrupts import gate
from durably.engine.own_code import exit_of

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator


@contextlib.contextmanager
def contained_tasks(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """Let no task that a run's code makes on *loop* meanwhile end the loop."""
    factory: Any = loop.get_task_factory()
    if not isinstance(factory, _Factory):
        factory = _Factory(factory)
        loop.set_task_factory(factory)
    factory.users += 1
    try:
        yield
    finally:
        factory.users -= 1
        current: Any = loop.get_task_factory()
        # Where another one was set meanwhile, it may hold this one, which passes all through.
        if factory.users == 0 and current is factory:
            loop.set_task_factory(factory.before)


class _Factory:
    """Makes the tasks of a loop as the factory *before* it does."""

    def __init__(self, before: Callable[..., Any] | None) -> None:
        self.before = before
        self.users = 0

    def __call__(
        self, loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, Any], **options: Any
    ) -> Any:
        execution = current_execution.get()
        if execution is not None:
            call = current_step.get()
            name = f"job {execution.job.name!r}" if call is None else f"step {call.name!r}"
            coroutine = _OwnTask(f"a task of {name}", coroutine)
        if self.before is not None:
            return self.before(loop, coroutine, **options)
        return asyncio.Task(coroutine, loop=loop, **options)


class _OwnTask(Coroutine[Any, Any, Any]):
    """A task's coroutine, but for how it exits."""

    __slots__ = ("_coroutine", "_what")

    def __init__(self, what: str, coroutine: Coroutine[Any, Any, Any]) -> None:
        self._what = what
        self._coroutine = coroutine

    @gate
    def send(self, value: Any) -> Any:
        """Go on with *value*."""
        try:
            return self._coroutine.send(value)
        except (SystemExit, KeyboardInterrupt) as error:
            self._pass(error)

    @gate
    def throw(self, *error: Any) -> Any:
        """Go on with an error."""
        try:
            return self._coroutine.throw(*error)
        except (SystemExit, KeyboardInterrupt) as raised:
            self._pass(raised)

    def _pass(self, error: BaseException) -> None:
        told = exit_of(self._what, error)
        raise error if told is None else told

    def close(self) -> None:
        """End it."""
        self._coroutine.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        """Return what awaits it."""
        return self._coroutine.__await__()

    def __getattr__(self, name: str) -> Any:
        """Return what the coroutine says of itself, as asyncio's reports ask it."""
        return getattr(self._coroutine, name)
