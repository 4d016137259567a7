"""Read the types that users' functions declare, without the values that go with them."""

from __future__ import annotations

import collections.abc
import contextlib
import functools
import inspect
import types
import typing
from typing import Any

from durably.errors import ValidationError

if typing.TYPE_CHECKING:
    from collections.abc import Callable

#: Stands for "no type was declared".
UNTYPED: Any = object()

#: Annotations that had to be evaluated, by the id of the code they stand on, which they keep alive:
#: code is slow to compare.
_resolved: dict[int, tuple[types.CodeType, str, Any]] = {}


def return_type(fn: Callable[..., object]) -> Any:
    """Return the type that *fn* declares to return, without its Awaitable, or UNTYPED."""
    while isinstance(fn, functools.partial):
        fn = fn.func
    function: Any = getattr(fn, "__func__", fn)
    if not isinstance(function, types.FunctionType):
        function = type(fn).__call__
    try:
        declared = getattr(function, "__annotations__", {}).get("return", UNTYPED)
        if isinstance(declared, str):
            declared = _remembered(declared, _unwrapped(function))
    except NameError as error:
        name = getattr(fn, "__qualname__", repr(fn))
        msg = f"the return annotation of {name} cannot be resolved ({error}); pass output="
        raise ValidationError(msg) from error
    if declared is None:
        return type(None)
    if declared is UNTYPED or isinstance(declared, type):  # most are, and nothing is inside them
        return declared
    if typing.get_origin(declared) in {collections.abc.Awaitable, collections.abc.Coroutine}:
        return typing.get_args(declared)[-1]
    return declared


def parameter_type(what: str, function: Callable[..., object], parameter: inspect.Parameter) -> Any:
    """Return the declared type of *parameter*, or UNTYPED; *what* names the function."""
    declared = parameter.annotation
    if declared is parameter.empty:
        return UNTYPED
    if not isinstance(declared, str):
        return declared
    try:
        return _resolve(declared, _unwrapped(function))
    except NameError as error:
        msg = f"the input annotation of {what} cannot be resolved ({error}); pass input="
        raise ValidationError(msg) from error


def _unwrapped(function: Callable[..., object]) -> Callable[..., object]:
    """Return the function whose annotations functools.wraps() gave to *function*, and its names."""
    return inspect.unwrap(function) if hasattr(function, "__wrapped__") else function


def _remembered(text: str, function: Callable[..., object]) -> Any:
    code: types.CodeType | None = getattr(function, "__code__", None)
    if code is None or code.co_freevars:  # it may close over other classes the next time
        return _resolve(text, function)
    known = _resolved.get(id(code))
    if known is None or known[1] != text:
        known = _resolved[id(code)] = (code, text, _resolve(text, function))
    return known[2]


def _resolve(text: str, function: Callable[..., object]) -> Any:
    """Evaluate an annotation alone: the other ones may name types that exist only for checkers."""

    def holder() -> None: ...

    holder.__annotations__ = {"return": text}
    names = _closed_over(function) if inspect.isfunction(function) else {}
    scope = getattr(function, "__globals__", {})
    return typing.get_type_hints(holder, scope, names, include_extras=True)["return"]


def _closed_over(function: types.FunctionType) -> dict[str, Any]:
    names: dict[str, Any] = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        with contextlib.suppress(ValueError):  # a name that gets its value later
            names[name] = cell.cell_contents
    return names
