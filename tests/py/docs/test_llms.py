"""docs/llms.md, which travels alone: it is short, whole, and leads nowhere that it is not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.cpython_only

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/llms.md").read_text(encoding="utf-8")
CODES = re.findall(r"^  \| '(\w+)'", (ROOT / "web/core/errors.ts").read_text("utf-8"), re.MULTILINE)
HOOKS = re.findall(r"\b(use[A-Z]\w+)\b", (ROOT / "web/react/index.ts").read_text("utf-8"))


def test_it_fits_into_a_prompt() -> None:
    """Under 500 lines."""
    assert len(PAGE.splitlines()) < 500


def test_it_has_every_code() -> None:
    """Each stands in the table of errors, and no other does."""
    table = PAGE.split("## Errors")[1].split("\n## ")[0]
    first_cells = " ".join(re.findall(r"^\| (`[^|]+) \|", table, re.MULTILINE))
    assert sorted(re.findall(r"`(\w+)`", first_cells)) == sorted(CODES)


def test_it_has_every_hook() -> None:
    """What the package exports can be looked up here."""
    assert [hook for hook in HOOKS if f"| `{hook}(" not in PAGE] == []


def test_it_has_no_link_into_the_repository() -> None:
    """In a wheel there is nothing beside it."""
    assert re.findall(r"\]\((?!https://)", PAGE) == []
