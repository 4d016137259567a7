"""The example of the README is killed in the middle and goes on where it stopped."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from durably import RunStatus, open_store
from durably.runs import RunFilter

EXAMPLE = Path(__file__).parents[3] / "examples" / "server_basic.py"

pytestmark = [pytest.mark.cpython_only, pytest.mark.slow]


def start(database: Path) -> subprocess.Popen[str]:
    """Start the example as a process of its own."""
    command = [sys.executable, str(EXAMPLE), str(database)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def lines_until(process: subprocess.Popen[str], wanted: int) -> list[str]:
    """Read so many lines."""
    assert process.stdout is not None
    return [process.stdout.readline().strip() for _ in range(wanted)]


async def completed_steps(database: Path) -> set[str]:
    """Return the names of the steps that are saved."""
    store = open_store(f"sqlite:///{database}")
    (run,) = await store.get_runs(RunFilter())
    steps = await store.get_steps(run.id)
    await store.close()
    return {step.name for step in steps if step.status == "completed"}


async def test_a_killed_server_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """Law 1: after SIGKILL no saved step runs again, and none is missing at the end."""
    database = tmp_path / "orders.db"
    shipped: list[str] = []
    saved: set[str] = set()
    for _ in range(3):
        process = start(database)
        lines = lines_until(process, 4)
        process.send_signal(signal.SIGKILL)
        rest, _ = process.communicate()
        lines += rest.splitlines()
        repeated = {re.sub("shipped order", "ship", line) for line in lines} & saved
        assert repeated == set()
        shipped += lines
        saved = await completed_steps(database)
        assert len(saved) >= len(shipped) - 3  # at most the step at work dies with each process

    process = start(database)
    output, _ = process.communicate(timeout=60)
    lines = output.splitlines()

    assert process.returncode == 0
    assert lines[-1] == "20 parcels"
    assert {re.sub("shipped order", "ship", line) for line in lines} & saved == set()
    shipped += lines[:-1]
    assert set(shipped) == {f"shipped order {n}" for n in range(20)}
    store = open_store(f"sqlite:///{database}")
    (run,) = await store.get_runs(RunFilter())
    await store.close()
    assert run.status is RunStatus.COMPLETED
    assert run.output == [f"parcel {n}" for n in range(20)]
