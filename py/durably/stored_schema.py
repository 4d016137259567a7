"""Make a type's schema one whose JSON reads back as what was written (law 2).

pydantic writes JSON for others to read, and leaves out or bends what JSON has no form for. A schema
is rewritten here so that more comes back, in forms that others can read too:

- bytes are base64 text, and numbers that are not finite the texts NaN, Infinity and -Infinity,
  unless a model's own configuration says otherwise;
- a time in a named zone says the zone behind its offset, as RFC 9557
  does: ``2026-03-28T09:00:00+01:00[Europe/Berlin]``;
- an iterable is a list;
- a computed field, which stands in the JSON for readers, is passed over when it is read, and a
  serialization alias is read as its field;
- in a union, a value that would be read as another member says which it is (see unions.py).

What then still does not come back is for the codec to refuse.
"""

from __future__ import annotations

import functools
import json
import typing
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pydantic_core
from pydantic_core import SchemaSerializer, SchemaValidator

from durably.unions import is_plain, with_marks

if typing.TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

Schema = dict[str, Any]
#: What is done with keys that a type has no field for, where it does not say so itself.
Others = typing.Literal["as configured", "passed over", "refused"]

#: What JSON has no form for, where a type does not say how it is written.
CONFIG: Any = {
    "ser_json_inf_nan": "strings",
    "ser_json_bytes": "base64",
    "val_json_bytes": "base64",
}
#: Which of these a schema of that type needs.
_NEEDS = {
    "float": {"ser_json_inf_nan"},
    "any": {"ser_json_inf_nan"},
    "bytes": {"ser_json_bytes", "val_json_bytes"},
}

#: Where a schema holds other schemas.
_CHILDREN = (
    "schema",
    "items_schema",
    "keys_schema",
    "values_schema",
    "extras_schema",
    "extras_keys_schema",
    "json_schema",
    "python_schema",
    "lax_schema",
    "strict_schema",
    "arguments_schema",
    "return_schema",
    "var_args_schema",
    "var_kwargs_schema",
    "choices",
    "steps",
    "fields",
    "definitions",
    "serialization",
)
_CONFIGURED = frozenset({"model", "dataclass", "typed-dict"})
_FIELDS = frozenset({"model-field", "dataclass-field", "typed-dict-field"})
_WITH_EXTRAS = frozenset({"model-fields", "dataclass-args"})


class StoredSchema:
    """How values of one type are written for the store, and read back."""

    def __init__(self, schema: Any) -> None:
        self._schema = schema
        #: Whether values may hold bytes, or views of them.
        self.has_bytes = "bytes" in types_in(schema)
        written = _Rewrite(others="as configured").of(schema)
        self.serializer = SchemaSerializer(written, CONFIG, _use_prebuilt=False)
        #: Reads what was written; a key that its type does not know may be a field of old.
        self.validator = self._validator(others="passed over")

    @functools.cached_property
    def closed(self) -> SchemaValidator:
        """Validates what is new: a key that its type does not know is refused, not lost."""
        return self._validator(others="refused")

    def _validator(self, others: Others) -> SchemaValidator:
        schema = _Rewrite(others=others).of(self._schema)
        return SchemaValidator(schema, CONFIG, _use_prebuilt=False)


def types_in(schema: Any) -> set[str]:
    """Return the types of *schema* and of all within it."""
    return {node["type"] for node in _walk(schema) if "type" in node}


def _walk(node: Any) -> Iterator[Schema]:
    if isinstance(node, dict):
        yield node
        for key in _CHILDREN:
            yield from _walk_inside(node.get(key))


def _walk_inside(child: Any) -> Iterator[Schema]:
    if isinstance(child, dict) and "type" not in child:  # named fields, or choices
        child = tuple(child.values())
    if isinstance(child, (list, tuple)):
        for one in child:
            yield from _walk_inside(one)
    else:
        yield from _walk(child)


class _Rewrite:
    """One pass over a schema; what does not change is the same object afterwards."""

    def __init__(self, *, others: Others) -> None:
        self._others = others
        #: What references in the schema lead to, for those who need a part of it alone.
        self._definitions: list[Any] = []

    def of(self, node: Any) -> Any:
        """Return *node*, or what stands in its place."""
        made: Any = None
        for key in _CHILDREN:
            child = node.get(key)
            if child is None:
                continue
            new = self._written_by(child) if key == "serialization" else self._child(child)
            if new is not child:
                made = made or dict(node)
                made[key] = new
        node = made or node
        if node["type"] == "definitions":
            self._definitions.extend(node["definitions"])
        change = self._changes.get(node["type"])
        return node if change is None else change(self, node)

    def _child(self, child: Any) -> Any:
        if isinstance(child, dict):
            if isinstance(child.get("type"), str):
                return self.of(child)
            new = {key: self._child(one) for key, one in child.items()}
            return new if any(new[key] is not child[key] for key in child) else child
        if isinstance(child, (list, tuple)):
            items = [self._child(one) for one in child]
            changed = any(a is not b for a, b in zip(items, child, strict=True))
            return type(child)(items) if changed else child
        return child

    def _written_by(self, how: Schema) -> Schema:
        """Return how something is written, with the schema of what it is handed to."""
        made = {key: self._child(how[key]) for key in ("schema", "return_schema") if how.get(key)}
        return {**how, **made} if any(made[key] is not how[key] for key in made) else how

    def _generator(self, node: Schema) -> Schema:
        return {**node, "type": "list"}

    def _datetime(self, node: Schema) -> Schema:
        if "serialization" in node:
            return node
        inner = {key: value for key, value in node.items() if key != "ref"}
        return {
            "type": "function-wrap",
            "function": {"type": "no-info", "function": _read_moment},
            "schema": inner,
            "serialization": {
                "type": "function-wrap",
                "function": _write_moment,
                "schema": inner,
                "when_used": "json",
            },
            **({"ref": node["ref"]} if "ref" in node else {}),
        }

    def _json(self, node: Schema) -> Schema:
        if "schema" not in node or "serialization" in node:
            return node
        written = {
            "type": "function-wrap",
            "function": _write_json,
            "schema": node["schema"],
            "when_used": "json",
        }
        return {**node, "serialization": written}

    def _field(self, node: Schema) -> Schema:
        alias = node.get("serialization_alias")
        known = node.get("validation_alias")
        if alias is None or alias == known or node.get("serialization_exclude"):
            return node
        return {**node, "validation_alias": [*_paths(known), [alias]]}

    def _union(self, node: Schema) -> Schema:
        if "serialization" in node or is_plain(node):
            return node
        return with_marks(node, self._definitions, CONFIG)

    def _object(self, node: Schema) -> Schema:
        """Say how values are written for which JSON has no form, unless the type says it."""
        needed = set[str]().union(*(_NEEDS.get(kind, ()) for kind in types_in(node)))
        config = node.get("config") or {}
        missing = {key: CONFIG[key] for key in sorted(needed) if key not in config}
        if missing:
            node = {**node, "config": {**config, **missing}}
        chosen = config.get("extra_fields_behavior")
        if node["type"] == "typed-dict":
            own = getattr(node.get("cls"), "__pydantic_config__", None) or {}
            is_closed = self._others == "refused" and chosen is None and "extra" not in own
            return {**node, "extra_behavior": "forbid"} if is_closed else node
        return node if self._others == "as configured" else self._with_extras(node, chosen)

    def _with_extras(self, node: Schema, chosen: str | None) -> Schema:
        """Say what becomes of the keys that a model or a dataclass has no field for."""
        behavior = chosen or ("forbid" if self._others == "refused" else "ignore")
        computed = _computed_in(node)
        if computed and behavior != "ignore" and node["type"] == "model":
            # Taken as what the model does not know, and dropped when it is there.
            inner = {key: value for key, value in node.items() if key != "ref"}
            drop = _dropping(computed, keeps_others=behavior == "allow")
            return {
                "type": "function-after",
                "function": {"type": "no-info", "function": drop},
                "schema": _with_behavior(inner, "allow"),
                **({"ref": node["ref"]} if "ref" in node else {}),
            }
        return node if behavior == (chosen or "ignore") else _with_behavior(node, behavior)

    _changes: typing.ClassVar[dict[str, Callable[[_Rewrite, Schema], Schema]]] = {
        "generator": _generator,
        "datetime": _datetime,
        "json": _json,
        "union": _union,
        "model": _object,
        "dataclass": _object,
        "typed-dict": _object,
        **dict.fromkeys(_FIELDS, _field),
    }


def _paths(alias: Any) -> list[list[str | int]]:
    """Return a validation alias as the list of paths that it is short for."""
    if alias is None:
        return []
    if isinstance(alias, str):
        return [[alias]]
    return [alias] if isinstance(alias[0], str) else list(alias)


def _fields_of(node: Schema) -> Schema | None:
    """Return the schema of the fields of a model or a dataclass, behind its own validators."""
    inner = node.get("schema")
    while isinstance(inner, dict) and str(inner["type"]).startswith("function-"):
        inner = inner.get("schema")
    return inner if isinstance(inner, dict) and inner["type"] in _WITH_EXTRAS else None


def _computed_in(node: Schema) -> frozenset[str]:
    """Return the names that the computed fields of a model have in JSON."""
    fields = _fields_of(node) or {}
    return frozenset(
        name
        for one in fields.get("computed_fields", ())
        for name in (one["property_name"], one.get("alias"))
        if name is not None
    )


def _with_behavior(node: Schema, behavior: str) -> Schema:
    """Return *node* with another behaviour towards keys that it has no field for."""
    if node["type"] in _WITH_EXTRAS:
        return {**node, "extra_behavior": behavior}
    if _fields_of(node) is None:
        return node
    return {**node, "schema": _with_behavior(node["schema"], behavior)}


def _dropping(computed: frozenset[str], *, keeps_others: bool) -> Callable[[Any], Any]:
    """Return what takes computed fields out of a model that was read."""

    def drop(model: Any) -> Any:
        extra: dict[str, Any] = model.__pydantic_extra__ or {}
        others = {key: one for key, one in extra.items() if key not in computed}
        if others and not keeps_others:
            kind = "extra_forbidden"
            raise pydantic_core.PydanticCustomError(
                kind, "it has no field {names}", {"names": ", ".join(others)}
            )
        model.__pydantic_fields_set__.difference_update(extra.keys() - others.keys())
        object.__setattr__(model, "__pydantic_extra__", others if keeps_others else None)
        return model

    return drop


def _read_moment(value: Any, read: Callable[[Any], datetime]) -> datetime:
    """Read a time that may say its zone behind its offset."""
    if not isinstance(value, str) or not value.endswith("]"):
        return read(value)
    text, _, zone = value[:-1].partition("[")
    try:
        return read(text).astimezone(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError) as error:
        if isinstance(error, pydantic_core.ValidationError):
            raise
        kind = "zone"
        raise pydantic_core.PydanticCustomError(
            kind, "this machine knows no time zone {zone}", {"zone": zone}
        ) from error


def _write_moment(value: datetime, write: Callable[[Any], Any]) -> Any:
    """Write a time, and its zone if it is in a named one."""
    written = write(value)
    zone = getattr(value, "tzinfo", None)
    if isinstance(zone, ZoneInfo) and zone.key and isinstance(written, str):
        return f"{written}[{zone.key}]"
    return written


def _write_json(value: Any, write: Callable[[Any], Any]) -> str:
    return json.dumps(write(value), ensure_ascii=False)
