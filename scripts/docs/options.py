"""What engines, jobs, steps, triggers and retries take, with the defaults."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING

from durably import Durably, Retry, Step, TriggerOptions, job
from scripts.docs.markdown import code, default_of, fields_of, table

if TYPE_CHECKING:
    from collections.abc import Callable

_NEVER = {"self", "args", "kwargs", "fn", "function"}


def _of_call(function: Callable[..., object], *others: str) -> str:
    """Return the parameters as a table, without *others*: what is no option of this call."""
    parameters = inspect.signature(function).parameters.values()
    rows = [
        (code(one.name), code(str(one.annotation)), code(default_of(one)) or "required")
        for one in parameters
        if one.name not in _NEVER.union(others)
    ]
    return table(("option", "type", "default"), rows)


def _of_value(cls: type) -> str:
    rows = [(code(one.name), code(one.type), code(one.default)) for one in fields_of(cls)]
    return table(("option", "type", "default"), rows)


PARTS: dict[str, Callable[[], str]] = {
    "engine options": functools.partial(_of_call, Durably.__init__),
    "job options": functools.partial(_of_call, job),
    "step options": functools.partial(_of_call, Step.run, "name"),
    "trigger options": functools.partial(_of_value, TriggerOptions),
    "retry options": functools.partial(_of_value, Retry),
}
