"""Queries: functions a client may call for a plain answer, such as a page of an app's own table.

A query is not a run: nothing of it is saved and nothing is tried again.
"""

from __future__ import annotations

import typing
from dataclasses import dataclass
from typing import Any, overload

from durably.annotations import UNTYPED, name_of, parameter_type, parameters_of, return_type
from durably.arguments import checked_call, checked_name
from durably.codec import codec_for
from durably.errors import ConflictError, UnknownQueryError, ValidationError

if typing.TYPE_CHECKING:
    from collections.abc import Callable

    from durably.codec import Codec


@dataclass(frozen=True, kw_only=True)
class Query:
    """A function that clients may call; calling it calls the function."""

    name: str
    function: Callable[..., Any]
    input: Codec[Any]
    output: Codec[Any]
    takes_input: bool
    #: Whether the function has an input of its own where it is given none.
    has_default: bool = False

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the query's function."""
        return self.function(*args, **kwargs)


@overload
def query(function: Callable[..., Any], /) -> Query: ...
@overload
def query(
    *, name: str | None = None, input: Any = UNTYPED, output: Any = UNTYPED
) -> Callable[[Callable[..., Any]], Query]: ...
def query(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    input: Any = UNTYPED,
    output: Any = UNTYPED,
) -> Any:
    """Make a query of a function ``(input) -> output`` or ``() -> output``, async or not.

    *name* is the function's name with dashes unless given; types are read as with @job.
    """

    def decorate(target: Callable[..., Any]) -> Query:
        given = name_of(target).replace("_", "-") if name is None else name
        label = checked_name("a query's name", given)
        checked_call(f"what query {label!r} calls", target)
        parameters = parameters_of(f"query {label!r}", target)
        if len(parameters) > 1:
            msg = f"query {label!r} must take (input) or nothing, not {len(parameters)} parameters"
            raise ValidationError(msg)
        declared = input
        if declared is UNTYPED and parameters:
            declared = parameter_type(f"query {label!r}", target, parameters[0])
        return Query(
            name=label,
            function=target,
            input=codec_for(declared),
            output=codec_for(return_type(target) if output is UNTYPED else output),
            takes_input=bool(parameters),
            has_default=bool(parameters) and parameters[0].default is not parameters[0].empty,
        )

    return decorate(function) if function is not None else decorate


class QueryRegistry:
    """The queries that an engine answers, by name."""

    def __init__(self) -> None:
        self._queries: dict[str, Query] = {}

    def add(self, definition: Query) -> None:
        """Add *definition*; the same again is fine, another of the name is ConflictError."""
        known = self._queries.setdefault(definition.name, definition)
        if known is not definition:
            msg = f"another query is already registered as {definition.name!r}"
            raise ConflictError(msg)

    def require(self, name: str) -> Query:
        """Return the query of that name, or raise UnknownQueryError."""
        found = self._queries.get(name)
        if found is None:
            raise UnknownQueryError(name, tuple(self._queries))
        return found
