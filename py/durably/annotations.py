"""Read the types that users' functions declare, without the values that go with them."""

from __future__ import annotations

import asyncio
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
    from collections.abc import Callable, Iterator

#: Stands for "no type was declared".
UNTYPED: Any = object()

#: What is awaited: the type that counts is that of what it gives.
_PROMISES: frozenset[Any] = frozenset(
    {collections.abc.Awaitable, collections.abc.Coroutine, asyncio.Future, asyncio.Task}
)
_CACHE = type(functools.cache(len))
_FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType, types.MethodWrapperType)
_NOT_YET: Any = object()

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
    plain = fn.__func__ if type(fn) is types.MethodType else fn
    quick = _quickly(plain) if type(plain) is types.FunctionType else _NOT_YET
    return _slowly(fn) if quick is _NOT_YET else quick


def parameter_type(what: str, function: Callable[..., object], parameter: inspect.Parameter) -> Any:
    """Return the declared type of *parameter*, or UNTYPED; *what* names the function."""
    declared = parameter.annotation
    if declared is parameter.empty:
        return UNTYPED
    if isinstance(declared, type):
        return declared
    layers = list(_layers(function))
    resolved = _resolve(f"the input annotation of {what}", "input", declared, layers[-1][0])
    resolved = _with_self(resolved, _owner(layers))
    if resolved is typing.Self:
        msg = f"the input of {what} is Self, and of which class is not known; pass input="
        raise ValidationError(msg)
    return resolved


def parameters_of(what: str, function: Callable[..., object]) -> list[inspect.Parameter]:
    """Return what *function* can be called with; ValidationError where it wants other things."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except ValueError as error:
        msg = f"{what} must be a function that says its parameters, not {function!r}"
        raise ValidationError(msg) from error
    positional = [p for p in parameters if p.kind in {p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD}]
    if positional and positional[0].name in {"self", "cls"}:
        msg = f"{what} is a method; take a function, or a bound method"
        raise ValidationError(msg)
    for p in parameters:
        if p.kind is p.KEYWORD_ONLY and p.default is p.empty:
            msg = f"{what} must not need {p.name}= as a keyword"
            raise ValidationError(msg)
    return positional


def is_async(fn: Callable[..., object]) -> bool:
    """Tell whether *fn* is async, or wraps a function that is."""
    return starts_at_once(fn) or inspect.iscoroutinefunction(list(_layers(fn))[-1][0])


def starts_at_once(fn: Callable[..., object]) -> bool:
    """Tell whether to call *fn* does nothing but make a coroutine: it needs no thread."""
    if type(fn) is types.FunctionType and fn.__code__.co_flags & inspect.CO_COROUTINE:
        return True
    called: Any = fn
    while (below := _below(called)) is not None:
        called = below
    if not isinstance(called, (types.FunctionType, types.BuiltinFunctionType, type)):
        if inspect.iscoroutinefunction(called):  # marked as one
            return True
        called = type(called).__call__
    return inspect.iscoroutinefunction(called)


def name_of(fn: Callable[..., object]) -> str:
    """Return the name of a function, of what a partial is of, or of an object's class."""
    while isinstance(fn, functools.partial):
        fn = fn.func
    name = getattr(fn, "__name__", None)
    return name if isinstance(name, str) else type(fn).__name__


def _quickly(fn: types.FunctionType) -> Any:
    """Return the type of a plain function whose annotation is one, or is known: most are."""
    declared = fn.__annotations__.get("return", UNTYPED)
    if isinstance(declared, type) and declared not in _PROMISES:
        return declared
    if hasattr(fn, "__wrapped__"):
        return _NOT_YET
    if declared is UNTYPED or declared is None:
        return type(None) if declared is None else declared
    if isinstance(declared, str):
        known = _resolved.get(id(fn.__code__))
        return known[2] if known is not None and known[1] is declared else _NOT_YET
    try:
        return _without_names(declared)
    except TypeError:  # it cannot be hashed
        return _NOT_YET


def _slowly(fn: Callable[..., object]) -> Any:
    layers = list(_layers(fn))
    functions = [one for one, _ in layers if isinstance(one, types.FunctionType)]
    returns = [one.__annotations__.get("return", UNTYPED) for one in functions]
    declared = next((one for one in returns if one is not UNTYPED), UNTYPED)
    if declared is UNTYPED:
        return declared
    # Wrappers repeat what they wrap: its names are those of the innermost that says it.
    function = functions[len(returns) - 1 - returns[::-1].index(declared)]
    quick = _quickly(function)
    if quick is not _NOT_YET:
        return quick
    resolved = _resolve(f"the return annotation of {name_of(fn)}", "output", declared, function)
    resolved = _awaited(resolved)
    replaced = _with_self(resolved, _owner(layers))
    if replaced is typing.Self:
        msg = f"{name_of(fn)} returns Self, and of which class is not known; pass output="
        raise ValidationError(msg)
    if replaced is resolved and not function.__code__.co_freevars:
        # Else it may stand for other classes the next time.
        _resolved[id(function.__code__)] = (function.__code__, declared, resolved)
    return replaced


@functools.lru_cache(maxsize=1024)
def _without_names(declared: Any) -> Any:
    """Return the type of an annotation that can be used as it is."""
    return _NOT_YET if _has_names(declared) else _awaited(declared)


def _has_names(declared: Any) -> bool:
    """Tell whether an annotation has a part that is text, or Self."""
    if isinstance(declared, (str, typing.ForwardRef)) or declared is typing.Self:
        return True
    if typing.get_origin(declared) is typing.Literal:
        return False
    return any(map(_has_names, _parts(declared)))


def _parts(declared: Any) -> tuple[Any, ...]:
    if isinstance(declared, list):  # the parameters of a Callable
        return tuple(declared)
    inside = typing.get_args(declared)
    return inside[:1] if typing.get_origin(declared) is typing.Annotated else inside


def _awaited(declared: Any) -> Any:
    """Return the type of what awaiting gives; a promise that does not say is UNTYPED."""
    if isinstance(declared, type) and declared in _PROMISES:
        return UNTYPED
    if typing.get_origin(declared) in _PROMISES:
        *_, declared = typing.get_args(declared) or (UNTYPED,)
    return type(None) if declared is None else declared


def _layers(fn: Any) -> Iterator[tuple[Any, type | None]]:
    """Yield *fn* and what it wraps, from the outside in, each with the class it is a method of."""
    seen: set[int] = set()
    owner: type | None = None
    while fn is not None and id(fn) not in seen:
        seen.add(id(fn))
        if isinstance(fn, types.MethodType):
            owner = fn.__self__ if isinstance(fn.__self__, type) else type(fn.__self__)
        yield fn, owner
        inside, owner = _below(fn), None
        if inside is None:
            inside = _wrapped(fn)
        if inside is None and not isinstance(fn, (type, *_FUNCTIONS)):
            inside, owner = type(fn).__call__, type(fn)
        fn = inside


def _below(fn: Any) -> Any:
    """Return what is called, and nothing else, when *fn* is; None where *fn* does that itself."""
    if isinstance(fn, functools.partial):
        return fn.func
    if isinstance(fn, (staticmethod, classmethod, types.MethodType)):
        return fn.__func__
    return fn.__wrapped__ if isinstance(fn, _CACHE) else None


def _wrapped(fn: Any) -> Any:
    """Return what *fn* says that it wraps; one that has all that is asked for says nothing."""
    if hasattr(type(fn), "__wrapped__") or "__wrapped__" in getattr(fn, "__dict__", ()):
        return fn.__wrapped__
    return None


def _owner(layers: list[tuple[Any, type | None]]) -> type | None:
    return next((owner for _, owner in reversed(layers) if owner is not None), None)


def _with_self(declared: Any, owner: type | None) -> Any:
    """Put the class in the place of Self, however deep it is."""
    if declared is typing.Self:
        return owner or declared
    origin, inside = typing.get_origin(declared), typing.get_args(declared)
    if owner is None or not inside or origin is typing.Literal:
        return declared
    made = tuple(_with_self(one, owner) for one in inside)
    if all(a is b for a, b in zip(made, inside, strict=True)):
        return declared
    if origin in {typing.Union, types.UnionType}:
        return functools.reduce(operator.or_, made)
    if origin is typing.Annotated:
        return typing.Annotated[made]
    return declared.copy_with(made) if hasattr(declared, "copy_with") else origin[made]


def _resolve(what: str, instead: str, declared: Any, function: Callable[..., object]) -> Any:
    """Evaluate an annotation alone: the other ones may name types that exist only for checkers."""

    def holder() -> None: ...

    holder.__annotations__ = {"return": declared}
    names = _names_of(function) if inspect.isfunction(function) else {}
    scope = getattr(function, "__globals__", {})
    try:
        return typing.get_type_hints(holder, scope, names, include_extras=True)["return"]
    except Exception as error:  # its text is code, which may raise anything
        msg = f"{what} cannot be resolved ({error}); pass {instead}="
        raise ValidationError(msg) from error


def _names_of(function: types.FunctionType) -> dict[str, Any]:
    """Return the names that a function closes over, and its own type parameters."""
    names = {one.__name__: one for one in getattr(function, "__type_params__", ())}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        with contextlib.suppress(ValueError):  # a name that gets its value later
            names[name] = cell.cell_contents
    return names
