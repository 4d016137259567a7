"""The options of an engine, checked one by one."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from pydantic import BaseModel

from durably.clock import Clock, SystemClock, checked_duration
from durably.errors import ValidationError

_MOST_SLOTS = 1000
_MOST_RECOVERIES = 1_000_000
#: A time that is counted from now with any of these is one that a datetime can be.
_LONGEST = timedelta(days=36_500)
_UNITS = {"d": "days", "h": "hours", "m": "minutes"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How an engine works; see Durably for what each one means."""

    polling_interval: timedelta
    max_concurrent_runs: int
    lease: timedelta
    lease_renew_interval: timedelta
    max_recoveries: int
    preserve_steps: bool
    retain_runs: timedelta | None
    labels: type[BaseModel] | None
    blobs: Path | None
    sole_owner: bool
    clock: Clock


def check_options(
    *,
    polling_interval: timedelta | float,
    max_concurrent_runs: int,
    lease: timedelta | float,
    lease_renew_interval: timedelta | float,
    max_recoveries: int,
    preserve_steps: bool,
    retain_runs: str | timedelta | None,
    labels: type[BaseModel] | None,
    blobs: str | os.PathLike[str] | None,
    sole_owner: bool,
    clock: Clock | None,
) -> Options:
    """Return the options, or ValidationError that names the one at fault."""
    checked = Options(
        polling_interval=_duration("polling_interval", polling_interval),
        max_concurrent_runs=_whole("max_concurrent_runs", max_concurrent_runs, _MOST_SLOTS),
        lease=_duration("lease", lease),
        lease_renew_interval=_duration("lease_renew_interval", lease_renew_interval),
        max_recoveries=_whole("max_recoveries", max_recoveries, _MOST_RECOVERIES),
        preserve_steps=_flag("preserve_steps", preserve_steps),
        retain_runs=None if retain_runs is None else parse_retention(retain_runs),
        labels=_model("labels", labels),
        blobs=_folder("blobs", blobs),
        sole_owner=_flag("sole_owner", sole_owner),
        clock=_clock("clock", clock),
    )
    if checked.lease_renew_interval >= checked.lease:
        msg = "lease_renew_interval must be shorter than lease, or every lease runs out"
        raise ValidationError(msg)
    return checked


def parse_retention(value: str | timedelta) -> timedelta:
    """Read how long ended runs are kept: a timedelta, or text such as 30d, 12h or 90m."""
    if isinstance(value, timedelta):
        return _duration("retain_runs", value)
    found = re.fullmatch(r"([1-9][0-9]{0,6})([dhm])", str(value))
    if found is None:
        msg = f"retain_runs must look like 30d, 12h or 90m, not {value!r}"
        raise ValidationError(msg)
    return _bounded("retain_runs", timedelta(**{_UNITS[found[2]]: int(found[1])}), value)


def _duration(name: str, value: timedelta | float) -> timedelta:
    return _bounded(name, checked_duration(name, value), value)


def _bounded(name: str, duration: timedelta, value: object) -> timedelta:
    if duration <= _LONGEST:
        return duration
    msg = f"{name} must be at most {_LONGEST.days} days, not {value!r}"
    raise ValidationError(msg)


def _whole(name: str, value: object, most: int) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most:
        return value
    msg = f"{name} must be a whole number from 1 to {most}, not {value!r}"
    raise ValidationError(msg)


def _flag(name: str, value: object) -> bool:
    if isinstance(value, bool):
        return value
    msg = f"{name} must be True or False, not {value!r}"
    raise ValidationError(msg)


def _model(name: str, value: object) -> type[BaseModel] | None:
    if value is None or (isinstance(value, type) and issubclass(value, BaseModel)):
        return value
    msg = f"{name} must be a pydantic model or None, not {value!r}"
    raise ValidationError(msg)


def _folder(name: str, value: object) -> Path | None:
    if value is None:
        return None
    if isinstance(value, (str, os.PathLike)):
        return Path(value)
    msg = f"{name} must be the path of a folder or None, not {value!r}"
    raise ValidationError(msg)


def _clock(name: str, value: object) -> Clock:
    if value is None:
        return SystemClock()
    if isinstance(value, Clock):
        return value
    msg = f"{name} must have the methods of a Clock, not be {value!r}"
    raise ValidationError(msg)
