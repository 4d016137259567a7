"""Errors as they are kept: message, type and traceback."""

from __future__ import annotations

import traceback
from dataclasses import replace

from durably.codec import storable
from durably.errors import ExitedError, message_of
from durably.runs import Failure


def describe(error: BaseException) -> Failure:
    """Return *error* as it is kept: message, type and traceback."""
    if isinstance(error, ExitedError) and error.__cause__ is not None:
        exited = describe(error.__cause__)
        return replace(exited, message=message_of(error))
    kind = type(error)
    name = (
        kind.__qualname__
        if kind.__module__ == "builtins"
        else f"{kind.__module__}.{kind.__qualname__}"
    )
    return Failure(
        message=storable(message_of(error)) or name,
        type_name=name,
        trace=_trace_of(error),
    )


def _trace_of(error: BaseException) -> str | None:
    try:
        return storable("".join(traceback.format_exception(error, limit=-20)))
    except Exception:  # noqa: BLE001 - the error is asked for its notes, and that is foreign code
        return None
