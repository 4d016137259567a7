"""An engine on PostgreSQL: clocks that are wrong, servers that stop, workers that die."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from durably import (
    Durably,
    MissingExtraError,
    RunFilter,
    RunStatus,
    SchemaTooNewError,
    Step,
    StorageDeniedError,
    StorageUnreachableError,
    StorageUnreadableError,
    StorageUnsupportedError,
    SystemClock,
    job,
    open_store,
)
from durably.runs import NO_NOTES
from durably.store.postgres import PostgresStore
from durably.store.postgres.connections import require_version
from kit.engines import until
from kit.postgres import Server, database_url, new_database
from kit.stores import COMPLETED, MINUTE, put, run, save, step, take, taken

pytestmark = pytest.mark.cpython_only

HOUR = timedelta(hours=1)


@pytest.fixture
def url() -> Iterator[str]:
    """Return the URL of an empty database."""
    with new_database() as made:
        yield made


@pytest.fixture
async def store(url: str) -> AsyncIterator[PostgresStore]:
    """Return an open store with its tables; the database's clock decides."""
    made = PostgresStore(url)
    await made.migrate()
    yield made
    await made.close()


def execute(url: str, statement: str) -> list[tuple[object, ...]]:
    """Do something to a database behind the store's back."""
    with psycopg.connect(url, autocommit=True) as db:
        cursor = db.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


@pytest.mark.parametrize("off", [HOUR, -HOUR], ids=["fast", "slow"])
async def test_a_wrong_clock_steals_no_lease_and_keeps_none(
    store: PostgresStore, off: timedelta
) -> None:
    """Law 3: by the database's clock a lease runs out, whatever a machine takes for the time."""
    right, wrong = SystemClock().now(), SystemClock().now() + off
    await put(store, run("r1"), run("r2"), now=wrong)
    held = await taken(store, now=right)

    other = await taken(store, now=wrong, worker="b")
    assert other.run.id == "r2"
    assert await take(store, now=wrong, worker="b") is None
    assert await store.renew(held.lease, now=right, until=right + MINUTE) == "held"
    assert await store.renew(other.lease, now=wrong, until=wrong + MINUTE) == "held"
    due = await store.next_due(now=wrong, jobs=("job",), held=())
    assert due is not None
    assert timedelta(seconds=50) < due - wrong <= MINUTE


@pytest.mark.parametrize("off", [HOUR, -HOUR], ids=["fast", "slow"])
async def test_a_pause_is_as_long_as_asked_for_on_a_machine_with_a_wrong_clock(
    store: PostgresStore, off: timedelta
) -> None:
    """A backoff counts from the database's now."""
    wrong = SystemClock().now() + off
    await put(store, run("r1"), now=wrong)
    held = await taken(store, now=wrong)
    await store.release(
        held.lease, notes=NO_NOTES, now=wrong, available_at=wrong + timedelta(milliseconds=300)
    )

    assert await take(store, now=SystemClock().now()) is None
    deadline = time.monotonic() + 20
    while (again := await take(store, now=wrong)) is None:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    assert again.run.id == "r1"


async def test_a_fast_clock_purges_nothing_too_early(store: PostgresStore) -> None:
    """What ended a moment ago has not been kept for half an hour."""
    right = SystemClock().now()
    await put(store, run("r1"), now=right)
    held = await taken(store, now=right)
    await store.finish(held.lease, COMPLETED, notes=NO_NOTES, now=right)
    await take(store, now=right + HOUR)

    old = right + HOUR - timedelta(minutes=30)
    assert await store.purge(older_than=old, limit=9, held=()) == []
    assert len(await store.purge(older_than=right + HOUR + MINUTE, limit=9, held=())) == 1


async def test_a_step_saved_twice_at_once_counts_once(store: PostgresStore) -> None:
    """Law 3: a call repeated while the first is still at work waits for it, and changes nothing."""
    now = SystemClock().now()
    await put(store, run("r1"), now=now)
    held = await taken(store, now=now)

    for n in range(20):
        record = step(held.lease, f"s{n}", n)
        holds = await asyncio.gather(*(save(store, held.lease, record, now=now) for _ in range(6)))
        assert set(holds) == {"held"}

    found = await store.get_run("r1")
    assert found is not None
    assert found.completed_step_count == 20


async def test_many_workers_share_keys_and_never_run_two_of_one(url: str) -> None:
    """Law 3: claims, ends, cancels and resumes at once; a key is never leased twice."""
    stores = [PostgresStore(url, max_connections=2) for _ in range(4)]
    await stores[0].migrate()
    now = SystemClock().now()
    claimed: Counter[str] = Counter()
    running: set[str] = set()
    keys = ("a", "b", "c")

    async def trigger(n: int) -> None:
        key = keys[n % 3]
        await put(stores[n % 4], run(f"r{n:03}", concurrency_key=key, coalesce=True), now=now)

    async def work(store: PostgresStore, worker: str) -> None:
        for _ in range(60):
            claim = await take(store, now=now, worker=worker)
            if claim is None:
                continue
            key = str(claim.run.concurrency_key)
            assert key not in running, "two runs of one key at once"
            running.add(key)
            claimed[claim.run.id] += 1
            await asyncio.sleep(0)
            running.discard(key)
            assert await store.finish(claim.lease, COMPLETED, notes=NO_NOTES, now=now) == "held"

    await asyncio.gather(
        *(trigger(n) for n in range(120)),
        *(work(store, f"w{n}") for n, store in enumerate(stores)),
    )

    assert claimed
    assert set(claimed.values()) == {1}
    for one in stores:
        await one.close()


@job
async def hello(step: Step, input: str) -> str:
    """Greet."""
    return await step.run("greet", lambda: f"hello {input}")


async def test_a_url_is_all_it_takes(url: str) -> None:
    """Jobs run, are exported, and come back."""
    async with Durably(url, jobs=[hello]) as app:
        done = await app.jobs.hello.trigger_and_wait("you")
        assert done.output == "hello you"


async def test_another_process_is_told_at_once(url: str) -> None:
    """A trigger wakes a worker that would look in an hour; health says that it is told."""
    store = PostgresStore(url)
    async with Durably(store, jobs=[hello], polling_interval=3600) as worker:
        await until(lambda: store.hears)
        assert (await worker.health()).hears is True
        other = Durably(url, jobs=[hello])
        made = await other.trigger(hello, "you")
        done = await asyncio.wait_for(worker.wait_for_run(made.id), 20)
        assert done.status is RunStatus.COMPLETED
        await other.close()


async def test_behind_a_pooler_it_looks_and_says_so(url: str) -> None:
    """Nothing is prepared, nobody listens, work is found all the same."""
    store = PostgresStore(url, behind_pooler=True)
    async with Durably(store, jobs=[hello], polling_interval=0.05) as worker:
        other = Durably(url, jobs=[hello])
        made = await other.trigger(hello, "you")
        assert (await asyncio.wait_for(worker.wait_for_run(made.id), 20)).output == "hello you"
        assert (await worker.health()).hears is False
        assert execute(url, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'") == [
            (0,)
        ]
        await other.close()


async def test_a_server_that_stops_and_starts_loses_and_repeats_nothing() -> None:
    """Laws 1 and 9: runs wait, are told of in health, and go on when the server is back."""
    server = Server()
    try:
        ran: Counter[int] = Counter()
        seen: set[int] = set()
        reached = asyncio.Event()

        @job
        async def long(step: Step) -> int:
            for n in range(30):

                def work(n: int = n) -> int:
                    assert n not in seen, "a step ran again whose result was seen"
                    ran[n] += 1
                    return n

                await step.run(f"s{n}", work)
                seen.add(n)
                if n == 10:
                    reached.set()
            return len(seen)

        store = PostgresStore(server.url)
        async with Durably(store, jobs=[long]) as app:
            made = await app.trigger(long)
            await asyncio.wait_for(reached.wait(), 30)
            await asyncio.to_thread(server.stop)
            await until(lambda: app.waits_for_storage)
            health = await app.health()
            assert health.fault is not None
            assert health.fault.code == "storage_unreachable"
            await asyncio.to_thread(server.start)
            done = await asyncio.wait_for(app.wait_for_run(made.id), 60)
            assert done.output == 30
            await until(lambda: store.hears)
    finally:
        server.remove()


WORKER = """
import asyncio, sys
from durably import Durably, Step, job

@job
async def steps(step: Step, input: int) -> int:
    for n in range(5):
        async def work(n=n):
            with open(sys.argv[2], "a") as journal:
                journal.write(f"{input}.{n}\\n")
            await asyncio.sleep(0.05)
            return n
        await step.run(f"s{n}", work)
        with open(sys.argv[2], "a") as journal:
            journal.write(f"{input}.{n} seen\\n")
    return input

async def main():
    app = Durably(sys.argv[1], jobs=[steps], lease=2, lease_renew_interval=0.5,
        max_concurrent_runs=4, polling_interval=0.2)
    print("ready", flush=True)
    await app.serve()

asyncio.run(main())
"""


def start_worker(url: str, journal: Path) -> subprocess.Popen[str]:
    """Start a worker as a process of its own."""
    command = [sys.executable, "-c", WORKER, url, str(journal)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ))
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.slow
async def test_two_processes_share_runs_and_one_killed_loses_and_repeats_nothing(
    url: str, tmp_path: Path
) -> None:
    """Laws 1, 3, 6: no step runs again that was seen, by whomever, and every run ends."""
    journals = [tmp_path / "first", tmp_path / "second"]

    @job(name="steps")
    async def steps(step: Step, input: int) -> int:
        return input

    app = Durably(url, jobs=[steps])
    await app.migrate()
    first, second = (start_worker(url, journal) for journal in journals)
    try:
        for n in range(40):
            await app.trigger(steps, n)
        await until(lambda: all(path.exists() and path.stat().st_size > 200 for path in journals))
        first.kill()
        deadline = time.monotonic() + 90
        while await app.get_runs(RunFilter(statuses=["pending", "leased"])):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.1)
    finally:
        first.kill()
        second.send_signal(signal.SIGTERM)
        first.communicate()
        second.communicate(timeout=30)

    ends = await app.get_runs()
    assert {one.status for one in ends} == {RunStatus.COMPLETED}
    lines = [line for path in journals for line in path.read_text().splitlines()]
    ran = Counter(line for line in lines if not line.endswith("seen"))
    repeated = [line for line, count in ran.items() if count > 1]
    seen_by_first = {line for line in journals[0].read_text().splitlines() if line.endswith("seen")}
    assert not {f"{line} seen" for line in repeated} & seen_by_first
    assert len(repeated) <= 4  # what was at work when it died
    assert len({line for line in lines if line.endswith("seen")}) == 200
    await app.close()


async def test_what_cannot_be_reached_says_why(url: str) -> None:
    """Law 10: no server, no database, no tables: a sentence and a code each."""
    cases = [
        ("postgresql://postgres@127.0.0.1:1/x", StorageUnreachableError, "cannot be reached"),
        (database_url("none_such"), StorageDeniedError, "no such database"),
        (url, StorageUnreadableError, "call migrate"),
    ]
    for where, kind, words in cases:
        store = PostgresStore(where)
        with pytest.raises(kind, match=words):
            await store.get_run("r1")
        await store.close()


async def test_a_wrong_password_says_so() -> None:
    """Law 10: whoever is refused is told, and not that the server is down."""
    server = Server()
    try:
        execute(server.url, "CREATE ROLE guest LOGIN PASSWORD 'right'")
        server.require_passwords()
        store = PostgresStore(server.url.replace("postgres@", "guest:wrong@"))
        with pytest.raises(StorageDeniedError, match="refuses this user or password") as caught:
            await store.migrate()
        assert caught.value.code == "storage_denied"
        await store.close()
    finally:
        server.remove()


@pytest.mark.parametrize(("version", "fits"), [(130_022, False), (140_000, True)])
def test_a_server_that_is_too_old_is_refused(version: int, fits: bool) -> None:
    """Law 10: with the version that is needed."""
    if fits:
        require_version(version)
        return
    with pytest.raises(StorageUnsupportedError, match="14 or newer is needed"):
        require_version(version)


async def test_a_newer_schema_is_refused_and_left_alone(store: PostgresStore, url: str) -> None:
    """B15: with a sentence that says what to do."""
    execute(url, "UPDATE durably_py_schema SET version = 999 WHERE version = 1")

    with pytest.raises(SchemaTooNewError, match="newer version"):
        await store.migrate()


async def test_connections_that_migrate_at_once_agree(url: str) -> None:
    """Whoever is first makes the tables, the others find them."""
    stores = [PostgresStore(url, schema='odd "name" %s') for _ in range(5)]

    await asyncio.gather(*(one.migrate() for one in stores))

    await put(stores[0], run("r1", labels={"a": "b"}))
    assert [one.id for one in await stores[4].get_runs(RunFilter(labels={"a": "b"}))] == ["r1"]
    for one in stores:
        await one.close()


async def test_without_the_libraries_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Law 10: what to install is in the sentence."""
    for name in [name for name in sys.modules if name.startswith("durably.store.postgres")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "psycopg", None)

    with pytest.raises(MissingExtraError, match=r"durably\[postgres\]") as caught:
        open_store("postgresql://localhost/x")

    assert caught.value.code == "missing_extra"


async def test_a_store_moves_from_postgresql_to_a_file_and_back(url: str, tmp_path: Path) -> None:
    """An export is a SQLite file, whatever the database is."""
    app = Durably(url, jobs=[hello], preserve_steps=True)
    await app.migrate()
    made = await app.trigger(hello, "you", labels={"who": "you"})
    await app.process_until_idle()
    before = (await app.get_run(made.id), await app.get_steps(made.id))
    await app.export_store(tmp_path / "export.sqlite3")
    other = Durably(f"sqlite:///{tmp_path / 'other.db'}", jobs=[hello])
    await other.migrate()
    await other.import_store(tmp_path / "export.sqlite3")
    assert (await other.get_run(made.id), await other.get_steps(made.id)) == before
    await other.close()

    await app.reset_store()
    assert await app.get_runs() == []
    await app.import_store(tmp_path / "export.sqlite3")

    assert (await app.get_run(made.id), await app.get_steps(made.id)) == before
    assert len(await app.get_runs(RunFilter(labels={"who": "you"}))) == 1
    await app.close()
