"""A rehearsal does what engines do, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from durably.browser import rehearsal


@pytest.fixture
def left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[Path]]:
    """Make the rehearsal a short one; return what lists the files that it has left."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(rehearsal, "_RUNS", 3)
    monkeypatch.setattr(rehearsal, "_STEPS", 20)
    return lambda: list(tmp_path.iterdir())


async def test_it_executes_runs_and_leaves_nothing(
    left: Callable[[], list[Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The steps are the engine's own, on a database that goes with them."""
    executed: list[int] = []

    def note(number: int) -> str:
        executed.append(number)
        return str(number)

    monkeypatch.setattr(rehearsal, "_name", note)
    before = asyncio.all_tasks()

    await rehearsal.rehearse()

    assert sorted(executed) == sorted([0, 0, 0, *range(20)])
    assert left() == []
    assert asyncio.all_tasks() == before


async def test_what_goes_wrong_is_raised(
    left: Callable[[], list[Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the engine is stopped all the same."""
    monkeypatch.setattr(rehearsal, "_STEPS", "many")

    with pytest.raises(RuntimeError, match="the input of job"):
        await rehearsal.rehearse()

    assert left() == []
