"""Files that travel with a run's input or result: kept once, named by their content."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import os
import re
import tempfile
import threading
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from durably.arguments import checked_path, checked_text, refuse
from durably.codec import references_in
from durably.errors import NotFoundError, Problem, StorageFullError, ValidationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from durably.store.protocol import BlobIndex

#: The folder in which the running engine keeps blobs; set while its jobs and queries run.
blob_folder: ContextVar[Path | None] = ContextVar("durably_blob_folder", default=None)

#: What a file may be given as: its bytes, or its path.
FileSource = bytes | bytearray | memoryview | str | os.PathLike[str]

#: How long a file that was kept waits for a run to refer to it.
UNCLAIMED_FOR = timedelta(days=1)

_CHUNK = 1 << 20
_KEPT = re.compile(r"[0-9a-f]{64}")
_INCOMING = "durably-incoming-"
#: The names that this module gives. Whatever else lies in the folder is somebody's own.
_OWN = re.compile(rf"{_KEPT.pattern}|{_INCOMING}.*")
_FULL = {errno.ENOSPC, errno.EDQUOT}

#: Files that stay until some code that runs now ends: a run may come to refer to them.
_claims: dict[int, set[str]] = {}
#: The claim of the code of this context.
_claim_here: ContextVar[set[str] | None] = ContextVar("durably_claim", default=None)
#: Held while it is decided whether a file is there to stay: the store removes on its own thread.
_deciding = threading.Lock()


class Blob(BaseModel):
    """A reference to a kept file. Put it into a job's input or output type to have a file there.

    It is path-like: ``open(blob)`` and ``os.fspath(blob)`` work inside a job or a query.
    """

    model_config = ConfigDict(
        frozen=True,
        alias_generator=to_camel,
        populate_by_name=True,
        json_schema_extra={"x-durably": "blob"},  # by this clients know where a file may be given
    )

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
        path = checked_path("a file to keep must be its bytes or its path: it", source)
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
    for what, text in (("name", name), ("media_type", media_type)):
        checked_text(f"{what} of a file", text, may_be_empty=True)
    if isinstance(source, io.TextIOBase):
        refuse("a file to keep", "opened for reading bytes", source)
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
    with tempfile.NamedTemporaryFile(dir=folder, prefix=_INCOMING, delete=False) as copy:
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
    sha256 = digest.hexdigest()
    kept = folder / sha256
    with _deciding:
        claim = _claim_here.get()
        if claim is not None:
            claim.add(sha256)
        is_new = not kept.exists()
        if is_new:
            written.replace(kept)
    if not is_new:
        written.unlink()
        with contextlib.suppress(OSError):
            os.utime(kept)  # it waits for a run anew
    return Blob(sha256=sha256, size=size, name=name, media_type=media_type)


@contextlib.contextmanager
def _claimed(names: set[str]) -> Iterator[None]:
    """Keep every file in *names*, and whatever is added to it, from being removed meanwhile."""
    with _deciding:
        _claims[id(names)] = names
    try:
        yield
    finally:
        with _deciding:
            del _claims[id(names)]


class BlobFiles:
    """The kept files of one engine: each goes with the last run that refers to it."""

    def __init__(self, store: BlobIndex, folder: Path | None) -> None:
        self.folder = folder
        self._store = store

    @contextlib.contextmanager
    def in_reach(self) -> Iterator[None]:
        """Let the code in here use kept files, and keep some; none of these goes before it ends."""
        claim: set[str] = set()
        tokens = blob_folder.set(self.folder), _claim_here.set(claim)
        try:
            with _claimed(claim):
                yield
        finally:
            # A process that ends may close what was open in another context than its own.
            with contextlib.suppress(ValueError):
                blob_folder.reset(tokens[0])
                _claim_here.reset(tokens[1])

    @contextlib.contextmanager
    def required(self, inputs: Iterable[str]) -> Iterator[None]:
        """Refuse inputs that refer to a file that is not kept here; no other goes meanwhile."""
        names = set[str]().union(*map(references_in, inputs))
        with _claimed(names):
            self._refuse_missing(names)
            yield

    def _refuse_missing(self, names: set[str]) -> None:
        folder = self.folder
        if folder is None:
            return
        gone = [name for name in sorted(names) if not (folder / name).exists()]
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
        """Remove the files that no run came to refer to, and what was not written to its end."""
        await self.release()
        old = {path.name for path in self._own_files() if _is_older(path, now - UNCLAIMED_FOR)}
        if old:
            for name in old - await self._store.blobs_in_use():
                self._remove(name)

    def keep_only(self, names: frozenset[str]) -> None:
        """Remove all other kept files."""
        for path in self._own_files():
            if _KEPT.fullmatch(path.name) and path.name not in names:
                self._remove(path.name)

    def _own_files(self) -> list[Path]:
        """Return what is in the folder under names that only this module gives."""
        if self.folder is None or not self.folder.is_dir():
            return []
        return [path for path in self.folder.iterdir() if _OWN.fullmatch(path.name)]

    def _remove(self, name: str) -> bool:
        """Remove a file unless some code may come to refer to it; return whether it is gone."""
        if self.folder is None:
            return True
        with _deciding:
            if any(name in names for names in _claims.values()):
                return False
            try:
                (self.folder / name).unlink(missing_ok=True)
            except OSError:  # open elsewhere
                return False
        return True


def _is_older(path: Path, moment: datetime) -> bool:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC) < moment
    except FileNotFoundError:  # it has just got its name, or another engine removed it
        return False
