"""Jobs and steps behind wrappers, and jobs whose input has a default."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from pydantic import BaseModel

from durably import (
    Call,
    Durably,
    RunStatus,
    Step,
    SyncStep,
    ValidationError,
    define_job,
    job,
    query,
)
from durably.json_api import Api
from durably.testing import run_to_completion
from kit.engines import Workshop


def traced(function: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a function as tracers do: plainly, also an async one."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


async def add_one(step: Step, n: int) -> tuple[int, ...]:
    """Return a tuple."""
    return (n, await step.run("one", lambda: n + 1))


def add_two(step: SyncStep, n: int) -> tuple[int, ...]:
    """Return a tuple, by sync code."""
    return (n, step.run("two", lambda: n + 2))


class Adding:
    """A job as an object, and as a method."""

    async def __call__(self, step: Step, n: int) -> tuple[int, ...]:
        """Return a tuple."""
        return await add_one(step, n)

    async def method(self, step: Step, n: int) -> tuple[int, ...]:
        """Return a tuple."""
        return await add_one(step, n)


async def scaled(by: int, step: Step, n: int) -> tuple[int, ...]:
    """Return a tuple, with a part of it fixed beforehand."""
    return (n, await step.run("by", lambda: n * by))


@pytest.mark.parametrize(
    ("function", "name", "second"),
    [
        (traced(add_one), "add-one", 2),
        (traced(add_two), "add-two", 3),
        (functools.partial(scaled, 5), "scaled", 5),
        (Adding(), "Adding", 2),
        (Adding().method, "method", 2),
        (traced(Adding().method), "method", 2),
    ],
)
async def test_a_job_behind_a_wrapper_is_the_job(
    shop: Workshop, function: Any, name: str, second: int
) -> None:
    """Its types, its asyncness and its name are those of what it wraps."""
    definition = job(function)
    run = await shop.run(definition, 1)

    assert (run.status, run.output) == (RunStatus.COMPLETED, [1, second])
    assert definition.name == name
    assert definition.output.schema("serialization")["type"] == "array"


async def test_a_step_behind_a_cache_keeps_its_type(shop: Workshop) -> None:
    """A tuple comes back as one, live and in replay."""
    seen: list[Any] = []

    @functools.cache
    def pair() -> tuple[int, int]:
        return (1, 2)

    @job
    async def example(step: Step) -> None:
        seen.append(await step.run("cached", pair))
        seen.append(await step.run("class", Order, number=3))

    await shop.run(example)

    assert seen == [(1, 2), Order(number=3)]


async def test_a_step_of_a_sync_job_may_run_async_code_to_its_end(shop: Workshop) -> None:
    """What its wrapper returns tells, and not what is wrapped."""

    async def later() -> tuple[int, int]:
        return (1, 2)

    @functools.wraps(later)
    def finished() -> tuple[int, int]:
        work = later()
        with pytest.raises(StopIteration) as done:
            work.send(None)
        return done.value.value  # type: ignore[no-any-return]

    seen: list[Any] = []

    @job
    def example(step: SyncStep) -> None:
        seen.append(step.run("finished", finished))
        wrapped: list[Any] = [later, traced(later), functools.partial(later)]
        for number, unfinished in enumerate(wrapped):
            with pytest.raises(ValidationError, match=r"of a sync job .*; make the job async"):
                step.run(f"unfinished {number}", unfinished)

    run = await shop.run(example)

    assert (run.status, seen) == (RunStatus.COMPLETED, [(1, 2)])


class Order(BaseModel):
    """An input."""

    number: int = 7


@job(name="three")
async def three(step: Step, n: int = 3) -> int:
    """Return the input."""
    return n


@job(name="ordered")
async def ordered(step: Step, order: Order = Order()) -> int:  # noqa: B008 - a default of a job
    """Return the number."""
    return order.number


@job(name="perhaps")
async def perhaps(step: Step, n: int | None = 3) -> int | None:
    """Return the input, which may be None."""
    return n


async def test_a_job_with_a_default_may_be_triggered_without_an_input(shop: Workshop) -> None:
    """The run shows the default that it got; None is an input where the type takes it."""
    app = await shop.engine(three, ordered, perhaps)

    made = [
        await app.trigger(three),
        await app.jobs.three.trigger(),
        await app.jobs.three.trigger(None),
        await app.trigger(three, 5),
        await app.trigger(ordered),
        await app.trigger(perhaps),
        await app.trigger(perhaps, None),
        *await app.jobs.three.batch_trigger([Call(), 4, Call(5)]),
    ]
    await shop.drain(app)

    inputs = [3, 3, 3, 5, {"number": 7}, 3, None, 3, 4, 5]
    assert [one.run.input for one in made] == inputs
    outputs = [(await shop.get(one.id)).output for one in made]
    assert outputs == [3, 3, 3, 5, 7, 3, None, 3, 4, 5]


async def test_a_job_that_runs_alone_has_its_default_too() -> None:
    """As one that is triggered."""

    @job
    async def perhaps(step: Step, n: int | None = 3) -> int | None:
        return n

    assert (await run_to_completion(perhaps)).output == 3
    assert (await run_to_completion(perhaps, None)).output is None


async def test_a_query_has_its_default(shop: Workshop) -> None:
    """Where it is given nothing, or null and its type has no None."""

    @query
    def whole(n: int = 3) -> int:
        return n

    @query
    def perhaps(n: int | None = 3) -> int | None:
        return n

    app = await shop.engine(whole, perhaps)
    api = Api(app)

    assert await app.query("whole") == await app.query("whole", None) == "3"
    assert await app.query("whole", 4) == "4"
    assert await app.query("perhaps") == "3"
    assert await app.query("perhaps", None) == "null"
    assert await api.call("query", {"name": "perhaps"}) == "3"
    assert await api.call("query", {"name": "perhaps", "input": None}) == "null"


def test_a_call_is_a_value() -> None:
    """It is compared and shown by what is in it."""
    assert Call(3, labels={"a": "b"}) == Call(3, labels={"a": "b"}) != Call(3)
    assert "labels={'a': 'b'}" in repr(Call(3, labels={"a": "b"}))


def test_a_default_that_is_no_input_is_refused() -> None:
    """When the job is defined."""
    with pytest.raises(ValidationError, match="default input of job 'x' is not valid"):

        @job(name="x")
        async def example(step: Step, n: int = "three") -> None:  # type: ignore[assignment]
            """Do nothing."""


class Pair(NamedTuple):
    """An input that is a tuple."""

    a: int
    b: int


@job(name="sum")
async def add(step: Step, pair: tuple[int, ...]) -> int:
    """Return the sum."""
    return sum(pair)


@job(name="named")
async def add_named(step: Step, pair: Pair) -> int:
    """Return the sum."""
    return pair.a + pair.b


@job(name="plain")
async def plain(step: Step, value: Any) -> Any:
    """Return the input."""
    return value


async def test_the_items_of_a_batch_are_inputs_whatever_they_are(shop: Workshop) -> None:
    """Tuples too; options go with a Call."""
    app = await shop.engine(add, add_named, plain)

    made = [
        *await app.jobs.sum.batch_trigger([(3, 4), (1, 2, 3), Call((5,), labels={"a": "b"})]),
        *await app.jobs.named.batch_trigger([Pair(1, 2)]),
        *await app.jobs.plain.batch_trigger([("n", {"labels": {"a": "b"}})]),
    ]
    await shop.drain(app)

    outputs = [(await shop.get(one.id)).output for one in made]
    assert outputs == [7, 6, 5, 3, ["n", {"labels": {"a": "b"}}]]
    assert made[2].run.labels == {"a": "b"}


class Shop:
    """A class with what looks like a job."""

    async def method(self, step: Step) -> None:
        """Do nothing."""


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (Shop.method, "job 'x' is a method"),
        (lambda step, *, must: None, "job 'x' must not need must= as a keyword"),
        (3, "what job 'x' calls must be a function, not 3"),
        (lambda *args: None, r"not \(nothing\)"),
    ],
)
def test_what_cannot_be_a_job_is_told_in_words(function: Any, reason: str) -> None:
    """When it is defined."""
    with pytest.raises(ValidationError, match=reason):
        define_job("x", function)


async def test_a_type_that_cannot_be_resolved_is_known_before_the_step_runs(
    shop: Workshop,
) -> None:
    """Nothing happens whose result could not be kept."""
    ran: list[str] = []

    def charge() -> Any:
        ran.append("charged")

    charge.__annotations__["return"] = list["Nowhere"]  # type: ignore[name-defined]  # noqa: F821

    @job
    async def example(step: Step) -> None:
        await step.run("charge", charge)

    run = await shop.run(example)

    assert ran == []
    assert "pass output=" in (run.error or "")


@pytest.mark.cpython_only
async def test_a_sync_job_runs_on_a_thread_behind_a_wrapper_too() -> None:
    """Whether code may block is a matter of the function, not of what is around it."""
    async with Durably("sqlite://", jobs=[job(traced(add_two))]) as app:
        ended = await app.jobs["add-two"].trigger_and_wait(1)

    assert ended.output == (1, 3)
