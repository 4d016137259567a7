"""Unpack one file of a ZIP or gzip archive, and never more bytes than a file may have."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Final

from demo_jobs.errors import ImportRefused
from demo_jobs.files import patient_with_disk

_CHUNK: Final = 1024 * 1024
_SHOWN_MEMBERS: Final = 20
_ENCRYPTED: Final = 0x1
_TABLES: Final = (".csv", ".tsv", ".tab", ".txt", ".xlsx", ".csv.gz", ".tsv.gz", ".txt.gz")
#: What archivers of some systems add on their own.
_ADDED: Final = ("__MACOSX/",)

#: What the modules for archives raise when bytes make no sense.
_BROKEN: Final = (zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError, ValueError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What an archive may unpack to: tables shrink to a tenth, bombs to a thousandth."""

    #: Bytes.
    most: int = 1024 * 1024 * 1024
    #: How many times the archive's own size.
    ratio: int = 300
    #: Bytes for which the ratio does not matter.
    free: int = 16 * 1024 * 1024

    def allowed(self, packed: int) -> int:
        """Return how many bytes *packed* bytes may become."""
        return min(self.most, max(self.free, packed * self.ratio))


def members(archive: Path) -> list[str]:
    """Return the names of the files in the ZIP archive at *archive*."""
    with _opened(archive) as opened:
        return [
            info.filename
            for info in opened.infolist()
            if not info.is_dir() and not info.filename.startswith(_ADDED)
        ]


def unpacked_size(archive: Path) -> int:
    """Return how many bytes all files of a ZIP archive have; none can be read beyond its own."""
    with _opened(archive) as opened:
        return sum(info.file_size for info in opened.infolist())


def chosen_member(names: Sequence[str], wanted: str | None) -> str:
    """Return which of the files *names* to read; only one may be a table unless one is *wanted*."""
    if wanted is not None:
        matching = [name for name in names if wanted in (name, PurePosixPath(name).name)]
        if len(matching) == 1 or wanted in matching:
            return wanted if wanted in matching else matching[0]
        raise ImportRefused(
            "no_member", f"The archive has no one file “{wanted}”; it holds: {_listed(names)}."
        )
    tables = [
        name
        for name in names
        if name.lower().endswith(_TABLES) and not PurePosixPath(name).name.startswith(".")
    ]
    if len(tables) == 1:
        return tables[0]
    if tables:
        raise ImportRefused(
            "which_member",
            f"The archive holds {len(tables):,} tables; choose one of them: {_listed(tables)}.",
        )
    raise ImportRefused(
        "no_member",
        f"The archive holds no CSV file and no Excel workbook, only: {_listed(names)}. "
        "Choose one of them if it is a table all the same.",
    )


def unzip(archive: Path, member: str, target: Path, limits: Limits) -> None:
    """Write the file *member* of a ZIP archive to *target*."""
    with _opened(archive) as opened:
        info = opened.getinfo(member)
        if info.flag_bits & _ENCRYPTED:
            raise ImportRefused(
                "locked_archive",
                f"“{member}” is locked with a password: unpack the archive and import the file.",
            )
        try:
            with opened.open(info) as source:
                _copy(source, target, limits.allowed(info.compress_size))
        except (*_BROKEN, NotImplementedError, RuntimeError) as error:
            raise _broken(f"“{member}” cannot be unpacked ({error})") from error


def gunzip(archive: Path, target: Path, limits: Limits) -> None:
    """Write what a gzip archive holds to *target*."""
    try:
        with gzip.open(archive, "rb") as source:
            _copy(source, target, limits.allowed(archive.stat().st_size))
    except _BROKEN as error:
        raise _broken(f"the gzip archive cannot be unpacked ({error})") from error


def too_large(limit: int) -> ImportRefused:
    """Say that an archive unpacks to more than *limit* bytes."""
    return ImportRefused(
        "too_large",
        f"The archive unpacks to more than {limit:,} bytes, which is too much for its size or for "
        "this app. Unpack it and import the file itself if you trust it.",
    )


def _copy(source: IO[bytes] | gzip.GzipFile, target: Path, limit: int) -> None:
    size = 0
    with patient_with_disk():
        file = target.open("wb")
    with file:
        while chunk := source.read(_CHUNK):
            size += len(chunk)
            if size > limit:
                raise too_large(limit)
            with patient_with_disk():
                file.write(chunk)
        with patient_with_disk():
            file.flush()


def _opened(archive: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(archive)
    except _BROKEN as error:
        raise _broken(f"the ZIP archive cannot be read ({error})") from error


def _broken(what: str) -> ImportRefused:
    return ImportRefused(
        "broken_archive",
        f"The file is damaged: {what}. Fetch it again, or unpack it and import what is in it.",
    )


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(f"“{name}”" for name in names[:_SHOWN_MEMBERS]) or "nothing"
    more = len(names) - _SHOWN_MEMBERS
    return f"{shown} and {more:,} more" if more > 0 else shown
