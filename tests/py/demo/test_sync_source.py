"""A source is fetched page by page, whatever it does, and each page is stored exactly once."""

from __future__ import annotations

import json
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

import pytest
from demo.desk import Desk, refusal

import demo_jobs
from demo_jobs.http_source import Permanent, Transient, fetch_json
from demo_jobs.pages import new_columns, text_of
from durably import RunStatus
from durably.events import StepRetried
from durably.testing import FakeClock, drain

pytestmark = pytest.mark.cpython_only  # a server needs a thread

#: What a test does to a request before it is answered: True when it has answered it itself.
Trouble = Callable[["Handler", int], bool]


class Handler(BaseHTTPRequestHandler):
    """Answers with pages of rows, or as the test wants."""

    protocol_version = "HTTP/1.1"
    server: Source  # type: ignore[mutable-override]

    def do_GET(self) -> None:
        """Answer one request."""
        source = self.server
        query = parse_qs(urlsplit(self.path).query)
        page = int(query.get("page", ["1"])[0])
        with source.lock:
            source.asked[page] += 1
            asked = source.asked[page]
        if not source.trouble(self, asked):
            self.answer(200, source.answer(page))

    def answer(
        self, status: int, value: Any, headers: dict[str, str] | None = None, cut: int = 0
    ) -> Literal[True]:
        """Send *value* as JSON, without its last *cut* bytes; say that it was answered."""
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        for name, text in (headers or {}).items():
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) - cut])
        if cut:
            self.close_connection = True
        return True

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


class Source(ThreadingHTTPServer):
    """A source with *pages* pages of ten rows each."""

    daemon_threads = True

    def __init__(self, pages: int = 5) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.lock = threading.Lock()
        self.asked: Counter[int] = Counter()
        self.trouble: Trouble = lambda _handler, _asked: False
        self.pages = pages
        self.answer: Callable[[int], Any] = self.rows
        self.released = threading.Event()

    @property
    def url(self) -> str:
        """Return where the source is."""
        return f"http://127.0.0.1:{self.server_address[1]}/rows?kind=ü"

    def rows(self, page: int) -> list[dict[str, Any]]:
        """Return the rows of a page; none behind the last."""
        if page > self.pages:
            return []
        return [{"id": n, "name": f"Zoë {n}"} for n in range(10 * page - 10, 10 * page)]


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> Iterator[Source]:
    """Return a source that runs while the test does."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = Source()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.released.set()
    server.shutdown()
    thread.join()
    server.server_close()


def expected(pages: int = 5) -> list[tuple[str, str]]:
    """Return the cells that the usual pages make."""
    return [(str(n), f"Zoë {n}") for n in range(10 * pages)]


async def patiently(desk: Desk, input: dict[str, Any]) -> tuple[Any, list[str]]:
    """Run a sync to its end with pauses that take no time; return the output and the troubles."""
    clock = FakeClock()
    app = desk.engine(clock=clock)
    await app.migrate()
    troubles: list[str] = []
    app.on(StepRetried, lambda event: troubles.append(event.error))
    made = await app.trigger("sync-source", input)
    await drain(app, clock)
    try:
        return (await app.jobs["sync-source"].result_of(made)).output, troubles
    finally:
        await app.close()


async def test_pages_are_fetched_until_one_is_empty(desk: Desk, source: Source) -> None:
    """The rows are in the order of the pages; other parameters stay in the address."""
    result = await desk.run("sync-source", {"url": source.url, "name": "Leute"})

    assert desk.cells(result.table.id) == expected()
    assert (result.pages, result.rows, result.table.name) == (6, 50, "Leute")
    assert [(one.name, one.kind) for one in result.table.columns] == [
        ("id", "int"),
        ("name", "text"),
    ]
    assert (result.table.origin, demo_jobs.list_tables()) == ("synced", [result.table])
    assert source.asked == dict.fromkeys(range(1, 7), 1)


async def test_every_trouble_passes_and_each_page_is_stored_once(
    desk: Desk, source: Source
) -> None:
    """Errors, limits, connections that drop or stall, answers cut off: all are waited out."""

    def trouble(handler: Handler, asked: int) -> bool:
        kinds: list[Callable[[], object]] = [
            lambda: handler.answer(503, {}),
            lambda: handler.answer(429, {}, {"Retry-After": "120"}),
            lambda: handler.connection.shutdown(socket.SHUT_RDWR),
            lambda: handler.answer(200, source.rows(1), cut=5),
            lambda: source.released.wait(30),
            lambda: handler.answer(408, {}),
        ]
        if asked > len(kinds):
            return False
        kinds[asked - 1]()
        handler.close_connection = True
        return True

    source.pages = 2
    source.trouble = trouble

    result, troubles = await patiently(desk, {"url": source.url, "name": "Leute", "timeout": 0.3})

    assert desk.cells(result.table.id) == expected(2)
    assert (result.pages, result.rows) == (3, 20)
    assert source.asked == {1: 7, 2: 7, 3: 7}
    assert len(troubles) == 18
    assert "503 (Service Unavailable)" in troubles[0]
    assert "429 (Too Many Requests)" in troubles[1]
    assert "timed out" in troubles[4]


async def test_a_source_that_asks_for_a_pause_gets_it(desk: Desk, source: Source) -> None:
    """Retry-After goes before the usual pauses."""
    source.trouble = lambda handler, asked: (
        asked == 1 and handler.answer(429, {}, {"Retry-After": "3600"})
    )
    clock = FakeClock()
    app = desk.engine(clock=clock)
    await app.migrate()
    made = await app.trigger("sync-source", {"url": source.url, "name": "a"})

    await app.process_until_idle()
    waiting = await app.get_run(made.id)
    await app.close()

    assert waiting is not None
    assert waiting.status is RunStatus.PENDING
    assert waiting.available_at is not None
    assert (waiting.available_at - clock.now()).total_seconds() == 3600


async def test_offline_is_waited_out(desk: Desk, source: Source) -> None:
    """However long it takes: a thousand attempts are not too many."""
    calls = Counter[str]()

    def trouble(handler: Handler, _: int) -> bool:
        calls["all"] += 1
        if calls["all"] <= 40:
            handler.connection.shutdown(socket.SHUT_RDWR)
            handler.close_connection = True
            return True
        return False

    source.trouble = trouble
    result, troubles = await patiently(desk, {"url": source.url, "name": "a"})

    assert (result.rows, len(troubles)) == (50, 40)


@pytest.mark.parametrize("status", [400, 401, 404, 410])
async def test_what_will_not_pass_ends_the_run(desk: Desk, source: Source, status: int) -> None:
    """With the page, the status and what to look at."""
    source.trouble = lambda handler, _: handler.answer(status, {})

    with refusal("source_refused", f"{status} .*Look at the address"):
        await desk.run("sync-source", {"url": source.url, "name": "a"})

    assert source.asked == {1: 1}


@pytest.mark.parametrize("value", [b"<!doctype html>", {"error": "no"}, 5, b"[1, x]"])
async def test_what_is_no_page_ends_the_run(desk: Desk, source: Source, value: Any) -> None:
    """An answer with other content will not become a page by waiting."""
    source.answer = lambda _: value

    with refusal("source_not_json"):
        await desk.run("sync-source", {"url": source.url, "name": "a"})


@pytest.mark.parametrize("way", ["field", "header"])
async def test_next_links_are_followed(desk: Desk, source: Source, way: str) -> None:
    """In the answer or its headers, whole or relative; where none is, the source ends."""

    def trouble(handler: Handler, _: int) -> bool:
        page = int(parse_qs(urlsplit(handler.path).query).get("page", ["1"])[0])
        following = f"?page={page + 1}" if page < source.pages else None
        rows = source.rows(page)
        if way == "field":
            handler.answer(200, {"results": rows, "next": following})
        else:
            link = f'</rows?page=1>; rel="first", <{following}>; rel="next"' if following else ""
            handler.answer(200, rows, {"Link": link})
        return True

    source.trouble = trouble
    result = await desk.run("sync-source", {"url": source.url, "name": "a", "paging": "next"})

    assert desk.cells(result.table.id) == expected()
    assert result.pages == 5


async def test_a_source_without_an_end_is_left(desk: Desk, source: Source) -> None:
    """Links that lead in a circle, and a source that takes no notice of the page."""
    source.answer = lambda page: {"items": [{"n": page}], "next": f"?page={page % 3 + 1}"}
    with refusal("source_endless", "was read before"):
        await desk.run("sync-source", {"url": source.url, "name": "a", "paging": "next"})
    source.answer = lambda _: [{"n": 1}]
    with refusal("source_endless", "page 2 is the same as the one before"):
        await desk.run("sync-source", {"url": source.url, "name": "a"})

    assert demo_jobs.list_tables() == []


async def test_columns_may_come_later_and_be_of_any_kind(desk: Desk, source: Source) -> None:
    """Rows before have empty cells there; parts are written as JSON; names are made unique."""
    pages: list[Any] = [
        [{"id": 1, "ID": True, "_row": None}],
        [{"id": 12345678901234567890, "tags": ["é", 1], "name": "x"}, [1.5], "text"],
        [],
    ]
    source.answer = lambda page: pages[page - 1]

    result = await desk.run("sync-source", {"url": source.url, "name": "a"})

    names = ["id", "ID_2", "_row_2", "tags", "name", "column_1", "value"]
    assert result.table.column_names == names
    assert desk.cells(result.table.id) == [
        ("1", "true", "", "", "", "", ""),
        ("12345678901234567890", "", "", '["é", 1]', "x", "", ""),
        ("", "", "", "", "", "1.5", ""),
        ("", "", "", "", "", "", "text"),
    ]


@pytest.mark.parametrize("url", ["ftp://x/y", "file:///etc/passwd", "nothing", "http://a:b@c/"])
async def test_what_is_no_address_is_refused(desk: Desk, url: str) -> None:
    """Before anything is fetched or made."""
    with refusal("source_address"):
        await desk.run("sync-source", {"url": url, "name": "a"})


@pytest.mark.slow
@pytest.mark.parametrize("write", range(1, 19))
async def test_a_death_at_any_write_stores_no_page_twice(
    desk: Desk, source: Source, write: int
) -> None:
    """Law 1: a page that was stored before its checkpoint is not even fetched again."""
    result, ran = await desk.run_dying("sync-source", {"url": source.url, "name": "a"}, write)

    assert desk.cells(result.table.id) == expected()
    assert ran == [f"page-{number}" for number in range(1, 7)]
    assert set(source.asked.values()) == {1}
    assert result.pages == 6


async def test_syncs_at_the_same_time_do_not_mix(desk: Desk, source: Source) -> None:
    """Each has a table of its own."""
    async with desk.engine(max_concurrent_runs=3) as app:
        made = [await app.trigger("sync-source", {"url": source.url, "name": "a"}) for _ in "abc"]
        for run in made:
            await app.wait_for_run(run.id)

    assert [desk.cells(run.id) for run in made] == [expected()] * 3
    assert {table.name for table in demo_jobs.list_tables()} == {"a", "a 2", "a 3"}


async def test_errors_say_whether_they_may_pass(source: Source) -> None:
    """And a Retry-After may be a date, too."""
    source.trouble = lambda handler, _: handler.answer(
        503, {}, {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}
    )
    with pytest.raises(Transient) as passing:
        await fetch_json(source.url, 5)
    source.trouble = lambda handler, _: handler.answer(403, {})
    with pytest.raises(Permanent) as lasting:
        await fetch_json(source.url, 5)
    with pytest.raises(Permanent):
        await fetch_json("file:///etc/passwd", 5)

    assert passing.value.retry_after == 0
    assert lasting.value.status == 403


def test_names_of_columns_are_never_the_same() -> None:
    """As SQLite sees them; blank ones get one."""
    assert new_columns({"a": "A"}, [{"a": "", "A": "", " ": "", "x\ny": ""}]) == {
        "A": "A_2",
        " ": "column",
        "x\ny": "x y",
    }
    assert text_of("\ud800") == "?"
