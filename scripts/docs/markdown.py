"""Markdown for what Python can tell of itself: signatures, docstrings, fields."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
import textwrap
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_WIDE = 88


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; a column that is empty in every row is left out."""
    kept = list(rows)
    columns = [index for index, _ in enumerate(head) if any(row[index] for row in kept)]
    lines = [
        "| " + " | ".join(head[index] for index in columns) + " |",
        "|" + "---|" * len(columns),
    ]
    for row in kept:
        cells = (row[index].replace("|", "\\|") for index in columns)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def code(text: str) -> str:
    """Return inline code, or nothing for nothing."""
    return f"`{text}`" if text else ""


def prose(thing: object) -> str:
    """Return a docstring as Markdown, without the numbers of laws, which users need not know."""
    doc = inspect.cleandoc(getattr(thing, "__doc__", "") or "")
    return re.sub(r" \(laws? [\d and,]+\)", "", doc).replace("``", "`")


def first_sentence(thing: object) -> str:
    """Return the first paragraph of a docstring on one line."""
    return " ".join(prose(thing).split("\n\n")[0].split())


def signature(name: str, function: object, *, bound: bool = False) -> str:
    """Return how *function* is called, broken into lines when it is long."""
    spec = inspect.signature(function)  # type: ignore[arg-type]
    shown: list[str] = []
    seen_star = False
    parameters = list(spec.parameters.values())[1 if bound else 0 :]
    for index, one in enumerate(parameters):
        if one.kind is one.VAR_POSITIONAL:
            seen_star = True
        if one.kind is one.KEYWORD_ONLY and not seen_star:
            shown.append("*")
            seen_star = True
        shown.append(_parameter(one))
        following = parameters[index + 1 : index + 2]
        if one.kind is one.POSITIONAL_ONLY and not (
            following and following[0].kind is one.POSITIONAL_ONLY
        ):
            shown.append("/")
    word = "async " if inspect.iscoroutinefunction(function) else ""
    ending = "" if spec.return_annotation is spec.empty else f" -> {_type(spec.return_annotation)}"
    line = f"{word}{name}({', '.join(shown)}){ending}"
    if len(line) <= _WIDE:
        return line
    body = "".join(f"    {one},\n" for one in shown)
    return f"{word}{name}(\n{body}){ending}"


def default_of(parameter: inspect.Parameter) -> str:
    """Return a parameter's default as it is written."""
    if parameter.default is parameter.empty:
        return ""
    if type(parameter.default) is object:
        return "..."
    return repr(parameter.default)


def _parameter(one: inspect.Parameter) -> str:
    text = one.name
    if one.kind is one.VAR_POSITIONAL:
        text = f"*{text}"
    elif one.kind is one.VAR_KEYWORD:
        text = f"**{text}"
    if one.annotation is not one.empty:
        text += f": {_type(one.annotation)}"
    if one.default is not one.empty:
        text += f" = {default_of(one)}"
    return text


def _type(annotation: Any) -> str:
    return annotation if isinstance(annotation, str) else str(inspect.formatannotation(annotation))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Field:
    """A field as it is written in a class: its type, its default, and the comment above it."""

    name: str
    type: str
    default: str
    comment: str


def fields_of(cls: type) -> list[Field]:
    """Return the fields that *cls* itself declares, from its source."""
    source = textwrap.dedent(inspect.getsource(cls))
    lines = source.splitlines()
    (node,) = (one for one in ast.parse(source).body if isinstance(one, ast.ClassDef))
    return [
        Field(
            name=one.target.id,
            type=ast.unparse(one.annotation),
            default=_default(one.value),
            comment=_comment_above(lines, one.lineno - 1),
        )
        for one in node.body
        if isinstance(one, ast.AnnAssign)
        and isinstance(one.target, ast.Name)
        and not one.target.id.startswith("_")
        and not ast.unparse(one.annotation).startswith("ClassVar")
    ]


def _default(value: ast.expr | None) -> str:
    if value is None:
        return ""
    text = ast.unparse(value)
    factory = re.fullmatch(r"(?:field|Field)\((?:default_factory|default)=(\w+|\(\))\)", text)
    return {"dict": "{}", "list": "[]"}.get(factory[1], factory[1]) if factory else text


def _comment_above(lines: list[str], at: int) -> str:
    found: list[str] = []
    while at > 0 and (line := lines[at - 1].strip()).startswith("#:"):
        found.insert(0, line.removeprefix("#:").strip())
        at -= 1
    return " ".join(found)
