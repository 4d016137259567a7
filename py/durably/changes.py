"""Find what of a value would not come back as it was given (law 2).

Equality is too weak for that: ``1 == True == 1.0``, a model equals one that hides other private
attributes, and two times are equal in different zones. Here type and content count, part by part.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import decimal
import functools
import marshal
import math
import pathlib
import pickle
import typing
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any
from zoneinfo import ZoneInfo

import pydantic

from durably.errors import Problem

if typing.TYPE_CHECKING:
    from collections.abc import Iterator

Path = tuple[str | int, ...]

#: The form of marshal without references: two values of one form have one type and content.
_MARSHAL = 2

#: Any fixed form does to compare two values of one process.
_PICKLE = 4

#: Two of these that are equal are the same.
_EXACT: frozenset[type] = frozenset({str, int, bool, type(None), bytes, dt.date})

#: What plain JSON is made of, besides finite numbers, lists and objects.
_PLAIN: frozenset[type] = frozenset({str, int, bool, type(None)})

_PLAIN_CONTAINERS: frozenset[type] = frozenset({list, tuple, dict})

_ABSENT = object()


def plain_form(value: object) -> bytes | None:
    """Return bytes that only the same plain value has; None where something is not plain.

    Plain are None, booleans, numbers, text, and lists, tuples, sets and dicts of them.
    """
    try:
        return marshal.dumps(value, _MARSHAL)  # type: ignore[arg-type]  # what it takes is asked
    except (ValueError, TypeError):
        return None


def first_unwritable(value: object) -> Problem | None:
    """Return the first part of *value* that is not plain JSON, or None; a tuple is a list.

    The keys of a dict are text, and a number is finite: what JSON makes of others does not come
    back.
    """
    try:
        return _unwritable(value, ())
    except RecursionError:
        return Problem(path=(), message="it is nested too deeply")


def _unwritable(value: Any, path: Path) -> Problem | None:
    kind = type(value)
    if kind in _PLAIN or (kind is float and math.isfinite(value)):
        return None
    if kind is dict:
        return _unwritable_entry(value, path)
    if kind is list or kind is tuple:
        for number, item in enumerate(value):
            if found := _unwritable(item, (*path, number)):
                return found
        return None
    is_number = kind is float
    what = f"JSON has no number {value!r}" if is_number else f"{type_name(kind)} is not plain JSON"
    return Problem(path=path, message=what)


def _unwritable_entry(value: dict[object, object], path: Path) -> Problem | None:
    for key, item in value.items():
        if type(key) is not str:
            name = type_name(type(key))
            message = f"a key must be text to come back as it is, and {key!r} is {name}"
            return Problem(path=path, message=message)
        if found := _unwritable(item, (*path, key)):
            return found
    return None


def _are_same_and_plain(given: object, read: object) -> bool:
    form = plain_form(given)
    return form is not None and form == plain_form(read)


def first_change(given: object, read: object, *, strict: bool = False) -> Problem | None:
    """Return the first part of *given* that is another in *read*, or None when all is the same.

    A tuple may be read as a list, as JSON has one kind of sequence, unless it is *strict*.
    """
    try:
        return _Comparison(strict=strict).of(given, read, ())
    except RecursionError:
        return Problem(path=(), message="it is nested too deeply")


@dataclasses.dataclass(frozen=True, slots=True)
class _Comparison:
    strict: bool

    def of(self, given: Any, read: Any, path: Path) -> Problem | None:
        kind: Any = type(given)
        if given is read:
            return None
        if kind is not type(read):
            if kind is tuple and type(read) is list and not self.strict:
                return self._items(given, read, path)
            return _would_be(path, given, read)
        if kind in _EXACT:
            return None if given == read else _would_be(path, given, read)
        if kind in _PLAIN_CONTAINERS and _are_same_and_plain(given, read):
            return None
        compare = _comparer_for(kind)  # type: ignore[arg-type]  # a class can be hashed
        return compare(self, given, read, path)

    def _items(self, given: Sequence[object], read: Sequence[object], path: Path) -> Problem | None:
        for number, (one, other) in enumerate(zip(given, read, strict=False)):
            found = self.of(one, other, (*path, number))
            if found is not None:
                return found
        if len(given) == len(read):
            same = getattr(given, "maxlen", None) == getattr(read, "maxlen", None)
            return None if same else _would_be(path, given, read)
        lost = min(len(given), len(read))
        return Problem(path=(*path, lost), message="it would be left out or added")

    def _entries(
        self, given: Mapping[object, object], read: Mapping[object, object], path: Path
    ) -> Problem | None:
        keys = {(type(key), key): key for key in read}
        for key, value in given.items():
            here = (*path, key if isinstance(key, (str, int)) else repr(key))
            if (type(key), key) not in keys:
                return Problem(path=here, message=_lost_key(key, read))
            found = self.of(value, read[key], here)
            if found is not None:
                return found
        if len(given) != len(read):
            extra = next(key for key in read if key not in given)
            return Problem(path=(*path, str(extra)), message="it would be added")
        return None

    def _members(
        self, given: AbstractSet[object], read: AbstractSet[object], path: Path
    ) -> Problem | None:
        lost = {(type(one), one) for one in given} - {(type(one), one) for one in read}
        if lost or len(given) != len(read):
            shown = repr(min(map(repr, (one for _, one in lost)), default=""))
            return Problem(path=path, message=f"{shown} in it would be another value")
        return None

    def _parts(
        self, given: Mapping[str, object], read: Mapping[str, object], path: Path
    ) -> Problem | None:
        for name, one in given.items():
            other = read.get(name, _ABSENT)
            if other is _ABSENT:
                return Problem(path=(*path, name), message="it would be left out")
            if found := self.of(one, other, (*path, name)):
                return found
        for name in read:
            if name not in given:
                return Problem(path=(*path, name), message="it would be added")
        return None

    def _model(
        self, given: pydantic.BaseModel, read: pydantic.BaseModel, path: Path
    ) -> Problem | None:
        if not _are_same_and_plain(given.__dict__, read.__dict__):
            found = self._parts(_attributes(given), _attributes(read), path)
            if found is not None:
                return found
        return self._parts(
            given.__pydantic_extra__ or {}, read.__pydantic_extra__ or {}, path
        ) or self._parts(given.__pydantic_private__ or {}, read.__pydantic_private__ or {}, path)

    def _moment(self, given: dt.datetime, read: dt.datetime, path: Path) -> Problem | None:
        same = (
            given.replace(tzinfo=None) == read.replace(tzinfo=None)
            and given.fold == read.fold
            and _zone(given) == _zone(read)
        )
        return None if same else _would_be(path, given, read)

    def _time(self, given: dt.time, read: dt.time, path: Path) -> Problem | None:
        same = (
            given.replace(tzinfo=None) == read.replace(tzinfo=None)
            and given.fold == read.fold
            and (given.tzinfo is None) == (read.tzinfo is None)
            and given.utcoffset() == read.utcoffset()
        )
        return None if same else _would_be(path, given, read)

    def _text(self, given: object, read: object, path: Path) -> Problem | None:
        """Compare what has a text for each value: numbers that are not a number among them."""
        return None if repr(given) == repr(read) else _would_be(path, given, read)

    def _object(self, given: object, read: object, path: Path) -> Problem | None:
        """Compare objects by what they are made of; those that do not show it, by equality."""
        inside, other = _attributes(given), _attributes(read)
        if inside or other:
            found = self._parts(inside, other, path)
            if found is None or dataclasses.is_dataclass(given):
                return found
            return _would_be(path, given, read)
        return self._value(given, read, path)

    def _value(self, given: object, read: object, path: Path) -> Problem | None:
        with contextlib.suppress(Exception):  # an array, for one, does not answer with yes or no
            if given == read:
                return None
        with contextlib.suppress(Exception):
            if pickle.dumps(given, _PICKLE) == pickle.dumps(read, _PICKLE):
                return None
        return _would_be(path, given, read)


_Comparer = typing.Callable[[_Comparison, Any, Any, Path], Problem | None]

#: How values of a type, or of a subclass of it, are compared; the first that fits.
_COMPARERS: tuple[tuple[type | tuple[type, ...], _Comparer], ...] = (
    ((float, complex, decimal.Decimal), _Comparison._text),  # noqa: SLF001 - this module's own
    (dt.datetime, _Comparison._moment),  # noqa: SLF001
    (dt.time, _Comparison._time),  # noqa: SLF001
    (pathlib.PurePath, _Comparison._value),  # noqa: SLF001 - it keeps what it was asked for
    (pydantic.BaseModel, _Comparison._model),  # noqa: SLF001
    (Mapping, _Comparison._entries),  # noqa: SLF001
    (AbstractSet, _Comparison._members),  # noqa: SLF001
)


@functools.lru_cache(maxsize=1024)
def _comparer_for(kind: Any) -> _Comparer:
    for kinds, comparer in _COMPARERS:
        if issubclass(kind, kinds):
            return comparer
    is_sequence = issubclass(kind, Sequence) and not issubclass(kind, (str, bytes, bytearray))
    return _Comparison._items if is_sequence else _Comparison._object  # noqa: SLF001


def _attributes(value: object) -> dict[str, object]:
    """Return what an object is made of, but for what its class works out from the rest."""
    kind: Any = type(value)
    found: dict[str, object] = {}
    for name in _slots(kind):
        held = getattr(value, name, _ABSENT)
        if held is not _ABSENT:
            found[name] = held
    return found | {
        name: held
        for name, held in getattr(value, "__dict__", {}).items()
        if not isinstance(getattr(kind, name, None), functools.cached_property)
    }


@functools.lru_cache(maxsize=1024)
def _slots(kind: Any) -> tuple[str, ...]:
    """Return the names of what a class gives each object a place for, or a default."""
    fields = dataclasses.fields(kind) if dataclasses.is_dataclass(kind) else ()
    return (*_all_slots(kind), *(field.name for field in fields))


def _all_slots(kind: type) -> Iterator[str]:
    for base in kind.__mro__:
        slots = base.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name.startswith("__") and not name.endswith("__"):
                yield f"_{base.__name__.lstrip('_')}{name}"
            elif not name.startswith("__"):
                yield name


def _zone(moment: dt.datetime) -> object:
    """Return what says how far a time is from UTC, now and on other days."""
    zone = moment.tzinfo
    if zone is None:
        return None
    if isinstance(zone, ZoneInfo):
        return zone.key, moment.utcoffset()
    if zone.utcoffset(None) is not None:  # the same on all days
        return moment.utcoffset()
    return type(zone), repr(zone), moment.utcoffset()


def _lost_key(key: object, read: Mapping[object, object]) -> str:
    if key in read or str(key) in read:
        return f"its key is {_named(key)}, which would come back as another"
    return "it would be left out"


def _would_be(path: Path, given: object, read: object) -> Problem:
    was, is_now = _named(given), _named(read)
    if type(given) is type(read):
        return Problem(path=path, message=f"a part of this {was} would be hidden or changed")
    return Problem(path=path, message=f"{was} would come back as {is_now}")


def _named(value: object) -> str:
    """Name a value by its type: it may be secret, or long."""
    return type_name(type(value))


def type_name(kind: type) -> str:
    """Return the name of a type, with its module unless it is built in."""
    if kind.__module__ == "builtins":
        return kind.__qualname__
    return f"{kind.__module__}.{kind.__qualname__}"
