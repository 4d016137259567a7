"""What the tests of the demo's jobs have in common: an engine, tables, deaths of the process."""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import demo_jobs
from demo_jobs.batches import make_table, summarise
from demo_jobs.catalogue import TableInfo, register
from demo_jobs.tables import opened
from durably import Blob, Durably, JobDefinition, Query, SqliteStore
from durably.blobs import keep_file
from durably.testing import FakeClock, FaultyStore, ProcessDied, drain

JOBS: list[JobDefinition[Any, Any] | Query] = [
    demo_jobs.import_csv,
    demo_jobs.clean_table,
    demo_jobs.join_tables,
    demo_jobs.make_report,
    demo_jobs.sync_source,
    demo_jobs.drop_table,
    demo_jobs.list_tables,
    demo_jobs.rows,
    demo_jobs.refused_rows,
    demo_jobs.journal,
]


@dataclass(frozen=True, kw_only=True)
class Desk:
    """A folder with a database of tables, runs and kept files."""

    folder: Path

    @property
    def database(self) -> Path:
        """Return where the tables are."""
        return self.folder / "imports.sqlite3"

    def engine(self, store: Any = None, **options: Any) -> Durably:
        """Open an engine on these files."""
        store = store or f"sqlite:///{self.folder}/runs.sqlite3"
        return Durably(store, jobs=JOBS, blobs=self.blobs, sole_owner=True, **options)

    @property
    def blobs(self) -> Path:
        """Return where files are kept."""
        return self.folder / "blobs"

    def keep(self, content: bytes, name: str = "file.csv") -> Blob:
        """Keep a file as the engine keeps it before a run is told of it."""
        return keep_file(io.BytesIO(content), self.blobs, name=name)

    def read(self, blob: Blob) -> bytes:
        """Return the bytes of a kept file."""
        return (self.blobs / blob.sha256).read_bytes()

    def table(self, name: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> TableInfo:
        """Make a table as if a job had made it; its id is its name."""
        make_table(self.database, name, columns)
        numbered: list[tuple[int | str, ...]] = [
            (number, *row) for number, row in enumerate(rows, start=2)
        ]
        with opened(self.database) as tables, tables.transaction():
            tables.add_rows(name, len(columns), numbered)
        kinds = summarise(self.database, name, columns) if columns else []
        return register(self.database, name, name=name, columns=kinds, origin="imported")

    def cells(self, table_id: str) -> list[tuple[str, ...]]:
        """Return the cells of all rows of a table, in order."""
        return [row[1:] for row in self.numbered(table_id)]

    def numbered(self, table_id: str) -> list[tuple[Any, ...]]:
        """Return all rows of a table with their numbers, in order."""
        with closing(sqlite3.connect(self.database)) as database:
            return database.execute(f'SELECT * FROM "rows_{table_id}" ORDER BY _row').fetchall()

    def leftovers(self) -> list[str]:
        """Return the names of helper tables and indexes, and of files that are nobody's."""
        with closing(sqlite3.connect(self.database)) as database:
            names = [name for (name,) in database.execute("SELECT name FROM sqlite_schema")]
        helpers = ("seen_", "keys_", "by_key_", "groups_")
        return [
            *(name for name in names if name.startswith(helpers) or name.endswith("-unsorted")),
            *(path.name for path in self.folder.glob("*.tmp")),
        ]

    async def run(self, job: str, input: dict[str, Any]) -> Any:
        """Run a job to its end and return its output; RunFailedError when it fails."""
        async with self.engine() as app:
            made = await app.trigger(job, input)
            await app.wait_for_run(made.id)
            return (await app.jobs[job].result_of(made)).output

    async def run_dying(self, job: str, input: dict[str, Any], write: int) -> tuple[Any, list[str]]:
        """Run a job whose process dies right after the *write*-th write of its execution.

        Returns the output, and the steps that were executed, as they wrote it down themselves.
        """
        clock = FakeClock()
        dying = FaultyStore(SqliteStore(str(self.folder / "runs.sqlite3")))
        first = self.engine(dying, clock=clock)
        await first.migrate()
        made = await first.trigger(job, input)
        dying.die_at(dying.writes + write, when="before" if write % 2 else "after")
        with suppress(ProcessDied, BaseExceptionGroup):
            await first.process_one()
        await first.close()
        second = self.engine(clock=clock)
        await second.migrate()
        await drain(second, clock)
        output = (await second.jobs[job].result_of(made)).output
        await second.close()
        with opened(self.database) as tables:
            ran = [entry.step for entry in tables.journal(made.id, after=0, limit=10_000)]
        return output, ran


def refusal(code: str, words: str = "") -> Any:
    """Expect a run that fails with *code* and a sentence that has *words*."""
    return pytest.raises(Exception, match=f"{code}: .*{words}")
