"""JSON Schemas of values as they are written here: for forms, and for other languages' types."""

from __future__ import annotations

import typing
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonRef

from durably.unions import is_plain, marked_schema, names_of

if typing.TYPE_CHECKING:
    from pydantic_core import core_schema

_FIELDS_OF_CLASSES = ("model-field", "dataclass-field")

_JSON_TYPES: dict[type, str] = {
    str: "string",
    bool: "boolean",
    int: "number",
    float: "number",
    type(None): "null",
    list: "array",
}
#: Any value of a type.
_ANY = object()


class JsonSchema(GenerateJsonSchema):
    """Says how values are written here, where that is more or other than pydantic would say."""

    def bytes_schema(self, schema: core_schema.BytesSchema) -> dict[str, Any]:
        """Return the schema of bytes: base64 text, unless a model says otherwise."""
        written = super().bytes_schema(schema)
        return {**written, "format": "base64url"} if written["format"] == "binary" else written

    def field_is_required(self, field: Any, *args: Any, **kwargs: Any) -> bool:
        """Tell whether a field is always there: what is written has those with defaults too."""
        if self.mode == "serialization" and field["type"] in _FIELDS_OF_CLASSES:
            return not field.get("serialization_exclude") and not field.get(
                "serialization_exclude_if"
            )
        return super().field_is_required(field, *args, **kwargs)

    def union_schema(self, schema: core_schema.UnionSchema) -> dict[str, Any]:
        """Return the schema of a union; its members that look alike may say which they are."""
        plain = super().union_schema(schema)
        if self.mode == "validation" or "anyOf" not in plain or is_plain(dict(schema)):
            return plain
        members = plain["anyOf"]
        if len(members) != len(schema["choices"]):  # some of them are the same to a reader
            return plain
        forms = [self._forms_of(member) for member in members]
        marked = [
            marked_schema(name, member)
            for name, member, mine in zip(names_of(dict(schema)), members, forms, strict=True)
            if any(_overlap(mine, other) for other in forms if other is not mine)
        ]
        return {**plain, "anyOf": [*members, *marked]}

    def _forms_of(self, member: dict[str, Any]) -> list[tuple[str, Any]]:
        """Return what a value of *member* may be in JSON: types, each with its value or _ANY."""
        found: dict[str, Any] | None = member
        if "$ref" in member:
            found = self.get_schema_from_definitions(JsonRef(member["$ref"]))
        if found is None:  # it is being made just now: a model
            return [("object", _ANY)]
        if "const" in found or "enum" in found:
            values = found["enum"] if "enum" in found else [found["const"]]
            return [(_JSON_TYPES.get(type(one), "object"), one) for one in values]
        kind = found.get("type")
        if kind is None:
            return [(one, _ANY) for one in {*_JSON_TYPES.values(), "object"}]
        return [("number" if kind == "integer" else kind, _ANY)]


def _overlap(mine: list[tuple[str, Any]], other: list[tuple[str, Any]]) -> bool:
    return any(
        kind == same and (one is _ANY or two is _ANY or one == two)
        for kind, one in mine
        for same, two in other
    )
