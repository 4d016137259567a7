"""The engine's costs on CPython and a SQLite file, beside what the disk allows.

``.venv/bin/python -m pytest -c py/pyproject.toml bench/test_engine.py --benchmark-only``

The limit is measured in the same run: one SQLite transaction with one insert and one update for
each step, in WAL with synchronous=FULL, and nothing around it.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from durably import Durably, RunFilter, RunStatus, SqliteStore, Step, job
from durably.ids import Ulids
from durably.runs import NO_NOTES, Finish, NewRun, StepRecord, StepStatus
from durably.store.sqlite.connection import open_connection

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PAGES: dict[str, dict[str, Any]] = {
    "plain": {},
    "job": {"job_names": ["job-3"]},
    "status": {"statuses": [RunStatus.COMPLETED]},
    "labels": {"labels": {"tenant": "t7"}},
    "all": {"job_names": ["job-3"], "statuses": [RunStatus.PENDING], "labels": {"tenant": "t3"}},
    "deep": {"offset": 9_900},
    "deep-labels": {"labels": {"odd": "True"}, "offset": 4_900},
}


def one(n: int) -> int:
    """Be a trivial step."""
    return n


async def steps(step: Step, input: int) -> int:
    """Run so many trivial steps."""
    for n in range(input):
        await step.run(f"step {n}", one, n)
    return input


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Return where a database may be."""
    return tmp_path / "bench.db"


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """Return a loop to measure on."""
    made = asyncio.new_event_loop()
    yield made
    made.close()


def measure(benchmark: BenchmarkFixture, work: Callable[[], object], *, rounds: int) -> float:
    """Measure *work*; return the best seconds."""
    benchmark.pedantic(work, rounds=rounds)  # type: ignore[no-untyped-call]
    assert benchmark.stats is not None
    return float(benchmark.stats.stats.min)


async def run_steps(url: str, count: int) -> float:
    """Return the processor's seconds for each of *count* steps, from claim to the run's end."""
    app = Durably(url, jobs=[job(name="steps")(steps)])
    await app.migrate()
    await app.trigger("steps", count)
    began = time.process_time()
    await app.process_one()
    took = time.process_time() - began
    await app.close()
    return took / count


def raw_steps(database: Path, count: int) -> float:
    """Return the seconds of one bare transaction, of *count* of them."""
    db = open_connection(str(database))
    db.execute("CREATE TABLE IF NOT EXISTS s (id TEXT PRIMARY KEY, name TEXT, output TEXT)")
    db.execute("CREATE TABLE IF NOT EXISTS r (id INTEGER PRIMARY KEY, n INTEGER)")
    db.execute("INSERT OR REPLACE INTO r VALUES (1, 0)")
    ids = Ulids()
    began = time.perf_counter()
    for n in range(count):
        db.execute("BEGIN IMMEDIATE")
        db.execute("INSERT INTO s VALUES (?, ?, ?)", (ids.new(NOW), f"step {n}", "1"))
        db.execute("UPDATE r SET n = n + 1 WHERE id = 1")
        db.execute("COMMIT")
    took = time.perf_counter() - began
    db.close()
    return took / count


@pytest.mark.parametrize("count", [100, 1_000, 10_000])
def test_steps(
    benchmark: BenchmarkFixture, loop: asyncio.AbstractEventLoop, database: Path, count: int
) -> None:
    """Law 12: what one step costs in a run of so many."""
    rounds = 3 if count < 10_000 else 1

    def work() -> float:
        return loop.run_until_complete(run_steps(f"sqlite:///{database}", count))

    best = measure(benchmark, work, rounds=rounds)
    benchmark.extra_info["microseconds_per_step"] = round(best / count * 1e6)


def test_raw_transactions(benchmark: BenchmarkFixture, database: Path) -> None:
    """The limit: a thousand bare transactions on the same disk."""
    best = measure(benchmark, lambda: raw_steps(database, 1_000), rounds=3)
    benchmark.extra_info["microseconds_per_step"] = round(best / 1_000 * 1e6)


def test_the_cost_of_a_step_is_flat(loop: asyncio.AbstractEventLoop) -> None:
    """Law 12: at 10,000 steps a step costs at most 1.3 times what it does at 100.

    In memory and in the processor's time: a disk or a processor that others use too would say
    more about them.
    """
    few: list[float] = []
    many: list[float] = []
    for _ in range(3):
        few += [loop.run_until_complete(run_steps("sqlite://", 100)) for _ in range(20)]
        many.append(loop.run_until_complete(run_steps("sqlite://", 10_000)))

    usual = sorted(few)[len(few) // 2]
    assert min(many) / usual <= 1.3, f"{min(many) * 1e6:.0f} µs against {usual * 1e6:.0f} µs"


async def saved_run(database: Path, count: int) -> None:
    """Leave a pending run with so many saved steps."""
    store = SqliteStore(str(database))
    await store.migrate()
    await store.enqueue([NewRun(id="r1", job_name="steps", input_json=str(count))], now=NOW)
    claim = await store.claim(
        worker="w", now=NOW, until=NOW + timedelta(days=1), jobs=("steps",), held=()
    )
    assert claim is not None
    for n in range(count):
        step = StepRecord(
            id=f"{n:05}",
            run_id="r1",
            name=f"step {n}",
            index=n,
            status=StepStatus.COMPLETED,
            output_json=str(n),
            failure=None,
            started_at=NOW,
            completed_at=NOW,
        )
        await store.save_step(claim.lease, step, attempt=None, notes=NO_NOTES, now=NOW)
    await store.release(claim.lease, notes=NO_NOTES, now=NOW)
    await store.close()


def test_replay_of_ten_thousand_steps(
    benchmark: BenchmarkFixture, loop: asyncio.AbstractEventLoop, database: Path
) -> None:
    """From claim to the run's end, with nothing left to do: under half a second."""
    loop.run_until_complete(saved_run(database, 10_000))

    async def replay() -> None:
        app = Durably(f"sqlite:///{database}", jobs=[job(name="steps")(steps)])
        assert await app.process_one()
        await app.close()

    assert measure(benchmark, lambda: loop.run_until_complete(replay()), rounds=1) < 0.5


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database with 10,000 runs: ten jobs, three statuses, labels."""
    path = tmp_path_factory.mktemp("pages") / "bench.db"

    async def fill() -> None:
        store = SqliteStore(str(path))
        await store.migrate()
        ids = Ulids()
        for start in range(0, 10_000, 1_000):
            runs = [
                NewRun(
                    id=ids.new(NOW),
                    job_name=f"job-{n % 10}",
                    input_json='{"file": "orders.csv", "rows": 1000}',
                    labels={"tenant": f"t{n % 100}", "odd": str(n % 2 == 1)},
                )
                for n in range(start, start + 1_000)
            ]
            await store.enqueue(runs, now=NOW + timedelta(seconds=start))
        for _ in range(100):
            claim = await store.claim(
                worker="w", now=NOW, until=NOW + timedelta(days=1), jobs=("job-1",), held=()
            )
            assert claim is not None
            end = Finish(status=RunStatus.COMPLETED, output_json="1")
            await store.finish(claim.lease, end, notes=NO_NOTES, now=NOW)
        await store.close()

    asyncio.run(fill())
    return path


@pytest.mark.parametrize("chosen", PAGES)
def test_a_page_of_fifty_of_ten_thousand(
    benchmark: BenchmarkFixture, loop: asyncio.AbstractEventLoop, filled: Path, chosen: str
) -> None:
    """With any filter, deep offset included: under 10 ms."""
    store = SqliteStore(str(filled))
    wanted = RunFilter(**({"limit": 50} | PAGES[chosen]))

    runs = benchmark(lambda: loop.run_until_complete(store.get_runs(wanted)))

    assert len(runs) == 50
    loop.run_until_complete(store.close())
    assert benchmark.stats is not None
    assert benchmark.stats.stats.min < 0.010


def test_from_trigger_to_first_step(
    benchmark: BenchmarkFixture, loop: asyncio.AbstractEventLoop, database: Path
) -> None:
    """A worker that is woken, not one that polls: its interval is a minute here."""
    began: list[float] = []

    @job(name="quick")
    async def quick(step: Step) -> None:
        await step.run("s", lambda: began.append(time.perf_counter()))

    app = Durably(f"sqlite:///{database}", jobs=[quick], polling_interval=60)
    loop.run_until_complete(app.init())
    latencies: list[float] = []

    async def trigger() -> None:
        triggered = time.perf_counter()
        made = await app.trigger(quick)
        await app.wait_for_run(made.id)
        latencies.append(began[-1] - triggered)

    measure(benchmark, lambda: loop.run_until_complete(trigger()), rounds=50)
    benchmark.extra_info["milliseconds_to_first_step"] = round(sorted(latencies)[25] * 1e3, 2)
    loop.run_until_complete(app.close())
    assert sorted(latencies)[25] < 0.1


def test_the_limit_is_a_real_disk(database: Path) -> None:
    """What is measured against is durable: WAL with one flush for each commit."""
    db = open_connection(str(database))
    assert db.execute("PRAGMA synchronous").fetchone() == (2,)
    assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    db.close()
    assert sqlite3.sqlite_version_info >= (3, 35)
