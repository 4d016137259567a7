"""Pyodide's end of the bridge: text in, text out, whoever the host is."""

from __future__ import annotations

import asyncio
import json
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from durably import SqliteStore, Step, job, query
from durably.browser import entry
from kit.engines import until


@job(name="greet")
async def greet(step: Step, input: str) -> str:
    """Greet, in so many steps as the name is long."""
    for n, letter in enumerate(input):
        await step.run(f"s{n}", lambda letter=letter: letter, output=str)
        step.log.info(letter)
    if input == "nobody":
        raise ValueError("there is nobody")
    return f"hello {input}"


@query(name="rows")
def rows(input: int) -> list[int]:
    """Return numbers."""
    return list(range(input))


@pytest.fixture
def module() -> Iterator[str]:
    """Return the name of a module with a job and a query among its names."""
    made = types.ModuleType("jobs_of_the_app")
    made.__dict__.update(greet=greet, again=greet, rows=rows, other=3)
    sys.modules[made.__name__] = made
    yield made.__name__
    del sys.modules[made.__name__]


class Host:
    """The other end: it sends messages and keeps what comes back."""

    def __init__(self, folder: Path) -> None:
        self.options: dict[str, Any] = {
            "database": str(folder / "durably.sqlite3"),
            "blobs": str(folder / "blobs"),
            "modules": [],
            "workerId": "w",
        }
        self.got: list[tuple[str, int, Any]] = []
        self.dispatch: Callable[[str, int, str], None] = lambda *_: None
        self._last = 0

    async def start(self, **options: Any) -> None:
        """Start the engine."""
        text = json.dumps(self.options | options)
        self.dispatch = await entry.start(text, self._emit)

    def _emit(self, kind: str, id: int, text: str) -> None:
        self.got.append((kind, id, json.loads(text)))

    def of(self, kind: str, id: int) -> list[Any]:
        """Return what came of a kind for an id."""
        return [value for one, which, value in self.got if (one, which) == (kind, id)]

    async def send(self, kind: str, text: str) -> Any:
        """Send a message and return its answer."""
        self._last += 1
        id = self._last
        self.dispatch(kind, id, text)
        await until(lambda: self.of("answer", id))
        (answer,) = self.of("answer", id)
        return answer

    async def call(self, op: str, **params: Any) -> Any:
        """Call an operation that works."""
        answer = await self.send("call", json.dumps({"op": op, "params": params}))
        assert answer["ok"], answer
        return answer["result"]

    def events(self, id: int) -> list[str]:
        """Return the types of all messages of a subscription."""
        return [event["type"] for bundle in self.of("events", id) for event in bundle]


@pytest.fixture
async def host(tmp_path: Path, module: str) -> Any:
    """Return a host whose engine runs."""
    made = Host(tmp_path)
    await made.start(modules=[module])
    yield made
    await made.send("stop", "")


async def test_a_run_over_the_bridge(host: Host) -> None:
    """Trigger, follow to the end, and look: every value crosses as JSON text."""
    made = await host.call("trigger", jobName="greet", input="you")
    host.dispatch("subscribe", 90, json.dumps({"runId": made["runId"]}))
    await until(lambda: host.of("ended", 90))

    assert host.events(90)[0] == "snapshot"
    assert host.of("ended", 90) == [None]
    run = await host.call("getRun", runId=made["runId"])
    assert (run["status"], run["output"]) == ("completed", "hello you")
    assert len(await host.call("getLogs", runId=made["runId"])) == 3
    assert await host.call("query", name="rows", input=3) == [0, 1, 2]
    assert [told["name"] for told in await host.call("jobs")] == ["greet"]
    assert (await host.call("health"))["workerId"] == "w"


async def test_events_are_bundled(host: Host) -> None:
    """A snapshot crosses at once; many fast events cross together, and all of them cross."""
    host.dispatch("subscribe", 90, json.dumps({"types": ["step:complete"]}))
    await until(lambda: host.of("events", 90))
    made = await host.call("trigger", jobName="greet", input="a" * 200)
    await until(lambda: len(host.events(90)) == 201)

    assert host.of("events", 90)[0][0]["type"] == "snapshot"
    assert len(host.of("events", 90)) < 150
    sequences = [e["sequence"] for bundle in host.of("events", 90)[1:] for e in bundle]
    assert sequences == sorted(sequences)
    assert made["disposition"] == "created"


async def test_an_event_that_cannot_be_written_takes_no_other_along(
    host: Host, caplog: pytest.LogCaptureFixture
) -> None:
    """It is left out of its bundle, and the log says so."""
    bridge: entry.Bridge = host.dispatch.__self__  # type: ignore[attr-defined]

    for event in ({"type": "a"}, {"type": "b", "input": object()}, {"type": "c"}):
        bridge._gather(90, event)
    await until(lambda: host.events(90))

    assert host.events(90) == ["a", "c"]
    assert [line.message for line in caplog.records] == ["an event cannot be written"]


async def test_a_subscription_can_be_ended_by_the_host(host: Host) -> None:
    """Nothing comes after that; an unknown id is no error."""
    host.dispatch("subscribe", 90, "{}")
    await until(lambda: host.of("events", 90))
    host.dispatch("unsubscribe", 90, "")
    host.dispatch("unsubscribe", 91, "")
    await asyncio.sleep(0.005)
    made = await host.call("trigger", jobName="greet", input="you")
    host.dispatch("subscribe", 92, json.dumps({"runId": made["runId"]}))
    await until(lambda: host.of("ended", 92))

    assert host.events(90) == ["snapshot"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('{"runId":"none"}', "not_found"),
        ('{"runId":5}', "validation"),
        ('{"types":["x"]}', "validation"),
        ("nope", "validation"),
    ],
)
async def test_a_subscription_that_cannot_be_is_ended_with_an_error(
    host: Host, text: str, code: str
) -> None:
    """B13: at once, with a code."""
    host.dispatch("subscribe", 90, text)
    await until(lambda: host.of("ended", 90))

    (error,) = host.of("ended", 90)
    assert error["code"] == code


@pytest.mark.parametrize(
    ("kind", "text", "code"),
    [
        ("call", "nope", "validation"),
        ("call", "{}", "validation"),
        ("call", '{"op":"fly"}', "not_found"),
        ("call", '{"op":"getRuns","params":[1]}', "validation"),
        ("call", '{"op":"trigger","params":{"jobName":"none"}}', "unknown_job"),
        ("sing", "", "not_found"),
    ],
)
async def test_every_message_is_answered(host: Host, kind: str, text: str, code: str) -> None:
    """A bad one with its error."""
    answer = await host.send(kind, text)

    assert answer["ok"] is False
    assert answer["error"]["code"] == code
    assert answer["error"]["message"]


async def test_fields_at_fault_cross_the_bridge(host: Host) -> None:
    """So that a form can show them where they belong."""
    text = json.dumps({"op": "trigger", "params": {"jobName": "greet", "input": 5}})
    answer = await host.send("call", text)

    assert answer["error"]["problems"] == [
        {"path": [], "message": "Input should be a valid string"}
    ]


async def test_stopping_gives_runs_back_and_closes(tmp_path: Path, module: str) -> None:
    """The next engine, which is alone by law 4, goes on at once."""
    first = Host(tmp_path)
    await first.start(modules=[module])
    made = await first.call("trigger", jobName="greet", input="x" * 300)
    first.dispatch("subscribe", 90, "{}")
    await until(lambda: first.of("events", 90))
    assert await first.send("stop", "") == {"ok": True, "result": None}
    refused = await first.send("call", json.dumps({"op": "getRuns"}))
    assert refused["error"]["code"] == "stopped"

    second = Host(tmp_path)
    await second.start(modules=[module])
    second.dispatch("subscribe", 90, json.dumps({"runId": made["runId"]}))
    await until(lambda: second.of("ended", 90))

    run = await second.call("getRun", runId=made["runId"])
    assert run["status"] == "completed"
    await second.send("stop", "")


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"modules": ["no_such_module"]}, "validation"),
        ({"modules": ["json"]}, "validation"),
        ({"database": ""}, "validation"),
        ({"workerId": 5}, "validation"),
        ({"database": "/none/such/folder/x.sqlite3"}, "storage_io"),
    ],
)
async def test_a_start_that_cannot_be_says_why(
    tmp_path: Path, options: dict[str, Any], code: str
) -> None:
    """The error's text is a mark and the error as JSON, which the host can read."""
    with pytest.raises(RuntimeError) as caught:
        await Host(tmp_path).start(**options)

    text = str(caught.value)
    assert text.startswith(entry.ERROR_PREFIX)
    error = json.loads(text.removeprefix(entry.ERROR_PREFIX))
    assert error["code"] == code
    assert error["message"]


async def test_a_start_that_fails_lets_the_file_go(
    tmp_path: Path, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next try finds it as if nothing had been."""
    closed: list[str] = []
    close = SqliteStore.close

    async def watch(store: SqliteStore) -> None:
        closed.append("closed")
        await close(store)

    monkeypatch.setattr(SqliteStore, "close", watch)
    with pytest.raises(RuntimeError, match="workerId"):
        await Host(tmp_path).start(modules=[module], workerId="")

    assert closed == ["closed"]


def test_the_engine_describes_itself() -> None:
    """The versions of Python and SQLite."""
    described = json.loads(entry.describe())

    assert described["pythonVersion"] == sys.version.split()[0]
    assert described["sqliteVersion"].startswith("3.")


def test_the_probe_leaves_nothing_behind(tmp_path: Path) -> None:
    """It commits to a scratch database and removes it again, as often as it is asked."""
    entry.probe_commit(str(tmp_path))
    entry.probe_commit(str(tmp_path))

    assert list(tmp_path.iterdir()) == []
