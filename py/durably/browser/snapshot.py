"""What a memory snapshot needs of Python: all imported before it, everything fresh after it.

The host calls prepare() in a Python that it will throw away, and freshen() in each one that it
starts from the memory of the first. Between the two nothing may be open or running.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import random
from datetime import UTC, datetime
from importlib.resources import files

import pydantic

from durably.browser import entry
from durably.ids import Ulids


class _Probe(pydantic.BaseModel):
    """A model as jobs have them; built when the snapshot is made."""

    count: int
    moment: datetime


class _Made:
    """What was drawn when the snapshot was made: a restored Python must not draw it again."""

    secret = b""
    state: object = None


def prepare(modules_json: str) -> None:
    """Import what an engine with these modules imports, and remember what chance gave here."""
    for name in json.loads(modules_json):
        entry.definitions_in(name)
    _rehearse()
    _validate()
    _Made.secret = os.urandom(16)
    _Made.state = random.getstate()
    gc.collect()


def freshen() -> None:
    """Draw chance anew and look whether this Python can be trusted; RuntimeError when not."""
    random.seed()
    _validate()
    doubts = [
        sentence
        for sentence, is_wrong in (
            ("it was never prepared", not _Made.secret),
            ("the system's randomness repeats", os.urandom(16) == _Made.secret),
            ("random numbers repeat", random.getstate() == _Made.state),
            ("ids repeat", _an_id() == _an_id()),
            ("an event loop runs tasks of old", bool(asyncio.all_tasks(asyncio.get_event_loop()))),
        )
        if is_wrong
    ]
    if doubts:
        raise RuntimeError("; ".join(doubts))


def _rehearse() -> None:
    """Import what a start reads files with.

    No database is opened, not even in memory: SQLite would keep its random numbers in the snapshot,
    and every WAL of every boot would get the same salts.
    """
    for found in files("durably.store.sqlite.migrations").iterdir():
        found.read_bytes()
    entry.describe()


def _an_id() -> str:
    return Ulids().new(datetime.now(UTC))


def _validate() -> None:
    """Validate a good value and a bad one."""
    probe = _Probe.model_validate_json('{"count": 7, "moment": "2026-01-02T03:04:05Z"}')
    if probe.count != 7 or probe.moment.year != 2026:  # noqa: PLR2004 - the values above
        msg = "a model holds other values than it was given"
        raise RuntimeError(msg)
    try:
        _Probe.model_validate({"count": "many", "moment": None})
    except pydantic.ValidationError as error:
        if error.error_count() == 2:  # noqa: PLR2004 - both fields
            return
    msg = "a model accepts what it must refuse"
    raise RuntimeError(msg)
