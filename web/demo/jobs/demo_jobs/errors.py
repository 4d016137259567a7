"""Say why a file cannot be imported: a stable code and a sentence a person can act on."""

from __future__ import annotations

from typing import Literal

Code = Literal[
    "empty_file",
    "not_csv",
    "not_utf8",
    "wrong_encoding",
    "broken_header",
    "too_many_columns",
]


class ImportRefused(Exception):
    """The whole file is refused; nothing of it has been imported.

    The message begins with the code, because only a failed run's message reaches the page.
    """

    def __init__(self, code: Code, sentence: str) -> None:
        super().__init__(f"{code}: {sentence}")
        self.code: Code = code
        self.sentence = sentence
