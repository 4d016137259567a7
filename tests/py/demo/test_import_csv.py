"""The job as an engine runs it on CPython: the same file as in the browser."""

from __future__ import annotations

import io
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

import demo_jobs
from demo_jobs.queries import JournalInput, PageInput, journal, refused_rows, rows
from demo_jobs.tables import PATH_VARIABLE, RefusedRow
from durably import Blob, Durably, JobDefinition, Query, RunFailedError, SqliteStore
from durably.blobs import keep_file
from durably.events import StepRetried
from durably.testing import FakeClock, FaultyStore, ProcessDied, drain

if TYPE_CHECKING:
    from pathlib import Path

JOBS: list[JobDefinition[Any, Any] | Query] = [
    demo_jobs.import_csv,
    demo_jobs.steps,
    demo_jobs.rows,
    demo_jobs.refused_rows,
    demo_jobs.journal,
]


@pytest.fixture(autouse=True)
def imports_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the rows of each test in a file of its own."""
    path = tmp_path / "imports.sqlite3"
    monkeypatch.setenv(PATH_VARIABLE, str(path))
    return path


def kept(tmp_path: Path, content: bytes) -> Blob:
    """Keep a file as the engine keeps it before a run is told of it."""
    return keep_file(io.BytesIO(content), tmp_path / "blobs", name="file.csv")


def engine(tmp_path: Path, store: Any = None, **options: Any) -> Durably:
    """Open an engine on the test's own files."""
    store = store or f"sqlite:///{tmp_path}/runs.sqlite3"
    return Durably(store, jobs=JOBS, blobs=tmp_path / "blobs", sole_owner=True, **options)


def lines(count: int) -> bytes:
    """Make a file of *count* rows; every hundredth is too short."""
    made = (
        b"%d\n" % n if n % 100 == 0 else b"%d,name %d,%d\n" % (n, n, n % 3) for n in range(count)
    )
    return b"id,name,group\n" + b"".join(made)


async def test_a_file_is_imported_and_described(tmp_path: Path) -> None:
    """The output counts, explains and describes; the tables hold the rows."""
    async with engine(tmp_path) as app:
        run = await app.trigger("import-csv", {"file": kept(tmp_path, lines(2_500))})
        ended = await app.wait_for_run(run.id)
        result = await app.jobs["import-csv"].result_of(run)
        page = rows(PageInput(run=run.id, offset=2_400, limit=50))
        refused = refused_rows(PageInput(run=run.id, limit=500))

    assert ended.progress is not None
    assert ended.progress.message == "2,475 rows imported"
    output = result.output
    assert (output.imported, output.refused, output.blank) == (2_475, 25, 0)
    assert [column.kind for column in output.columns] == ["int", "text", "int"]
    assert output.columns[0].distinct == 2_475
    assert output.first_refused[0] == RefusedRow(
        row=2,
        line=2,
        column="name",
        reason="1 cell instead of 3: “name” is the first that is missing",
    )
    assert (page.total, page.columns, len(page.rows)) == (2_475, ["id", "name", "group"], 50)
    assert (refused.total, len(refused.rows)) == (25, 25)
    with sqlite3.connect(tmp_path / "imports.sqlite3") as database:
        stored = database.execute(f'SELECT count(*) FROM "rows_{run.id}"').fetchone()
    database.close()
    assert stored == (2_475,)


async def test_a_refused_file_fails_with_its_code(tmp_path: Path) -> None:
    """The message of the run begins with the code and says what to do."""
    file = kept(tmp_path, b"Jos\xe9\n")
    async with engine(tmp_path) as app:
        run = await app.trigger("import-csv", {"file": file, "options": {"encoding": "utf-8"}})
        with pytest.raises(RunFailedError, match=r"not_utf8: .* choose the encoding Windows-1252"):
            await app.wait_for_run(run.id)


@pytest.mark.parametrize("write", range(1, 24))
async def test_a_death_at_any_write_costs_no_saved_batch(tmp_path: Path, write: int) -> None:
    """Law 1: what was saved is not read again, and no row is there twice."""
    content = lines(5_500)
    dying = FaultyStore(SqliteStore(str(tmp_path / "runs.sqlite3")))
    first = engine(tmp_path, dying)
    await first.migrate()
    run = await first.trigger("import-csv", {"file": kept(tmp_path, content)})
    dying.die_at(dying.writes + write, when="after")
    with pytest.raises((ProcessDied, BaseExceptionGroup)):
        await first.process_one()
    await first.close()

    async with engine(tmp_path) as second:
        await second.wait_for_run(run.id)
        ran = [entry.step for entry in journal(JournalInput(run=run.id))]
        page = rows(PageInput(run=run.id))

    assert page.total == 5_445
    assert sorted(set(ran)) == [f"rows-{number}" for number in range(1, 7)]
    assert len(ran) <= 7
    assert ran == sorted(ran)


async def test_trouble_with_the_disk_costs_time_not_the_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law 9: the app's own rows wait for their disk as the engine's do, and say why."""
    disk = tmp_path / "disk"
    monkeypatch.setenv(PATH_VARIABLE, str(disk / "imports.sqlite3"))
    clock = FakeClock()
    app = engine(tmp_path, clock=clock)
    await app.migrate()
    reasons: list[str] = []

    def back_after_three(event: StepRetried) -> None:
        reasons.append(event.error)
        if len(reasons) == 3:
            disk.mkdir()

    app.on(StepRetried, back_after_three)
    run = await app.trigger("import-csv", {"file": kept(tmp_path, b"a\n1\n")})

    await drain(app, clock)
    ended = await app.get_run(run.id)
    await app.close()

    assert ended is not None
    assert ended.status == "completed"
    assert [reason.split(":")[0] for reason in reasons] == ["storage_io"] * 3


async def test_journalled_steps_return_what_they_wrote_down(tmp_path: Path) -> None:
    """The journal and the output of an undisturbed run are the same."""
    async with engine(tmp_path) as app:
        run = await app.trigger("steps", {"count": 5, "journal": True})
        ended = await app.jobs["steps"].result_of(run)
        written = journal(JournalInput(run=run.id))

    assert [entry.step for entry in written] == [f"step-{number}" for number in range(5)]
    assert [entry.token for entry in written] == ended.output
