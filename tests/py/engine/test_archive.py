"""One file holds a whole store: it is consistent, checked, and takes the other's place at once."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from durably import Blob, Durably, DurablyError, Step, job
from durably.errors import ImportRefusedError, SchemaTooNewError, ValidationError
from durably.testing import FakeClock
from kit.engines import Workshop, until


@job(name="make")
async def make(step: Step, input: int) -> list[Blob]:
    """Make *input* files, one in each step."""

    async def one(number: int) -> Blob:
        return await step.keep_file(b"x" * 1_200_000 + str(number).encode(), name=f"{number}")

    return [await step.run(f"file-{number}", one, number) for number in range(input)]


@job(name="endless")
async def endless(step: Step, input: int) -> int:
    """Take steps until the engine stops."""
    for number in range(input):
        await step.run(f"step-{number}", asyncio.sleep, 0.001)
    return input


@pytest.fixture
async def home(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Durably]:
    """Return an engine on a file, with two completed runs that share no file."""
    shop = Workshop(f"sqlite:///{tmp_path / 'home.db'}", clock)
    app = await shop.engine(make, blobs=tmp_path / "home-blobs")
    for count in (1, 2):
        await app.trigger(make, count)
    await shop.drain(app)
    yield app
    await shop.close()


async def engine_at(tmp_path: Path, clock: FakeClock) -> tuple[Workshop, Durably]:
    """Return an engine on another file, with one run of its own."""
    shop = Workshop(f"sqlite:///{tmp_path / 'other.db'}", clock)
    app = await shop.engine(make, blobs=tmp_path / "other-blobs")
    await app.trigger(make, 1, run_id="01ARZ3NDEKTSV4RRFFQ69G5FAV")
    await shop.drain(app)
    return shop, app


def names(folder: Path) -> list[str]:
    """Return the names of the files in *folder*."""
    return sorted(path.name for path in folder.iterdir())


async def test_a_store_moves_as_one_file_with_its_files(
    home: Durably, tmp_path: Path, clock: FakeClock
) -> None:
    """What was exported is what is there after the import, and nothing else is."""
    await home.export_store(tmp_path / "export.sqlite3")
    before = names(tmp_path / "home-blobs")
    shop, app = await engine_at(tmp_path, clock)

    await app.import_store(tmp_path / "export.sqlite3")

    assert await app.get_runs() == await home.get_runs()
    assert names(tmp_path / "other-blobs") == before
    assert (await app.trigger(make, 1)).run.job_name == "make"
    await shop.close()
    with closing(sqlite3.connect(tmp_path / "other.db")) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        tables = {name for (name,) in db.execute("SELECT name FROM sqlite_schema")}
    assert "durably_py_files" not in tables


async def test_an_export_is_consistent_while_jobs_run(tmp_path: Path) -> None:
    """The copy's steps are those of one moment, and the engine goes on."""
    async with Durably(f"sqlite:///{tmp_path / 'runs.db'}", jobs=[endless]) as app:
        run = await app.trigger(endless, 200)
        done: set[str] = set()
        app.on("step:complete", lambda event: done.add(event.step_name))
        await until(lambda: len(done) > 20)
        acknowledged = len(done)

        await app.export_store(tmp_path / "copy.sqlite3")

        assert (await app.wait_for_run(run.id)).output == 200
    with closing(sqlite3.connect(tmp_path / "copy.sqlite3")) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        ((counted, stored),) = db.execute(
            "SELECT completed_step_count, (SELECT count(*) FROM durably_steps) FROM durably_runs"
        ).fetchall()
    assert counted == stored >= acknowledged


async def test_runs_that_were_in_the_middle_go_on_after_the_import(tmp_path: Path) -> None:
    """A run that was leased when it was exported is claimed where it is imported (law 4)."""
    async with Durably(f"sqlite:///{tmp_path / 'a.db'}", jobs=[endless]) as app:
        run = await app.trigger(endless, 100)
        await until(lambda: app.steps_in_flight)
        await app.export_store(tmp_path / "copy.sqlite3")
    other = Durably(f"sqlite:///{tmp_path / 'b.db'}", jobs=[endless], sole_owner=True)
    async with other:
        await other.import_store(tmp_path / "copy.sqlite3")

        assert (await other.wait_for_run(run.id, timeout=20)).output == 100


def _foreign(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE cats (name TEXT)")


def _torn(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


def _overwritten(path: Path) -> None:
    whole = bytearray(path.read_bytes())
    whole[4096 * 2 : 4096 * 6] = b"\x55" * 4096 * 4
    path.write_bytes(whole)


def _from_the_future(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("INSERT INTO durably_py_schema VALUES (999, '2099-01-01T00:00:00.000Z')")


def _without_steps(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("DROP TABLE durably_steps")


def _with_a_changed_file(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE durably_py_files SET bytes = 'other' WHERE piece = 0")


@pytest.mark.parametrize(
    ("spoil", "error", "words"),
    [
        (lambda path: path.write_bytes(b""), ImportRefusedError, "not a SQLite database"),
        (lambda path: path.write_bytes(b"PK\3\4" * 9), ImportRefusedError, "not a SQLite"),
        (lambda path: path.unlink(), ImportRefusedError, "cannot be read"),
        (_foreign, ImportRefusedError, "no runs"),
        (_torn, ImportRefusedError, "file"),
        (_overwritten, ImportRefusedError, "file"),
        (_from_the_future, SchemaTooNewError, "newer version"),
        (_without_steps, ImportRefusedError, "durably_steps"),
        (_with_a_changed_file, ImportRefusedError, "damaged"),
    ],
)
async def test_law_10_what_is_no_sound_store_is_refused_and_nothing_changes(
    home: Durably, tmp_path: Path, spoil: object, error: type[DurablyError], words: str
) -> None:
    """Every kind of bad file has its sentence, and the store stays as it was."""
    path = tmp_path / "export.sqlite3"
    await home.export_store(path)
    spoil(path)  # type: ignore[operator]
    before = await home.get_runs()

    with pytest.raises(error, match=words):
        await home.import_store(path)

    assert await home.get_runs() == before


async def test_an_export_replaces_no_file(home: Durably, tmp_path: Path) -> None:
    """A path that is taken is refused."""
    (tmp_path / "export.sqlite3").write_text("mine")

    with pytest.raises(ValidationError, match="already"):
        await home.export_store(tmp_path / "export.sqlite3")

    assert (tmp_path / "export.sqlite3").read_text() == "mine"


async def test_a_reset_leaves_an_empty_store_that_works(home: Durably, tmp_path: Path) -> None:
    """Runs and their files are gone, and the next run is made."""
    await home.start()
    worker = (await home.health()).worker_id
    await home.reset_store()

    assert await home.get_runs() == []
    assert names(tmp_path / "home-blobs") == []
    health = await home.health()
    assert (health.state, health.worker_id) == ("ok", worker)
    await home.trigger(make, 1)
