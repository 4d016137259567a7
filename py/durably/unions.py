"""Unions whose members look alike in JSON: a value says which one it is where it has to.

``bytes | str`` writes both as text, ``A | B`` may read a ``B`` as an ``A``. A value that would be
read as something else is written as ``{"$type": "bytes", "value": …}``; all others as they are.
"""

from __future__ import annotations

import functools
import json
import typing
from typing import Any

import pydantic_core
from pydantic_core import SchemaSerializer, SchemaValidator

from durably.changes import first_change

if typing.TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Schema = dict[str, Any]

#: The keys of a marked value.
MARK, VALUE = "$type", "value"

#: Kinds of values that JSON itself tells apart. Others are written in the form of one of these.
_KINDS = {
    "none": "null",
    "bool": "boolean",
    "int": "whole number",
    "float": "fraction",
    "str": "text",
    "list": "list",
    "dict": "object",
    "model": "object",
    "dataclass": "object",
    "typed-dict": "object",
    "definition-ref": "object",
}


def is_plain(union: Schema) -> bool:
    """Tell whether no two members of *union* look alike in JSON."""
    kinds = [_KINDS.get(choice["type"]) for choice in _choices(union)]
    if {"fraction", "text"} <= set(kinds):  # a number that is none is written as text
        return False
    return None not in kinds and len(set(kinds)) == len(kinds)


def with_marks(union: Schema, definitions: Sequence[Any], config: Any) -> Schema:
    """Return *union* as one that marks values which would be read as another member."""
    ref = {"ref": union["ref"]} if "ref" in union else {}
    plain = {key: value for key, value in union.items() if key != "ref"}
    choices = _choices(plain)
    names = _names(choices)
    marked = [_marked(name, choice, config) for name, choice in zip(names, choices, strict=True)]
    writer = _Writer(plain, dict(zip(names, choices, strict=True)), definitions, config)
    return {
        "type": "json-or-python",
        "json_schema": {
            "type": "union",
            "mode": "left_to_right",
            "choices": [*marked, plain],
        },
        "python_schema": plain,
        "serialization": {
            "type": "function-wrap",
            "function": writer.write,
            "schema": plain,
            "when_used": "json",
        },
        **ref,
    }


def names_of(union: Schema) -> list[str]:
    """Return the names by which the members of *union* are marked."""
    return _names(_choices(union))


def marked_schema(name: str, member: Schema) -> Schema:
    """Return the JSON Schema of a value that says that it is the member *name*."""
    return {
        "type": "object",
        "properties": {MARK: {"const": name, "type": "string"}, VALUE: member},
        "required": [MARK, VALUE],
        "additionalProperties": False,
    }


def _choices(union: Schema) -> list[Schema]:
    return [one[0] if isinstance(one, tuple) else one for one in union["choices"]]


def _names(choices: Sequence[Schema]) -> list[str]:
    """Name the members as Python does; a number tells apart what has one name."""
    names: list[str] = []
    for choice in choices:
        name = getattr(choice.get("cls"), "__name__", None) or _named_by(choice)
        same = sum(one.partition("#")[0] == name for one in names)
        names.append(f"{name}#{same + 1}" if same else name)
    return names


def _named_by(choice: Schema) -> str:
    if choice["type"] == "definition-ref":
        return str(choice["schema_ref"]).rsplit(":", 1)[0].rsplit(".", 1)[-1]
    inner = choice.get("schema")
    if choice["type"].startswith("function-") and isinstance(inner, dict):
        return _names([inner])[0]
    return str(choice["type"])


def _marked(name: str, choice: Schema, config: Any) -> Schema:
    """Return the schema of a value that says that it is of *choice*."""
    field = {"type": "typed-dict-field", "required": True}
    return {
        "type": "function-after",
        "function": {"type": "no-info", "function": _value_of},
        "schema": {
            "type": "typed-dict",
            "extra_behavior": "forbid",
            "config": config,
            "fields": {
                MARK: {**field, "schema": {"type": "literal", "expected": [name]}},
                VALUE: {**field, "schema": choice},
            },
        },
    }


def _value_of(marked: dict[str, Any]) -> Any:
    return marked[VALUE]


class _Writer:
    """Writes values of one union."""

    def __init__(
        self, union: Schema, choices: dict[str, Schema], definitions: Sequence[Any], config: Any
    ) -> None:
        self._union = union
        self._choices = choices
        self._definitions = definitions
        self._config = config

    def write(self, value: Any, plainly: Callable[[Any], Any]) -> Any:
        """Write *value* as it is where it reads back as that, else with its mark."""
        written = plainly(value)
        text = pydantic_core.to_json(written, inf_nan_mode="strings")
        if self._reads_back(self._union_reader, text, value):
            return written
        for name in self._choices:
            reader, writer = self._parts_of(name)
            try:
                text = writer.to_json(value, by_alias=True, warnings="error")
            except pydantic_core.PydanticSerializationError:
                continue
            if self._reads_back(reader, text, value):
                return {MARK: name, VALUE: json.loads(text)}
        return written  # it does not come back, and whoever asked for it finds out where

    def _reads_back(self, reader: SchemaValidator, text: bytes, value: Any) -> bool:
        try:
            read = reader.validate_json(text, by_alias=True, by_name=True)
        except pydantic_core.ValidationError:
            return False
        return first_change(value, read, strict=True) is None

    @functools.cached_property
    def _union_reader(self) -> SchemaValidator:
        return SchemaValidator(self._whole(self._union), self._config, _use_prebuilt=False)

    @functools.cache  # noqa: B019 - a schema's writer lives as long as the schema
    def _parts_of(self, name: str) -> tuple[SchemaValidator, SchemaSerializer]:
        schema = self._whole(self._choices[name])
        return (
            SchemaValidator(schema, self._config, _use_prebuilt=False),
            SchemaSerializer(schema, self._config, _use_prebuilt=False),
        )

    def _whole(self, schema: Schema) -> Any:
        if not self._definitions:
            return schema
        return {"type": "definitions", "schema": schema, "definitions": list(self._definitions)}
