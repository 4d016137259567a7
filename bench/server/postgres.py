"""How fast the engine is on PostgreSQL, beside what the same server commits at all.

    PYTHONPATH=tests/py .venv/bin/python bench/server/postgres.py [URL]

Without a URL it starts the PostgreSQL of the tests, which does not wait for the disk.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable

import psycopg

from durably import Call, Durably, RunFilter, Step, job
from kit.postgres import new_database

STEPS, RUNS, BATCH = 1000, 500, 5000


@job
async def many_steps(step: Step, count: int) -> int:
    """Save as many steps."""
    for n in range(count):
        await step.run(f"s{n}", lambda n=n: n)
    return count


@job
async def one_step(step: Step, n: int) -> int:
    """Save one step."""
    return await step.run("s", lambda: n)


async def rate(count: int, work: Callable[[], Awaitable[object]]) -> float:
    """Return how many a second *work* does, which does *count*."""
    began = time.perf_counter()
    await work()
    return count / (time.perf_counter() - began)


async def commits(url: str) -> None:
    """Insert single rows, each in a transaction, on one connection."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as db:
        await db.execute("CREATE TABLE IF NOT EXISTS raw (n integer, t text)")
        for n in range(STEPS):
            await db.execute("INSERT INTO raw VALUES (%s, %s)", (n, "x" * 100))


async def measure(url: str) -> None:
    """Print one line for each."""
    print(f"insert commits/s, one connection  {await rate(STEPS, lambda: commits(url)):8.0f}")
    async with Durably(url, jobs=[many_steps, one_step], max_concurrent_runs=8) as app:

        async def steps() -> None:
            await app.jobs.many_steps.trigger_and_wait(STEPS)

        async def trigger() -> None:
            await app.jobs.one_step.batch_trigger([Call(n) for n in range(RUNS)])
            while (await app.get_runs(RunFilter(limit=1)))[0].is_active:  # noqa: ASYNC110 - as a program would
                await asyncio.sleep(0.01)

        print(f"steps/s, one run                  {await rate(STEPS, steps):8.0f}")
        print(f"one-step runs/s, 8 at a time      {await rate(RUNS, trigger):8.0f}")
    app = Durably(url, jobs=[one_step])

    async def batch() -> None:
        await app.jobs.one_step.batch_trigger([Call(n) for n in range(BATCH)])

    print(f"triggers/s, in a batch of {BATCH}    {await rate(BATCH, batch):8.0f}")
    await app.close()


if __name__ == "__main__":
    with new_database(sys.argv[1] if len(sys.argv) > 1 else None) as made:
        asyncio.run(measure(made))
