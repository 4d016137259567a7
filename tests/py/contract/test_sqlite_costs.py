"""What a claim, a page and a removal cost in SQLite does not grow with what stands beside them.

Costs are counted in instructions of SQLite's virtual machine, which are the same on every machine.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from durably import RunFilter, RunStatus
from durably.runs import NO_NOTES
from durably.store.sqlite import SqliteStore
from kit.stores import COMPLETED, JOB, MINUTE, T0, run, take, taken

#: Enough to tell a cost that grows from one that does not.
MANY = 3_000


_opened: list[SqliteStore] = []


@pytest.fixture(autouse=True)
async def _closed() -> AsyncIterator[None]:
    """Close every store that a test opened."""
    yield
    while _opened:
        await _opened.pop().close()


async def open_memory() -> SqliteStore:
    """Return a store in memory, with its tables."""
    store = SqliteStore(":memory:")
    _opened.append(store)
    await store.migrate()
    return store


async def cost_of(store: SqliteStore, work: Callable[[], Awaitable[Any]]) -> int:
    """Return how many instructions *work* takes, in tens."""
    tens = 0

    def count() -> int:
        nonlocal tens
        tens += 1
        return 0

    def listen(db: sqlite3.Connection, each: int) -> None:
        db.set_progress_handler(count if each else None, each)

    await store._db.read(listen, 10)
    try:
        await work()
    finally:
        await store._db.read(listen, 0)
    return tens


async def strangers(store: SqliteStore) -> None:
    """Many older runs of a job that is not registered here."""
    await store.enqueue([run(f"a{n:05}", "stranger") for n in range(MANY)], now=T0)


async def waiting(store: SqliteStore) -> None:
    """Many older runs that wait for their time."""
    await store.enqueue([run(f"a{n:05}") for n in range(MANY)], now=T0)
    later = "2027-01-01T00:00:00.000Z"

    def wait(db: sqlite3.Connection) -> None:
        db.execute("UPDATE durably_runs SET available_at = ?", (later,))

    await store._db.write(wait)


async def cancelled(store: SqliteStore) -> None:
    """Many cancelled runs of the same concurrency key."""
    for n in range(MANY // 10):
        await store.enqueue([run(f"a{n:05}", concurrency_key="k")], now=T0)
        await store.cancel(f"a{n:05}", now=T0)


async def ended(store: SqliteStore) -> None:
    """Many runs that have ended."""
    await store.enqueue([run(f"a{n:05}") for n in range(MANY // 10)], now=T0)
    while (claim := await take(store)) is not None:
        await store.finish(claim.lease, COMPLETED, notes=NO_NOTES, now=T0)


@pytest.mark.parametrize("beside", [strangers, waiting, cancelled, ended])
async def test_a_claim_costs_the_same_whatever_stands_beside_it(
    beside: Callable[[SqliteStore], Awaitable[None]],
) -> None:
    """Runs of other jobs, those that wait, and those of the key that have ended."""
    empty, full = await open_memory(), await open_memory()
    await beside(full)
    costs = []
    for store in (empty, full):
        await store.enqueue([run("z", concurrency_key="k")], now=T0)

        async def look(store: SqliteStore = store) -> None:
            assert (await taken(store)).run.id == "z"
            assert await take(store) is None
            await store.next_due(now=T0, jobs=(JOB,), held=("z",))

        costs.append(await cost_of(store, look))

    assert costs[1] <= 1.5 * costs[0]


async def test_what_comes_due_is_claimed_by_its_age() -> None:
    """Before younger runs that never waited."""
    store = await open_memory()
    await store.enqueue([run("old")], now=T0)
    claim = await taken(store)
    due = T0 + MINUTE
    await store.release(claim.lease, notes=NO_NOTES, now=T0, available_at=due)
    await store.enqueue([run("young")], now=T0 + timedelta(seconds=1))

    assert (await taken(store, now=T0 + timedelta(seconds=2))).run.id == "young"
    await store.enqueue([run("youngest")], now=T0 + timedelta(seconds=3))
    assert (await taken(store, now=due, ttl=2 * MINUTE)).run.id == "old"


async def labelled(count: int, labels: Callable[[int], dict[str, str]]) -> SqliteStore:
    """Return a store with so many runs, and the labels of each."""
    store = await open_memory()
    for n in range(0, count, 100):
        batch = [run(f"r{i:05}", labels=labels(i)) for i in range(n, n + 100)]
        await store.enqueue(batch, now=T0 + timedelta(seconds=n))
    return store


@pytest.mark.parametrize(
    "chosen",
    [
        {"labels": {"all": "yes"}},
        {"labels": {"all": "yes", "half": "1"}},
        {"labels": {"half": "0", "all": "yes"}, "statuses": "pending"},
        {"labels": {"rare": "0", "all": "yes"}},
    ],
)
async def test_a_page_by_labels_costs_the_same_among_many_runs(chosen: dict[str, Any]) -> None:
    """It goes from the newest on, and ends with the page."""
    costs, pages = [], []
    for count in (300, MANY):
        store = await labelled(
            count,
            lambda n: {"all": "yes", "half": str(n % 2)} | ({"rare": "0"} if n < 5 else {}),
        )
        wanted = RunFilter(**chosen, limit=20)

        async def look(store: SqliteStore = store, wanted: RunFilter = wanted) -> None:
            pages.append([one.id for one in await store.get_runs(wanted)])

        costs.append(await cost_of(store, look))

    assert pages[1] == sorted(pages[1], reverse=True)
    assert len(pages[1]) == (5 if "rare" in chosen["labels"] else 20)
    assert costs[1] <= 2 * costs[0] + 1000  # the count of the rarest label ends at 1,000


async def test_labels_that_another_program_wrote_are_found() -> None:
    """It does not know of our column; a trigger fills it."""
    store = await open_memory()
    await store.enqueue([run("ours", labels={"a": "b"}), run("theirs")], now=T0)

    def write(db: sqlite3.Connection) -> None:
        db.execute("INSERT INTO durably_run_labels (run_id, key, value) VALUES ('theirs','a','b')")

    await store._db.write(write)
    found = await store.get_runs(RunFilter(labels={"a": "b"}))

    assert [one.id for one in found] == ["theirs", "ours"]
    assert all(one.status is RunStatus.PENDING for one in found)
