"""Steps that run at the same time: indexes, logs, and what a failing sibling means."""

from __future__ import annotations

import asyncio

import pytest

from durably import Cancelled, Retry, RunStatus, Step, job
from kit.engines import Workshop, until


class Gates:
    """Steps that begin together and end in the order a test opens their gates."""

    def __init__(self) -> None:
        self.open = {name: asyncio.Event() for name in "abc"}
        self.began: list[str] = []

    async def work(self, name: str) -> str:
        """Wait for the gate of this step."""
        self.began.append(name)
        await self.open[name].wait()
        return name


async def test_gathered_steps_have_the_index_of_their_call(shop: Workshop) -> None:
    """Whatever order they end in: the index is that of the call, and nothing is saved twice."""
    gates = Gates()

    @job
    async def example(step: Step) -> list[str]:
        return list(await asyncio.gather(*(step.run(n, gates.work, n) for n in "abc")))

    app = await shop.engine(example, preserve_steps=True)
    made = await app.trigger(example)
    work = asyncio.ensure_future(app.process_one())
    await until(lambda: len(gates.began) == 3)
    for name in "cab":
        gates.open[name].set()
        await asyncio.sleep(0.001)
    await work

    run = await shop.get(made.id)
    steps = await shop.store.get_steps(made.id)
    assert run.output == ["a", "b", "c"]
    assert [(s.name, s.index) for s in steps] == [("a", 0), ("b", 1), ("c", 2)]
    assert (run.current_step_index, run.completed_step_count) == (3, 3)


async def test_steps_of_a_task_group_run_at_the_same_time(shop: Workshop) -> None:
    """A TaskGroup's tasks are as good as gather's."""
    gates = Gates()

    @job
    async def example(step: Step) -> list[str]:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(step.run(n, gates.work, n)) for n in "abc"]
        return [task.result() for task in tasks]

    app = await shop.engine(example)
    made = await app.trigger(example)
    work = asyncio.ensure_future(app.process_one())
    await until(lambda: len(gates.began) == 3)
    for gate in gates.open.values():
        gate.set()
    await work

    assert (await shop.get(made.id)).output == ["a", "b", "c"]


async def test_a_log_line_knows_its_step_also_in_parallel(shop: Workshop) -> None:
    """B10: a line belongs to the step whose code wrote it, in its tasks and threads too."""

    @job
    async def example(step: Step) -> None:
        async def inner(name: str) -> None:
            step.log.info(f"inner of {name}")

        async def work(name: str) -> None:
            step.log.info(f"before {name}")
            await asyncio.sleep(0)
            await asyncio.create_task(inner(name))
            step.log.warn(f"after {name}", {"k": 1})

        def sync(name: str) -> None:
            step.log.error(f"sync {name}")

        step.log.info("outside")
        await asyncio.gather(
            *(step.run(n, work, n) for n in "ab"), *(step.run(n, sync, n) for n in "cd")
        )
        step.log.info("outside")

    app = await shop.engine(example)
    app.keep_logs()
    made = await app.trigger(example)
    await shop.drain(app)

    lines = await app.get_logs(made.id)
    assert len(lines) == 10
    for line in lines:
        assert line.step_name == (None if line.message == "outside" else line.message[-1])
    assert {line.level for line in lines} == {"info", "warn", "error"}
    assert [line.data for line in lines if line.level == "warn"] == [{"k": 1}] * 2


async def test_progress_and_logs_from_threads_arrive_before_the_step_ends(shop: Workshop) -> None:
    """What sync code said is stored with its step at the latest."""

    @job
    async def example(step: Step) -> None:
        def work() -> None:
            for n in range(3):
                step.progress(n, 3, f"part {n}")
                step.log.info(f"line {n}")

        await step.run("s", work)

    app = await shop.engine(example)
    app.keep_logs()
    made = await app.trigger(example)
    await shop.drain(app)

    run = await shop.get(made.id)
    assert run.progress is not None
    assert (run.progress.current, run.progress.total, run.progress.message) == (2, 3, "part 2")
    assert [line.message for line in await app.get_logs(made.id)] == ["line 0", "line 1", "line 2"]


async def test_siblings_of_a_failed_step_in_a_task_group_are_cancelled(shop: Workshop) -> None:
    """As asyncio says; the run fails with the cause, and the siblings are marked."""
    gates = Gates()

    async def fail() -> None:
        await until(lambda: gates.began == ["a"])
        raise ValueError("the cause")

    @job
    async def example(step: Step) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(step.run("a", gates.work, "a"))
            group.create_task(step.run("b", fail))

    run = await shop.run(example)

    steps = await shop.store.get_steps(run.id)
    assert (run.status, run.error) == (RunStatus.FAILED, "the cause")
    assert {s.name: str(s.status) for s in steps} == {"a": "cancelled", "b": "failed"}


async def test_siblings_of_a_failed_step_in_a_gather_do_not_outlive_the_job(
    shop: Workshop,
) -> None:
    """asyncio.gather leaves them running; they are ended with the job, and write nothing later."""
    gates = Gates()

    async def fail() -> None:
        await until(lambda: gates.began == ["a"])
        raise ValueError("the cause")

    @job
    async def example(step: Step) -> None:
        await asyncio.gather(step.run("a", gates.work, "a"), step.run("b", fail))

    run = await shop.run(example)
    before = await shop.store.get_steps(run.id)
    gates.open["a"].set()
    await asyncio.sleep(0.005)

    assert (run.status, run.error) == (RunStatus.FAILED, "the cause")
    assert {s.name: str(s.status) for s in before} == {"a": "cancelled", "b": "failed"}
    assert await shop.store.get_steps(run.id) == before


async def test_siblings_of_a_caught_failure_go_on(shop: Workshop) -> None:
    """With return_exceptions every step ends in its own way."""

    def fail() -> None:
        raise ValueError("no")

    @job
    async def example(step: Step) -> list[str]:
        results = await asyncio.gather(
            step.run("a", fail), step.run("b", lambda: "b", output=str), return_exceptions=True
        )
        return [str(result) for result in results]

    assert (await shop.run(example)).output == ["no", "b"]


async def test_a_step_that_completed_beside_a_failed_one_is_kept(shop: Workshop) -> None:
    """Law 1: after resume() only the failed one runs again."""

    def flaky(name: str) -> str:
        shop.journal.append(name)
        if shop.journal.count("b") == 1 and name == "b":
            raise ValueError("no")
        return name

    @job
    async def example(step: Step) -> list[str]:
        a = await step.run("a", flaky, "a")
        results = await asyncio.gather(
            step.run("b", flaky, "b"), step.run("c", flaky, "c"), return_exceptions=True
        )
        for result in results:
            if isinstance(result, Exception):
                raise result
        return [a, *map(str, results)]

    app = await shop.engine(example)
    made = await app.trigger(example)
    await shop.drain(app)
    await app.resume(made.id)
    await shop.drain(app)

    assert (await shop.get(made.id)).output == ["a", "b", "c"]
    assert sorted(shop.journal) == ["a", "b", "b", "c"]


async def test_a_cancelled_run_cancels_all_its_steps(shop: Workshop) -> None:
    """Every one that was at work is marked."""
    gates = Gates()

    @job
    async def example(step: Step) -> None:
        await asyncio.gather(*(step.run(n, gates.work, n) for n in "abc"))

    app = await shop.engine(example)
    made = await app.trigger(example)
    work = asyncio.ensure_future(app.process_one())
    await until(lambda: len(gates.began) == 3)
    await app.cancel(made.id)
    await work

    steps = await shop.store.get_steps(made.id)
    assert {s.name: str(s.status) for s in steps} == dict.fromkeys("abc", "cancelled")


async def test_a_step_in_parallel_may_cancel_the_run(shop: Workshop) -> None:
    """B5: a signal inside a group is still a signal, not a failure."""

    def stop() -> None:
        raise Cancelled

    @job
    async def example(step: Step) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(step.run("a", asyncio.Event().wait))
            group.create_task(step.run("b", stop))

    assert (await shop.run(example)).status is RunStatus.CANCELLED


async def test_a_group_of_several_errors_keeps_them_all(shop: Workshop) -> None:
    """One member is the cause itself; several stay a group."""

    async def fail(text: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise ValueError(text)

    @job
    async def example(step: Step) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(step.run("a", fail, "one"))
            await asyncio.sleep(0.005)
            raise ValueError("two")

    run = await shop.run(example)

    assert run.failure is not None
    assert run.failure.type_name == "ExceptionGroup"
    assert "one" in (run.failure.trace or "")
    assert "two" in (run.failure.trace or "")


async def test_many_parallel_steps_with_retries_are_saved_once_each(shop: Workshop) -> None:
    """Attempts of parallel steps are counted per step, across durable pauses."""
    failed: set[int] = set()

    def flaky(n: int) -> int:
        if n % 3 and n not in failed:
            failed.add(n)
            raise ValueError("not yet")
        return n

    @job(retry=Retry(max_attempts=2, backoff=100, jitter=0.5))
    async def example(step: Step) -> int:
        return sum(await asyncio.gather(*(step.run(f"s{n}", flaky, n) for n in range(30))))

    run = await shop.run(example, preserve_steps=True)

    assert run.output == sum(range(30))
    attempts = await shop.store.get_attempts(run.id)
    assert len({(a.step_name, a.number) for a in attempts}) == len(attempts)
    assert sum(a.status == "failed" for a in attempts) == len(failed) == 20
    assert len(await shop.store.get_steps(run.id)) == 30


@pytest.mark.cpython_only
async def test_sync_steps_run_on_threads_at_the_same_time(shop: Workshop) -> None:
    """On CPython a sync step blocks neither the loop nor its siblings."""
    import threading  # noqa: PLC0415 - Pyodide has no use for it

    barrier = threading.Barrier(3, timeout=60)

    @job
    async def example(step: Step) -> int:
        return sum(await asyncio.gather(*(step.run(n, barrier.wait) for n in "abc")))

    assert (await shop.run(example)).output == 0 + 1 + 2
