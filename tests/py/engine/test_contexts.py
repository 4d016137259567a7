"""A step's code has a context of its own, and means the same in the browser and on a server."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextvars import ContextVar
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from durably import DuplicateStepError, Retry, RunStatus, Step, SyncStep, ValidationError, job
from kit.engines import Workshop

colour: ContextVar[str] = ContextVar("colour", default="none")


async def bind() -> str:
    """Bind the variable, over turns of the loop."""
    before = colour.get()
    colour.set("bound")
    await asyncio.sleep(0)
    assert colour.get() == "bound"
    return before


def handed_on() -> Any:
    """Hand on what is to be awaited."""
    return bind()


def bind_sync() -> str:
    """Bind the variable."""
    before = colour.get()
    colour.set("bound")
    return before


@pytest.mark.parametrize("options", [{}, {"timeout": 60}, {"retry": Retry(max_attempts=2)}])
@pytest.mark.parametrize("fn", [bind, bind_sync, handed_on])
async def test_what_a_step_binds_only_it_sees(
    shop: Workshop, fn: Any, options: dict[str, Any]
) -> None:
    """Live as in replay, for there the step's code does not run; what the job binds, steps see."""
    seen: list[str] = []

    @job(name="binding")
    async def binding(step: Step) -> None:
        colour.set("the job's")
        seen.append(await step.run("first", fn, **options))
        seen.append(colour.get())
        if len(seen) == 2:
            await step.run("die", shop.die)
        await step.run("then", lambda: None)

    app = await shop.engine(binding)
    await app.trigger(binding)
    await shop.die_in(app)
    again = await shop.engine(binding)
    await shop.clock.advance(timedelta(minutes=1))
    await shop.drain(again)

    assert seen == ["the job's"] * 4


async def test_what_a_sync_step_binds_only_it_sees(shop: Workshop) -> None:
    """In a sync job too."""
    seen: list[str] = []

    @job(name="binding")
    def binding(step: SyncStep) -> None:
        colour.set("the job's")
        seen.append(step.run("first", bind_sync))
        seen.append(colour.get())

    await shop.run(binding)

    assert seen == ["the job's"] * 2


async def number(n: int) -> int:
    """Return a number, later."""
    await asyncio.sleep(0)
    return n


_unawaited: list[Coroutine[Any, Any, int]] = []


def unawaited() -> Coroutine[Any, Any, int]:
    """Return what nobody will await: a test closes it."""
    _unawaited.append(number(1))
    return _unawaited[-1]


class Client:
    """A library's client, with async methods."""

    async def get(self) -> int:
        """Return a number, later."""
        return await number(5)


async def test_a_function_may_hand_on_a_coroutine(shop: Workshop) -> None:
    """It is awaited, wherever the function ran."""

    @job(name="handing")
    async def handing(step: Step) -> list[int]:
        return [
            await step.run("lambda", lambda: Client().get()),
            await step.run("partial", partial(number, 6)),
            await step.run("method", Client().get),
        ]

    assert (await shop.run(handing)).output == [5, 6, 5]


@pytest.mark.parametrize(
    "fn",
    [
        lambda: asyncio.gather(unawaited(), unawaited()),
        lambda: asyncio.create_task(unawaited()),
        lambda: asyncio.ensure_future(unawaited()),
        lambda: asyncio.get_running_loop().create_future(),
    ],
    ids=["gather", "create_task", "ensure_future", "loop"],
)
@pytest.mark.filterwarnings("ignore:There is no current event loop:DeprecationWarning")
async def test_a_function_that_is_not_async_has_no_loop(shop: Workshop, fn: Any) -> None:
    """On a server it runs on a thread; in the browser it is refused in the same words."""

    @job(name="looping")
    async def looping(step: Step) -> None:
        with pytest.raises(ValidationError, match=r"step 'x' needs the event loop.*async def"):
            await step.run("x", fn, retry=Retry(max_attempts=3))

    @job(name="sync")
    def sync(step: SyncStep) -> None:
        fn()

    run = await shop.run(looping, preserve_steps=True)
    failed = await shop.run(sync)
    while _unawaited:
        _unawaited.pop().close()

    assert run.status is RunStatus.COMPLETED
    assert len(await shop.store.get_attempts(run.id)) == 1
    assert "job 'sync' needs the event loop" in (failed.error or "")


async def test_parallel_work_in_an_async_function_is_fine(shop: Workshop) -> None:
    """This is what to write instead."""

    async def both() -> list[int]:
        return list(await asyncio.gather(number(1), number(2)))

    @job(name="gathering")
    async def gathering(step: Step) -> list[int]:
        return await step.run("both", both)

    assert (await shop.run(gathering)).output == [1, 2]


async def test_a_step_within_a_step_is_replayed_when_the_outer_one_is_tried_again(
    shop: Workshop,
) -> None:
    """The inner names are used again, what was saved is not done again, the error stays itself."""
    done: list[str] = []

    @job(name="nested")
    async def nested(step: Step) -> str:
        async def outer() -> str:
            first = await step.run("inner", partial(note, "inner"))
            if len(done) < 3:
                done.append("broken")
                raise OSError("broken")
            return first + await step.run("second", partial(note, "second"))

        return await step.run("outer", outer, retry=Retry(max_attempts=3, backoff=0.1))

    def note(what: str) -> str:
        done.append(what)
        return what

    run = await shop.run(nested)

    assert run.output == "innersecond"
    assert done == ["inner", "broken", "broken", "second"]


async def test_names_are_free_again_however_deep_they_were_used(shop: Workshop) -> None:
    """A step within a step that failed is done again, with the steps within that."""
    failures = 2

    @job(name="deep")
    async def deep(step: Step) -> int:
        async def middle() -> int:
            nonlocal failures
            found = await step.run("leaf", number, 7)
            if failures:
                failures -= 1
                raise OSError("broken")
            return found

        async def outer() -> int:
            return await step.run("middle", middle)

        return await step.run("outer", outer, retry=Retry(max_attempts=3, backoff=0.1))

    assert (await shop.run(deep)).output == 7


@pytest.mark.parametrize("said", ["Event loop is closed", "This event loop is already running"])
async def test_what_a_library_says_of_its_loop_stays_its_own_error(
    shop: Workshop, said: str
) -> None:
    """And is tried again: only a loop that is not there is told in our words."""

    async def fail() -> None:
        raise RuntimeError(said)

    @job(name="library")
    async def library(step: Step) -> None:
        await step.run("x", fail, retry=Retry(max_attempts=2, backoff=0.1))

    run = await shop.run(library)

    assert run.error == said
    assert len(await shop.store.get_attempts(run.id)) == 2


async def test_a_name_used_twice_in_one_attempt_is_still_an_error(shop: Workshop) -> None:
    """Law 7 holds inside of steps."""

    @job(name="twice")
    async def twice(step: Step) -> None:
        async def outer() -> None:
            await step.run("inner", lambda: 1)
            await step.run("inner", lambda: 2)

        with pytest.raises(DuplicateStepError):
            await step.run("outer", outer)

    assert (await shop.run(twice)).status is RunStatus.COMPLETED
