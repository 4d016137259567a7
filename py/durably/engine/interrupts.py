"""Stop code that leaves the event loop no turn, and only that of the run that is meant.

An interrupt arrives between any two operations of whatever executes. The context tells which run
that is; the frames on the stack tell whether it is the run's own code or the engine at work for
it. The engine is never stopped in its middle: who interrupts does so again until it is obeyed.
"""

from __future__ import annotations

import functools
import signal
from typing import TYPE_CHECKING, Any, TypeVar

from durably.engine.current import current_execution
from durably.errors import Cancelled

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType

    from durably.engine.execution import Execution

T = TypeVar("T")
F = TypeVar("F", bound="Callable[..., Any]")

#: The functions of this package that call a job's own code.
_GATES: set[CodeType] = set()

#: An event loop must not be stopped while it works on itself.
_LOOPS = frozenset({"asyncio", "pyodide", "_pyodide"})


def gate(function: F) -> F:
    """Mark a function that calls a job's own code: what is above it on the stack is not ours."""
    _GATES.add(function.__code__)
    return function


class Interrupts:
    """Takes the interrupts of a host that cannot reach Python otherwise, as SIGINT.

    *requested* returns the ids of the runs to be stopped, one per line. *mark* is told, as a
    number, which run's sync code begins, and 0 when it ends: the host sees what hangs.
    """

    def __init__(self, requested: Callable[[], str], mark: Callable[[int], object]) -> None:
        self._requested = requested
        self._mark = mark

    def install(self) -> None:
        """Be what SIGINT does in this process."""
        signal.signal(signal.SIGINT, self.handle)

    def handle(self, _number: int, frame: FrameType | None) -> None:
        """Raise Cancelled in a job's own code when its run is meant; let all else go on."""
        execution = current_execution.get()
        if execution is None or execution.run.id not in self._requested().split("\n"):
            return
        execution.interrupted = True
        if is_own_code(frame):
            raise Cancelled

    @gate
    def call(self, execution: Execution, function: Callable[..., T], /, *args: Any, **kw: Any) -> T:
        """Call sync code of a run, which may hang."""
        self._mark(token_of(execution.run.id))
        try:
            return function(*args, **kw)
        finally:
            self._mark(0)


def is_own_code(frame: FrameType | None) -> bool:
    """Tell whether a job's code, or a library that it called, executes in *frame*."""
    is_above = False
    while frame is not None:
        package = frame.f_globals.get("__name__", "").partition(".")[0]
        if package == "durably":
            return is_above and frame.f_code in _GATES
        if package in _LOOPS:
            # The root of a task that the job made itself; or the loop at work, above the job.
            return is_above
        is_above = True
        frame = frame.f_back
    return False


@functools.lru_cache(maxsize=16)
def token_of(run_id: str) -> int:
    """Return the number that stands for a run where only numbers are shared (FNV-1a, never 0)."""
    token = 0x811C9DC5
    for byte in run_id.encode():
        token = (token ^ byte) * 0x01000193 & 0xFFFFFFFF
    return token or 1
