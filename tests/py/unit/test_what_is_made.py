"""What is made of arguments, as engines, jobs and retries are, checks them when it is made."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from durably import (
    Call,
    Durably,
    Retry,
    RetryAfter,
    SqliteStore,
    Step,
    ValidationError,
    job,
    open_store,
    query,
)
from durably.testing import FakeClock, FaultyStore, drain, run_to_completion

NAIVE = datetime(2026, 1, 1)  # noqa: DTZ001 - what must be refused
NAN = float("nan")


@job(name="example")
async def example(step: Step, n: int = 0) -> int:
    """Return the input."""
    return n


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Durably(3), "store must be a URL or a Store"),  # type: ignore[arg-type]
        (lambda: Durably(None), "store must be a URL or a Store"),  # type: ignore[arg-type]
        (lambda: Durably("sqlite://", jobs=example), "jobs must be a list"),  # type: ignore[arg-type]
        (lambda: Durably("sqlite://", clock=NaiveClock()), r"what clock.now\(\) returns must be"),
        (lambda: Durably("sqlite://", lease=True), "lease must be a timedelta or"),
        (lambda: open_store(3), "a store's URL must be text"),  # type: ignore[arg-type]
        (lambda: SqliteStore(3), "a database's path must be text"),  # type: ignore[arg-type]
        (lambda: Call(1, colour="red"), "unknown trigger option"),  # type: ignore[call-arg]
        (lambda: Retry(backoff=True), "Retry.backoff must be a timedelta or"),
        (lambda: Retry(max_backoff=1e13), "Retry.max_backoff must be at most 36500 days"),
        (lambda: Retry(retry_on=[OSError]), "Retry.retry_on must be"),  # type: ignore[arg-type]
        (lambda: Retry().pause_after("1", OSError()), "attempt must be"),  # type: ignore[arg-type]
        (lambda: Retry().pause_after(1, "x"), "error must be a Exception"),  # type: ignore[arg-type]
        (lambda: RetryAfter(1e13), "RetryAfter.delay must be at most 36500 days"),
        (lambda: RetryAfter(NAIVE), "RetryAfter.delay must be"),  # type: ignore[arg-type]
        (lambda: job(name="")(example.function), "a job's name must be text"),
        (lambda: job(name=0)(example.function), "a job's name must be text"),  # type: ignore[call-overload]
        (lambda: job(name="x", timeout=NAN)(example.function), "timeout of job 'x' must be"),
        (lambda: job(name="x", retry=3)(example.function), "retry of job 'x' must be a Retry"),  # type: ignore[call-overload]
        (lambda: job(dict), "job 'dict' must be a function that says its parameters"),
        (lambda: query(3), "what query 'int' calls must be a function"),  # type: ignore[call-overload]
        (lambda: query(int), "query 'int' must be a function that says its parameters"),
        (lambda: query(name=" q")(lambda: 1), "a query's name must be text without spaces"),
        (lambda: query(name="q")(lambda self: 1), "query 'q' is a method"),
        (lambda: query(name="q")(lambda *, x: 1), "query 'q' must not need x= as a keyword"),
        (lambda: FakeClock(NAIVE), "start must be a datetime with a time zone"),
        (lambda: FaultyStore(3), "store must be an object"),  # type: ignore[arg-type]
        (lambda: faulty().fail("save_stepp", OSError), "method must be the name of a method"),
        (lambda: faulty().fail("claim", 3), "error must be a function"),  # type: ignore[arg-type]
        (lambda: faulty().fail("claim", OSError, times=-1), "times must be"),
        (lambda: faulty().die_at("1"), "write must be"),  # type: ignore[arg-type]
        (lambda: faulty().die_at(1, when="amid"), "when must be"),  # type: ignore[arg-type]
    ],
)
def test_what_cannot_be_made_is_told_in_words(make: Callable[[], Any], words: str) -> None:
    """When it is made."""
    with pytest.raises(ValidationError, match=f"^{words}"):
        make()


class NaiveClock:
    """A clock that does not say its zone."""

    def now(self) -> datetime:
        """Return the time somewhere."""
        return NAIVE

    def monotonic(self) -> timedelta:
        """Return the time since some moment."""
        return timedelta(0)

    async def sleep(self, duration: timedelta) -> None:
        """Return at once."""


def faulty() -> FaultyStore:
    """Return a store that can be told to fail."""
    return FaultyStore(SqliteStore(":memory:"))


async def test_the_helpers_of_tests_name_the_argument_that_cannot_be() -> None:
    """Those that are async."""
    with pytest.raises(ValidationError, match=r"^duration must be"):
        await FakeClock().advance("soon")  # type: ignore[arg-type]
    with pytest.raises(ValidationError, match=r"^duration must be"):
        await FakeClock().advance(NAN)
    with pytest.raises(ValidationError, match=r"^app must be a Durably"):
        await drain(3, FakeClock())  # type: ignore[arg-type]
    with pytest.raises(ValidationError, match=r"^clock must be a FakeClock"):
        await drain(Durably("sqlite://"), 3)  # type: ignore[arg-type]
    with pytest.raises(ValidationError, match=r"^job must be a JobDefinition"):
        await run_to_completion(3)  # type: ignore[call-overload]
