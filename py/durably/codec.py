"""Turn what steps and jobs return into JSON text and back (law 2).

The value that counts is always the one read back from the text, so a live run and a replay
cannot differ. A declared type goes through pydantic; without one the value must be plain JSON.
"""

from __future__ import annotations

import collections.abc
import contextlib
import functools
import json
import typing
from typing import Any, Generic, TypeVar

import pydantic
import pydantic_core
from pydantic import TypeAdapter

from durably.annotations import UNTYPED
from durably.errors import NotSerializableError, Problem, ValidationError

if typing.TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_strict = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_escaped = json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ":"))

_SCALARS: frozenset[Any] = frozenset({str, int, bool, type(None)})
#: Every reader of JSON takes whole numbers below this.
_LARGE = 1 << 63


def to_json(value: object) -> str:
    """Write *value* as compact JSON; TypeError or ValueError when it is not plain JSON."""
    try:
        text = _strict.encode(value)
    except RecursionError as error:
        msg = "it is nested too deeply"
        raise ValueError(msg) from error
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:  # a lone surrogate: JSON can escape it, UTF-8 cannot hold it
            return _escaped.encode(value)
    return text


from_json: Callable[[str], Any] = json.loads


def storable(text: str) -> str:
    """Return *text* with each lone surrogate escaped: UTF-8, and so SQLite, cannot hold one."""
    return text if text.isascii() else text.encode(errors="backslashreplace").decode()


class Codec(Generic[T]):
    """Writes and reads values of one declared type, or plain JSON when it is UNTYPED."""

    def __init__(self, declared: Any) -> None:
        self.typed = declared is not UNTYPED and declared is not Any
        #: The types whose common values every reader gives back as they are.
        self._scalars = _SCALARS & {declared} if self.typed else _SCALARS
        self.adapter: TypeAdapter[T] = TypeAdapter(declared if self.typed else Any)

    def encode(self, what: str, value: object) -> str:
        """Write *value*; NotSerializableError names *what* returned it and its type."""
        try:
            return self._dump(typing.cast("T", value)) if self.typed else to_json(value)
        except (TypeError, ValueError, pydantic.PydanticUserError) as error:
            hint = "" if self.typed else "; annotate the return type to save it through pydantic"
            raise NotSerializableError(what, _type_name(value), f"{error}{hint}") from error

    def _dump(self, value: T) -> str:
        """Write a value of the type, or one that the type accepts, such as a dict for a model."""
        # Past the adapter's own methods, which do nothing but pass on some fifteen arguments.
        write = self.adapter.serializer.to_json
        try:
            return write(value, by_alias=True, warnings="error").decode()
        except pydantic_core.PydanticSerializationError:
            accepted = self.adapter.validate_python(value, by_alias=True, by_name=True)
            return write(accepted, by_alias=True, warnings="error").decode()

    def decode(self, text: str) -> T:
        """Read what encode() wrote; pydantic.ValidationError when it does not fit the type."""
        if self.typed:
            read = self.adapter.validator.validate_json
            return typing.cast("T", read(text, by_alias=True, by_name=True))
        return typing.cast("T", from_json(text))

    def settle(self, what: str, value: object) -> tuple[str, T]:
        """Return the text of *value* and the value that the text stands for."""
        if type(value) in self._scalars and _is_common(value):
            return to_json(value), typing.cast("T", value)
        text = self.encode(what, value)
        try:
            return text, self.decode(text)
        except pydantic.ValidationError as error:
            reason = f"it does not read back as {self.adapter!r}: {first_problem(error)}"
            raise NotSerializableError(what, _type_name(value), reason) from error

    def settled_text(self, what: str, value: object) -> str:
        """Return the text of the value that settle() gives, which its type may have changed."""
        text, settled = self.settle(what, value)
        return self.encode(what, settled) if self.typed else text

    def faithful_text(self, what: str, value: T) -> str:
        """Write a parsed value; ValidationError when it would not read back as what it is."""
        try:
            text = self.encode(what, value)
            if not self.typed or _is_same(self.decode(text), value):
                return text
            reason = "its type hides, leaves out or changes a part of it whenever it is stored"
        except NotSerializableError as error:
            reason = f"{error.type_name} cannot be stored: {error.__cause__}"
        except pydantic.ValidationError as error:
            reason = f"what is stored of it does not read back: {first_problem(error)}"
        raise ValidationError(what, [Problem(path=(), message=reason)])

    def parse(self, what: str, value: object) -> T:
        """Check a value that came from outside; ValidationError lists every field at fault."""
        if not self.typed:
            return typing.cast("T", value)
        try:
            return self.adapter.validate_python(value, by_alias=True, by_name=True)
        except pydantic.ValidationError as error:
            raise ValidationError(what, problems_of(error)) from error

    def parse_json(self, what: str, value: object) -> T:
        """Check a decoded JSON value, by pydantic's rules for JSON (a date may be text)."""
        if not self.typed:
            return typing.cast("T", value)
        try:
            return self.adapter.validate_json(to_json(value), by_alias=True, by_name=True)
        except pydantic.ValidationError as error:
            raise ValidationError(what, problems_of(error)) from error

    def schema(self, mode: typing.Literal["validation", "serialization"]) -> dict[str, Any]:
        """Return the JSON Schema of the type; an empty one accepts everything."""
        return self.adapter.json_schema(mode=mode, by_alias=True) if self.typed else {}


def _is_common(scalar: Any) -> bool:
    if isinstance(scalar, str):
        return scalar.isascii()  # others may have lone surrogates, which not every type takes
    return scalar is None or -_LARGE < scalar < _LARGE


@functools.lru_cache(maxsize=1024)
def codec_for(declared: Any) -> Codec[Any]:
    """Return the codec of a declared type; building one is slow, so they are kept."""
    try:
        return Codec(declared)
    except pydantic.PydanticUserError as error:
        msg = f"{declared!r} cannot be used as a type of saved values: {error}"
        raise ValidationError(msg) from error


def _is_same(read: object, value: object) -> bool:
    """Tell whether nothing of *value* was lost; where no type says more, a tuple is a list."""
    with contextlib.suppress(Exception):  # an array, for one, does not answer with yes or no
        if read == value:
            return True
    with contextlib.suppress(TypeError, ValueError, RecursionError):
        return _content.encode(read) == _content.encode(value)
    return False


def _parts(value: object) -> object:
    """Return what an object is made of, also what its type never writes."""
    if isinstance(value, collections.abc.Iterator):  # to write it was to use it up
        return None
    parts = vars(value) if hasattr(value, "__dict__") else repr(value)
    return [type(value).__qualname__, parts]


_content = json.JSONEncoder(default=_parts)


def problems_of(error: pydantic.ValidationError) -> list[Problem]:
    """List the fields at fault, with their paths."""
    return [Problem(path=item["loc"], message=item["msg"]) for item in error.errors()]


def first_problem(error: pydantic.ValidationError) -> str:
    """Return the first field at fault as one line."""
    return str(problems_of(error)[0])


def _type_name(value: object) -> str:
    kind = type(value)
    return (
        kind.__qualname__
        if kind.__module__ == "builtins"
        else f"{kind.__module__}.{kind.__qualname__}"
    )
