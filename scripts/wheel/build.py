"""Build the sdist and the wheel; the same source gives the same bytes."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]


class Built(NamedTuple):
    """The files that go to an index."""

    wheel: Path
    sdist: Path


def build(folder: Path) -> Built:
    """Build both into *folder*, in the place of what was built before.

    The wheel is made of what the sdist holds, as an installer without a wheel makes it: so nothing
    is missing there. No network is needed, hatchling being one of the development tools.
    """
    folder = folder.resolve()
    for old in (*folder.glob("durably-*.whl"), *folder.glob("durably-*.tar.gz")):
        old.unlink()
    _hatchling("sdist", ROOT / "py", folder)
    (sdist,) = folder.glob("durably-*.tar.gz")
    with tempfile.TemporaryDirectory() as unpacked:
        run(sys.executable, "-m", "tarfile", "--extract", sdist, unpacked)
        (source,) = Path(unpacked).iterdir()
        _hatchling("wheel", source, folder)
    (wheel,) = folder.glob("durably-*.whl")
    return Built(wheel, sdist)


def _hatchling(target: str, source: Path, folder: Path) -> None:
    run(sys.executable, "-m", "hatchling", "build", "-t", target, "-d", folder, cwd=source)


def run(*command: str | Path, cwd: Path = ROOT) -> None:
    """Run a program quietly; what it said is told when it fails."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        told = f"{done.stdout}{done.stderr}".strip()
        message = f"{' '.join(map(str, command))} failed:\n{told}"
        raise SystemExit(message)
