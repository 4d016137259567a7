"""The helper for tests of jobs: virtual time carries sleeps, waits and called runs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from durably import Step, ValidationError, WaitTimeoutError, job
from durably.testing import FakeClock, run_to_completion


@job
async def inner(step: Step, input: int) -> int:
    """Sleep, and double."""
    await step.sleep("nap", timedelta(days=3))
    return 2 * input


@job
async def outer(step: Step) -> list[int | None]:
    """Call, ask, and ask what nobody answers."""
    called = await step.call("inner", inner, 2)
    told = await step.wait_for("told", int, metadata="how many?")
    silent = await step.wait_for("silent", int, timeout=timedelta(days=4))
    return [called, told, silent]


async def test_a_job_runs_through_its_waits_at_once() -> None:
    """Days pass, answers are given, a deadline passes, a called run ends."""
    clock = FakeClock()
    began = clock.now()

    ended = await run_to_completion(outer, jobs=[inner], answers={"told": 7}, clock=clock)

    assert ended.output == [4, 7, None]
    assert clock.now() >= began + timedelta(days=7)


async def test_it_stops_where_a_job_waits() -> None:
    """For the first that has no answer; what is waited for can be looked at."""
    (called,) = await run_to_completion(outer, jobs=[inner], until="waiting")
    assert (called.kind, called.name) == ("run", "inner")

    @job
    async def ask(step: Step) -> None:
        await step.wait_for("first", int)
        await step.wait_for("second", int, metadata={"n": 2})

    (wait,) = await run_to_completion(ask, answers={"first": 1}, until="waiting")
    assert (wait.name, wait.metadata) == ("second", {"n": 2})


async def test_a_job_that_waits_for_ever_is_told_so() -> None:
    """Instead of a test that never ends."""

    @job
    async def ask(step: Step) -> None:
        await step.wait_for("answer", int)

    with pytest.raises(WaitTimeoutError):
        await run_to_completion(ask)


async def test_it_ends_at_the_end_also_when_it_may_stop_before() -> None:
    """A job that waits for nothing has an output."""

    @job
    async def plain(step: Step) -> int:
        return await step.run("n", lambda: 3, output=int)

    ended: Any = await run_to_completion(plain, until="waiting")
    assert ended.output == 3
    with pytest.raises(ValidationError, match="until"):
        await run_to_completion(plain, until="sometime")  # type: ignore[call-overload]
