"""Read the types that users' functions declare, without the values that go with them."""

from __future__ import annotations

import collections.abc
import contextlib
import functools
import inspect
import operator
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
_resolved: dict[int, tuple[types.CodeType, Any, Any]] = {}


def return_type(fn: Callable[..., object]) -> Any:
    """Return the type that *fn* declares to return, without its Awaitable, or UNTYPED.

    What wraps a function keeps its type: functools.wraps() and cache(), a partial, a bound method,
    an object that can be called. A class returns its own objects.
    """
    if isinstance(fn, type):
        return fn
    function, owner = _declaring(fn)
    try:
        declared = _annotations_of(function).get("return", UNTYPED)
        if declared is UNTYPED or isinstance(declared, type):
            return declared  # most are, and nothing is inside them
        if declared is None:
            return type(None)
        declared = _remembered(declared, _innermost(function))
    except NameError as error:
        msg = f"the return annotation of {name_of(fn)} cannot be resolved ({error}); pass output="
        raise ValidationError(msg) from error
    if typing.get_origin(declared) in {collections.abc.Awaitable, collections.abc.Coroutine}:
        declared = typing.get_args(declared)[-1]
    declared = _with_self(declared, owner)
    if declared is None:
        return type(None)
    if declared is typing.Self:
        msg = f"{name_of(fn)} returns Self, and of which class is not known; pass output="
        raise ValidationError(msg)
    return declared


def parameter_type(what: str, function: Callable[..., object], parameter: inspect.Parameter) -> Any:
    """Return the declared type of *parameter*, or UNTYPED; *what* names the function."""
    declared = parameter.annotation
    if declared is parameter.empty:
        return UNTYPED
    if isinstance(declared, type):
        return declared
    try:
        return _resolve(declared, _innermost(function))
    except NameError as error:
        msg = f"the input annotation of {what} cannot be resolved ({error}); pass input="
        raise ValidationError(msg) from error


def is_async(fn: Callable[..., object]) -> bool:
    """Tell whether *fn* is async, or wraps a function that is."""
    return starts_at_once(fn) or inspect.iscoroutinefunction(_innermost(fn))


def starts_at_once(fn: Callable[..., object]) -> bool:
    """Tell whether to call *fn* does nothing but make a coroutine: it needs no thread."""
    return inspect.iscoroutinefunction(_declaring(fn)[0])


def name_of(fn: Callable[..., object]) -> str:
    """Return the name of a function, of what a partial is of, or of an object's class."""
    while isinstance(fn, functools.partial):
        fn = fn.func
    name = getattr(fn, "__name__", None)
    return name if isinstance(name, str) else type(fn).__name__


def _declaring(fn: Any) -> tuple[Any, type | None]:
    """Return the function that *fn* calls, and the class whose method it is."""
    owner: type | None = None
    while True:
        if isinstance(fn, (types.FunctionType, types.BuiltinFunctionType)):
            return fn, owner
        if isinstance(fn, functools.partial):
            fn = fn.func
        elif isinstance(fn, (staticmethod, classmethod)):
            fn = fn.__func__
        elif inspect.ismethod(fn):
            owner = fn.__self__ if isinstance(fn.__self__, type) else type(fn.__self__)
            fn = fn.__func__
        elif hasattr(fn, "__wrapped__"):  # functools.cache(), and wrappers that are objects
            fn = fn.__wrapped__
        else:
            call = type(fn).__call__
            return (call, type(fn)) if inspect.isfunction(call) else (fn, owner)


def _innermost(fn: Any) -> Any:
    """Return the function at the bottom of what wraps it: its names are those that were meant."""
    while hasattr(fn, "__wrapped__") or not isinstance(fn, types.FunctionType):
        function = inspect.unwrap(_declaring(fn)[0])
        if function is fn:
            break
        fn = function
    return fn


def _annotations_of(function: Any) -> dict[str, Any]:
    """Return the annotations of a function, or of what it wraps where it has none."""
    while True:
        found: dict[str, Any] | None = getattr(function, "__annotations__", None)
        if found or not hasattr(function, "__wrapped__"):
            return found or {}
        function = _declaring(function.__wrapped__)[0]


def _with_self(declared: Any, owner: type | None) -> Any:
    """Put the class in the place of Self, however deep it is."""
    if declared is typing.Self:
        return owner or declared
    inside = typing.get_args(declared)
    if owner is None or not inside or typing.get_origin(declared) is typing.Literal:
        return declared
    made = tuple(_with_self(one, owner) for one in inside)
    if all(a is b for a, b in zip(made, inside, strict=True)):
        return declared
    origin = typing.get_origin(declared)
    if origin in {typing.Union, types.UnionType}:
        return functools.reduce(operator.or_, made)
    return declared.copy_with(made) if hasattr(declared, "copy_with") else origin[made]


def _remembered(declared: Any, function: Callable[..., object]) -> Any:
    code: types.CodeType | None = getattr(function, "__code__", None)
    if code is None or code.co_freevars:  # it may close over other classes the next time
        return _resolve(declared, function)
    known = _resolved.get(id(code))
    if known is None or (known[1] is not declared and known[1] != declared):
        known = _resolved[id(code)] = (code, declared, _resolve(declared, function))
    return known[2]


def _resolve(declared: Any, function: Callable[..., object]) -> Any:
    """Evaluate an annotation alone: the other ones may name types that exist only for checkers."""

    def holder() -> None: ...

    holder.__annotations__ = {"return": declared}
    names = _closed_over(function) if inspect.isfunction(function) else {}
    scope = getattr(function, "__globals__", {})
    return typing.get_type_hints(holder, scope, names, include_extras=True)["return"]


def _closed_over(function: types.FunctionType) -> dict[str, Any]:
    names: dict[str, Any] = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        with contextlib.suppress(ValueError):  # a name that gets its value later
            names[name] = cell.cell_contents
    return names
