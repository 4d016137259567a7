"""Turn pages of JSON into rows, and store each page exactly once."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final
from urllib.parse import urljoin

from demo_jobs.errors import SourceRefused
from demo_jobs.http_source import Answer
from demo_jobs.layout import LONGEST_NAME, MOST_COLUMNS
from demo_jobs.tables import Tables, opened
from demo_jobs.wire import Wire

#: Under these names sources put the rows of a page, when a page is not the rows themselves.
_ROWS: Final = ("items", "data", "results", "rows", "records", "values")
#: Pages count from 1; in the place of page 0 stands what the columns are called.
_NAMES: Final = 0
_NEXT: Final = ("next", "nextPage", "next_page", "nextLink", "next_url")


class Page(Wire):
    """A page as it was fetched."""

    rows: list[Any]
    #: The address of the page that follows, if the source names one.
    next: str | None = None
    #: What tells it from other pages.
    digest: str


class StoredPage(Wire):
    """What is known about a page that is in the table; number 0 stands before the first."""

    number: int = 0
    #: Rows of this page, and of all so far.
    rows: int = 0
    total: int = 0
    next: str | None = None
    digest: str = ""


def page_of(answer: Answer, url: str) -> Page:
    """Find the rows of an answer from *url*, and where the next page is."""
    value = answer.value
    named = None
    rows = value
    if isinstance(value, Mapping):
        rows = next((value[name] for name in _ROWS if isinstance(value.get(name), list)), None)
        named = next((value[name] for name in _NEXT if isinstance(value.get(name), str)), None)
    if not isinstance(rows, list):
        raise SourceRefused(
            "source_not_json",
            f"{url} answered with JSON, but it is no list of rows and has none under one of the "
            f"names {', '.join(_ROWS)}.",
        )
    content = json.dumps(rows, ensure_ascii=False, sort_keys=True)
    return Page(
        rows=rows,
        next=urljoin(url, named) if named else answer.next,
        digest=blake2b(content.encode("utf-8", "replace"), digest_size=16).hexdigest(),
    )


def stored_page(database: Path, table_id: str, number: int) -> StoredPage | None:
    """Return what is known about a page; None while it is not in the table."""
    with opened(database) as tables:
        found = _noted(tables, table_id, number)
    return None if found is None else StoredPage.model_validate_json(found)


def store_page(
    database: Path, table_id: str, number: int, page: Page, *, before: int, step: str
) -> StoredPage:
    """Add the rows of a page to the table, after the *before* rows of the pages before it.

    The rows and the note that the page is there are one commit.
    """
    stored = StoredPage(
        number=number,
        rows=len(page.rows),
        total=before + len(page.rows),
        next=page.next,
        digest=page.digest,
    )
    records = [cells_of(row) for row in page.rows]
    with opened(database) as tables, tables.transaction():
        names = _names(tables, table_id)
        fresh = new_columns(names, records)
        names |= fresh
        if len(names) > MOST_COLUMNS:
            raise SourceRefused(
                "too_many_columns",
                f"Page {number:,} brings the table to {len(names):,} columns; at most "
                f"{MOST_COLUMNS:,} fit.",
            )
        if fresh:
            tables.widen(table_id, list(fresh.values()))
            _note(tables, table_id, _NAMES, json.dumps(names))
        rows: list[tuple[int | str, ...]] = [
            (row, *(record.get(name, "") for name in names))
            for row, record in enumerate(records, start=before + 1)
        ]
        tables.add_rows(table_id, len(names), rows)
        _note(tables, table_id, number, stored.model_dump_json())
        tables.add_journal(table_id, step, secrets.token_hex(8))
    return stored


def cells_of(row: Any) -> dict[str, str]:
    """Return the cells of one element of a page by the names of their columns."""
    if isinstance(row, Mapping):
        return {str(name): text_of(value) for name, value in row.items()}
    if isinstance(row, list):
        return {f"column_{number}": text_of(value) for number, value in enumerate(row, start=1)}
    return {"value": text_of(row)}


def text_of(value: Any) -> str:
    """Return *value* as the text of a cell; what has parts is written as JSON."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    # A lone surrogate can be written in JSON, and nowhere else.
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def new_columns(names: Mapping[str, str], records: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Return, for each name in *records* that is not among *names*, what its column is called."""
    taken = {"_row", *(column.casefold() for column in names.values())}
    fresh: dict[str, str] = {}
    for name in dict.fromkeys(name for record in records for name in record):
        if name in names:
            continue
        wanted = " ".join(text_of(name).split())[:LONGEST_NAME] or "column"
        column, count = wanted, 1
        while column.casefold() in taken:
            count += 1
            column = f"{wanted}_{count}"
        taken.add(column.casefold())
        fresh[name] = column
    return fresh


def _names(tables: Tables, table_id: str) -> dict[str, str]:
    """Return what the columns are called, by the names that the source has for them."""
    found = _noted(tables, table_id, _NAMES)
    return {} if found is None else dict(json.loads(found))


def _noted(tables: Tables, table_id: str, page: int) -> str | None:
    found = tables.connection.execute(
        "SELECT stored FROM pages WHERE import_id = ? AND page = ?", (table_id, page)
    ).fetchone()
    return None if found is None else str(found[0])


def _note(tables: Tables, table_id: str, page: int, text: str) -> None:
    tables.connection.execute(
        "INSERT OR REPLACE INTO pages (import_id, page, stored) VALUES (?, ?, ?)",
        (table_id, page, text),
    )
