"""Calls that the next engine is asked again, as the answer of the one before was lost."""

from __future__ import annotations

import json
from typing import Any

import pytest

from durably import ConflictError, Run, RunNotFoundError, RunStatus, Step, job
from durably.json_api import Api
from kit.engines import Workshop

RUN = "01JD000000000000000000000A"
FRESH = "01JD000000000000000000000B"


@job(name="quick")
async def quick(step: Step) -> str:
    """Do next to nothing."""
    return await step.run("s", lambda: "done", output=str)


@job(name="broken")
async def broken(step: Step) -> None:
    """Fail in the first step."""

    def fail() -> None:
        msg = "no luck"
        raise ValueError(msg)

    await step.run("s", fail)


class Tab:
    """Calls an engine, and calls the next one again when the answer was lost."""

    def __init__(self, shop: Workshop) -> None:
        self.shop = shop

    async def call(self, op: str, params: dict[str, Any], *, repeated: bool = False) -> Any:
        """Ask a fresh engine, and let it die after its answer."""
        app = await self.shop.engine(quick, broken)
        answer = json.loads(await Api(app).call(op, params, repeated=repeated))
        self.shop.die()
        return answer

    async def twice(self, op: str, params: dict[str, Any]) -> Any:
        """Return the second answer; the first is the one that was lost."""
        await self.call(op, params)
        return await self.call(op, params, repeated=True)

    async def ended(self, name: str) -> Run:
        """Make a run of a job and let it end."""
        app = await self.shop.engine(quick, broken)
        await app.trigger(name, run_id=RUN)
        await self.shop.drain(app)
        return await self.shop.get(RUN)


@pytest.fixture
def tab(shop: Workshop) -> Tab:
    """Return a tab over a store without runs."""
    return Tab(shop)


async def test_law_8_a_repeated_trigger_is_one_run(tab: Tab) -> None:
    """The client made the run's id."""
    params = {"jobName": "quick", "input": None, "runId": RUN}

    assert await tab.twice("trigger", params) == {"runId": RUN, "disposition": "created"}
    assert await tab.twice("batchTrigger", {"runs": [params]}) == [
        {"runId": RUN, "disposition": "created"}
    ]

    assert [run["id"] for run in await tab.call("getRuns", {})] == [RUN]


async def test_law_8_a_repeated_retrigger_is_one_run(tab: Tab) -> None:
    """Also when the run that it repeats is gone by then."""
    await tab.ended("quick")
    params = {"runId": RUN, "newRunId": FRESH}

    assert await tab.twice("retrigger", params) == {"runId": FRESH}
    await tab.call("deleteRun", {"runId": RUN})
    assert await tab.call("retrigger", params, repeated=True) == {"runId": FRESH}

    assert [run["id"] for run in await tab.call("getRuns", {})] == [FRESH]


async def test_a_retrigger_that_no_engine_did_is_done_when_repeated(tab: Tab) -> None:
    """Its first engine may have died before it."""
    await tab.ended("quick")

    answer = await tab.call("retrigger", {"runId": RUN, "newRunId": FRESH}, repeated=True)

    assert answer == {"runId": FRESH}


async def test_a_repeated_cancel_finds_the_run_cancelled(tab: Tab) -> None:
    """Nothing is left to do, and that is no error."""
    await tab.call("trigger", {"jobName": "quick", "input": None, "runId": RUN})

    assert await tab.twice("cancel", {"runId": RUN}) is None

    assert (await tab.shop.get(RUN)).status is RunStatus.CANCELLED


async def test_a_repeated_delete_finds_no_run_and_says_that_it_is_done(tab: Tab) -> None:
    """Asked for the first time, the same is an error."""
    await tab.ended("quick")

    assert await tab.twice("deleteRun", {"runId": RUN}) is None

    with pytest.raises(RunNotFoundError):
        await tab.call("deleteRun", {"runId": RUN})


async def test_a_repeated_resume_leaves_a_run_that_goes_on_alone(tab: Tab) -> None:
    """The run is pending, leased or has completed by then."""
    await tab.ended("broken")

    assert await tab.twice("resume", {"runId": RUN}) is None

    assert (await tab.shop.get(RUN)).status is RunStatus.PENDING


async def test_a_repeated_resume_of_a_completed_run_is_done(tab: Tab) -> None:
    """It completed after the resume; asked for the first time, the same is an error."""
    await tab.ended("quick")

    assert await tab.call("resume", {"runId": RUN}, repeated=True) is None

    with pytest.raises(ConflictError):
        await tab.call("resume", {"runId": RUN})


async def test_a_repeated_call_is_refused_as_any_other(tab: Tab) -> None:
    """What was never possible does not become so."""
    with pytest.raises(RunNotFoundError):
        await tab.call("resume", {"runId": RUN}, repeated=True)
    await tab.call("trigger", {"jobName": "quick", "input": None, "runId": RUN})
    with pytest.raises(ConflictError):
        await tab.call("deleteRun", {"runId": RUN}, repeated=True)
