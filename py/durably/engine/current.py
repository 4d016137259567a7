"""Which run and which step the code of this task or thread belongs to."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from durably.engine.execution import Execution
    from durably.engine.step_call import StepCall

#: The run whose code, or whose engine code, executes in this task and in those it made.
current_execution: ContextVar[Execution | None] = ContextVar("durably_execution", default=None)

#: The step whose code runs in this task or thread (log lines know it, also in parallel steps).
current_step: ContextVar[StepCall | None] = ContextVar("durably_current_step", default=None)
