"""What every test of the demo may ask for."""

from __future__ import annotations

from pathlib import Path

import pytest
from demo.desk import Desk

from demo_jobs.tables import PATH_VARIABLE


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Return a desk of the test's own."""
    made = Desk(folder=tmp_path)
    monkeypatch.setenv(PATH_VARIABLE, str(made.database))
    return made
