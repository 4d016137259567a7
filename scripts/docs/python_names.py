"""Every public name of the package, in groups, from its docstring and its source."""

from __future__ import annotations

import dataclasses
import enum
import functools
import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

import durably
from durably import testing
from scripts.docs.markdown import code, fields_of, prose, signature, table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_PACKAGE = Path(durably.__file__).parent

#: Names by the part of docs/reference/python.md that shows them. Errors have a page of their own.
_GROUPS: dict[str, tuple[str, ...]] = {
    "names of engines": ("Durably", "Plugin", "log_persistence", "Health"),
    "names of jobs": ("job", "define_job", "JobDefinition", "query", "Query"),
    "names of steps": ("Step", "SyncStep", "StepLog"),
    "names of retries": ("Retry", "RetryAfter", "GiveUp"),
    "names of triggers": (
        "JobHandle",
        "Call",
        "Triggered",
        "TriggerOptions",
        "Disposition",
        "Ended",
    ),
    "names of runs": (
        "Run",
        "RunStatus",
        "RunFilter",
        "Progress",
        "Failure",
        "StepRecord",
        "StepStatus",
        "StepAttempt",
        "AttemptStatus",
        "LogRecord",
        "LogLevel",
    ),
    "names of waits": (
        "Wait",
        "WaitKind",
        "WaitStatus",
        "WaitOutcome",
        "Signalled",
        "Sent",
        "SignalDisposition",
    ),
    "names of schedules": ("Cron", "Every", "ScheduleState"),
    "names of events": ("Event", "is_domain_event", "Snapshot", "RunsSnapshot"),
    "names of files": ("Blob",),
    "names of ports": ("open_store", "Store", "SqliteStore", "Clock", "SystemClock"),
}
_TESTING = ("run_to_completion", "drain", "FakeClock", "FaultyStore", "ProcessDied", "settle")


def _group(names: tuple[str, ...], module: Any) -> str:
    return "\n\n".join(_entry(name, getattr(module, name)) for name in names)


def _entry(name: str, thing: Any) -> str:
    source = Path(inspect.getsourcefile(thing) or "").relative_to(_PACKAGE)
    parts = [f"### {name}", *_body(name, thing), f"[source](../../py/durably/{source})"]
    return "\n\n".join(part for part in parts if part)


def _body(name: str, thing: Any) -> Iterator[str]:
    if not isinstance(thing, type):
        yield _call(name, thing)
        yield prose(thing)
    elif issubclass(thing, enum.Enum):
        yield prose(thing)
        yield "Values: " + ", ".join(f"`{value}`" for value in thing) + "."
    else:
        if dataclasses.is_dataclass(thing) or issubclass(thing, BaseModel):
            yield prose(thing)
            yield _fields(thing)
        else:
            if "__init__" in vars(thing) and name not in {
                "JobHandle",
                "Step",
                "SyncStep",
                "StepLog",
            }:
                yield _call(name, thing)
            yield prose(thing)
        for label, member in _members(thing):
            yield _member(name, label, member)


def _call(name: str, thing: Any, *, bound: bool = False) -> str:
    return f"```text\n{signature(name, thing, bound=bound)}\n```"


def _fields(cls: type) -> str:
    rows = [
        (code(one.name), code(one.type), code(one.default), one.comment) for one in fields_of(cls)
    ]
    return table(("field", "type", "default", ""), rows) if rows else ""


def _members(cls: type) -> Iterator[tuple[str, Any]]:
    for owner in cls.__mro__:
        if not owner.__module__.startswith("durably."):
            continue
        for label, found in vars(owner).items():
            member = found.__func__ if isinstance(found, classmethod) else found
            shown = inspect.isfunction(member) or isinstance(member, property)
            if shown and not label.startswith("_") and prose(member):
                yield label, member


def _member(owner: str, label: str, member: Any) -> str:
    if isinstance(member, property):
        return f"**`{owner}.{label}`** — {prose(member)}"
    return f"{_call(f'{owner}.{label}', member, bound=True)}\n\n{prose(member)}"


PARTS: dict[str, Callable[[], str]] = {
    **{group: functools.partial(_group, names, durably) for group, names in _GROUPS.items()},
    "names of testing": functools.partial(_group, _TESTING, testing),
}
