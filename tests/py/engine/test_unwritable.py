"""What cannot be written fails where it is made; it never takes the end of a run along."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest

from durably import (
    NotSerializableError,
    Progress,
    Retry,
    RunStatus,
    Step,
    SyncStep,
    ValidationError,
    job,
)
from durably.engine.failures import describe
from kit.engines import Workshop, record


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ((Decimal(1), 2), "current"),
        ((math.nan,), "current"),
        (("1",), "current"),
        ((True,), "current"),
        ((1, math.inf), "total"),
        ((1, 10**400), "total"),
    ],
    ids=str,
)
async def test_a_progress_that_json_cannot_hold_is_refused_at_the_call(
    shop: Workshop, given: tuple[Any, ...], name: str
) -> None:
    """The run goes on with what it makes of the error, and ends once."""

    @job
    async def example(step: Step) -> str:
        shop.journal.append("ran")
        step.progress(1, 2, "good")
        with pytest.raises(ValidationError, match=f"^{name} of step.progress"):
            step.progress(*given)
        return "went on"

    run = await shop.run(example)

    assert (run.output, run.progress) == (
        "went on",
        Progress(current=1, total=2, message="good"),
    )
    assert shop.journal == ["ran"]


async def test_a_log_line_holds_its_data_as_it_was_at_the_call(shop: Workshop) -> None:
    """What the job does to it afterwards is not in the line, not even if it cannot be written."""

    @job
    def example(step: SyncStep) -> str:
        rows: list[Any] = [(1, 2)]
        step.log.info("rows", {"rows": rows})
        rows.append(object())
        with pytest.raises(NotSerializableError, match="the data of a log line"):
            step.log.warn("rows", {"rows": rows})
        return "went on"

    app = await shop.engine(example)
    app.keep_logs()
    events: list[Any] = record(app, "log:write")
    made = await app.trigger(example)
    await shop.drain(app)

    assert (await shop.get(made.id)).output == "went on"
    (line,) = await app.get_logs(made.id)
    assert line.data == {"rows": [[1, 2]]}
    assert [event.data for event in events] == [line.data]


async def test_half_a_character_is_escaped_in_whatever_is_told(shop: Workshop) -> None:
    """Messages come from files and other people's errors; SQLite holds no lone surrogate."""

    def fail() -> None:
        raise ValueError("cannot read \ud83d")

    @job
    async def example(step: Step) -> None:
        step.progress(1, message="reads \ud83d")
        step.log.info("reads \ud83d", {"text": "\ud83d"})
        await step.run("s", fail, retry=Retry(max_attempts=2))

    app = await shop.engine(example)
    app.keep_logs()
    made = await app.trigger(example)
    await shop.drain(app)

    run = await shop.get(made.id)
    assert run.error == r"cannot read \ud83d"
    assert run.failure is not None
    assert r"ValueError: cannot read \ud83d" in (run.failure.trace or "")
    assert run.progress == Progress(current=1, message=r"reads \ud83d")
    (line,) = await app.get_logs(made.id)
    assert (line.message, line.data) == (r"reads \ud83d", {"text": "\ud83d"})
    attempts = await app.get_step_attempts(made.id)
    assert [one.error for one in attempts] == [r"cannot read \ud83d"] * 2


async def test_a_steps_name_must_be_text_that_can_be_stored(shop: Workshop) -> None:
    """Refused before its code runs."""

    @job
    async def example(step: Step) -> None:
        await step.run("\ud83d", shop.journal.append, "ran")

    run = await shop.run(example)

    assert run.status is RunStatus.FAILED
    assert "a step's name must be text without NUL and lone surrogates" in (run.error or "")
    assert shop.journal == []


class Mute(Exception):
    """An error whose text cannot be made."""

    def __str__(self) -> str:
        """Look for what is not there."""
        return str(self.args[5])


class Proxy(Exception):
    """An error that finds its attributes elsewhere, and not all of them."""

    def __getattr__(self, name: str) -> str:
        """Look for it where it is not."""
        raise KeyError(name)


@pytest.mark.parametrize(
    ("error", "message"),
    [(Mute(), "its message could not be made (IndexError)"), (Proxy("text"), "text")],
    ids=["mute", "proxy"],
)
async def test_an_error_that_cannot_be_described_ends_its_run_all_the_same(
    shop: Workshop, error: Exception, message: str
) -> None:
    """Its text and its traceback are made by foreign code."""

    @job
    async def example(step: Step) -> None:
        shop.journal.append("ran")
        raise error

    run = await shop.run(example)

    assert (run.status, run.error) == (RunStatus.FAILED, message)
    assert shop.journal == ["ran"]
    assert describe(error).type_name == f"{type(error).__module__}.{type(error).__qualname__}"
