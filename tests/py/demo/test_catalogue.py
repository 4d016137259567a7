"""A finished table is known by a name and an id, and other jobs may be given it."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

import pytest
from demo.desk import Desk, refusal

import demo_jobs
from demo_jobs.catalogue import register
from demo_jobs.queries import PageInput
from demo_jobs.tables import opened


async def test_imports_become_tables_with_names_of_their_own(desk: Desk) -> None:
    """The newest comes first; a name that is taken gets a number; kinds are the columns'."""
    file = desk.keep("tag,größe\n2024-01-01,1\n2024-01-02,2\n".encode(), "Maße.csv")
    first = await desk.run("import-csv", {"file": file})
    second = await desk.run("import-csv", {"file": file})
    named = await desk.run("import-csv", {"file": file, "options": {"name": "  my\ntable "}})

    tables = demo_jobs.list_tables()

    assert [table.id for table in tables] == [one.table.id for one in (named, second, first)]
    assert [table.name for table in tables] == ["my table", "Maße 2", "Maße"]
    assert [(one.name, one.kind) for one in tables[0].columns] == [
        ("tag", "date"),
        ("größe", "int"),
    ]
    assert (tables[0].rows, tables[0].origin) == (2, "imported")
    assert datetime.fromisoformat(tables[0].created_at).utcoffset() is not None
    assert demo_jobs.rows(PageInput(run=first.table.id)).total == 2


def test_a_table_that_is_registered_again_stays_what_it_is(desk: Desk) -> None:
    """Law 1: a crash between the commit and the checkpoint gives it no second name."""
    first = desk.table("a", ["x"], [["1"]])

    assert register(desk.database, "a", name="a", columns=[], origin="cleaned") == first


async def test_imports_at_the_same_time_do_not_mix(desk: Desk) -> None:
    """Each run has a table of its own, and all names differ."""
    contents = [b"n\n" + b"%d\n" % n * 3_000 for n in range(4)]
    async with desk.engine(max_concurrent_runs=4) as app:
        runs = [
            await app.trigger("import-csv", {"file": desk.keep(content, "same.csv")})
            for content in contents
        ]
        await asyncio.gather(*(app.wait_for_run(run.id) for run in runs))

    for number, run in enumerate(runs):
        assert desk.cells(run.id) == [(str(number),)] * 3_000
    assert len({table.name for table in demo_jobs.list_tables()}) == 4


async def test_an_unfinished_import_is_no_table(desk: Desk) -> None:
    """Its rows can be looked at, but no job is given a part for the whole."""
    with refusal("no_table", "choose one of those that are listed"):
        await desk.run("clean-table", {"table": "nothing"})


async def test_a_dropped_table_is_gone_for_good(desk: Desk) -> None:
    """What it was is the output; a second time there is none."""
    desk.table("a", ["x"], [["1"], ["2"]])
    desk.table("b", ["x"], [["1"]])

    dropped = await desk.run("drop-table", {"table": "a"})

    assert (dropped.name, dropped.rows) == ("a", 2)
    assert [table.name for table in demo_jobs.list_tables()] == ["b"]
    assert demo_jobs.rows(PageInput(run="a")).columns == []
    with refusal("no_table"):
        await desk.run("drop-table", {"table": "a"})


async def test_what_a_cancelled_run_has_made_can_be_dropped(desk: Desk) -> None:
    """Half a table has no name, and takes its helpers with it."""
    desk.table("a", ["x"], [["1"]] * 3)
    async with desk.engine() as app:
        made = await app.trigger("clean-table", {"table": "a"})
        await app.wait_for_run(made.id)
    with opened(desk.database) as tables, tables.transaction():
        tables.connection.execute("DELETE FROM catalogue WHERE id = ?", (made.id,))
        tables.connection.execute(f'CREATE TABLE "seen_{made.id}" (row)')

    dropped = await desk.run("drop-table", {"table": made.id})

    assert (dropped.name, dropped.rows) == (None, 3)
    assert desk.leftovers() == []
    assert demo_jobs.rows(PageInput(run=made.id)).columns == []


async def test_jobs_on_one_table_do_not_disturb_each_other(desk: Desk) -> None:
    """All read it, and each writes a table of its own."""
    desk.table("a", ["k", "n"], [[str(n % 90), f"{n},5"] for n in range(3_000)])
    keys = {"leftKeys": ["k"], "rightKeys": ["k"]}
    inputs: list[tuple[str, dict[str, Any]]] = [
        ("clean-table", {"table": "a"}),
        ("join-tables", {"left": "a", "right": "a", **keys}),
        ("make-report", {"table": "a", "groupBy": ["k"], "measures": [{"measure": "count"}]}),
    ]
    async with desk.engine(max_concurrent_runs=6) as app:
        runs = [await app.trigger(job, input) for job, input in inputs * 2]
        for run in runs:
            await app.wait_for_run(run.id)

    assert [len(desk.cells(run.id)) for run in runs] == [3_000, 100_020, 90] * 2
    assert len({table.name for table in demo_jobs.list_tables()}) == 7
    assert desk.leftovers() == []


@pytest.mark.parametrize("write", range(1, 9))
async def test_a_death_while_dropping_drops_once(desk: Desk, write: int) -> None:
    """Law 1: the step that removes the table may run twice."""
    desk.table("a", ["x"], [["1"]])

    output, _ = await desk.run_dying("drop-table", {"table": "a"}, write)

    assert output.name == "a"
    assert demo_jobs.list_tables() == []


@pytest.mark.slow
@pytest.mark.parametrize("write", range(1, 15))
async def test_a_death_while_a_workbook_is_imported_costs_nothing(desk: Desk, write: int) -> None:
    """Law 1: the sheet is written out anew or found where it was kept."""
    from io import BytesIO  # noqa: PLC0415

    import openpyxl  # type: ignore[import-untyped]  # noqa: PLC0415

    book: Any = openpyxl.Workbook()
    for n in range(1_500):
        book.active.append([f"é{n}", n])
    content = BytesIO()
    book.save(content)

    output, ran = await desk.run_dying(
        "import-csv", {"file": desk.keep(content.getvalue(), "a.xlsx")}, write
    )

    assert (output.imported, output.table.rows) == (1_499, 1_499)
    assert sorted(set(ran)) == ["rows-1", "rows-2"]
    assert len(ran) <= 3
    assert desk.leftovers() == []
