"""One database, two engines: this one and ``@coji/durably`` 0.15 in Node (law 11)."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from durably import Durably, RunStatus, Step, job, log_persistence

PEER = Path(__file__).parents[2] / "interop" / "peer.mjs"

pytestmark = [pytest.mark.cpython_only, pytest.mark.slow]


class Numbers(BaseModel):
    """The input of the job that both sides have."""

    numbers: list[float]
    note: str = "none"


class Sum(BaseModel):
    """Its output."""

    sum: float


@job(name="add-up")
async def add_up(step: Step, input: Numbers) -> Sum:
    """Add numbers up, each in a step of its own."""
    total = 0.0
    for index, number in enumerate(input.numbers):
        total = await step.run(f"add {index}", lambda a, b: a + b, total, number, output=float)
        step.progress(index + 1, len(input.numbers), "adding")
    step.log.info("added up", {"note": input.note})
    return Sum(sum=total)


@pytest.fixture(params=["file", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Return the URL of an empty database."""
    if request.param == "file":
        yield f"sqlite:///{tmp_path / 'store.db'}"
        return
    from kit.postgres import new_database  # noqa: PLC0415 - not there in Pyodide

    with new_database() as url:
        yield url


def peer(database: str, verb: str, argument: Any = None) -> Any:
    """Let the other engine do something; return its answer."""
    command = ["node", str(PEER), database.removeprefix("sqlite:///"), verb, json.dumps(argument)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def ours(database: str, **options: Any) -> Durably:
    """Return this package's engine on the database."""
    app = Durably(database, jobs=[add_up], preserve_steps=True, **options)
    app.use(log_persistence())
    return app


async def test_the_original_reads_what_we_made(database: str) -> None:
    """Runs in every status, with labels, progress, output and steps."""
    async with ours(database) as app:
        done = await app.jobs.add_up.trigger_and_wait(
            {"numbers": [1, 2]}, labels={"by": "python"}, idempotency_key="i"
        )
        await app.stop()
        waiting = await app.trigger(add_up, {"numbers": []}, concurrency_key="c")
        gone = await app.trigger(add_up, {"numbers": []})
        await app.cancel(gone.id)

    cancelled, pending, completed = peer(database, "list")

    assert [one["id"] for one in (completed, pending, cancelled)] == [done.id, waiting.id, gone.id]
    assert [one["status"] for one in (completed, pending, cancelled)] == [
        "completed",
        "pending",
        "cancelled",
    ]
    assert completed["input"] == {"numbers": [1, 2], "note": "none"}
    assert (completed["output"], completed["labels"]) == ({"sum": 3}, {"by": "python"})
    assert completed["progress"] == {"current": 2, "total": 2, "message": "adding"}
    assert (completed["idempotencyKey"], pending["concurrencyKey"]) == ("i", "c")
    assert [(s["name"], s["index"], s["status"]) for s in completed["steps"]] == [
        ("add 0", 0, "completed"),
        ("add 1", 1, "completed"),
    ]


async def test_we_complete_what_the_original_triggered(database: str) -> None:
    """In a database that it made, with a run that it wrote."""
    triggered = peer(
        database,
        "trigger",
        {"input": {"numbers": [3, 4]}, "options": {"labels": {"by": "node"}}},
    )
    assert triggered["disposition"] == "created"

    async with ours(database) as app:
        run = await app.wait_for_run(triggered["id"], timeout=60)

    assert (run.input, run.output) == ({"numbers": [3, 4], "note": "none"}, {"sum": 7.0})
    assert run.labels == {"by": "node"}
    (seen,) = peer(database, "list")
    assert (seen["status"], seen["output"]) == ("completed", {"sum": 7})


async def test_we_read_what_the_original_completed(database: str) -> None:
    """Its runs, steps and times are ours to show; its idempotency keys hold here too."""
    ended = peer(
        database,
        "run",
        {"input": {"numbers": [5, 6]}, "options": {"idempotencyKey": "once"}},
    )

    async with ours(database) as app:
        run = await app.get_run(ended["id"])
        steps = await app.get_steps(ended["id"])
        again = await app.trigger(add_up, {"numbers": []}, idempotency_key="once")

    assert run is not None
    assert (run.status, run.output) == (RunStatus.COMPLETED, {"sum": 11})
    assert run.started_at is not None
    assert run.completed_at is not None
    assert run.created_at <= run.started_at <= run.completed_at
    assert [(step.name, step.index, step.output_json) for step in steps] == [
        ("add 0", 0, "5"),
        ("add 1", 1, "11"),
    ]
    assert (again.id, again.disposition) == (ended["id"], "idempotent")


async def test_the_original_completes_what_we_triggered(database: str) -> None:
    """A run of ours is one of its own to its worker."""
    app = ours(database)
    await app.migrate()
    made = await app.trigger(add_up, {"numbers": [7, 8]})

    peer(database, "work")

    run = await app.get_run(made.id)
    await app.close()
    assert run is not None
    assert (run.status, run.output) == (RunStatus.COMPLETED, {"sum": 15})
