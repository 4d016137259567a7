"""What users' code raises ends its step or its run, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pydantic
import pytest

from durably import (
    CancelledInsideError,
    ExitedError,
    GiveUp,
    Retry,
    RetryAfter,
    RunStatus,
    Step,
    StepStatus,
    SyncStep,
    job,
    query,
)
from durably.browser.entry import definitions_in
from kit.engines import Workshop


class Own(BaseException):
    """An error that is no Exception."""


EXITS: list[Callable[[], BaseException]] = [
    lambda: SystemExit(0),
    lambda: SystemExit("the reason"),
    KeyboardInterrupt,
    GeneratorExit,
    lambda: Own("told"),
    lambda: BaseExceptionGroup("several", [Own("told"), ValueError("v")]),
]
exits = pytest.mark.parametrize("make", EXITS)


def raising(make: Callable[[], BaseException]) -> Callable[[], None]:
    """Return a sync function that raises."""

    def raise_it() -> None:
        raise make()

    return raise_it


def raising_later(make: Callable[[], BaseException]) -> Callable[[], Any]:
    """Return an async function that raises, after a turn of the loop."""

    async def raise_it() -> None:
        await asyncio.sleep(0)
        raise make()

    return raise_it


@exits
@pytest.mark.parametrize("function", [raising, raising_later])
async def test_an_exit_in_a_step_is_that_steps_error(
    shop: Workshop, make: Callable[[], BaseException], function: Any
) -> None:
    """It is recorded with its type, the job may go on, and other runs never notice."""
    seen: list[BaseException] = []

    @job(name="exits")
    async def exits(step: Step) -> str:
        try:
            await step.run("bad", function(make), retry=Retry(max_attempts=3))
        except Exception as error:  # noqa: BLE001 - as a job may
            seen.append(error)
        return await step.run("good", lambda: "fine")

    run = await shop.run(exits, preserve_steps=True)

    (error,) = seen
    assert isinstance(error, ExitedError)
    assert type(error.__cause__) is type(make())
    assert run.output == "fine"
    bad, good = await shop.store.get_steps(run.id)
    assert (bad.status, good.status) == (StepStatus.FAILED, StepStatus.COMPLETED)
    assert bad.failure is not None
    assert type(make()).__name__ in str(bad.failure.type_name)
    assert len(await shop.store.get_attempts(run.id)) == 1


@exits
async def test_an_exit_in_a_job_is_that_runs_error(
    shop: Workshop, make: Callable[[], BaseException]
) -> None:
    """In async and in sync code, in parallel steps, and where the step's error is not caught."""

    @job(name="at-once")
    async def at_once(step: Step) -> None:
        raise make()

    @job(name="sync")
    def sync(step: SyncStep) -> None:
        raise make()

    @job(name="uncaught")
    async def uncaught(step: Step) -> None:
        await step.run("bad", raising(make))

    @job(name="sync-step")
    def sync_step(step: SyncStep) -> None:
        step.run("bad", raising(make))

    @job(name="gathered")
    async def gathered(step: Step) -> None:
        await asyncio.gather(step.run("bad", raising_later(make)), step.run("good", lambda: "fine"))

    @job(name="grouped")
    async def grouped(step: Step) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(step.run("bad", raising(make)))
            group.create_task(step.run("good", lambda: "fine"))

    jobs = [at_once, sync, uncaught, sync_step, gathered, grouped]
    app = await shop.engine(*jobs)
    made = [await app.trigger(one) for one in jobs]
    await shop.drain(app)

    for one in made:
        run = await shop.get(one.id)
        assert run.status is RunStatus.FAILED, run.job_name
        assert run.failure is not None
        assert type(make()).__name__ in str(run.failure.type_name)
        assert type(make()).__name__ in str(run.failure.trace)


@exits
async def test_an_exit_in_a_step_with_a_timeout_is_that_steps_error(
    shop: Workshop, make: Callable[[], BaseException]
) -> None:
    """Its code is a task then, and asyncio would end the process with it."""

    @job(name="timed")
    async def timed(step: Step) -> None:
        await step.run("bad", raising_later(make), timeout=60)

    run = await shop.run(timed, preserve_steps=True)

    assert run.status is RunStatus.FAILED
    (bad,) = await shop.store.get_steps(run.id)
    assert bad.failure is not None
    assert type(make()).__name__ in str(bad.failure.type_name)


async def gathered_exit() -> None:
    """Exit in one of two parallel tasks."""
    await asyncio.gather(raising_later(lambda: SystemExit(3))(), asyncio.sleep(0))


async def grouped_exit() -> None:
    """Exit in a task of a group."""
    async with asyncio.TaskGroup() as group:
        group.create_task(raising_later(lambda: SystemExit(3))())
        group.create_task(asyncio.sleep(0))


@pytest.mark.parametrize("parallel", [gathered_exit, grouped_exit])
async def test_an_exit_in_a_task_of_users_code_is_an_error_of_that_task(
    shop: Workshop, parallel: Callable[[], Any]
) -> None:
    """In a step, where it is not tried again, and in a job beside its steps."""

    @job(name="in-step")
    async def in_step(step: Step) -> None:
        await step.run("bad", parallel, retry=Retry(max_attempts=3))

    @job(name="in-job")
    async def in_job(step: Step) -> None:
        await asyncio.gather(parallel(), step.run("good", lambda: "fine"))

    app = await shop.engine(in_step, in_job)
    made = [await app.trigger(one) for one in (in_step, in_job)]
    await shop.drain(app)

    for one in made:
        run = await shop.get(one.id)
        assert run.status is RunStatus.FAILED
        assert run.failure is not None
        assert run.failure.type_name == "SystemExit"
        assert f"a task of {'step' if run.job_name == 'in-step' else 'job'}" in str(run.error)
    assert len(await shop.store.get_attempts(made[0].id)) == 1


async def test_tasks_are_made_as_before_once_no_run_is_executed(shop: Workshop) -> None:
    """The host's own factory of tasks makes those of runs too, and is there afterwards."""
    made: list[str] = []

    def factory(loop: Any, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
        made.append(coroutine.__qualname__)
        return asyncio.Task(coroutine, loop=loop, **options)

    @job(name="parallel")
    async def parallel(step: Step) -> None:
        await asyncio.gather(cancelled_inside(), return_exceptions=True)

    loop = asyncio.get_running_loop()
    loop.set_task_factory(factory)
    try:
        run = await shop.run(parallel)
        assert loop.get_task_factory() is factory
    finally:
        loop.set_task_factory(None)

    assert run.status is RunStatus.COMPLETED
    assert "cancelled_inside" in made


class Leaving(pydantic.BaseModel):
    """A model whose validation ends the process, once it reads back."""

    said: str

    @pydantic.field_validator("said")
    @classmethod
    def _leave(cls, said: str) -> str:
        if said == "leave":
            raise SystemExit(4)
        return said


async def test_an_exit_in_the_checks_of_a_result_is_an_error_like_others(shop: Workshop) -> None:
    """Models are users' code too."""

    def load() -> Leaving:
        return Leaving.model_construct(said="leave")

    @job(name="of-a-step")
    async def of_a_step(step: Step) -> None:
        await step.run("bad", load)

    @job(name="of-a-sync-step")
    def of_a_sync_step(step: SyncStep) -> None:
        step.run("bad", load)

    @job(name="of-the-job")
    async def of_the_job(step: Step) -> Leaving:
        return load()

    for one in (of_a_step, of_a_sync_step, of_the_job):
        run = await shop.run(one)
        assert run.status is RunStatus.FAILED
        assert run.failure is not None
        assert run.failure.type_name == "SystemExit"


async def test_a_run_that_python_closes_is_not_a_failure(shop: Workshop) -> None:
    """A loop that is gone closes what it left: this is no GeneratorExit of the step's code."""

    async def wait() -> None:
        reached.set()
        await asyncio.Event().wait()

    @job(name="waiting")
    async def waiting(step: Step) -> None:
        codes.append(step.run("left", wait))
        await codes[0]

    codes: list[Any] = []
    reached = asyncio.Event()
    app = await shop.engine(waiting)
    made = await app.trigger(waiting)
    executing = asyncio.ensure_future(app.process_one())
    await reached.wait()
    codes[0].close()

    assert await shop.store.get_steps(made.id) == []
    executing.cancel()
    await asyncio.gather(executing, return_exceptions=True)


@exits
async def test_an_exit_in_a_query_is_its_answer(
    shop: Workshop, make: Callable[[], BaseException]
) -> None:
    """An error with a code, as other errors are."""

    @query(name="sync")
    def sync() -> None:
        raise make()

    @query(name="later")
    async def later() -> None:
        raise make()

    app = await shop.engine(sync, later)

    for name in ("sync", "later"):
        with pytest.raises(ExitedError, match=f"query '{name}' raised {type(make()).__name__}"):
            await app.query(name)


async def test_an_exit_at_import_is_told(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module of jobs that ends the process would end the engine that imports it."""
    (tmp_path / "leaving_jobs.py").write_text("import sys\nsys.exit('not today')\n")
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(ExitedError, match="module 'leaving_jobs' raised SystemExit: not today"):
        definitions_in("leaving_jobs")


async def cancelled_inside() -> None:
    """Await a task that somebody else cancelled."""
    task = asyncio.ensure_future(asyncio.sleep(10))
    await asyncio.sleep(0)
    task.cancel()
    await task


async def test_a_cancellation_that_nobody_asked_for_is_an_error_like_others(
    shop: Workshop,
) -> None:
    """It is tried again by the policy, told as a failure, and seen by `except Exception`."""
    seen: list[BaseException] = []

    @job(name="library")
    async def library(step: Step) -> str:
        policy = Retry(max_attempts=3, backoff=0.1, jitter=0)
        for name, options in (("plain", {}), ("timed", {"timeout": 60})):
            try:
                await step.run(name, cancelled_inside, retry=policy, **options)
            except Exception as error:  # noqa: BLE001 - as a job may
                seen.append(error)
        return "went on"

    run = await shop.run(library, preserve_steps=True)

    assert run.output == "went on"
    assert [type(error) for error in seen] == [CancelledInsideError] * 2
    assert [one.status for one in await shop.store.get_steps(run.id)] == [StepStatus.FAILED] * 2
    assert len(await shop.store.get_attempts(run.id)) == 6


async def test_a_task_that_cancels_itself_is_cancelled(shop: Workshop) -> None:
    """It is told so at its next await, which is inside of a step."""

    @job(name="itself")
    async def itself(step: Step) -> str:
        async def part() -> None:
            task = asyncio.current_task()
            assert task
            task.cancel()
            await step.run("cancelled", asyncio.sleep, 0)

        (told,) = await asyncio.gather(part(), return_exceptions=True)
        return type(told).__name__

    run = await shop.run(itself, preserve_steps=True)

    assert run.output == "CancelledError"
    assert [one.status for one in await shop.store.get_steps(run.id)] == [StepStatus.CANCELLED]


async def test_a_cancellation_inside_of_a_job_fails_its_run(shop: Workshop) -> None:
    """And says what happened."""

    @job(name="library")
    async def library(step: Step) -> None:
        await cancelled_inside()

    run = await shop.run(library)

    assert run.status is RunStatus.FAILED
    assert "nobody had cancelled it" in (run.error or "")


@pytest.mark.parametrize(
    ("errors", "attempts"),
    [
        ([GiveUp("no")], 1),
        ([OSError("o"), GiveUp("no")], 1),
        ([OSError("o")], 3),
        ([OSError("o"), ValueError("v")], 1),
        ([OSError("o"), ExceptionGroup("inner", [OSError("p"), RetryAfter(1)])], 3),
        ([OSError("o"), KeyError("k")], 1),
    ],
)
async def test_a_policy_sees_the_errors_in_a_group(
    shop: Workshop, errors: list[Exception], attempts: int
) -> None:
    """As a TaskGroup in a step raises them."""

    async def fail(error: Exception) -> None:
        raise error

    async def parts() -> None:
        async with asyncio.TaskGroup() as group:
            for error in errors:
                group.create_task(fail(error))

    @job(name="grouped")
    async def grouped(step: Step) -> None:
        policy = Retry(max_attempts=3, retry_on=(OSError,), give_up_on=(KeyError,), backoff=0.1)
        await step.run("parts", parts, retry=policy)

    run = await shop.run(grouped)

    assert run.status is RunStatus.FAILED
    assert len(await shop.store.get_attempts(run.id)) == attempts
