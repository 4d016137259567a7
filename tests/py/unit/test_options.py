"""Every option of an engine is checked by itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from durably import Durably, ValidationError
from durably.options import Options, check_options, parse_retention

GOOD: dict[str, Any] = {
    "polling_interval": 1.0,
    "max_concurrent_runs": 1,
    "lease": 30,
    "lease_renew_interval": timedelta(seconds=5),
    "max_recoveries": 5,
    "preserve_steps": False,
    "retain_runs": None,
    "labels": None,
    "blobs": None,
    "sole_owner": False,
    "clock": None,
}


def check(**changed: Any) -> Options:
    """Check good options with some changed."""
    return check_options(**(GOOD | changed))


def test_durations_become_timedeltas() -> None:
    """Seconds or timedeltas, whole or not."""
    options = check(polling_interval=0.25)

    assert options.polling_interval == timedelta(milliseconds=250)
    assert (options.lease, options.lease_renew_interval) == (
        timedelta(seconds=30),
        timedelta(seconds=5),
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(
            (name, bad)
            for name in ("polling_interval", "lease", "lease_renew_interval")
            for bad in (0, -1, "5", None, float("nan"), float("inf"), timedelta(0), timedelta.max)
        ),
        *(("max_concurrent_runs", bad) for bad in (0, 1001, 1.5, "1", True, None)),
        *(("max_recoveries", bad) for bad in (0, -1, 2.5, None)),
        *((name, bad) for name in ("preserve_steps", "sole_owner") for bad in ("no", 1, None)),
        *(("labels", bad) for bad in (int, "Labels", 3)),
        *(("blobs", bad) for bad in (5, ["files"])),
        *(("clock", bad) for bad in (3, datetime.now)),
        *(("retain_runs", bad) for bad in ("", "0d", "5s", "d", "1.5d", "30 d", timedelta(0), 30)),
        *(("retain_runs", bad) for bad in ("36501d", "9999999h", timedelta.max)),
    ],
)
def test_a_bad_option_is_refused_by_name(name: str, value: Any) -> None:
    """The sentence begins with its name and shows what was given."""
    with pytest.raises(ValidationError, match=rf"^{name} must") as caught:
        check(**{name: value})

    assert repr(value) in str(caught.value)


def test_a_lease_must_outlast_its_renewal() -> None:
    """Else every lease would run out."""
    with pytest.raises(ValidationError, match="shorter than lease"):
        check(lease=5, lease_renew_interval=5)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("30d", timedelta(days=30)),
        ("12h", timedelta(hours=12)),
        ("90m", timedelta(minutes=90)),
        (timedelta(seconds=1), timedelta(seconds=1)),
    ],
)
def test_retention_is_days_hours_or_minutes(text: Any, kept: timedelta) -> None:
    """Or a timedelta."""
    assert parse_retention(text) == kept
    assert check(retain_runs=text).retain_runs == kept


@pytest.mark.parametrize("slots", [1, 1000])
def test_the_bounds_of_slots_are_allowed(slots: int) -> None:
    """1 to 1000."""
    assert check(max_concurrent_runs=slots).max_concurrent_runs == slots


def test_an_engine_checks_its_options_before_anything_else() -> None:
    """Also before it looks at the store's URL."""
    with pytest.raises(ValidationError, match="max_concurrent_runs"):
        Durably("nonsense", max_concurrent_runs=0)
