"""When a failed step runs again: pure rules."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from durably import GiveUp, Retry, RetryAfter, ValidationError
from durably.retry import NO_RETRY

ERROR = ValueError("no")


def pauses(policy: Retry, *, chance: float = 0.5) -> list[float]:
    """Return the seconds after each failed attempt."""
    found: list[float] = []
    for attempt in range(1, 20):
        pause = policy.pause_after(attempt, ERROR, chance=chance)
        if pause is None:
            return found
        found.append(pause.total_seconds())
    raise AssertionError("it never gives up")


def test_pauses_grow_by_the_factor_up_to_the_longest() -> None:
    """Backoff * factor ** (attempt - 1), at most max_backoff, max_attempts - 1 of them."""
    assert pauses(Retry(max_attempts=6, backoff=1, factor=3, max_backoff=20, jitter=0)) == [
        1,
        3,
        9,
        20,
        20,
    ]


def test_the_default_is_three_attempts() -> None:
    """After one second and then two, give or take a tenth."""
    assert pauses(Retry()) == [1, 2]
    assert pauses(NO_RETRY) == []


def test_durations_are_timedeltas_or_seconds() -> None:
    """Both mean the same."""
    assert pauses(Retry(backoff=timedelta(minutes=1), max_backoff=90)) == [60, 90]


@given(
    chance=st.floats(0, 1, exclude_max=True),
    jitter=st.floats(0, 1),
    backoff=st.floats(0, 1000),
)
def test_jitter_moves_a_pause_by_at_most_its_share(
    chance: float, jitter: float, backoff: float
) -> None:
    """In both directions, and never below nothing."""
    policy = Retry(max_attempts=2, backoff=backoff, max_backoff=1000, jitter=jitter)

    pause = policy.pause_after(1, ERROR, chance=chance)

    assert pause is not None
    slack = 0.00001
    assert backoff * (1 - jitter) - slack <= pause.total_seconds() <= backoff * (1 + jitter) + slack
    assert pause >= timedelta(0)


def test_jitter_is_drawn_when_no_chance_is_given() -> None:
    """Two steps that fail together are not tried together."""
    policy = Retry(jitter=1)

    assert len({policy.pause_after(1, ERROR) for _ in range(20)}) > 10


def test_a_pause_too_long_for_a_number_is_the_longest() -> None:
    """The ten-thousandth attempt of a growing pause is not an overflow."""
    policy = Retry(max_attempts=1_000_000, factor=10, jitter=0, max_backoff=60)

    assert policy.pause_after(10_000, ERROR) == timedelta(minutes=1)
    assert policy.pause_after(50, ERROR) == timedelta(minutes=1)


def test_retry_after_overrides_the_schedule_but_not_the_end() -> None:
    """The step's own pause, without jitter, while attempts are left."""
    policy = Retry(max_attempts=2, retry_on=(KeyError,))

    assert policy.pause_after(1, RetryAfter(7)) == timedelta(seconds=7)
    assert policy.pause_after(1, RetryAfter(timedelta(hours=1))) == timedelta(hours=1)
    assert policy.pause_after(2, RetryAfter(7)) is None


def test_errors_are_chosen_by_their_classes() -> None:
    """retry_on takes subclasses; give_up_on and GiveUp are stronger."""
    policy = Retry(retry_on=(LookupError,), give_up_on=(IndexError,))

    assert policy.pause_after(1, KeyError()) is not None
    assert policy.pause_after(1, IndexError()) is None
    assert policy.pause_after(1, ERROR) is None
    assert Retry().pause_after(1, GiveUp("because")) is None
    assert str(GiveUp("because")) == "because"
    assert "later attempt" in str(RetryAfter(1))


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("max_attempts", 0),
        ("backoff", -1),
        ("backoff", timedelta(seconds=-1)),
        ("max_backoff", -0.1),
        ("factor", 0.5),
        ("jitter", -0.1),
        ("jitter", 1.1),
        *((name, "1") for name in ("max_attempts", "backoff", "max_backoff", "factor", "jitter")),
        ("max_attempts", 1.5),
        ("max_attempts", True),
        ("factor", float("nan")),
        ("max_backoff", None),
        *((name, bad) for name in ("retry_on", "give_up_on") for bad in ("x", ValueError, (1,))),
    ],
)
def test_a_policy_that_no_schedule_can_follow_is_refused(option: str, value: Any) -> None:
    """By the name of what is wrong with it."""
    with pytest.raises(ValidationError, match=f"Retry.{option}"):
        Retry(**{option: value})


@pytest.mark.parametrize("delay", [-1, "soon", None, float("nan")])
def test_a_pause_that_no_clock_can_wait_is_refused(delay: Any) -> None:
    """Where it is named, and not when the step has failed already."""
    with pytest.raises(ValidationError, match=r"RetryAfter.delay must"):
        RetryAfter(delay)
