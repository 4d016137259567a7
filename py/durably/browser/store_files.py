"""What the page may do with the store as a whole."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from durably import wire
from durably.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from durably.app import Durably


async def work_on_files(durably: Durably, work: Mapping[str, Any], folder: Path | None) -> None:
    """Export to or import from a path, or reset; *folder* holds the files of jobs."""
    act = wire.read_text(work, "act")
    if act == "export":
        await durably.export_store(wire.read_text(work, "path"))
    elif act == "import":
        await durably.import_store(wire.read_text(work, "path"))
    elif act == "reset":
        await durably.reset_store()
        if folder is not None:
            remove_jobs_files(folder, keep="durably.sqlite3", blobs="blobs")
    else:
        msg = f"there is no file work {act!r}"
        raise NotFoundError(msg)


def remove_jobs_files(folder: Path, *, keep: str, blobs: str) -> None:
    """Remove all that is in *folder* but the database, whose files begin with *keep*."""
    for path in list(folder.iterdir()):
        if path.name == blobs or path.name.startswith(keep):
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
