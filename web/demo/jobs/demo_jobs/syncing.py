"""The job `sync-source`: the pages of a source on the web go into a table, one page in each step.

A page and the note that it is there are one commit. A step that is executed again - after a crash
between that commit and its checkpoint - finds the note and fetches nothing.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final, Literal, ParamSpec, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from pydantic import Field

from demo_jobs.batches import make_table
from demo_jobs.catalogue import TableInfo
from demo_jobs.errors import SourceRefused
from demo_jobs.finishing import catalogued, described
from demo_jobs.http_source import Answer, Permanent, Transient, fetch_json
from demo_jobs.pages import StoredPage, page_of, store_page, stored_page
from demo_jobs.patience import PATIENCE
from demo_jobs.tables import StorageTrouble, database_path, opened
from demo_jobs.wire import Wire
from durably import Retry, RetryAfter, Step, job

P = ParamSpec("P")
T = TypeVar("T")

MOST_PAGES: Final = 100_000
#: Seconds for one page.
TIMEOUT: Final = 30.0

_IN_BROWSER: Final = sys.platform == "emscripten"

#: Offline is no reason to give up: the network comes back.
UNTIL_ONLINE = Retry(
    max_attempts=1_000_000,
    backoff=1,
    factor=2,
    max_backoff=60,
    retry_on=(Transient, StorageTrouble),
)


class SyncInput(Wire):
    """Where the pages are, and how to get from one to the next."""

    url: str
    name: str
    #: "page" counts in a parameter of the address, "next" follows the links that pages name.
    paging: Literal["page", "next"] = "page"
    page_param: Annotated[str, Field(min_length=1)] = "page"
    first_page: Annotated[int, Field(ge=0)] = 1
    #: Seconds between two pages.
    pause: Annotated[float, Field(ge=0, le=3600)] = 0.0
    #: Seconds that a page may take.
    timeout: Annotated[float, Field(gt=0, le=600)] = TIMEOUT


class SyncResult(Wire):
    """What came of the source."""

    table: TableInfo
    pages: int
    rows: int


@job(name="sync-source", retry=PATIENCE)
async def sync_source(step: Step, input: SyncInput) -> SyncResult:
    """Fetch a source page by page into a table; each page is stored exactly once."""
    database, table_id = database_path(), step.run_id

    async def fetch(name: str, url: str, before: StoredPage) -> StoredPage:
        number = before.number + 1
        known = await off_loop(stored_page, database, table_id, number)
        if known is not None:
            step.log.info(f"Page {number:,} is in the table already")
            return known
        if number > 1 and input.pause:
            await asyncio.sleep(input.pause)
        answer = await _answer(step, number, url, input.timeout)
        page = page_of(answer, url)
        if input.paging == "page" and page.rows and page.digest == before.digest:
            raise _endless(f"page {number:,} is the same as the one before ({url})")
        stored = await off_loop(
            store_page, database, table_id, number, page, before=before.total, step=name
        )
        step.log.info(f"Page {number:,}: {stored.rows:,} rows")
        return stored

    _check_address(input.url)
    await step.run("make-table", make_table, database, table_id, [])
    addresses: set[str] = set()
    last = StoredPage()
    while (url := _address(input, last)) is not None:
        if url in addresses:
            raise _endless(f"page {last.number:,} names {url} as the next, which was read before")
        if last.number >= MOST_PAGES:
            raise _endless(f"it has more than {MOST_PAGES:,} pages")
        addresses.add(url)
        name = f"page-{last.number + 1}"
        last = await step.run(name, fetch, name, url, last, retry=UNTIL_ONLINE)
        step.progress(last.number, None, _so_far(last))
    columns = await step.run("columns", _columns, database, table_id)
    summaries = await described(step, database, table_id, columns)
    table = await catalogued(step, database, name=input.name, columns=summaries, origin="synced")
    step.progress(last.number, last.number, _so_far(last))
    return SyncResult(table=table, pages=last.number, rows=last.total)


async def _answer(step: Step, number: int, url: str, timeout: float) -> Answer:
    """Fetch a page; what may pass by itself is raised for the retry, what will not is refused."""
    try:
        return await fetch_json(url, timeout)
    except Transient as error:
        step.log.warn(f"Page {number:,}: {error}; it is tried again")
        if error.retry_after is None:
            raise
        raise RetryAfter(error.retry_after, str(error)) from error
    except Permanent as error:
        raise _refusal(error, url, number) from error


async def off_loop(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call what may block: on a thread, but in the browser, which has none."""
    if _IN_BROWSER:
        return function(*args, **kwargs)
    return await asyncio.to_thread(function, *args, **kwargs)


def _address(input: SyncInput, last: StoredPage) -> str | None:
    """Return where the page after *last* is; None if there is none."""
    if last.number and not last.rows:
        return None
    if input.paging == "next":
        return last.next if last.number else input.url
    parts = urlsplit(input.url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    others = [(name, value) for name, value in query if name != input.page_param]
    number = (input.page_param, str(input.first_page + last.number))
    return urlunsplit(parts._replace(query=urlencode([*others, number]), fragment=""))


def _so_far(last: StoredPage) -> str:
    return f"{last.total:,} rows of {last.number:,} pages"


def _columns(database: Path, table_id: str) -> list[str]:
    with opened(database) as tables:
        return tables.columns(table_id) or []


def _check_address(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise SourceRefused(
            "source_address", f"“{url}” is no address of a source: begin with https:// or http://."
        )
    if parts.username is not None:
        raise SourceRefused(
            "source_address",
            "An address with a name and a password in it is not fetched: "
            "leave out what stands before the @.",
        )


def _refusal(error: Permanent, url: str, number: int) -> SourceRefused:
    if error.status is None:
        return SourceRefused("source_not_json", f"Page {number:,} cannot be read: {error} ({url}).")
    return SourceRefused(
        "source_refused",
        f"Page {number:,} cannot be fetched: {error} for {url}. Look at the address and whether "
        "the source is open to everyone, then go on with this run or begin a new one.",
    )


def _endless(why: str) -> SourceRefused:
    return SourceRefused(
        "source_endless",
        f"The source would never end: {why}. Choose another way from page to page.",
    )
