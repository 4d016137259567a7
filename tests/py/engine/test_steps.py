"""A step runs once, is saved once, and is replayed as it was (laws 1, 2, 7, 12)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from pydantic import BaseModel

from durably import (
    DuplicateStepError,
    Durably,
    NotSerializableError,
    ReplayError,
    Retry,
    RetryAfter,
    Run,
    RunStatus,
    Step,
    ValidationError,
    job,
)
from durably.testing import run_to_completion
from kit.engines import Workshop


class Point(BaseModel):
    """A model that a step returns."""

    x: int
    at: datetime


@dataclass
class Pair:
    """A dataclass that a step returns."""

    left: int
    right: tuple[int, ...]


def plain() -> Any:
    """Return what plain JSON can hold, as Python would not read it back."""
    return {"tuple": (1, 2), "list": [()]}


def point() -> Point:
    """Return a model."""
    return Point(x=1, at=datetime(2026, 1, 2, tzinfo=UTC))


def pair() -> Pair:
    """Return a dataclass."""
    return Pair(left=1, right=(2, 3))


async def later(value: int, *, plus: int = 0) -> int:
    """Return a sum, with the arguments of step.run."""
    return value + plus


async def fail(error: Exception) -> None:
    """Fail."""
    raise error


async def twice(shop: Workshop, definition: Any) -> Run:
    """Execute a job that dies once in the middle, to its end; return the run."""
    first = await shop.engine(definition)
    made = await first.trigger(definition)
    await shop.die_in(first)
    second = await shop.engine(definition)
    await shop.drain(second)
    return await shop.get(made.id)


async def test_a_saved_step_is_not_run_again(shop: Workshop) -> None:
    """Law 1: what the job has seen comes back after the process died; only the rest runs."""

    def work(name: str) -> str:
        shop.journal.append(name)
        if shop.journal == ["a", "b"]:
            shop.die()
        return name.upper()

    @job
    async def example(step: Step) -> list[str]:
        return [await step.run(name, work, name) for name in "abc"]

    run = await twice(shop, example)

    assert run.output == ["A", "B", "C"]
    assert shop.journal == ["a", "b", "b", "c"]


@pytest.mark.parametrize("fn", [plain, point, pair, partial(later, 1, plus=2)])
async def test_a_step_returns_live_what_it_returns_in_replay(shop: Workshop, fn: Any) -> None:
    """Law 2: same value and same type, whatever the function returned."""
    seen: list[Any] = []

    @job
    async def example(step: Step) -> None:
        seen.append(await step.run("first", fn))
        await step.run("then", partial(later, 1) if len(seen) > 1 else shop.die)

    await twice(shop, example)

    assert len(seen) == 2
    assert seen[0] == seen[1]
    assert type(seen[0]) is type(seen[1])


async def test_an_untyped_step_returns_plain_json(shop: Workshop) -> None:
    """Law 2: a tuple is a list, the first time already."""
    seen: list[Any] = []

    @job
    async def example(step: Step) -> None:
        seen.append(await step.run("first", plain))

    await shop.run(example)

    assert seen == [{"tuple": [1, 2], "list": [[]]}]


async def test_a_typed_step_returns_its_type(shop: Workshop) -> None:
    """Law 2: a model is a model, a dataclass a dataclass, by annotation or by output=."""
    seen: list[Any] = []

    @job
    async def example(step: Step) -> None:
        seen.append(await step.run("model", point))
        seen.append(await step.run("dataclass", pair))
        seen.append(await step.run("given", lambda: {"x": 2, "at": point().at}, output=Point))

    await shop.run(example)

    assert seen == [point(), pair(), Point(x=2, at=point().at)]


async def test_the_arguments_go_to_the_function(shop: Workshop) -> None:
    """Positional and named ones, for sync and async functions alike."""

    @job
    async def example(step: Step) -> list[int]:
        return [
            await step.run("async", later, 1, plus=1),
            await step.run("sync", max, 1, 3),
            await step.run("lambda", lambda: later(4)),
        ]

    assert (await shop.run(example)).output == [2, 3, 4]


async def test_a_name_used_twice_is_an_error(shop: Workshop) -> None:
    """Law 7: also when the first use was replayed; the second function never runs."""

    @job
    async def example(step: Step) -> None:
        await step.run("same", later, 1)
        await step.run("same", shop.journal.append, "ran")

    run = await shop.run(example)

    assert run.status is RunStatus.FAILED
    assert run.failure is not None
    assert run.failure.type_name == "durably.errors.DuplicateStepError"
    assert shop.journal == []
    assert "'same'" in run.failure.message


async def test_a_duplicate_name_is_raised_where_it_is_used(shop: Workshop) -> None:
    """Law 7: a job may catch it like any error."""

    @job
    async def example(step: Step) -> str:
        await step.run("same", later, 1)
        with pytest.raises(DuplicateStepError):
            await step.run("same", later, 2)
        return "caught"

    assert (await shop.run(example)).output == "caught"


@pytest.mark.parametrize("name", ["", None, 3])
async def test_a_step_needs_a_name(shop: Workshop, name: Any) -> None:
    """A name is text that is not empty."""

    @job
    async def example(step: Step) -> None:
        with pytest.raises(ValidationError, match="a step's name must be text"):
            await step.run(name, later, 1)

    assert (await shop.run(example)).status is RunStatus.COMPLETED


@pytest.mark.parametrize("option", ["retry", "timeout"])
@pytest.mark.parametrize("value", ["soon", -1, 0])
async def test_a_step_is_given_no_option_that_makes_no_sense(
    shop: Workshop, option: str, value: Any
) -> None:
    """It is refused before the function runs."""

    @job
    async def example(step: Step) -> None:
        with pytest.raises(ValidationError, match=f"{option} of step 'x' must"):
            await step.run("x", later, 1, **{option: value})

    assert (await shop.run(example)).status is RunStatus.COMPLETED


@pytest.mark.parametrize(
    ("value", "type_name"),
    [({1, 2}, "set"), (float("nan"), "float"), (point(), "engine.test_steps.Point")],
    ids=["set", "nan", "model"],
)
async def test_what_cannot_be_saved_is_an_error_before_anything_is(
    shop: Workshop, value: Any, type_name: str
) -> None:
    """Law 2: it names the step and the type, and leaves no completed step."""

    def unannotated():  # type: ignore[no-untyped-def]  # noqa: ANN202
        return value

    @job
    async def example(step: Step) -> None:
        with pytest.raises(NotSerializableError) as caught:
            await step.run("odd", unannotated)
        assert "step 'odd'" in str(caught.value)
        assert type_name.rpartition(".")[2] in caught.value.type_name

    run = await shop.run(example, preserve_steps=True)

    assert run.status is RunStatus.COMPLETED
    assert [step.status for step in await shop.store.get_steps(run.id)] == ["failed"]


async def test_an_output_that_cannot_be_saved_fails_the_run_by_name(shop: Workshop) -> None:
    """Law 2: the output of a job is held to the same rule."""

    @job
    async def example(step: Step):  # type: ignore[no-untyped-def]  # noqa: ANN202
        return {1, 2}

    run = await shop.run(example)

    assert run.status is RunStatus.FAILED
    assert "job 'example' returned set" in (run.error or "")


async def test_a_saved_result_that_no_longer_fits_is_a_replay_error(shop: Workshop) -> None:
    """B9: a step whose type changed under a running job says so and names a way out."""

    @job(name="example")
    async def before(step: Step) -> None:
        await step.run("s", lambda: "text", output=str)
        await step.run("then", shop.die)

    @job(name="example")
    async def after(step: Step) -> None:
        with pytest.raises(ReplayError, match="another name") as caught:
            await step.run("s", lambda: 1, output=int)
        assert caught.value.step_name == "s"

    first = await shop.engine(before)
    made = await first.trigger("example")
    await shop.die_in(first)
    await shop.drain(await shop.engine(after))

    assert (await shop.get(made.id)).status is RunStatus.COMPLETED


async def test_indexes_and_counts_are_right_after_a_restart(shop: Workshop) -> None:
    """B9: replayed steps keep their places; new ones follow."""

    def work(name: str) -> None:
        shop.journal.append(name)
        if shop.journal == ["a", "b", "c"]:
            shop.die()

    @job
    async def example(step: Step) -> None:
        for name in "abcd":
            await step.run(name, work, name)

    first = await shop.engine(example, preserve_steps=True)
    made = await first.trigger(example)
    await shop.die_in(first)
    await shop.drain(await shop.engine(example, preserve_steps=True))

    run = await shop.get(made.id)
    assert (run.current_step_index, run.completed_step_count) == (4, 4)
    assert [(s.name, s.index) for s in await shop.store.get_steps(run.id)] == [
        ("a", 0),
        ("b", 1),
        ("c", 2),
        ("d", 3),
    ]


async def test_a_step_is_one_write_and_no_read(shop: Workshop) -> None:
    """Law 12: the store is asked once for each step, and once to claim and to finish."""

    @job
    async def example(step: Step) -> None:
        for n in range(10):
            await step.run(f"s{n}", later, n)
            step.progress(n, 10)
            step.log.info("a line")

    app = await shop.engine(example)
    await app.trigger(example)
    shop.faults.calls.clear()

    assert await app.process_one()

    assert shop.faults.calls == ["claim", *["save_step"] * 10, "finish"]


async def test_a_replayed_step_costs_no_call(shop: Workshop) -> None:
    """Law 12: replay reads nothing: all saved steps came with the claim."""

    @job
    async def example(step: Step) -> None:
        for n in range(10):
            await step.run(f"s{n}", later, n)
        if not shop.journal:
            shop.journal.append("died")
            shop.die()
        await step.run("last", later, 1)

    first = await shop.engine(example)
    await first.trigger(example)
    await shop.die_in(first)
    await shop.clock.advance(timedelta(minutes=1))
    second = await shop.engine(example)
    shop.faults.calls.clear()

    assert await second.process_one()

    assert shop.faults.calls == ["claim", "save_step", "finish"]


async def test_a_step_with_a_retry_policy_is_recorded_before_it_runs(shop: Workshop) -> None:
    """Law 12: such a step costs one write more, and none at all when it is replayed."""

    @job
    async def example(step: Step) -> None:
        await step.run("s", later, 1, retry=Retry())

    app = await shop.engine(example)
    await app.trigger(example)
    shop.faults.calls.clear()

    assert await app.process_one()

    assert shop.faults.calls == ["claim", "save_attempt", "save_step", "finish"]


async def test_a_job_may_catch_a_steps_error_and_go_on(shop: Workshop) -> None:
    """The failed step is recorded beside those that follow."""

    @job
    async def example(step: Step) -> str:
        try:
            await step.run("risky", fail, ValueError("no"))
        except ValueError as error:
            return await step.run("other way", "instead of {}".format, str(error), output=str)
        return "never"

    run = await shop.run(example, preserve_steps=True)

    steps = await shop.store.get_steps(run.id)
    assert run.output == "instead of no"
    assert [(step.name, step.status) for step in steps] == [
        ("risky", "failed"),
        ("other way", "completed"),
    ]
    assert run.completed_step_count == 1


async def test_an_error_keeps_its_message_type_and_traceback(shop: Workshop) -> None:
    """B11: on the step that failed, and on the run."""

    class Odd(Exception):
        pass

    @job
    async def example(step: Step) -> None:
        await step.run("s", fail, Odd("what went wrong"))

    run = await shop.run(example)

    (step,) = await shop.store.get_steps(run.id)
    for failure in (run.failure, step.failure):
        assert failure is not None
        assert failure.message == "what went wrong"
        assert failure.type_name is not None
        assert failure.type_name.endswith("Odd")
        assert "in fail" in (failure.trace or "")


async def test_an_error_without_words_is_told_by_its_type(shop: Workshop) -> None:
    """B11: an empty message would say nothing."""

    @job
    async def example(step: Step) -> None:
        raise KeyError

    assert (await shop.run(example)).error == "KeyError"


async def test_a_failed_run_keeps_its_steps_and_logs(shop: Workshop) -> None:
    """B4: until retention removes the run; a completed one drops its steps unless asked."""

    @job
    async def example(step: Step, input: bool) -> None:
        await step.run("s", later, 1)
        step.log.info("a line")
        if input:
            raise ValueError("no")

    app = await shop.engine(example)
    app.keep_logs()
    failed, completed = await app.trigger(example, True), await app.trigger(example, False)
    await shop.drain(app)

    assert len(await app.get_steps(failed.id)) == 1
    assert len(await app.get_logs(failed.id)) == 1
    assert len(await app.get_steps(completed.id)) == 0
    assert len(await app.get_logs(completed.id)) == 1


async def test_a_step_outside_of_steps_may_be_any_awaitable(shop: Workshop) -> None:
    """A sync function that returns an awaitable is awaited."""

    class Thing:
        def __await__(self) -> Any:
            return later(5).__await__()

    @job
    async def example(step: Step) -> int:
        return await step.run("s", Thing, output=int)

    assert (await shop.run(example)).output == 5


async def test_control_errors_of_retries_end_a_step_without_a_policy(shop: Workshop) -> None:
    """RetryAfter without a policy is one failed attempt, as any error."""

    @job
    async def example(step: Step) -> None:
        await step.run("s", fail, RetryAfter(5))

    run = await shop.run(example)

    assert run.status is RunStatus.FAILED
    assert "later attempt" in (run.error or "")


async def test_thousands_of_steps_keep_their_order(shop: Workshop) -> None:
    """Law 12: nothing in a run grows with its steps but the list of them."""

    @job
    async def example(step: Step) -> int:
        total = 0
        for n in range(2_000):
            total += await step.run(f"s{n}", later, n)
        return total

    run = await shop.run(example)

    assert run.output == sum(range(2_000))
    assert run.completed_step_count == 2_000


async def test_a_job_without_input_and_run_id(shop: Workshop) -> None:
    """A job may take the step alone; the step knows its run."""

    @job
    async def example(step: Step) -> str:
        return step.run_id

    run = await shop.run(example)

    assert run.output == run.id


async def test_run_to_completion_returns_the_typed_output() -> None:
    """For users' tests: one call, virtual time, the job's own type."""

    @job
    async def example(step: Step, input: int) -> Point:
        return await step.run("s", lambda: point().model_copy(update={"x": input}), output=Point)

    ended = await run_to_completion(example, 7)

    assert ended.output == point().model_copy(update={"x": 7})


async def test_a_job_that_is_called_is_its_function() -> None:
    """A unit test of a job's parts needs no engine."""

    @job
    async def example(step: Any) -> int:
        return await later(1)

    assert await example(None) == 1


async def test_the_context_manager_migrates_starts_and_stops(shop: Workshop) -> None:
    """``async with`` is all that a program needs."""

    @job
    async def example(step: Step, input: int) -> int:
        return await step.run("s", later, input, plus=1)

    async with Durably("sqlite://", jobs=[example]) as app:
        ended = await app.jobs.example.trigger_and_wait(1)

    assert ended.output == 2


async def test_an_async_generator_is_no_result(shop: Workshop) -> None:
    """Law 2: what has no value to save is an error with the step's name."""

    async def numbers():  # type: ignore[no-untyped-def]  # noqa: ANN202
        yield 1

    @job
    async def example(step: Step) -> None:
        await step.run("s", numbers)

    run = await shop.run(example)

    assert "step 's' returned async_generator" in (run.error or "")
