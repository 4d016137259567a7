"""Find out how a file is written: its encoding, its delimiter, its header.

The whole file is looked at once, before any row is imported, so that a file which cannot be read to
its end is refused with nothing imported. What is found is a value; the file is not kept open.
"""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import re
from dataclasses import dataclass
from os import PathLike
from typing import Final, Literal

from pydantic import BaseModel

from demo_jobs.errors import ImportRefused
from demo_jobs.records import BrokenRecord, records

StrPath = str | PathLike[str]

Encoding = Literal["auto", "utf-8", "utf-16", "windows-1252"]
Delimiter = Literal["auto", ",", ";", "\t", "|"]

#: What Python calls the encodings a file can turn out to have.
Codec = Literal["utf-8", "utf-16-le", "utf-16-be", "cp1252"]

DELIMITERS: Final = (",", ";", "\t", "|")
#: SQLite's own limit is 2,000 columns in a table; one of them holds the row number.
MOST_COLUMNS: Final = 1_999
LONGEST_LINE: Final = 4_000_000
LONGEST_NAME: Final = 200

_HEAD: Final = 64 * 1024
_CHUNK: Final = 1024 * 1024

_MARKS: Final[tuple[tuple[bytes, Codec], ...]] = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

#: First bytes of files that people take for CSV files, or pick by mistake.
_STRANGERS: Final = (
    (b"PK\x03\x04", "a ZIP archive, perhaps an Excel workbook: open it and save it as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old or a locked Excel workbook: open it and save it as .xlsx or CSV"),
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"\x1f\x8b", "a gzip archive: unpack it first"),
    (b"SQLite format 3", "a SQLite database"),
    (b"{\\rtf", "a rich text document: save it as CSV"),
)
_MARKUP: Final = re.compile(r"\s*(<!doctype|<html|<\?xml|[{\[]\s*[\"{\[])", re.IGNORECASE)
_LINE_END: Final = re.compile(r"[\r\n]")
_SPACED_QUOTE: Final = re.compile(r' +"')
#: What no text holds; tabs, line ends, page breaks and the old end-of-file mark are no such things.
_CONTROL: Final = re.compile(r"[\x00-\x08\x0e-\x19\x1b-\x1f]")
#: So many letters beyond ASCII that are sound UTF-8 are no accident: it is UTF-8 with a fault.
_NO_ACCIDENT: Final = 3
_SEPARATOR_LINE: Final = re.compile(r"sep=([,;\t|])(\r\n|\r|\n)", re.IGNORECASE)


class Place(BaseModel):
    """Where the next batch starts, and what the batches before it did."""

    #: Bytes.
    offset: int
    #: Records before *offset*, the header and blank ones included: what a spreadsheet calls a row.
    row: int
    #: Physical lines before *offset*.
    line: int
    imported: int = 0
    refused: int = 0
    blank: int = 0


class Layout(BaseModel):
    """How a file is written, and where its first row after the header starts."""

    codec: Codec
    delimiter: str
    #: Whether spaces after a delimiter are no part of the cell, as in `1, "two"`.
    skip_spaces: bool = False
    columns: list[str]
    #: Sentences about what had to be changed or guessed.
    notes: list[str]
    start: Place
    #: Bytes.
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Text:
    """What one look at all bytes told."""

    codec: Codec
    offset: int
    size: int
    head: str
    #: A sentence about how the encoding was found; empty when it goes without saying.
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Guess:
    """What a file may be encoded in."""

    codec: Codec
    #: How many bytes the byte order mark takes.
    offset: int = 0
    note: str = ""
    #: Whether it is taken back when the text has characters that no text holds.
    is_doubtful: bool = False


class _Undecodable(Exception):
    """A byte cannot be read; *letters* beyond ASCII could be read before it."""

    def __init__(self, where: str, letters: int) -> None:
        super().__init__(where)
        self.where = where
        self.letters = letters


def inspect(path: StrPath, *, encoding: Encoding = "auto", delimiter: Delimiter = "auto") -> Layout:
    """Look at the file at *path* and say how to read it; raise ImportRefused if it is no CSV."""
    text = _look(path, encoding)
    place = Place(offset=text.offset, row=0, line=0)
    head = text.head
    announced = _SEPARATOR_LINE.match(head)
    if announced:
        place = Place(offset=place.offset + len(announced[0].encode(text.codec)), row=1, line=1)
        head = head[announced.end() :]
    if delimiter != "auto":
        chosen: str = delimiter
    elif announced:
        chosen = announced[1]
    else:
        chosen = sniff_delimiter(head, whole=len(head) < _HEAD)
    return _with_header(path, text, place, delimiter=chosen, skip_spaces=sniff_spaces(head, chosen))


def sniff_delimiter(sample: str, *, whole: bool) -> str:
    """Guess the delimiter of *sample*: the one that cuts most records as it cuts the first.

    The last record is not counted unless *sample* is the *whole* file: it may be cut short.
    """
    best, best_score = ",", (0.0, 0)
    for candidate in DELIMITERS:
        lines = io.StringIO(sample, newline="")
        try:
            counts = [len(cells) for cells in csv.reader(lines, delimiter=candidate) if cells]
        except csv.Error:
            continue
        if not whole and len(counts) > 1:
            counts.pop()
        if not counts or counts[0] == 1:
            continue
        score = (counts.count(counts[0]) / len(counts), counts[0])
        if score > best_score:
            best, best_score = candidate, score
    return best


def sniff_spaces(sample: str, delimiter: str) -> bool:
    """Tell whether *sample* has spaces between a delimiter and a quote: no cell begins so."""
    try:
        cells = itertools.chain(*csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter))
        return any(_SPACED_QUOTE.match(cell) for cell in cells)
    except csv.Error:
        return False


def name_columns(header: list[str]) -> tuple[list[str], list[str]]:
    """Make every name of *header* usable and unique; return the names and what was changed."""
    names: list[str] = []
    notes: list[str] = []
    owner: dict[str, int] = {"_row": 0}
    for number, cell in enumerate(header, start=1):
        wanted = " ".join(cell.split())[:LONGEST_NAME]
        if not wanted:
            wanted = f"column_{number}"
            notes.append(f"Column {number} has no name in the header; it is called “{wanted}”.")
        name, count = wanted, 1
        while name.casefold() in owner:
            count += 1
            name = f"{wanted}_{count}"
        if name != wanted:
            first = owner[wanted.casefold()]
            why = f"has the same name as column {first}" if first else "has a reserved name"
            notes.append(f"Column {number} {why} (“{wanted}”); it is called “{name}”.")
        owner[name.casefold()] = number
        names.append(name)
    return names, notes


def _with_header(
    path: StrPath, text: _Text, place: Place, *, delimiter: str, skip_spaces: bool
) -> Layout:
    for record in records(
        path,
        codec=text.codec,
        delimiter=delimiter,
        skip_spaces=skip_spaces,
        offset=place.offset,
        row=place.row,
        line=place.line,
    ):
        if isinstance(record, BrokenRecord):
            raise ImportRefused(
                "broken_header",
                f"The header in line {record.line} cannot be read: {record.reason}.",
            )
        if len(record.cells) < 2 and not "".join(record.cells).strip():
            continue
        if len(record.cells) > MOST_COLUMNS:
            raise ImportRefused(
                "too_many_columns",
                f"The header has {len(record.cells):,} columns; at most {MOST_COLUMNS:,} fit.",
            )
        columns, notes = name_columns(record.cells)
        if record.end >= text.size:
            notes.append("The file has a header and no rows.")
        if skip_spaces:
            notes.append("Spaces after a delimiter are left out, as quotes follow them.")
        if text.note:
            notes.append(text.note)
        return Layout(
            codec=text.codec,
            delimiter=delimiter,
            skip_spaces=skip_spaces,
            columns=columns,
            notes=notes,
            start=Place(offset=record.end, row=record.row, line=record.end_line),
            size=text.size,
        )
    raise ImportRefused("empty_file", "The file holds nothing but blank lines.")


def _look(path: StrPath, encoding: Encoding) -> _Text:
    with open(path, "rb") as file:
        head = file.read(_HEAD)
        if not head:
            raise ImportRefused("empty_file", "The file is empty: it has no bytes at all.")
        for magic, what in _STRANGERS:
            if head.startswith(magic):
                raise ImportRefused("not_csv", f"This is not a CSV file but {what}.")
        guess = _guessed(head) if encoding == "auto" else _chosen(head, encoding)
        try:
            return _read_through(file, guess)
        except _Undecodable as fault:
            is_fallback = encoding == "auto" and guess == _Guess(codec="utf-8")
            if not is_fallback or fault.letters >= _NO_ACCIDENT:
                raise _refusal(guess.codec, encoding, fault) from fault
            return _read_as_windows_1252(file, fault)


def _read_as_windows_1252(file: io.BufferedReader, fault: _Undecodable) -> _Text:
    """Read what is no UTF-8 as what Excel on Windows writes, unless it is no such text either."""
    note = (
        f"Read as Windows-1252 because {fault.where} is no UTF-8; "
        "choose another encoding if letters look wrong."
    )
    try:
        return _read_through(file, _Guess(codec="cp1252", note=note, is_doubtful=True))
    except _Undecodable as second:
        raise ImportRefused(
            "not_utf8",
            f"The file is not UTF-8: {fault.where} cannot be read. "
            f"It is not Windows-1252 either: {second.where} stands for nothing there. "
            "Save it as UTF-8 and import it again.",
        ) from second


def _read_through(file: io.BufferedReader, guess: _Guess) -> _Text:
    """Read the whole file as *guess* has it."""
    file.seek(guess.offset)
    decoder = codecs.getincrementaldecoder(guess.codec)("strict")
    sample, width, lines, letters, size = "", 0, 1, 0, guess.offset
    while True:
        chunk = file.read(_CHUNK)
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            readable = error.object[: error.start].decode(guess.codec, "ignore")
            raise _Undecodable(
                _where(error, size + len(chunk), lines), letters + _beyond_ascii(readable)
            ) from error
        if size == guess.offset:
            _refuse_strange_text(text)
            sample = text[:_HEAD]
        if guess.is_doubtful:
            _refuse_controls(text)
        width = _line_width(text, width)
        if width > LONGEST_LINE:
            raise ImportRefused("not_csv", f"A line is longer than {LONGEST_LINE:,} characters.")
        lines += text.count("\n")
        letters += _beyond_ascii(text)
        size += len(chunk)
        if not chunk:
            return _Text(
                codec=guess.codec, offset=guess.offset, size=size, head=sample, note=guess.note
            )


def _guessed(head: bytes) -> _Guess:
    """Find out what *head* is encoded in; UTF-8 until a byte says otherwise."""
    for mark, codec in _MARKS:
        if head.startswith(mark):
            return _Guess(codec=codec, offset=len(mark))
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if max(even, odd) > len(head) // 5 and min(even, odd) <= len(head) // 50:
        return _Guess(
            codec="utf-16-be" if even > odd else "utf-16-le",
            note="Read as UTF-16 because every other byte is zero, though the file does not begin "
            "with a byte order mark; choose another encoding if letters look wrong.",
            is_doubtful=True,
        )
    return _Guess(codec="utf-8")


def _chosen(head: bytes, encoding: Encoding) -> _Guess:
    """Take the encoding that was asked for; its byte order mark is no part of the text."""
    if encoding == "windows-1252":
        # Some programs put the mark of UTF-8 in front of whatever they write.
        offset = len(codecs.BOM_UTF8) if head.startswith(codecs.BOM_UTF8) else 0
        return _Guess(
            codec="cp1252",
            offset=offset,
            note="The file was read as Windows-1252, as asked for.",
        )
    for mark, codec in _MARKS:
        if head.startswith(mark) and codec.startswith(encoding):
            return _Guess(codec=codec, offset=len(mark))
    if encoding == "utf-16":
        even, odd = head[0::2].count(0), head[1::2].count(0)
        return _Guess(codec="utf-16-be" if even > odd else "utf-16-le")
    return _Guess(codec="utf-8")


def _beyond_ascii(text: str) -> int:
    return 0 if text.isascii() else len(text) - len(text.encode("ascii", "ignore"))


def _refuse_strange_text(text: str) -> None:
    nul = text[:_HEAD].find("\0")
    if nul >= 0:
        raise ImportRefused(
            "not_csv",
            f"Character {nul + 1:,} of the file is NUL, which no text holds: "
            "this is a binary file, not a CSV file.",
        )
    markup = _MARKUP.match(text)
    if markup:
        what = "JSON" if markup[1][0] in "{[" else "HTML or XML"
        raise ImportRefused("not_csv", f"This is not a CSV file but {what}.")


def _line_width(text: str, carried: int) -> int:
    """Return the length of the longest line so far: *carried* characters precede *text*."""
    first, *others = _LINE_END.split(text)
    longest = max((len(line) for line in others), default=0)
    if not others or max(longest, carried + len(first)) > LONGEST_LINE:
        return max(longest, carried + len(first))
    return len(others[-1])


def _refuse_controls(text: str) -> None:
    found = _CONTROL.search(text)
    if found:
        raise ImportRefused(
            "not_csv",
            f"The file holds the control character U+{ord(found[0]):04X}, which no text holds: "
            "this is a binary file, not a CSV file.",
        )


def _where(error: UnicodeDecodeError, end: int, lines: int) -> str:
    position = end - len(error.object) + error.start
    line = lines + error.object[: error.start].count(b"\n")
    return f"byte 0x{error.object[error.start]:02X} at offset {position:,} (line {line:,})"


def _refusal(codec: Codec, encoding: Encoding, fault: _Undecodable) -> ImportRefused:
    if codec == "utf-8":
        return ImportRefused(
            "not_utf8",
            f"The file is not UTF-8: {fault.where} cannot be read. If it comes from Excel on "
            "Windows, choose the encoding Windows-1252 and import it again.",
        )
    name = "Windows-1252" if codec == "cp1252" else "UTF-16"
    hint = "" if encoding == "auto" else " Choose another encoding and import it again."
    return ImportRefused(
        "wrong_encoding", f"The file is not {name}: {fault.where} cannot be read.{hint}"
    )
