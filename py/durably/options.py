"""The options of an engine, checked one by one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from pydantic import BaseModel

from durably.arguments import checked_flag, checked_path, checked_whole
from durably.clock import Clock, SystemClock, check_aware, checked_duration
from durably.errors import ValidationError

if TYPE_CHECKING:
    import os
    from pathlib import Path

_MOST_SLOTS = 1000
_MOST_RECOVERIES = 1_000_000
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
        polling_interval=checked_duration("polling_interval", polling_interval),
        max_concurrent_runs=checked_whole(
            "max_concurrent_runs", max_concurrent_runs, least=1, most=_MOST_SLOTS
        ),
        lease=checked_duration("lease", lease),
        lease_renew_interval=checked_duration("lease_renew_interval", lease_renew_interval),
        max_recoveries=checked_whole(
            "max_recoveries", max_recoveries, least=1, most=_MOST_RECOVERIES
        ),
        preserve_steps=checked_flag("preserve_steps", preserve_steps),
        retain_runs=None if retain_runs is None else parse_retention(retain_runs),
        labels=_model("labels", labels),
        blobs=None if blobs is None else checked_path("blobs", blobs),
        sole_owner=checked_flag("sole_owner", sole_owner),
        clock=_clock("clock", clock),
    )
    if checked.lease_renew_interval >= checked.lease:
        msg = "lease_renew_interval must be shorter than lease, or every lease runs out"
        raise ValidationError(msg)
    return checked


def parse_retention(value: str | timedelta) -> timedelta:
    """Read how long ended runs are kept: a timedelta, or text such as 30d, 12h or 90m."""
    if isinstance(value, timedelta):
        return checked_duration("retain_runs", value)
    found = re.fullmatch(r"([1-9][0-9]{0,6})([dhm])", str(value))
    if found is None:
        msg = f"retain_runs must look like 30d, 12h or 90m, not {value!r}"
        raise ValidationError(msg)
    kept = timedelta(**{_UNITS[found[2]]: int(found[1])})
    return checked_duration("retain_runs", kept, given=value)


def _model(name: str, value: object) -> type[BaseModel] | None:
    if value is None or (isinstance(value, type) and issubclass(value, BaseModel)):
        return value
    msg = f"{name} must be a pydantic model or None, not {value!r}"
    raise ValidationError(msg)


def _clock(name: str, value: object) -> Clock:
    if value is None:
        return SystemClock()
    if not isinstance(value, Clock):
        msg = f"{name} must have the methods of a Clock, not be {value!r}"
        raise ValidationError(msg)
    check_aware(f"what {name}.now() returns", value.now())
    return value
