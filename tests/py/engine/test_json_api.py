"""The operations, JSON in and JSON out: what clients may send, and what they are told."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from pydantic import BaseModel, Field

from durably import (
    DurablyError,
    NotFoundError,
    RunNotFoundError,
    Step,
    ValidationError,
    job,
    query,
)
from durably.json_api import Api, read_object
from kit.engines import Slow, Workshop, until


class Order(BaseModel):
    """An input with a rule."""

    id: int = Field(ge=1)


class Page(BaseModel):
    """What a query is asked for."""

    offset: int = Field(ge=0, default=0)


@job
async def order(step: Step, input: Order) -> Order:
    """Return what came, in one step."""
    step.log.info("a line")
    step.progress(1, 2, "half")
    return await step.run("s", lambda: input, output=Order, timeout=60)


@query
def rows(input: Page) -> list[int]:
    """Return a page."""
    return [input.offset]


@query(name="now")
async def no_input() -> dict[str, str]:
    """Take nothing."""
    return {"at": "now"}


@query
def failing() -> None:
    """Fail."""
    raise DurablyError("broken")


class Client:
    """Calls operations as a transport does."""

    def __init__(self, api: Api) -> None:
        self.api = api

    async def __call__(self, op: str, **params: Any) -> Any:
        """Return the decoded result."""
        return json.loads(await self.api.call(op, params))


@pytest.fixture
async def call(shop: Workshop) -> Client:
    """Return a client of an engine with a job and queries, not started."""
    app = await shop.engine(order, rows, no_input, failing, preserve_steps=True)
    app.keep_logs()
    return Client(Api(app))


async def test_a_runs_life_over_the_operations(shop: Workshop, call: Client) -> None:
    """Trigger, look, list steps, attempts and logs, trigger again, delete."""
    made = await call("trigger", jobName="order", input={"id": 7}, labels={"a": "b"})
    assert made["disposition"] == "created"
    id = made["runId"]
    await call.api._durably.process_until_idle()

    run = await call("getRun", runId=id)
    assert (run["status"], run["output"], run["labels"]) == ("completed", {"id": 7}, {"a": "b"})
    assert run["progress"] == {"current": 1, "total": 2, "message": "half"}
    assert [step["name"] for step in await call("getSteps", runId=id)] == ["s"]
    assert [one["status"] for one in await call("getStepAttempts", runId=id)] == ["completed"]
    assert [line["message"] for line in await call("getLogs", runId=id)] == ["a line"]

    again = await call("retrigger", runId=id)
    assert again["runId"] != id
    assert await call("deleteRun", runId=id) is None
    assert await call("getRun", runId=id) is None
    assert [one["id"] for one in await call("getRuns")] == [again["runId"]]


async def test_runs_are_cancelled_resumed_and_purged(shop: Workshop, call: Client) -> None:
    """Each answers with null, and purge with a count."""
    made = await call("trigger", jobName="order", input={"id": 1})
    assert await call("cancel", runId=made["runId"]) is None
    assert await call("resume", runId=made["runId"]) is None
    assert await call("cancel", runId=made["runId"]) is None

    assert await call("purgeRuns", olderThan="2026-06-01T00:00:00Z", limit=5) == {"count": 1}
    assert await call("purgeRuns", olderThan="2026-06-01T00:00:00Z") == {"count": 0}


async def test_a_batch_over_the_operations(call: Client) -> None:
    """Each of its runs has its own options."""
    runs = [{"jobName": "order", "input": {"id": n}, "concurrencyKey": f"k{n}"} for n in (1, 2)]

    made = await call("batchTrigger", runs=runs)

    assert [one["disposition"] for one in made] == ["created", "created"]


async def test_jobs_tell_their_schemas(call: Client) -> None:
    """Name, input and output as JSON Schema."""
    (told,) = await call("jobs")

    assert told["name"] == "order"
    assert told["input"]["properties"]["id"] == {"minimum": 1, "title": "Id", "type": "integer"}
    assert told["output"]["title"] == "Order"


async def test_health_is_told(call: Client) -> None:
    """An engine that was not started says so."""
    health = await call("health")

    assert health == {
        "state": "stopped",
        "fault": None,
        "workerId": "",
        "activeRuns": [],
        "parkedJobs": [],
    }


async def test_a_run_of_an_unknown_job_is_told_as_parked(shop: Workshop, call: Client) -> None:
    """B2: visible to clients."""
    made = await call("trigger", jobName="order", input={"id": 1})
    other = Client(Api(await shop.engine()))

    assert (await other("getRun", runId=made["runId"]))["isParked"] is True
    assert (await call("getRun", runId=made["runId"]))["isParked"] is False
    assert (await other("health"))["parkedJobs"] == ["order"]


async def test_queries_are_answered(call: Client) -> None:
    """Sync or async, with an input or without; the input is checked."""
    assert await call("query", name="rows", input={"offset": 3}) == [3]
    assert await call("query", name="rows", input={}) == [0]
    assert await call("query", name="now") == {"at": "now"}
    with pytest.raises(ValidationError, match="input of query 'rows' is not valid: offset"):
        await call("query", name="rows", input={"offset": -1})
    with pytest.raises(NotFoundError, match=r"'none' \(registered: failing, now, rows\)"):
        await call("query", name="none")
    with pytest.raises(DurablyError, match="broken"):
        await call("query", name="failing")


async def test_a_client_may_make_the_run_id(call: Client) -> None:
    """Law 8: the call repeated is the same run, as are retriggers."""
    id = "01KDVDNA000000000000000001"
    for _ in range(2):
        made = await call("trigger", jobName="order", input={"id": 1}, runId=id)
        assert made == {"runId": id, "disposition": "created"}
    assert len(await call("getRuns")) == 1


GOOD = {"jobName": "order", "input": {"id": 1}}
#: Half of a pair: JSON can escape it, UTF-8 cannot hold it.
LONE = "\ud800"

BAD: list[tuple[str, dict[str, Any], str, str]] = [
    ("trigger", {}, "validation", "jobName must be text"),
    ("trigger", {"jobName": 3}, "validation", "jobName must be text"),
    ("trigger", {"jobName": "none"}, "unknown_job", "'none'"),
    ("trigger", {"jobName": "order", "input": {"id": 0}}, "validation", "id: "),
    ("trigger", {"jobName": "order"}, "validation", "not valid"),
    ("trigger", {**GOOD, "labels": []}, "validation", "labels"),
    (
        "trigger",
        {**GOOD, "labels": {"a": 1}},
        "validation",
        "labels",
    ),
    ("trigger", {**GOOD, "runId": "x"}, "validation", "ULID"),
    ("trigger", {**GOOD, "runId": 7}, "validation", "ULID"),
    ("trigger", {**GOOD, "coalesce": "skip"}, "validation", "key"),
    (
        "trigger",
        {"jobName": "order", "input": {"id": 1}, "coalesce": ["skip"]},
        "validation",
        "coal",
    ),
    (
        "trigger",
        {"jobName": "order", "input": {"id": 1}, "idempotencyKey": 1},
        "validation",
        "text",
    ),
    ("batchTrigger", {}, "validation", "runs must be a list"),
    ("batchTrigger", {"runs": [1]}, "validation", "runs must be a list"),
    ("batchTrigger", {"runs": [{}]}, "validation", "jobName"),
    ("getRun", {}, "validation", "runId must be text"),
    ("getRun", {"runId": ""}, "validation", "runId must be text"),
    ("getRuns", {"limit": 0}, "validation", "limit must be a whole number from 1 to 1000"),
    ("getRuns", {"limit": 1001}, "validation", "limit must be a whole number"),
    ("getRuns", {"limit": "5"}, "validation", "limit must be a whole number"),
    ("getRuns", {"limit": True}, "validation", "limit must be a whole number"),
    ("getRuns", {"limit": 1.5}, "validation", "limit must be a whole number"),
    ("getRuns", {"offset": -1}, "validation", "offset must be a whole number"),
    ("getRuns", {"offset": 2**63}, "validation", "offset must be a whole number"),
    ("getRuns", {"labels": {"a": LONE}}, "validation", "lone surrogates"),
    ("getRun", {"runId": LONE}, "validation", "lone surrogates"),
    ("cancel", {"runId": LONE}, "validation", "lone surrogates"),
    ("trigger", {**GOOD, "labels": {"a": LONE}}, "validation", "label 'a' must be text without"),
    ("trigger", {**GOOD, "idempotencyKey": LONE}, "validation", "idempotency_key must be text"),
    ("trigger", {**GOOD, "concurrencyKey": LONE}, "validation", "concurrency_key must be text"),
    ("getRuns", {"status": "done"}, "validation", "status must be one of"),
    ("getRuns", {"status": 1}, "validation", "status must be text or a list"),
    ("getRuns", {"jobName": [1]}, "validation", "jobName must be text or a list"),
    ("getRuns", {"labels": "a"}, "validation", "labels must be an object"),
    ("getSteps", {"runId": "none"}, "not_found", "'none'"),
    ("getStepAttempts", {"runId": "none"}, "not_found", "'none'"),
    ("getLogs", {"runId": "none"}, "not_found", "'none'"),
    ("getWaits", {"runId": "none"}, "not_found", "'none'"),
    ("getWait", {}, "validation", "waitId must be text"),
    ("signal", {"payload": 1}, "validation", "waitId must be text"),
    ("signal", {"waitId": "none"}, "not_found", "no wait has the id 'none'"),
    ("signal", {"waitId": "none", "signalId": 5}, "validation", "signal_id"),
    ("signal", {"waitId": LONE}, "validation", "lone surrogates"),
    ("send", {}, "validation", "topic must be text"),
    ("send", {"topic": "a", "key": 5}, "validation", "key"),
    ("send", {"topic": "a", "messageId": ""}, "validation", "message_id"),
    ("send", {"topic": "a", "keep": "long"}, "validation", "keep must be a number of milliseconds"),
    ("send", {"topic": "a", "keep": -5}, "validation", "keep"),
    ("send", {"topic": "a", "keep": 1e300}, "validation", "keep"),
    ("trigger", {**GOOD, "runAt": "soon"}, "validation", "runAt must be an ISO 8601 time"),
    ("trigger", {**GOOD, "delay": "1"}, "validation", "delay must be a number of milliseconds"),
    ("trigger", {**GOOD, "delay": -1}, "validation", "delay"),
    ("trigger", {**GOOD, "delay": 1, "runAt": "2026-01-01T00:00:00Z"}, "validation", "give one"),
    ("pauseSchedule", {"name": "none"}, "not_found", "no schedule 'none'"),
    ("resumeSchedule", {"name": 5}, "validation", "name must be text"),
    ("triggerSchedule", {"name": "none"}, "not_found", "no schedule 'none'"),
    ("cancel", {"runId": "none"}, "not_found", "'none'"),
    ("resume", {"runId": "none"}, "not_found", "'none'"),
    ("retrigger", {"runId": "none"}, "not_found", "'none'"),
    ("deleteRun", {"runId": "none"}, "not_found", "'none'"),
    ("purgeRuns", {}, "validation", "olderThan must be text"),
    ("purgeRuns", {"olderThan": "yesterday"}, "validation", "ISO 8601"),
    ("purgeRuns", {"olderThan": "2026-01-01T00:00:00Z", "limit": 0}, "validation", "at least 1"),
    ("purgeRuns", {"olderThan": "2026-01-01T00:00:00Z", "limit": 2**63}, "validation", "64 bits"),
    ("query", {}, "validation", "name must be text"),
    ("fly", {}, "not_found", "no operation 'fly'"),
]


@pytest.mark.parametrize(("op", "params", "code", "message"), BAD)
async def test_bad_input_is_an_error_with_a_code_and_a_sentence(
    call: Client, op: str, params: dict[str, Any], code: str, message: str
) -> None:
    """B12: whatever is sent, nothing is written and nothing else is raised."""
    with pytest.raises(DurablyError, match=message) as caught:
        await call(op, **params)

    assert caught.value.code == code
    assert await call("getRuns") == []


async def test_every_operation_is_tried_with_bad_input(call: Client) -> None:
    """A new operation is not done before its bad inputs are in the table above."""
    without = {"jobs", "health", "schedules"}

    assert set(call.api.operations) - without <= {op for op, *_ in BAD}


@pytest.mark.parametrize("params", [None, [], "x", 3])
async def test_parameters_are_an_object(call: Client, params: Any) -> None:
    """Anything else is refused."""
    with pytest.raises(ValidationError, match="an object"):
        await call.api.call("getRuns", params)


@pytest.mark.parametrize("text", ["", "{", "[]", '"x"', "nope"])
def test_a_message_is_a_json_object(text: str) -> None:
    """B12: bad JSON is a validation error, not a crash."""
    with pytest.raises(ValidationError, match=r"not (a )?JSON"):
        read_object(text)


async def collect(api: Api, into: list[dict[str, Any]], **params: Any) -> None:
    """Take a subscription's messages, to its end if it has one."""
    async for message in api.subscribe(params):
        into.append(message)  # noqa: PERF401 - a test looks at what has come so far


async def test_following_one_run_delivers_its_snapshot_and_events(call: Client) -> None:
    """As JSON, until the run ends; an unknown run ends at once."""
    got: list[dict[str, Any]] = []
    made = await call("trigger", jobName="order", input={"id": 1})
    following = asyncio.ensure_future(collect(call.api, got, runId=made["runId"]))
    await until(lambda: got)
    await call.api._durably.process_until_idle()
    await following

    assert [one["type"] for one in got] == [
        "snapshot",
        "run:leased",
        "log:write",
        "run:progress",
        "step:start",
        "step:complete",
        "run:complete",
    ]
    assert got[0]["run"]["status"] == "pending"
    assert json.dumps(got)
    with pytest.raises(RunNotFoundError):
        await collect(call.api, got, runId="none")


async def test_following_one_run_may_ask_for_some_events(call: Client) -> None:
    """Those types and the run's end, which ends the subscription; no others are made for it."""
    got: list[dict[str, Any]] = []
    made = await call("trigger", jobName="order", input={"id": 1})
    chosen = {"runId": made["runId"], "types": ["run:progress"]}
    following = asyncio.ensure_future(collect(call.api, got, **chosen))
    await until(lambda: got)
    await call.api._durably.process_until_idle()
    await following

    assert [one["type"] for one in got] == ["snapshot", "run:progress", "run:complete"]
    with pytest.raises(ValidationError, match="there is no event 'step:over'"):
        await collect(call.api, got, **{**chosen, "types": ["step:over"]})


async def test_following_many_runs_delivers_those_that_match(call: Client) -> None:
    """First the active ones, then the events of jobs, labels and types that were asked for."""
    app = call.api._durably
    got: list[dict[str, Any]] = []
    ended = await call("trigger", jobName="order", input={"id": 1}, labels={"a": "b"})
    await app.process_until_idle()
    active = await call("trigger", jobName="order", input={"id": 1}, labels={"a": "b"})
    await call("trigger", jobName="order", input={"id": 1})

    types = ["run:complete", "worker:error"]
    following = asyncio.ensure_future(
        collect(call.api, got, jobName="order", labels={"a": "b"}, types=types)
    )
    await until(lambda: got)
    await app.process_until_idle()
    await until(lambda: len(got) == 2)
    await ended_by_cancel(following)
    await call("trigger", jobName="order", input={"id": 1}, labels={"a": "b"})
    await app.process_until_idle()

    assert [one["type"] for one in got] == ["snapshot", "run:complete"]
    assert [run["id"] for run in got[0]["runs"]] == [active["runId"]]
    assert got[1]["runId"] == active["runId"] != ended["runId"]
    with pytest.raises(ValidationError, match="no event 'x'"):
        await collect(call.api, got, types=["x"])


async def ended_by_cancel(task: asyncio.Task[None]) -> None:
    """Cancel a task and wait for its end."""
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("of", ["one run", "many"])
@pytest.mark.parametrize("way", ["cancel", "close", "failure"])
async def test_a_subscription_that_stops_leaves_no_listener(
    shop: Workshop, call: Client, of: str, way: str
) -> None:
    """Whether its task is cancelled, its iterator closed, or the state could not be read."""
    made = await call("trigger", jobName="order", input={"id": 1})
    params = {"runId": made["runId"]} if of == "one run" else {}
    bus = call.api._durably._bus
    assert not bus._listeners

    if way == "cancel":
        got: list[dict[str, Any]] = []
        following = asyncio.ensure_future(collect(call.api, got, **params))
        await until(lambda: got)
        assert bus._listeners
        await ended_by_cancel(following)
    elif way == "close":
        messages = call.api.subscribe(params)
        await anext(messages)
        assert bus._listeners
        await messages.aclose()
    else:
        shop.faults.fail("get_run" if params else "get_runs", lambda: OSError("gone"))
        with pytest.raises(OSError, match="gone"):
            await anext(call.api.subscribe(params))

    assert not bus._listeners


@pytest.mark.parametrize("of", ["one run", "many"])
async def test_an_event_while_the_snapshot_is_read_is_delivered_behind_it(
    shop: Workshop, call: Client, of: str
) -> None:
    """No gap: what happens between the look and its answer is not lost."""
    made = await call("trigger", jobName="order", input={"id": 1})
    params = {"runId": made["runId"]} if of == "one run" else {}
    reading = Slow(shop.faults, "get_run" if params else "get_runs")
    got: list[dict[str, Any]] = []
    following = asyncio.ensure_future(collect(call.api, got, **params))
    await reading.arrived.wait()
    shop.faults.__dict__.pop("get_run", None)  # only the look is slow
    await call("cancel", runId=made["runId"])
    reading.may_answer.set()
    await until(lambda: len(got) == 2)
    following.cancel()

    assert [one["type"] for one in got] == ["snapshot", "run:cancel"]
    (shown,) = [got[0]["run"]] if params else got[0]["runs"]
    assert (shown["id"], shown["status"]) == (made["runId"], "pending")
    assert got[1]["sequence"] > got[0]["sequence"]


@pytest.mark.parametrize("chosen", [{"jobName": ["other"]}, {"labels": {"a": "c"}}])
async def test_events_of_other_runs_are_not_delivered(call: Client, chosen: dict[str, Any]) -> None:
    """Those of other jobs and with other labels; faults of the engine concern everybody."""
    app = call.api._durably
    got: list[dict[str, Any]] = []
    following = asyncio.ensure_future(collect(call.api, got, **chosen))
    await until(lambda: got)

    await call("trigger", jobName="order", input={"id": 1}, labels={"a": "b"})
    await app.process_until_idle()
    app._services.faults.report(OSError("disk"), context="claim")
    await until(lambda: len(got) == 2)
    await ended_by_cancel(following)

    assert [one["type"] for one in got] == ["snapshot", "worker:error"]
    assert got[0]["runs"] == []
