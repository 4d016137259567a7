"""What engines, jobs, steps, triggers and retries take, with the defaults."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING

from durably import Durably, JobHandle, Retry, Step, define_job
from scripts.docs.markdown import code, default_of, fields_of, table

if TYPE_CHECKING:
    from collections.abc import Callable

_NOT_OPTIONS = {"self", "args", "kwargs", "name", "fn", "function", "input"}


def _of_call(function: Callable[..., object]) -> str:
    parameters = inspect.signature(function).parameters.values()
    rows = [
        (code(one.name), code(str(one.annotation)), code(default_of(one)) or "required")
        for one in parameters
        if one.name not in _NOT_OPTIONS
    ]
    return table(("option", "type", "default"), rows)


def _of_value(cls: type) -> str:
    rows = [(code(one.name), code(one.type), code(one.default)) for one in fields_of(cls)]
    return table(("option", "type", "default"), rows)


PARTS: dict[str, Callable[[], str]] = {
    "engine options": functools.partial(_of_call, Durably.__init__),
    "job options": functools.partial(_of_call, define_job),
    "step options": functools.partial(_of_call, Step.run),
    "trigger options": functools.partial(_of_call, JobHandle.trigger),
    "retry options": functools.partial(_of_value, Retry),
}
