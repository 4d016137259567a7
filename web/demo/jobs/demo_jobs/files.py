"""Make files in a step: one beside the database while it is written, a kept one afterwards."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from demo_jobs.tables import StorageTrouble
from durably import Blob
from durably.errors import StorageFullError

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


@contextmanager
def scratch(path: Path) -> Iterator[Path]:
    """Lend *path* to the block for a file that nobody needs afterwards.

    It lies beside the database, as the browser's own folder for such files is its memory. The name
    is the run's, so that what a crash left behind is written over.
    """
    try:
        yield path
    finally:
        with suppress(OSError):
            path.unlink(missing_ok=True)


@contextmanager
def patient_with_disk() -> Iterator[None]:
    """Let a disk that is full or out of order come out as StorageTrouble."""
    try:
        yield
    except StorageFullError as error:
        raise StorageTrouble(f"storage_full: there is no room for the file ({error})") from error
    except OSError as error:
        what = "storage_full: there is no room for" if error.errno in _FULL else "storage_io:"
        raise StorageTrouble(f"{what} a file that cannot be written now ({error})") from error


def keep(source: Path | bytes, *, name: str, media_type: str) -> Blob:
    """Keep bytes or the file at a path beside the runs."""
    with patient_with_disk():
        return Blob.keep(source, name=name, media_type=media_type)
