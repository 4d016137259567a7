"""The documentation is whole: its generated parts are current, its links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import durably
from durably.errors import DurablyError
from durably.events import EVENT_TYPES
from durably.json_api import Api
from durably.options import Options
from scripts.docs import pages

pytestmark = pytest.mark.cpython_only

ROOT = Path(__file__).parents[3]
REFERENCE = ROOT / "docs" / "reference"
WRITTEN = [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/**/*.md"))]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def text_of(page: Path) -> str:
    """Return what stands on a page."""
    return page.read_text(encoding="utf-8")


def errors(base: type[DurablyError] = DurablyError) -> list[type[DurablyError]]:
    """Return every class of the error tree."""
    return [base, *(found for below in base.__subclasses__() for found in errors(below))]


def anchors(page: Path) -> set[str]:
    """Return what a link into *page* may name, as GitHub makes it of headings."""
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in HEADING.findall(text_of(page)))
    return {heading.strip().replace(" ", "-") for heading in plain}


#: Folders under web whose names users import.
SIDES = ("core", "react", "inspector", "spa/page", "offline")


def exports(part: str) -> list[str]:
    """Return every value and type that a part of the TypeScript side exports."""
    index = text_of(ROOT / "web" / part / "index.ts")
    lists = re.findall(r"^export (?:type )?\{(.*?)\}", index, re.MULTILINE | re.DOTALL)
    return re.findall(r"(?:type )?(\w+),?", " ".join(lists))


def fields(interface: str, folder: Path) -> list[str]:
    """Return the fields of a TypeScript interface, those that it extends included."""
    code = "\n".join(text_of(file) for file in sorted(folder.glob("*.ts")))
    found = re.search(
        rf"^export interface {interface}(?: extends (\w+))? \{{(.*?)^\}}",
        code,
        re.MULTILINE | re.DOTALL,
    )
    assert found is not None
    inherited = fields(found[1], folder) if found[1] else []
    return [*inherited, *re.findall(r"^  readonly (\w+)", found[2], re.MULTILINE)]


@pytest.mark.parametrize("page", pages.generated(), ids=lambda page: page.name)
def test_generated_parts_are_current(page: Path) -> None:
    """They say what the code says: `npm run docs` writes them."""
    assert pages.renewed(text_of(page)) == text_of(page)


def test_every_generated_part_is_used() -> None:
    """Nothing is generated for no page."""
    used = {name for page in pages.generated() for name in pages.names_in(text_of(page))}
    assert used == set(pages.PARTS)


def test_the_reference_has_every_public_name() -> None:
    """A name that can be imported can be looked up."""
    names, errors_page = text_of(REFERENCE / "python.md"), text_of(REFERENCE / "errors.md")
    missing = [
        name
        for name in durably.__all__
        if f"### {name}\n" not in names and f"`{name}`" not in errors_page
    ]
    assert missing == []


def test_the_reference_has_every_error_and_every_event() -> None:
    """What a user may meet or listen to stands there, with its code and its fields."""
    on_errors, on_events = text_of(REFERENCE / "errors.md"), text_of(REFERENCE / "events.md")
    rows = [f"#{error.code}) | `{error.__name__}` |" for error in errors()]
    assert [row for row in rows if row not in on_errors] == []
    assert [kind for kind in EVENT_TYPES if f"### {kind}\n" not in on_events] == []


def test_the_reference_has_every_operation_and_option() -> None:
    """What a client may ask for and what an engine may be given stands there."""
    wire, options = text_of(REFERENCE / "wire.md"), text_of(REFERENCE / "options.md")
    operations = Api(durably.Durably("sqlite://")).operations
    assert [op for op in operations if f"| `{op}` |" not in wire] == []
    assert [one for one in Options.__dataclass_fields__ if f"### {one}\n" not in options] == []


def test_the_reference_has_what_typescript_adds() -> None:
    """Its exports, the client's methods, what an app starts with and the errors' codes, too."""
    codes = re.search(
        r"type ClientErrorCode =(.*?)\n\n", text_of(ROOT / "web/core/errors.ts"), re.DOTALL
    )
    assert codes is not None
    exported = [name for part in SIDES for name in exports(part)]
    options = fields("StartOptions", ROOT / "web/spa/page")
    client = text_of(ROOT / "web/core/client.ts").split("class DurablyClient")[1]
    methods = re.findall(r"^  (?:async )?([a-z]\w+)[(<]", client, re.MULTILINE)
    on_errors, on_client = text_of(REFERENCE / "errors.md"), text_of(REFERENCE / "typescript.md")
    assert [code for code in re.findall(r"'(\w+)'", codes[1]) if f"`{code}`" not in on_errors] == []
    assert [one for one in exported if not re.search(rf"`{one}\b", on_client)] == []
    assert [one for one in options if f"\n- `{one}` " not in on_client] == []
    assert [one for one in methods if f"`{one}(" not in on_client and one != "constructor"] == []


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    """A link to a file of the repository names one that is there, and a heading in it."""
    for target in LINK.findall(text_of(page)):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), target
        if anchor:
            assert anchor in anchors(there), target
