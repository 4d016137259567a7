"""Say why something cannot be done: a stable code and a sentence a person can act on."""

from __future__ import annotations

from typing import Literal

Code = Literal[
    # A file
    "empty_file",
    "not_csv",
    "not_utf8",
    "wrong_encoding",
    "broken_header",
    "too_many_columns",
    "broken_archive",
    "which_member",
    "no_member",
    "locked_archive",
    "too_large",
    "broken_workbook",
    "no_sheet",
    # A table
    "no_table",
    "no_column",
    "wrong_keys",
    "too_many_matches",
    "too_many_groups",
    "wrong_sort",
    # A source
    "source_refused",
    "source_not_json",
    "source_endless",
    "source_address",
]


class Refused(Exception):
    """What was asked for cannot be done, and trying again does not help.

    The message begins with the code, because only a failed run's message reaches the page.
    """

    def __init__(self, code: Code, sentence: str) -> None:
        super().__init__(f"{code}: {sentence}")
        self.code: Code = code
        self.sentence = sentence


class ImportRefused(Refused):
    """The whole file is refused; nothing of it has been imported."""


class TableRefused(Refused):
    """A table cannot be used as was asked; it has not been changed."""


class SourceRefused(Refused):
    """A source cannot be read on; the pages before are in the table."""
