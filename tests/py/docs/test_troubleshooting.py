"""Whoever meets a code finds out what to do: the page has an entry for each, and no other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from durably.errors import DurablyError

pytestmark = pytest.mark.cpython_only

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/guides/troubleshooting.md").read_text(encoding="utf-8")
REFERENCE = (ROOT / "docs/reference/errors.md").read_text(encoding="utf-8")
CLIENT = (ROOT / "web/core/errors.ts").read_text(encoding="utf-8")

ENTRY = re.compile(r"^### (\S+)\n(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
ENTRIES = dict(ENTRY.findall(PAGE))


def tree(kind: type[DurablyError] = DurablyError) -> list[type[DurablyError]]:
    """Return every class of errors.py."""
    below = [one for one in kind.__subclasses__() if one.__module__ == "durably.errors"]
    return [kind, *(found for one in below for found in tree(one))]


def codes() -> set[str]:
    """Return every code of both sides."""
    unions = re.findall(r"^export type \w+ErrorCode =\n((?:  \| '\w+'\n)+)", CLIENT, re.MULTILINE)
    assert len(unions) == 2
    return {kind.code for kind in tree()} | set(re.findall(r"'(\w+)'", "".join(unions)))


def test_every_code_has_one_entry_and_no_entry_is_of_another() -> None:
    """A code that is added, renamed or removed takes its entry along."""
    headings = re.findall(r"^### (.+)$", PAGE, re.MULTILINE)
    assert sorted(headings) == sorted(codes())


@pytest.mark.parametrize("code", sorted(codes()))
def test_an_entry_says_what_it_means_whence_it_comes_and_what_to_do(code: str) -> None:
    """In this order."""
    entry = ENTRIES[code]
    form = r"\n\S.+?\n\n- \*\*Causes:\*\* \S.+?\n- \*\*What to do:\*\* \S.+\n\n*"
    assert re.fullmatch(form, entry, re.DOTALL)


@pytest.mark.parametrize("kind", tree()[1:], ids=lambda kind: kind.__name__)
def test_an_entry_names_the_classes_that_have_its_code(kind: type[DurablyError]) -> None:
    """A failed run tells the class, not the code."""
    assert f"`{kind.__name__}`" in ENTRIES[kind.code]


@pytest.mark.parametrize("code", sorted(codes()))
def test_the_reference_leads_to_the_entry(code: str) -> None:
    """One click from the table of codes."""
    assert f"| [`{code}`](../guides/troubleshooting.md#{code}) |" in REFERENCE
