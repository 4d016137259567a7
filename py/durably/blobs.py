"""Files that travel with a run's input or result: kept once, named by their content."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import os
import re
import tempfile
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from durably.errors import NotFoundError, Problem, StorageFullError, ValidationError

if TYPE_CHECKING:
    from durably.store.protocol import Store

#: The folder in which the running engine keeps blobs; set while its jobs and queries run.
blob_folder: ContextVar[Path | None] = ContextVar("durably_blob_folder", default=None)

#: What a file may be given as: its bytes, or its path.
FileSource = bytes | bytearray | memoryview | str | os.PathLike[str]

#: How long a file that was kept waits for a run to refer to it.
UNCLAIMED_FOR = timedelta(days=1)

_CHUNK = 1 << 20
#: A reference in compact JSON; inside a JSON text the quotation marks would be escaped.
_REFERENCE = re.compile(r'"sha256":"([0-9a-f]{64})"')
_FULL = {errno.ENOSPC, errno.EDQUOT}


class Blob(BaseModel):
    """A reference to a kept file. Put it into a job's input or output type to have a file there.

    It is path-like: ``open(blob)`` and ``os.fspath(blob)`` work inside a job or a query.
    """

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)

    #: Lower-case hex SHA-256 of the bytes.
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    #: Bytes.
    size: Annotated[int, Field(ge=0)]
    #: The name the file had where it came from.
    name: str = ""
    media_type: str = ""

    @classmethod
    def keep(cls, source: FileSource, *, name: str = "", media_type: str = "") -> Blob:
        """Keep bytes or the file at a path beside the runs, and return the reference.

        Works inside a job or a query; ``step.keep_file`` does the same and waits out a full disk.
        A file that no run's input, step or output refers to is removed after a day.
        """
        folder = blob_folder.get()
        if folder is None:
            msg = "a file can be kept only inside a job or a query of an engine that keeps blobs"
            raise ValidationError(msg)
        if isinstance(source, (bytes, bytearray, memoryview)):
            return keep_file(io.BytesIO(source), folder, name=name, media_type=media_type)
        path = Path(source)
        with path.open("rb") as opened:
            return keep_file(opened, folder, name=name or path.name, media_type=media_type)

    @property
    def path(self) -> Path:
        """Return where the file lies; NotFoundError outside an engine or when it is gone."""
        folder = blob_folder.get()
        if folder is None:
            msg = "a blob can be read only inside a job or a query of an engine that keeps blobs"
            raise NotFoundError(msg)
        path = folder / self.sha256
        if not path.exists():
            msg = f"the file {self.name or self.sha256!r} is not kept here any more"
            raise NotFoundError(msg)
        return path

    def __fspath__(self) -> str:
        """Return the path as text."""
        return str(self.path)

    def open(self) -> BinaryIO:
        """Open the file for reading bytes."""
        return self.path.open("rb")


def keep_file(source: BinaryIO, folder: Path, *, name: str = "", media_type: str = "") -> Blob:
    """Copy *source* into *folder* under the hash of its bytes; the same bytes are kept once.

    The file is on disk when this returns. StorageFullError when it does not fit.
    """
    try:
        return _keep(source, folder, name=name, media_type=media_type)
    except OSError as error:
        if error.errno not in _FULL:
            raise
        msg = f"there is no space left for the file {name!r} ({error})"
        raise StorageFullError(msg) from error


def _keep(source: BinaryIO, folder: Path, *, name: str, media_type: str) -> Blob:
    folder.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    size = 0
    with tempfile.NamedTemporaryFile(dir=folder, delete=False) as copy:
        written = Path(copy.name)
        try:
            while chunk := source.read(_CHUNK):
                digest.update(chunk)
                size += copy.write(chunk)
            copy.flush()
            os.fsync(copy.fileno())
        except BaseException:
            with contextlib.suppress(OSError):  # what is left in its buffer does not fit either
                copy.close()
            written.unlink(missing_ok=True)
            raise
    kept = folder / digest.hexdigest()
    if kept.exists():
        written.unlink()
        with contextlib.suppress(OSError):
            os.utime(kept)  # it waits for a run anew
    else:
        written.replace(kept)
    return Blob(sha256=digest.hexdigest(), size=size, name=name, media_type=media_type)


def references_in(text: str) -> frozenset[str]:
    """Return the hashes of the files that a JSON text, as this package writes it, refers to."""
    return frozenset(_REFERENCE.findall(text)) if '"sha256":"' in text else frozenset()


class BlobFiles:
    """The kept files of one engine: each goes with the last run that refers to it."""

    def __init__(self, store: Store, folder: Path | None) -> None:
        self.folder = folder
        self._store = store

    def require(self, input_json: str) -> None:
        """Refuse an input that refers to a file that is not kept here."""
        folder = self.folder
        if folder is None:
            return
        gone = [name for name in references_in(input_json) if not (folder / name).exists()]
        if gone:
            msg = "the input refers to a file that is not kept here any more; give the file again"
            problems = [Problem(path=(), message=f"no file has the hash {name}") for name in gone]
            raise ValidationError(msg, problems)

    def keep(self, source: BinaryIO, *, name: str = "", media_type: str = "") -> Blob | None:
        """Copy *source* into the folder; None when there is no folder."""
        if self.folder is None:
            return None
        return keep_file(source, self.folder, name=name, media_type=media_type)

    def present(self, names: frozenset[str]) -> list[Path]:
        """Return the paths of those files that are there."""
        folder = self.folder
        if folder is None:
            return []
        return [folder / name for name in sorted(names) if (folder / name).exists()]

    async def release(self) -> None:
        """Remove the files whose last run was removed."""
        await self._store.release_blobs(self._remove)

    async def sweep(self, now: datetime) -> None:
        """Remove the files that no run came to refer to."""
        await self.release()
        old = self._older_than(now - UNCLAIMED_FOR)
        if old:
            for name in old - await self._store.blobs_in_use():
                self._remove(name)

    def keep_only(self, names: frozenset[str]) -> None:
        """Remove all other files."""
        if self.folder is not None and self.folder.is_dir():
            for path in list(self.folder.iterdir()):
                if path.name not in names:
                    self._remove(path.name)

    def _older_than(self, moment: datetime) -> frozenset[str]:
        if self.folder is None or not self.folder.is_dir():
            return frozenset()
        return frozenset(
            path.name
            for path in self.folder.iterdir()
            if path.is_file() and datetime.fromtimestamp(path.stat().st_mtime, UTC) < moment
        )

    def _remove(self, name: str) -> None:
        if self.folder is not None:
            with contextlib.suppress(OSError):  # open elsewhere: the next sweep finds it
                (self.folder / name).unlink(missing_ok=True)
