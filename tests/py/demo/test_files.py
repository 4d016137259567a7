"""A file that cannot be written now is written later."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from demo_jobs.files import patient_with_disk, scratch
from demo_jobs.tables import StorageTrouble
from durably.errors import StorageFullError


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "storage_full"),
        (StorageFullError("there is no space left"), "storage_full"),
        (BlockingIOError(errno.EAGAIN, "Try again"), "storage_io"),
        (FileNotFoundError(errno.ENOENT, "No such file"), "storage_io"),
    ],
)
def test_trouble_with_the_disk_is_worth_another_attempt(error: Exception, code: str) -> None:
    """Law 9: it says what it is, and the jobs wait for it."""
    with pytest.raises(StorageTrouble, match=f"^{code}: "), patient_with_disk():
        raise error


def test_a_file_that_is_needed_on_the_way_is_gone_afterwards(tmp_path: Path) -> None:
    """Also when its step fails, and when it was never made."""
    path = tmp_path / "x.tmp"

    def fail() -> None:
        with scratch(path) as place:
            place.write_text("x")
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fail()
    with scratch(path):
        pass

    assert not path.exists()
