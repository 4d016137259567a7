"""Cut a CSV file into records with the `csv` module, and know the byte at which each one ends.

The reader is fed one physical line at a time and takes no line before it needs it, so the bytes
of the lines taken are exactly the bytes of the records seen. A record that the module refuses costs
only its first line: reading goes on at the second, so that one stray quote does not swallow the
rows below.
"""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from functools import partial
from os import PathLike
from typing import Final

_REASONS: Final = (
    ("unexpected end of data", "a quoted field is never closed"),
    ("field larger than field limit", "a field is too long, or its quote is never closed"),
    ("expected after", "text follows a closing quote; a quote inside quotes must be doubled"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record that could be read; *row* and *line* count from 1, *end* is a byte offset."""

    row: int
    line: int
    cells: list[str]
    end: int
    end_line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenRecord:
    """One line that is no record; *column* is the number of the field at fault, from 1."""

    row: int
    line: int
    column: int
    reason: str
    end: int
    end_line: int


def records(
    path: str | PathLike[str],
    *,
    codec: str,
    delimiter: str,
    skip_spaces: bool = False,
    offset: int,
    row: int,
    line: int,
) -> Generator[Record | BrokenRecord, None, None]:
    """Yield the records of the file at *path* from byte *offset* on, blank ones too.

    *row* and *line* are the numbers of records and lines before *offset*.
    """
    with open(path, "rb") as file:
        file.seek(offset)
        lines = _Lines(file, codec=codec, offset=offset, number=line)
        cut = partial(csv.reader, delimiter=delimiter, skipinitialspace=skip_spaces)
        reader = cut(lines, strict=True)
        while True:
            first = lines.number + 1
            lines.taken.clear()
            try:
                cells = next(reader, None)
            except csv.Error as error:
                column = _column_at_fault("".join(lines.taken), cut)
                lines.give_back_all_but_first()
                row += 1
                yield BrokenRecord(
                    row=row,
                    line=first,
                    column=column,
                    reason=_reason(error),
                    end=lines.offset,
                    end_line=lines.number,
                )
                continue
            if cells is None:
                return
            row += 1
            yield Record(row=row, line=first, cells=cells, end=lines.offset, end_line=lines.number)


class _Lines:
    """The physical lines of a file, line ends kept; counts the bytes of those taken."""

    def __init__(self, file: io.BufferedReader, *, codec: str, offset: int, number: int) -> None:
        # newline="" ends a line at \n, \r or \r\n and translates nothing: bytes stay countable.
        self._text = io.TextIOWrapper(file, encoding=codec, errors="strict", newline="")
        self._codec = codec
        self._given_back: deque[str] = deque()
        self.offset = offset
        self.number = number
        self.taken: list[str] = []

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._given_back.popleft() if self._given_back else self._text.readline()
        if not line:
            raise StopIteration
        self.taken.append(line)
        self.offset += len(line.encode(self._codec))
        self.number += 1
        return line

    def give_back_all_but_first(self) -> None:
        """Let the lines taken since `taken` was cleared be read again, save the first."""
        rest = self.taken[1:]
        self._given_back.extendleft(reversed(rest))
        self.offset -= len("".join(rest).encode(self._codec))
        self.number -= len(rest)


def _reason(error: csv.Error) -> str:
    said = str(error)
    return next((reason for words, reason in _REASONS if words in said), said)


def _column_at_fault(text: str, cut: Callable[..., Iterator[list[str]]]) -> int:
    """Return the number of the field in which the `csv` module gave up on *text*.

    The fault is in the last field of the longest beginning of *text* that has no fault yet.
    """
    sound, broken = 0, len(text) + 1
    while broken - sound > 1:
        middle = (sound + broken) // 2
        if _is_broken(text[:middle], cut):
            broken = middle
        else:
            sound = middle
    return len(next(cut(io.StringIO(text[:sound], newline="")), [""]))


def _is_broken(text: str, cut: Callable[..., Iterator[list[str]]]) -> bool:
    try:
        next(cut(io.StringIO(text, newline=""), strict=True), None)
    except csv.Error as error:
        return "unexpected end of data" not in str(error)
    return False
