"""Turn whatever holds a table into one CSV file: archives are unpacked, a sheet is written out."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Final, Literal

from pydantic import BaseModel

from demo_jobs import archives
from demo_jobs.archives import Limits
from demo_jobs.errors import ImportRefused
from demo_jobs.files import keep, scratch
from demo_jobs.sheets import write_sheet_as_csv
from durably import Blob

Packing = Literal["zip", "gzip", "xlsx"]

#: A workbook in an archive in an archive is as deep as people go.
MOST_LAYERS: Final = 3

_OFFICE: Final = "[Content_Types].xml"
_OPEN_DOCUMENT: Final = "META-INF/manifest.xml"
_ENDINGS: Final = (".gz", ".zip", ".xlsx", ".xlsm", ".csv", ".tsv", ".tab", ".txt")
_SHOWN_SHEETS: Final = 10


class Unpacked(BaseModel):
    """A file that can be read as CSV, and how it was come by."""

    file: Blob
    #: What to call its table.
    name: str
    #: Whether it is a sheet that was written out, so that nothing about it has to be guessed.
    is_sheet: bool = False
    notes: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layer:
    """One file on the way from what was given to the CSV file."""

    path: Path
    name: str
    is_sheet: bool = False
    notes: tuple[str, ...] = ()


def packing_of(path: Path) -> Packing | None:
    """Tell what the file at *path* is packed in; None when it can be read as it is."""
    with path.open("rb") as file:
        head = file.read(4)
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    if head not in {b"PK\x03\x04", b"PK\x05\x06"}:
        return None
    names = archives.members(path)
    if "xl/workbook.xml" in names:
        return "xlsx"
    for mark, what in (
        ("xl/workbook.bin", "a binary Excel workbook: open it and save it as .xlsx or CSV"),
        (_OFFICE, "a document of Office: open it and save its table as CSV"),
        (_OPEN_DOCUMENT, "an OpenDocument file: open it and save it as .xlsx or CSV"),
    ):
        if mark in names:
            raise ImportRefused("not_csv", f"This is not a CSV file but {what}.")
    return "zip"


def unpack(
    file: Blob,
    *,
    workplace: Path,
    sheet: str | None = None,
    member: str | None = None,
    limits: Limits | None = None,
) -> Unpacked:
    """Return *file* itself if it is not packed, else the one table in it, kept as a CSV file.

    *workplace* begins the names of the files that are needed on the way. Done again, it makes the
    same file.
    """
    limits = limits or Limits()
    layer = _Layer(path=file.path, name=file.name)
    with ExitStack() as stack:
        for number in range(1, MOST_LAYERS + 1):
            packing = None if layer.is_sheet else packing_of(layer.path)
            if packing is None:
                break
            place = workplace.with_name(f"{workplace.name}-{number}.tmp")
            target = stack.enter_context(scratch(place))
            if packing == "gzip":
                archives.gunzip(layer.path, target, limits)
                layer = replace(layer, path=target, name=_without(layer.name, ".gz"))
            elif packing == "zip":
                layer = _from_zip(layer, target, member, limits)
            else:
                layer = _from_workbook(layer, target, sheet, limits)
        else:
            if not layer.is_sheet and packing_of(layer.path) is not None:
                raise ImportRefused(
                    "broken_archive",
                    f"More than {MOST_LAYERS} archives lie in one another: unpack them first.",
                )
        name = table_name(layer.name)
        if layer.path == file.path:
            return Unpacked(file=file, name=name, notes=[])
        kept = keep(layer.path, name=f"{name}.csv", media_type="text/csv")
        return Unpacked(file=kept, name=name, is_sheet=layer.is_sheet, notes=list(layer.notes))


def table_name(file_name: str) -> str:
    """Return what to call the table of a file: its name without its folder and its endings."""
    name = PurePosixPath(file_name.replace("\\", "/")).name
    while name.lower().endswith(_ENDINGS) and "." in name.lstrip("."):
        name = name.rpartition(".")[0]
    return name


def _from_zip(layer: _Layer, target: Path, member: str | None, limits: Limits) -> _Layer:
    chosen = archives.chosen_member(archives.members(layer.path), member)
    archives.unzip(layer.path, chosen, target, limits)
    note = f"“{chosen}” was read from the archive."
    return replace(layer, path=target, name=chosen, notes=(*layer.notes, note))


def _from_workbook(layer: _Layer, target: Path, sheet: str | None, limits: Limits) -> _Layer:
    limit = limits.allowed(layer.path.stat().st_size)
    if archives.unpacked_size(layer.path) > limit:
        raise archives.too_large(limit)
    read = write_sheet_as_csv(layer.path, target, sheet=sheet)
    note = f"The sheet “{read.title}” of the workbook was read."
    if read.others:
        others = ", ".join(f"“{title}”" for title in read.others[:_SHOWN_SHEETS])
        note = f"{note[:-1]}; name another one to read it: {others}."
    # A sheet is called “Sheet1” or the like unless there are several.
    name = f"{table_name(layer.name)} {read.title}" if read.others else layer.name
    return _Layer(path=target, name=name, is_sheet=True, notes=(*layer.notes, note))


def _without(name: str, ending: str) -> str:
    return name[: -len(ending)] if name.lower().endswith(ending) else name
