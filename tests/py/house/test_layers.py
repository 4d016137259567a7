"""The import contracts of pyproject.toml, tried on imports that break them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[3] / "py"
LINT_IMPORTS = Path(sysconfig.get_path("scripts")) / "lint-imports"

pytestmark = pytest.mark.cpython_only  # it starts a program


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("errors.py", "import durably.app", "imports point inwards"),
        ("engine/worker.py", "import durably.wire", "imports point inwards"),
        ("engine/worker.py", "import durably.store.sqlite", "the engine knows the store"),
        ("jobs.py", "import js", "only durably.browser speaks to JavaScript"),
    ],
)
def test_an_import_that_points_outwards_is_refused(
    tmp_path: Path, module: str, line: str, contract: str
) -> None:
    """A contract that an import breaks is named, and the check fails."""
    shutil.copytree(PACKAGE / "durably", tmp_path / "durably")
    shutil.copy(PACKAGE / "pyproject.toml", tmp_path)
    broken = tmp_path / "durably" / module
    broken.write_text(f"{broken.read_text()}\n{line}\n")

    checked = subprocess.run(
        [LINT_IMPORTS, "--no-logo", "--no-cache"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert checked.returncode == 1
    assert any(contract in text and "BROKEN" in text for text in checked.stdout.splitlines())
