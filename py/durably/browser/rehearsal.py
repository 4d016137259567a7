"""Work for nothing but the browser's compiler.

A browser keeps the WebAssembly that it has compiled well, which is what was executed often by then.
On a first visit that is the boot; so a Python that is thrown away does here what an engine does.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from durably.browser import entry
from durably.codec import to_json
from durably.jobs import job

if TYPE_CHECKING:
    from collections.abc import Callable

    from durably.engine.step import Step

#: A function is compiled well after some thousand calls.
_STEPS = 2_000
_RUNS = 300


@job(name="rehearse")
async def _rehearse(step: Step, steps: int) -> list[str]:
    return [await step.run(f"step-{number}", _name, number) for number in range(steps)]


def _name(number: int) -> str:
    return f"{number}"


async def rehearse() -> None:
    """Do runs of one step and a run of many, by the messages that a page sends."""
    with tempfile.TemporaryDirectory() as folder:
        options = {
            "database": str(Path(folder, "rehearsal.sqlite3")),
            "modules": [__name__],
            "workerId": "rehearsal",
        }
        page = _Page()
        page.dispatch = await entry.start(to_json(options), page.take)
        try:
            page.dispatch("subscribe", page.new_id(), "{}")
            calls = [{"jobName": "rehearse", "input": 1}] * _RUNS
            await page.ask("call", {"op": "batchTrigger", "params": {"runs": calls}})
            params = {"jobName": "rehearse", "input": _STEPS}
            made = await page.ask("call", {"op": "trigger", "params": params})
            await page.ask("subscribe", {"runId": made["runId"]})
            await page.ask("call", {"op": "getRuns", "params": {"limit": 50}})
        finally:
            await page.ask("stop", {})


class _Page:
    """The other end of an engine that no page has asked for."""

    def __init__(self) -> None:
        self.dispatch: Callable[[str, int, str], None] = lambda *_: None
        self._last = 0
        self._asked: dict[int, asyncio.Future[str]] = {}

    def new_id(self) -> int:
        """Return the number of a message."""
        self._last += 1
        return self._last

    def take(self, kind: str, id: int, text: str) -> None:
        """Take what comes back: an answer, events, or the end of a subscription."""
        if kind != "events" and id in self._asked:
            self._asked.pop(id).set_result(text)

    async def ask(self, kind: str, message: object) -> Any:
        """Send a message and return its answer; that of a subscription is its end."""
        id = self.new_id()
        asked = self._asked[id] = asyncio.get_running_loop().create_future()
        self.dispatch(kind, id, to_json(message))
        answer = json.loads(await asked)
        if answer is None:
            return None
        if not answer.get("ok"):
            raise RuntimeError(str(answer))
        return answer["result"]
