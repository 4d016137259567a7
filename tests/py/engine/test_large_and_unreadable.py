"""Runs that are large, and runs that nobody can read: each alone, and no other suffers."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from durably import (
    Durably,
    RunFilter,
    RunStatus,
    SqliteStore,
    Step,
    StorageReplacedError,
    ValidationError,
    job,
)
from durably.codec import from_json
from durably.runs import MAX_LISTED_VALUE
from durably.store.sqlite import store as sqlite_store
from durably.store.sqlite.connection import MOST_LOG, open_connection
from durably.testing import FakeClock
from kit.engines import Workshop


@job(name="echo")
async def echo(step: Step, value: Any) -> Any:
    """Return the input."""
    return await step.run("echo", lambda: value)


BAD = {
    "deep": "UPDATE durably_runs SET input = '" + "[" * 5000 + "]" * 5000 + "'",
    "no-json": "UPDATE durably_runs SET input = 'half {'",
    "labels": "UPDATE durably_runs SET labels = '[1]'",
    "progress": "UPDATE durably_runs SET progress = '{}'",
    "time": "UPDATE durably_runs SET created_at = 'yesterday'",
}


@pytest.mark.parametrize("statement", BAD.values(), ids=BAD.keys())
async def test_a_run_that_cannot_be_read_fails_in_its_place(shop: Workshop, statement: str) -> None:
    """It is shown in lists, can be removed, and every other run is claimed as ever."""
    app = await shop.engine(echo)
    bad = await app.trigger(echo, 1, idempotency_key="bad")
    await _execute(shop, f"{statement} WHERE id = '{bad.id}'")
    good = await app.trigger(echo, 2)

    assert len(await app.get_runs()) == 2
    assert await app.get_run(bad.id) is not None
    assert (await app.trigger(echo, 1, idempotency_key="bad")).id == bad.id

    await shop.drain(app)

    run = await shop.get(bad.id)
    assert run.status is RunStatus.FAILED
    assert "cannot be read" in (run.error or "")
    assert (await shop.get(good.id)).output == 2
    assert {one.id for one in await app.get_runs()} == {bad.id, good.id}
    await app.delete_run(bad.id)
    assert [one.id for one in await app.get_runs()] == [good.id]


async def _execute(shop: Workshop, statement: str) -> None:
    store = shop.store
    assert isinstance(store, SqliteStore)

    def work(db: sqlite3.Connection) -> None:
        db.execute(statement)

    await store._db.write(work)


def test_json_that_is_nested_too_deeply_is_no_json() -> None:
    """It is told as a ValueError everywhere; brackets in texts do not count."""
    with pytest.raises(ValueError, match="nested"):
        from_json("[" * 100_000 + "]" * 100_000)
    text = "[" * 5000
    assert from_json(f'["{text}", {{"a": "]}}\\\\"}}]') == [text, {"a": "]}\\"}]


async def test_a_list_leaves_out_what_is_large(shop: Workshop) -> None:
    """And says so; the run by itself has all of it."""
    app = await shop.engine(echo)
    large, small = "x" * (MAX_LISTED_VALUE + 1), "y"
    first = await app.trigger(echo, large)
    second = await app.trigger(echo, small)
    await shop.drain(app)

    listed = {one.id: one for one in await app.get_runs(RunFilter(limit=10))}

    assert (listed[first.id].input, listed[first.id].output) == (None, None)
    assert listed[first.id].omitted == ("input", "output")
    assert (listed[second.id].input, listed[second.id].omitted) == (small, ())
    whole = await app.get_run(first.id)
    assert whole is not None
    assert (whole.input, whole.output, whole.omitted) == (large, large, ())


async def test_a_claim_brings_as_much_as_can_be_held(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest is read when it is replayed, and is the same."""
    monkeypatch.setattr(sqlite_store, "MOST_REPLAYED", 50)
    seen: list[list[str]] = []

    @job(name="big")
    async def big(step: Step) -> int:
        texts = [await step.run(f"s{n}", lambda n=n: f"{n}" * 20) for n in range(10)]
        seen.append(texts)
        if len(seen) == 1:
            await step.run("die", shop.die)
        return len(texts)

    app = await shop.engine(big)
    await app.trigger(big)
    await shop.die_in(app)
    await shop.clock.advance(60)
    again = await shop.engine(big)
    await shop.drain(again)

    assert seen[0] == seen[1]
    assert shop.faults.calls.count("get_saved") == 8
    assert "save_step" not in shop.faults.calls


@pytest.mark.cpython_only
async def test_a_value_that_no_database_takes_fails_its_run(tmp_path: Path) -> None:
    """It is not written again and again: the slot is free for others."""
    store = SqliteStore(str(tmp_path / "small.db"))
    await store.migrate()

    def shrink(db: sqlite3.Connection) -> None:
        db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 20_000)

    await store._db.read(shrink)

    @job(name="large")
    async def large(step: Step) -> None:
        await step.run("make", lambda: "x" * 30_000)

    @job(name="large-output")
    async def large_output(step: Step) -> str:
        return "x" * 30_000

    app = Durably(store, jobs=[large, large_output, echo], clock=FakeClock())
    made = [await app.trigger(large), await app.trigger(large_output), await app.trigger(echo, 1)]
    await app.process_until_idle()

    runs = [await store.get_run(one.id) for one in made]
    assert [run.status if run else None for run in runs] == ["failed", "failed", "completed"]
    for run in runs[:2]:
        assert run is not None
        assert "larger than the database takes" in (run.error or "")
    with pytest.raises(ValidationError, match="larger than the database takes"):
        await app.trigger(echo, "x" * 30_000)
    await app.close()


@pytest.mark.cpython_only
@pytest.mark.parametrize("replace", [False, True])
async def test_a_file_that_is_not_the_one_that_was_opened_is_told(
    tmp_path: Path, replace: bool
) -> None:
    """Nothing is acknowledged that no file would have (law 10)."""
    path, other = tmp_path / "store.db", tmp_path / "other.db"
    app = Durably(f"sqlite:///{path}", jobs=[echo])
    await app.migrate()
    made = await app.trigger(echo, 1)
    path.rename(other)
    if replace:
        path.write_bytes(other.read_bytes())
    await asyncio.sleep(0.02)  # it looks a hundred times a second

    with pytest.raises(StorageReplacedError, match="removed or replaced"):
        await app.trigger(echo, 2)

    path.unlink(missing_ok=True)
    other.rename(path)
    assert (await app.trigger(echo, 3)).run.input == 3
    assert await app.get_run(made.id) is not None
    await app.close()


@pytest.mark.cpython_only
async def test_a_log_that_grew_beside_a_reader_is_given_back(tmp_path: Path) -> None:
    """Once the reader has gone, and also after the store was emptied."""
    path = tmp_path / "store.db"
    app = Durably(f"sqlite:///{path}", jobs=[echo], clock=FakeClock(), preserve_steps=True)
    await app.migrate()
    reader = open_connection(str(path))
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM durably_runs").fetchone()
    for n in range(4):
        await app.trigger(echo, f"{n}" * 2_000_000)
    await app.process_until_idle()

    def size() -> int:
        return Path(f"{path}-wal").stat().st_size

    assert size() > 2 * MOST_LOG
    assert not await app.store.checkpoint()

    reader.execute("COMMIT")
    reader.close()
    assert await app.store.checkpoint()
    assert size() <= MOST_LOG
    await app.reset_store()
    assert size() <= MOST_LOG
    await app.close()


async def test_retention_keeps_up_with_any_rate(shop: Workshop) -> None:
    """On an engine that is never idle, in pieces, until nothing is left to remove."""
    app = await shop.engine(echo, retain_runs="1h")
    await app.jobs.echo.batch_trigger(list(range(250)))
    await shop.drain(app)
    await shop.clock.advance(2 * 3600)
    deleted: list[str] = []
    app.on("run:delete", lambda event: deleted.append(event.run_id))

    await app.jobs.echo.batch_trigger(list(range(5)))
    await app.start()
    for _ in range(100):
        await shop.clock.advance(0.01)
        await app.health()  # a read: it comes after what the engine has begun
    await app.stop()

    assert len(deleted) == 250
    assert len(await app.get_runs()) == 5


async def test_a_full_disk_keeps_retention_from_nothing_else(shop: Workshop) -> None:
    """What it cannot do is told, and runs are claimed."""
    from durably import StorageFullError  # noqa: PLC0415

    app = await shop.engine(echo, retain_runs="1h")
    errors: list[str] = []
    app.on("worker:error", lambda event: errors.append(event.context))
    shop.faults.fail("purge", lambda: StorageFullError("full"), times=100)
    made = await app.trigger(echo, 1)

    await app.start()
    for _ in range(100):
        await shop.clock.advance(0.01)
        await app.health()  # a read: it comes after what the engine has begun
    await app.stop()

    assert "retention" in errors
    assert (await shop.get(made.id)).output == 1
