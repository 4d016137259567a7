"""Turn what steps and jobs return into JSON text and back (law 2).

The value that counts is always the one read back from the text, so a live run and a replay
cannot differ. A declared type goes through pydantic; without one the value must be plain JSON.
"""

from __future__ import annotations

import collections.abc
import contextlib
import functools
import itertools
import json
import re
import typing
from typing import Any, Generic, TypeVar

import pydantic
import pydantic_core
from pydantic import TypeAdapter

from durably.annotations import UNTYPED
from durably.changes import first_change, first_unwritable, plain_form, type_name
from durably.errors import NotSerializableError, Problem, ValidationError
from durably.json_schema import JsonSchema
from durably.stored_schema import StoredSchema
from durably.threads import IN_BROWSER

T = TypeVar("T")

_strict = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_escaped = json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ":"))

_SCALARS: frozenset[Any] = frozenset({str, int, bool, type(None)})
#: How deep JSON may be nested in the browser: 6,000 levels end Pyodide, in Node 20.
_DEEPEST = 2000
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_BRACKET = re.compile(r"[\[\]{}]")
_BRACKETS = {"[": 1, "{": 1, "]": -1, "}": -1}

#: A reference to a kept file in compact JSON; inside a JSON text the quotation marks would be
#: escaped.
_REFERENCE = re.compile(r'"sha256":"([0-9a-f]{64})"')

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


def from_json(text: str) -> Any:
    """Read JSON; ValueError for what is none, or is nested deeper than this Python can read."""
    if IN_BROWSER and _may_be_deep(text):
        msg = f"it is nested more than {_DEEPEST} deep"
        raise ValueError(msg)
    try:
        return json.loads(text)
    except RecursionError as error:
        msg = "it is nested too deeply"
        raise ValueError(msg) from error


def _may_be_deep(text: str) -> bool:
    """Tell whether reading *text* would use up the stack, which in Pyodide ends Python."""
    if text.count("[") + text.count("{") <= _DEEPEST:
        return False
    steps = map(_BRACKETS.__getitem__, _BRACKET.findall(_STRING.sub("", text)))
    return max(itertools.accumulate(steps), default=0) > _DEEPEST


def references_in(text: str) -> frozenset[str]:
    """Return the hashes of the files that a JSON text, as this package writes it, refers to."""
    return frozenset(_REFERENCE.findall(text)) if '"sha256":"' in text else frozenset()


def storable(text: str) -> str:
    """Return *text* with each lone surrogate escaped: UTF-8, and so SQLite, cannot hold one."""
    return text if text.isascii() else text.encode(errors="backslashreplace").decode()


class Codec(Generic[T]):
    """Writes and reads values of one declared type, or plain JSON when it is UNTYPED.

    What comes back equals what was given, in type and content, as the declared type reads it; or
    it is refused with the path of the part that would change.
    """

    def __init__(self, declared: Any) -> None:
        self.typed = declared is not UNTYPED and declared is not Any
        #: The types whose common values every reader gives back as they are.
        self._scalars = _SCALARS
        if self.typed:
            self._scalars = frozenset(kind for kind in _SCALARS if kind is declared)
        self.adapter: TypeAdapter[T] = TypeAdapter(declared if self.typed else Any)
        if not self.adapter.pydantic_complete:  # it names a class that is not there
            self.adapter.rebuild(raise_errors=True)
        self._stored = StoredSchema(self.adapter.core_schema) if self.typed else None

    def encode(self, what: str, value: object) -> str:
        """Write *value* for readers of JSON; NotSerializableError names *what* returned it.

        What does not come back is written too: this is for what is not kept.
        """
        try:
            if self._stored is None:
                return to_json(value)
            try:
                return self._write(self._stored, value)
            except pydantic_core.PydanticSerializationError:
                return self._write(self._stored, self._accepted(self._stored, value))
        except pydantic.ValidationError as error:
            problem = problems_of(error)[0]
        except (TypeError, ValueError) as error:
            problem = Problem(path=(), message=str(error))
        raise NotSerializableError(what, type_name(type(value)), problem)

    def decode(self, text: str) -> T:
        """Read what settle() wrote; pydantic.ValidationError when it does not fit the type."""
        if self._stored is None:
            return typing.cast("T", from_json(text))
        read = self._stored.validator.validate_json
        return typing.cast("T", read(text, by_alias=True, by_name=True))

    def settle(self, what: str, value: object) -> tuple[str, T]:
        """Return the text of *value* and the value that the text stands for (law 2).

        NotSerializableError names *what* returned it and the part that would not come back.
        """
        if type(value) in self._scalars and _is_common(value):
            return to_json(value), typing.cast("T", value)
        settled = self._settled(value)
        if isinstance(settled, Problem):
            hint = "" if self.typed else "annotate the return type to save it through pydantic"
            raise NotSerializableError(what, type_name(type(value)), settled, hint)
        return settled

    def kept_text(self, what: str, value: T) -> str:
        """Write a parsed value; ValidationError names the part that would not come back."""
        settled = self._settled(value)
        if isinstance(settled, Problem):
            raise ValidationError(what, [settled])
        return settled[0]

    def _settled(self, value: object) -> tuple[str, T] | Problem:
        try:
            if self._stored is None:
                return self._settle_plain(value)
            return self._settle_typed(self._stored, value)
        except pydantic.ValidationError as error:
            return problems_of(error)[0]
        except (TypeError, ValueError, pydantic_core.PydanticSerializationError) as error:
            return Problem(path=(), message=str(error))

    def _settle_plain(self, value: object) -> tuple[str, T] | Problem:
        form = plain_form(value)
        if form is not None:
            with contextlib.suppress(TypeError, ValueError):
                text = to_json(value)
                read = from_json(text)
                if plain_form(read) == form:
                    return text, typing.cast("T", read)
        problem = first_unwritable(value)
        if problem is not None:
            return problem
        text = to_json(value)
        return text, typing.cast("T", from_json(text))

    def _settle_typed(self, stored: StoredSchema, value: object) -> tuple[str, T] | Problem:
        """Write what the type makes of *value*, if that is what reads back.

        Plain values and models are tried as they are. Others are made the type's own first: what
        can be read only once is read here, and a dict for a model becomes one.
        """
        form = None if stored.has_bytes else plain_form(value)
        if form is not None or isinstance(value, pydantic.BaseModel):
            with contextlib.suppress(
                pydantic_core.PydanticSerializationError, pydantic.ValidationError
            ):
                text = self._write(stored, value)
                read = self.decode(text)
                if plain_form(read) == form if form else first_change(value, read) is None:
                    return text, read
        accepted = self._accepted(stored, value)
        text = self._write(stored, accepted)
        try:
            read = self.decode(text)
        except pydantic.ValidationError as error:
            found = problems_of(error)[0]
            reason = f"what is written of it does not read back: {found.message}"
            return Problem(path=found.path, message=reason)
        return first_change(accepted, read) or (text, read)

    def _accepted(self, stored: StoredSchema, value: object) -> object:
        """Return *value* as the type takes it; pydantic.ValidationError when it does not."""
        given = list(value) if isinstance(value, collections.abc.Iterator) else value
        return stored.closed.validate_python(given, by_alias=True, by_name=True)

    def _write(self, stored: StoredSchema, value: object) -> str:
        return stored.serializer.to_json(value, by_alias=True, warnings="error").decode()

    def parse(self, what: str, value: object) -> T:
        """Check a value that came from outside; ValidationError lists every field at fault."""
        if self._stored is None:
            return typing.cast("T", value)
        try:
            return typing.cast("T", self._accepted(self._stored, value))
        except pydantic.ValidationError as error:
            raise ValidationError(what, problems_of(error)) from error

    def takes(self, value: object) -> bool:
        """Tell whether parse() takes *value*."""
        try:
            self.parse("", value)
        except ValidationError:
            return False
        return True

    def parse_json(self, what: str, value: object, *, is_new: bool = False) -> T:
        """Check a decoded JSON value, by pydantic's rules for JSON (a date may be text).

        In one *is_new*, a key that its type does not know would be lost, and is at fault.
        """
        if self._stored is None:
            return typing.cast("T", value)
        validator = self._stored.closed if is_new else self._stored.validator
        try:
            read = validator.validate_json(to_json(value), by_alias=True, by_name=True)
        except pydantic.ValidationError as error:
            raise ValidationError(what, problems_of(error)) from error
        return typing.cast("T", read)

    def schema(self, mode: typing.Literal["validation", "serialization"]) -> dict[str, Any]:
        """Return the JSON Schema of the type; an empty one accepts everything."""
        if not self.typed:
            return {}
        return self.adapter.json_schema(mode=mode, by_alias=True, schema_generator=JsonSchema)


def _is_common(scalar: Any) -> bool:
    if isinstance(scalar, str):
        return scalar.isascii()  # others may have lone surrogates, which not every type takes
    return scalar is None or -_LARGE < scalar < _LARGE


def codec_for(declared: Any) -> Codec[Any]:
    """Return the codec of a declared type; building one is slow, so they are kept.

    ValidationError for what pydantic cannot use as a type.
    """
    try:
        return _kept_codec(declared)
    except TypeError:  # an annotation may hold what cannot be hashed
        known = _unhashable.get(id(declared))
        if known is None:
            known = _unhashable[id(declared)] = (declared, _new_codec(declared))
        return known[1]


def _new_codec(declared: Any) -> Codec[Any]:
    try:
        return Codec(declared)
    except (pydantic.PydanticUserError, NameError, TypeError) as error:
        reason = str(error).partition("\n")[0]
        msg = (
            f"{declared!r} cannot be used as a type of saved values ({reason}); "
            "pass another one as output= or input="
        )
        raise ValidationError(msg) from error


_kept_codec = functools.lru_cache(maxsize=1024)(_new_codec)

#: Codecs of types that cannot be hashed, by the id of the type, which they keep alive.
_unhashable: dict[int, tuple[Any, Codec[Any]]] = {}


def problems_of(error: pydantic.ValidationError) -> list[Problem]:
    """List the fields at fault, with their paths."""
    return [Problem(path=item["loc"], message=item["msg"]) for item in error.errors()]
