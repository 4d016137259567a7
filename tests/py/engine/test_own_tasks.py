"""Tasks that users' code makes itself, and a real Ctrl+C that meets it."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pytest

from durably import ExitedError, Retry, RunFilter, RunStatus, Step, job, open_store
from durably.engine.own_code import exit_of
from kit.engines import Workshop

colour: ContextVar[str] = ContextVar("colour", default="none")


async def turn() -> None:
    """Give others a turn."""
    await asyncio.sleep(0)


async def leave() -> None:
    """Exit, after a turn of the loop."""
    await turn()
    raise SystemExit(3)


async def gathered_exit() -> None:
    """Exit in one of two parallel tasks."""
    await asyncio.gather(leave(), asyncio.sleep(0))


async def grouped_exit() -> None:
    """Exit in a task of a group."""
    async with asyncio.TaskGroup() as group:
        group.create_task(leave())
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


async def test_a_task_of_users_code_keeps_its_name_and_context(shop: Workshop) -> None:
    """It is made as it would be outside of a run."""
    context = contextvars.copy_context()
    context.run(colour.set, "given")

    async def tell() -> tuple[str, str]:
        task = asyncio.current_task()
        assert task
        assert tell.__qualname__ in repr(task)
        return task.get_name(), colour.get()

    @job(name="parallel")
    async def parallel(step: Step) -> list[str]:
        task = asyncio.get_running_loop().create_task(tell(), name="mine", context=context)
        return list(await task)

    assert (await shop.run(parallel)).output == ["mine", "given"]


@pytest.mark.cpython_only
async def test_tasks_are_made_as_before_once_no_run_is_executed(shop: Workshop) -> None:
    """The host's own factory of tasks makes those of runs too, and is there afterwards."""
    made: list[str] = []

    def factory(loop: Any, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
        made.append(coroutine.__qualname__)
        return asyncio.Task(coroutine, loop=loop, **options)

    @job(name="parallel")
    async def parallel(step: Step) -> None:
        await asyncio.gather(turn(), return_exceptions=True)

    loop = asyncio.get_running_loop()
    loop.set_task_factory(factory)
    try:
        run = await shop.run(parallel)
        assert loop.get_task_factory() is factory
    finally:
        loop.set_task_factory(None)

    assert run.status is RunStatus.COMPLETED
    assert "turn" in made


INTERRUPTED = """
import asyncio, sys, time
from durably import Durably, Step, job

async def block():
    print("blocks", flush=True)
    while True:
        time.sleep(0.01)

@job(name="blocking")
async def blocking(step: Step):
    await step.run("block", block)

async def main():
    async with Durably(sys.argv[1], jobs=[blocking]) as app:
        await app.jobs.blocking.trigger_and_wait()

asyncio.run(main())
"""


@pytest.mark.cpython_only
async def test_a_real_interrupt_is_no_error_of_the_step_that_it_meets(tmp_path: Path) -> None:
    """The first Ctrl+C asks, the second ends the process, also in a step that blocks the loop."""
    url = f"sqlite:///{tmp_path / 'runs.db'}"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", INTERRUPTED, url, stdout=PIPE, stderr=PIPE
    )
    assert process.stdout
    assert await process.stdout.readline() == b"blocks\n"
    while process.returncode is None:
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), 0.2)
    _, said = await process.communicate()

    assert process.returncode != 0, said
    store = open_store(url)
    (run,) = await store.get_runs(RunFilter())
    steps = await store.get_steps(run.id)
    await store.close()
    assert run.status is not RunStatus.FAILED
    assert steps == []


def caught(work: Callable[[], object]) -> BaseException:
    """Return what *work* raises."""
    try:
        work()
    except BaseException as error:  # noqa: BLE001 - it is what the test is about
        return error
    raise AssertionError


@pytest.mark.cpython_only
def test_ctrl_c_is_told_from_what_code_raises() -> None:
    """Both are a KeyboardInterrupt; only one was raised by an instruction that raises."""

    def raise_it() -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        pressed = caught(lambda: signal.raise_signal(signal.SIGINT))
    finally:
        signal.signal(signal.SIGINT, before)

    assert exit_of("step 'x'", pressed) is None
    assert isinstance(exit_of("step 'x'", caught(raise_it)), ExitedError)
