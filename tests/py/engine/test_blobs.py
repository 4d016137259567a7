"""Files go with the runs that refer to them: kept once, gone with the last."""

import os
import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from durably import Blob, Durably, JobDefinition, RunStatus, Step, SyncStep, ValidationError, job
from durably.blobs import keep_file
from durably.errors import StorageFullError
from durably.testing import FakeClock
from kit.engines import Workshop, record, until


class Picture(BaseModel):
    """An input with a file in it."""

    title: str = ""
    files: list[Blob] = []


@job(name="look")
async def look(step: Step, input: Picture) -> int:
    """Return the sum of the files' sizes."""
    return await step.run("sizes", lambda: sum(len(blob.path.read_bytes()) for blob in input.files))


class Drawing(BaseModel):
    """An output with a file in it."""

    picture: Blob
    note: str


@job(name="draw")
async def draw(step: Step, input: str) -> Drawing:
    """Make a large file in a step."""

    async def render() -> Drawing:
        picture = await step.keep_file(input.encode() * 100_000, name="a.txt", media_type="text")
        return Drawing(picture=picture, note=input)

    return await step.run("render", render)


@job(name="draw-sync")
def draw_sync(step: SyncStep, input: str) -> Blob:
    """Make a file in a sync job."""

    def render() -> Blob:
        return step.keep_file(input.encode())

    return step.run("render", render)


@job(name="draw-plainly")
async def draw_plainly(step: Step, input: str) -> Blob:
    """Make a file where there is no step object, as a helper of a library would."""
    return await step.run("render", lambda: Blob.keep(input.encode()), output=Blob)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of blobs."""
    made = tmp_path / "blobs"
    made.mkdir()
    return made


def kept(folder: Path) -> set[str]:
    """Return the names of the files that are there."""
    return {path.name for path in folder.iterdir()}


async def give(app: Durably, tmp_path: Path, text: str) -> Blob:
    """Keep a file with *text* in it."""
    path = tmp_path / "given"
    path.write_text(text, encoding="utf-8")
    with path.open("rb") as source:
        return await app.keep_blob(source, name="given.txt")


async def test_a_file_goes_with_the_last_run_that_refers_to_it(
    shop: Workshop, folder: Path, tmp_path: Path
) -> None:
    """Two runs share a file; the first deletion leaves it, the second removes it."""
    app = await shop.engine(look, blobs=folder)
    blob = await give(app, tmp_path, "x" * 10)
    one, two = [await app.trigger(look, {"files": [blob]}) for _ in range(2)]
    await shop.drain(app)

    assert (await shop.get(two.id)).output == 10
    await app.delete_run(one.id)
    assert kept(folder) == {blob.sha256}
    await app.delete_run(two.id)
    assert kept(folder) == set()


@pytest.mark.parametrize("made", [draw, draw_sync])
async def test_a_file_that_a_step_made_is_read_from_the_output_and_goes_with_the_run(
    shop: Workshop, folder: Path, made: object
) -> None:
    """A reference in a step's result or an output counts as one in an input."""
    app = await shop.engine(draw, draw_sync, blobs=folder)
    run = await app.trigger(made, "abc")  # type: ignore[arg-type]
    await shop.drain(app)

    stored = (await shop.get(run.id)).output
    blob = Blob.model_validate(stored.get("picture", stored))
    assert (folder / blob.sha256).stat().st_size == blob.size
    await app.purge_runs(shop.clock.now() + timedelta(days=1))
    assert kept(folder) == set()


async def test_retention_removes_files_with_their_runs(
    shop: Workshop, folder: Path, tmp_path: Path
) -> None:
    """What retention removes takes its files along."""
    app = await shop.engine(look, blobs=folder, retain_runs="1h")
    blob = await give(app, tmp_path, "old")
    await app.trigger(look, {"files": [blob]})
    await shop.drain(app)
    assert kept(folder) == {blob.sha256}

    await app.start()
    await shop.clock.advance(timedelta(hours=2))
    await until(lambda: not kept(folder))


async def test_a_file_that_no_run_refers_to_is_swept_after_a_day(
    shop: Workshop, folder: Path, tmp_path: Path
) -> None:
    """Old files without a run go at the next start; a young one and one in use stay."""
    app = await shop.engine(look, blobs=folder)
    used, old, young = [await give(app, tmp_path, text) for text in ("used", "old", "young")]
    await app.trigger(look, {"files": [used]})
    day = timedelta(days=1).total_seconds()
    for blob, age in ((used, 2 * day), (old, 2 * day), (young, day / 2)):
        moment = shop.clock.now().timestamp() - age
        os.utime(folder / blob.sha256, (moment, moment))
    (folder / "durably-incoming-of-a-dead-process").touch()
    os.utime(folder / "durably-incoming-of-a-dead-process", (0, 0))

    await app.start()
    await until(lambda: len(kept(folder)) < 4)

    assert kept(folder) == {used.sha256, young.sha256}


FOREIGN = ("runs.db", "notes.txt", "tmpabc", "a" * 63, "a" * 65, "A" * 64)


async def test_what_the_engine_did_not_name_is_left_alone(shop: Workshop, folder: Path) -> None:
    """A folder may hold more than blobs, the database itself for one: no sweep or reset is told."""
    app = await shop.engine(look, blobs=folder)
    for name in (*FOREIGN, "a" * 64):
        (folder / name).touch()
    (folder / ("f" * 64)).mkdir()
    for name in kept(folder):
        os.utime(folder / name, (0, 0))

    await app.start()
    await until(lambda: "a" * 64 not in kept(folder))
    (folder / ("b" * 64)).touch()
    await app.reset_store()

    assert kept(folder) == {*FOREIGN, "f" * 64}


async def test_an_engine_without_a_folder_leaves_files_to_the_one_that_has_it(
    shop: Workshop, folder: Path, tmp_path: Path
) -> None:
    """It can remove the runs, and the other's sweep finds what is left."""
    app, other = await shop.engine(look, blobs=folder), await shop.engine(look)
    blob = await give(app, tmp_path, "x")
    made = await app.trigger(look, {"files": [blob]})
    await shop.drain(app)

    await other.delete_run(made.id)

    assert kept(folder) == {blob.sha256}
    os.utime(folder / blob.sha256, (0, 0))
    await app.start()
    await until(lambda: not kept(folder))


async def test_a_file_that_goes_while_the_folder_is_swept_is_no_fault(
    shop: Workshop, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another engine may sweep the same folder."""
    app = await shop.engine(look, blobs=folder)
    for name in ("a" * 64, "b" * 64):
        (folder / name).touch()
        os.utime(folder / name, (0, 0))
    stat = Path.stat

    def and_all_go(path: Path, **options: Any) -> os.stat_result:
        found = stat(path, **options)
        if path.parent == folder:
            for name in kept(folder):
                (folder / name).unlink()
        return found

    monkeypatch.setattr(Path, "stat", and_all_go)

    await app._blobs.sweep(shop.clock.now())

    assert kept(folder) == set()


@pytest.mark.parametrize("in_step", [True, False])
async def test_a_file_stays_while_code_runs_that_kept_it_again(
    shop: Workshop, folder: Path, tmp_path: Path, in_step: bool
) -> None:
    """The last run that refers to it may go just then; it goes with the one that came to it."""

    @job
    async def again(step: Step) -> Blob:
        async def keep() -> Blob:
            blob = await step.keep_file(b"same bytes")
            await app.purge_runs(shop.clock.now() + timedelta(days=1))
            return blob

        return await step.run("keep", keep) if in_step else await keep()

    app = await shop.engine(look, again, blobs=folder)
    blob = await give(app, tmp_path, "same bytes")
    await app.trigger(look, {"files": [blob]})
    await shop.drain(app)
    made = await app.trigger(again)
    await shop.drain(app)

    assert (await shop.get(made.id)).status is RunStatus.COMPLETED
    assert [run.id for run in await app.get_runs()] == [made.id]
    assert kept(folder) == {blob.sha256}
    await app.delete_run(made.id)
    assert kept(folder) == set()


async def test_a_file_that_nobody_came_to_refer_to_goes_when_it_is_free(
    shop: Workshop, folder: Path, tmp_path: Path
) -> None:
    """What could not be removed while code ran that had it is removed the next time."""

    @job
    async def again(step: Step) -> None:
        await step.keep_file(b"same bytes")
        await app.purge_runs(shop.clock.now() + timedelta(days=1))

    app = await shop.engine(look, again, blobs=folder)
    await app.trigger(look, {"files": [await give(app, tmp_path, "same bytes")]})
    await shop.drain(app)
    made = await app.trigger(again)
    await shop.drain(app)
    assert len(kept(folder)) == 1

    await app.delete_run(made.id)

    assert kept(folder) == set()


async def test_law_8_a_file_stays_while_a_trigger_refers_to_it(
    shop: Workshop, folder: Path, tmp_path: Path
) -> None:
    """Between the look for the file and the write of the run nothing removes it."""
    app = await shop.engine(look, blobs=folder)
    blob = await give(app, tmp_path, "x")
    old = await app.trigger(look, {"files": [blob]})
    await shop.drain(app)
    enqueue = shop.store.enqueue

    async def after_a_deletion(*args: Any, **named: Any) -> Any:
        await app.delete_run(old.id)
        return await enqueue(*args, **named)

    shop.store.enqueue = after_a_deletion  # type: ignore[method-assign]
    made = await app.trigger(look, {"files": [blob]})
    await shop.drain(app)

    assert (await shop.get(made.id)).output == 1


async def test_law_8_a_trigger_with_a_file_that_is_gone_is_refused(
    shop: Workshop, folder: Path
) -> None:
    """No run is made that could never read its input."""
    app = await shop.engine(look, blobs=folder)
    gone = Blob(sha256="0" * 64, size=1, name="gone.txt")

    with pytest.raises(ValidationError, match="give the file again"):
        await app.trigger(look, {"files": [gone]})

    assert await app.get_runs() == []


async def test_text_that_looks_like_a_reference_is_none(shop: Workshop, folder: Path) -> None:
    """Only an object of the JSON refers to a file, not text that quotes one."""
    app = await shop.engine(look, blobs=folder)

    await app.trigger(look, {"title": '"sha256":"' + "0" * 64 + '"'})

    assert await shop.store.blobs_in_use() == frozenset()


@pytest.mark.parametrize("kind", [draw, draw_sync, draw_plainly], ids=lambda kind: kind.name)
async def test_law_9_a_file_that_does_not_fit_waits_for_room(
    shop: Workshop, folder: Path, monkeypatch: pytest.MonkeyPatch, kind: JobDefinition[str, Any]
) -> None:
    """A full disk while a step keeps a file is in view, and the step goes on when there is room."""
    app = await shop.engine(kind, blobs=folder)
    failing = 3
    real: Callable[..., Blob] = keep_file

    def full_at_first(*args: object, **named: object) -> Blob:
        nonlocal failing
        failing -= 1
        if failing > 0:
            raise StorageFullError("there is no space left")
        return real(*args, **named)

    monkeypatch.setattr("durably.blobs.keep_file", full_at_first)
    errors = record(app, "worker:error")
    run = await app.trigger(kind, "abc")
    await shop.drain(app)

    assert (await shop.get(run.id)).status is RunStatus.COMPLETED
    assert len(kept(folder)) == 1
    assert [getattr(error, "code", None) for error in errors] == ["storage_full"] * 2


async def test_an_engine_without_a_folder_says_so(shop: Workshop) -> None:
    """Without blobs= there is no place for files."""
    run = await shop.run(draw, "abc")

    assert run.error is not None
    assert "an engine that keeps blobs" in run.error


async def test_migration_finds_the_files_of_older_runs(
    tmp_path: Path, folder: Path, clock: FakeClock
) -> None:
    """Runs that were stored before the table of references was keep their files."""
    shop = Workshop(f"sqlite:///{tmp_path / 'old.db'}", clock)
    app = await shop.engine(look, blobs=folder)
    blob = await give(app, tmp_path, "x")
    await app.trigger(look, {"files": [blob]})
    await shop.store.close()
    with sqlite3.connect(tmp_path / "old.db") as db:
        db.execute("DROP TABLE durably_py_blobs")
        db.execute("DROP TRIGGER durably_py_label_time")
        db.execute("DROP INDEX idx_durably_py_run_labels_page")
        db.execute("ALTER TABLE durably_run_labels DROP COLUMN created_at")
        db.execute("DROP TABLE durably_py_waits")
        db.execute("DROP TABLE durably_py_messages")
        db.execute("DROP TABLE durably_py_schedules")
        db.execute("DROP INDEX idx_durably_py_runs_parent")
        db.execute("ALTER TABLE durably_runs DROP COLUMN parent_id")
        for name in ("ready", "later", "holding"):
            db.execute(f"DROP INDEX idx_durably_py_runs_{name}")
        db.execute("DELETE FROM durably_py_schema WHERE version >= 3")
    db.close()

    again = Workshop(f"sqlite:///{tmp_path / 'old.db'}", clock)
    await again.engine(look, blobs=folder)

    assert await again.store.blobs_in_use() == {blob.sha256}
    await again.close()
