"""The options of an engine, checked one by one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from durably.clock import as_duration
from durably.errors import ValidationError

if TYPE_CHECKING:
    from pydantic import BaseModel

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
    sole_owner: bool


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
    sole_owner: bool,
) -> Options:
    """Return the options, or ValidationError that names the one at fault."""
    checked = Options(
        polling_interval=_positive("polling_interval", polling_interval),
        max_concurrent_runs=_whole("max_concurrent_runs", max_concurrent_runs, _MOST_SLOTS),
        lease=_positive("lease", lease),
        lease_renew_interval=_positive("lease_renew_interval", lease_renew_interval),
        max_recoveries=_whole("max_recoveries", max_recoveries, _MOST_RECOVERIES),
        preserve_steps=preserve_steps,
        retain_runs=None if retain_runs is None else parse_retention(retain_runs),
        labels=labels,
        sole_owner=sole_owner,
    )
    if checked.lease_renew_interval >= checked.lease:
        msg = "lease_renew_interval must be shorter than lease, or every lease runs out"
        raise ValidationError(msg)
    return checked


def parse_retention(value: str | timedelta) -> timedelta:
    """Read how long ended runs are kept: a timedelta, or text such as 30d, 12h or 90m."""
    if isinstance(value, timedelta):
        return _positive("retain_runs", value)
    found = re.fullmatch(r"([1-9][0-9]{0,6})([dhm])", str(value))
    if found is None:
        msg = f"retain_runs must look like 30d, 12h or 90m, not {value!r}"
        raise ValidationError(msg)
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _whole(name: str, value: object, most: int) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most:
        return value
    msg = f"{name} must be a whole number from 1 to {most}, not {value!r}"
    raise ValidationError(msg)


def _positive(name: str, value: timedelta | float) -> timedelta:
    try:
        duration = as_duration(value)
    except (TypeError, ValueError, OverflowError) as error:
        msg = f"{name} must be a timedelta or a number of seconds, not {value!r}"
        raise ValidationError(msg) from error
    if duration <= timedelta(0):
        msg = f"{name} must be longer than nothing, not {value!r}"
        raise ValidationError(msg)
    return duration
