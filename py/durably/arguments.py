"""Check what callers give, in a sentence that names the argument.

Each function returns the value as the engine wants it, or raises ValidationError.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NoReturn, TypeVar

from durably.errors import ValidationError

T = TypeVar("T")


def refuse(what: str, wanted: str, value: object) -> NoReturn:
    """Raise the error that says what *what* must be, and that *value* is not."""
    msg = f"{what} must be {wanted}, not {value!r}"
    raise ValidationError(msg)


def checked_text(what: str, value: object, *, may_be_empty: bool = False) -> str:
    """Take text that every store compares whole.

    SQLite's own functions end a text at a NUL, and UTF-8 cannot hold a lone surrogate.
    """
    if not isinstance(value, str) or not (value or may_be_empty):
        refuse(what, "text" if may_be_empty else "text that is not empty", value)
    if "\0" in value or not (value.isascii() or _is_unicode(value)):
        refuse(what, "text without NUL and lone surrogates", value)
    return value


def checked_name(what: str, value: object) -> str:
    """Take text without spaces around it."""
    name = checked_text(what, value)
    if name != name.strip():
        refuse(what, "text without spaces around it", value)
    return name


def checked_texts(what: str, value: object) -> tuple[str, ...]:
    """Take several texts, or one alone."""
    if isinstance(value, str):
        return (value,)
    if isinstance(value, Iterable) and not isinstance(value, (bytes, Mapping)):
        values = tuple(value)
        if all(isinstance(one, str) for one in values):
            return values
    refuse(what, "text or several texts", value)


def checked_whole(what: str, value: object, *, least: int, most: int | None = None) -> int:
    """Take a whole number within its bounds."""
    number = value if isinstance(value, int) and not isinstance(value, bool) else least - 1
    if least <= number and (most is None or number <= most):
        return number
    bounds = f"of at least {least}" if most is None else f"from {least} to {most}"
    refuse(what, f"a whole number {bounds}", value)


def checked_flag(what: str, value: object) -> bool:
    """Take True or False."""
    if isinstance(value, bool):
        return value
    refuse(what, "True or False", value)


def checked_kind(what: str, value: object, kind: type[T]) -> T:
    """Take an object of *kind*."""
    if isinstance(value, kind):
        return value
    refuse(what, f"a {kind.__name__}", value)


def checked_call(what: str, value: T) -> T:
    """Take something that can be called."""
    if callable(value):
        return value
    refuse(what, "a function", value)


def checked_method(what: str, value: T, method: str) -> T:
    """Take an object that has *method*."""
    if callable(getattr(value, method, None)) and not isinstance(value, type):
        return value
    refuse(what, f"an object with the method {method}()", value)


def checked_path(what: str, value: object) -> Path:
    """Take the path of a file or folder."""
    if isinstance(value, (str, os.PathLike)):
        return Path(value)
    refuse(what, "a path", value)


def checked_items(what: str, value: Iterable[T]) -> list[T]:
    """Take a list of things, or anything to iterate over but text and mappings."""
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes, Mapping)):
        return list(value)
    refuse(what, "a list", value)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
