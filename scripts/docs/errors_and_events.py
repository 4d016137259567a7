"""The tree of errors, the signals, and the events with their shapes."""

from __future__ import annotations

import ast
import inspect
import json
import textwrap
from typing import TYPE_CHECKING

from durably import wire
from durably.errors import DurablyError, RunSignal
from durably.events import EVENT_TYPES, Event, RunEvent, StepEvent
from scripts.docs.examples import event_example
from scripts.docs.markdown import code, fields_of, first_sentence, table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_BASES = (Event, RunEvent, StepEvent)


def _tree(base: type[BaseException]) -> Iterator[type[BaseException]]:
    yield base
    below: type[BaseException]
    for below in base.__subclasses__():
        if below.__module__.startswith("durably."):
            yield from _tree(below)


def errors() -> str:
    """Return one row for each error."""
    rows = [
        (_entry(one.code), f"`{one.__name__}`", _parent(one), first_sentence(one), _attributes(one))
        for one in _tree(DurablyError)
        if issubclass(one, DurablyError)
    ]
    return table(("code", "class", "is a", "means", "attributes"), rows)


def signals() -> str:
    """Return one row for each signal."""
    rows = [(f"`{one.__name__}`", first_sentence(one)) for one in _tree(RunSignal)]
    return table(("class", "means"), rows)


def _entry(code: str) -> str:
    return f"[`{code}`](../guides/troubleshooting.md#{code})"


def _parent(error: type) -> str:
    return ", ".join(f"`{base.__name__}`" for base in error.__bases__)


def _attributes(error: type) -> str:
    own = error.__dict__.get("__init__")
    if own is None:
        return ""
    body = ast.parse(textwrap.dedent(inspect.getsource(own)))
    names = [
        node.attr
        for node in ast.walk(body)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
    ]
    return ", ".join(f"`{name}`" for name in names)


def event_list() -> str:
    """Return a section for each event: what it tells, its own fields, and its JSON."""
    return "\n\n".join(_section(EVENT_TYPES[kind]) for kind in EVENT_TYPES)


def _section(event: type[Event]) -> str:
    kind = "a domain event" if event.is_domain else "not a domain event"
    fields = [(code(one.name), code(one.type), one.comment) for one in fields_of(event)]
    shape = json.dumps(wire.event_json(event_example(event)), ensure_ascii=False, indent=2)
    return "\n\n".join(
        [
            f"### {event.type}",
            f"{first_sentence(event)} `{event.__name__}`, {kind}.",
            *([table(("field", "type", ""), fields)] if fields else []),
            f"```json\n{shape}\n```",
        ]
    )


def event_bases() -> str:
    """Return the fields that events share."""
    rows = [
        (f"`{base.__name__}`", code(one.name), code(one.type))
        for base in _BASES
        for one in fields_of(base)
    ]
    return table(("of", "field", "type"), rows)


PARTS: dict[str, Callable[[], str]] = {
    "errors": errors,
    "signals": signals,
    "event bases": event_bases,
    "events": event_list,
}
