"""Which parts of which pages are generated, and by what.

A part stands between ``<!-- generated: NAME -->`` and ``<!-- /generated -->``.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.docs import errors_and_events, options, python_names, states, tables, wire_shapes

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]

_PART = re.compile(
    r"(?P<begin><!-- generated: (?P<name>[\w -]+) -->\n).*?(?P<end><!-- /generated -->)", re.DOTALL
)

#: Every part by its name.
PARTS: dict[str, Callable[[], str]] = {
    **states.PARTS,
    **python_names.PARTS,
    **errors_and_events.PARTS,
    **options.PARTS,
    **tables.PARTS,
    **wire_shapes.PARTS,
}


def generated() -> list[Path]:
    """Return the pages that have such parts."""
    pages = sorted((ROOT / "docs").glob("**/*.md"))
    return [page for page in pages if names_in(page.read_text(encoding="utf-8"))]


def names_in(text: str) -> list[str]:
    """Return the names of the generated parts of a page."""
    return [found["name"] for found in _PART.finditer(text)]


def renewed(text: str) -> str:
    """Return a page's text with its generated parts written anew."""
    return _PART.sub(
        lambda found: f"{found['begin']}\n{PARTS[found['name']]()}\n\n{found['end']}", text
    )
