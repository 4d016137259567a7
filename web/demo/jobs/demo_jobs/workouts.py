"""Jobs without a use of their own: they measure the engine and prove its laws."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import secrets
import sqlite3
import sys
import time
import uuid
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from demo_jobs.tables import database_path, opened
from durably import Blob, Step, job


class ComputeInput(BaseModel):
    """How long to keep the processor busy."""

    seconds: Annotated[float, Field(gt=0, le=60)] = 2.0


class StepsInput(BaseModel):
    """How many steps to take, and whether each writes down that it was executed."""

    count: Annotated[int, Field(ge=0, le=100_000)]
    journal: bool = False


class HangInput(BaseModel):
    """How to go on for ever: ``loop`` in Python code, ``call`` inside one long call of C."""

    how: Literal["loop", "call", "stubborn"] = "loop"


@job(name="compute")
async def compute(step: Step, input: ComputeInput) -> int:
    """Compute without a pause for *seconds*, in one step; return how many rounds that took."""

    def busy() -> int:
        rounds = 0
        end = time.monotonic() + input.seconds
        while time.monotonic() < end:
            rounds += sum(range(1000)) > 0
        return rounds

    return await step.run("compute", busy)


@job(name="steps")
async def steps(step: Step, input: StepsInput) -> list[str]:
    """Take *count* trivial steps; return what each of them returned.

    A journalled step commits a token of its own before it returns it, so the journal shows every
    execution and the output shows which of them counted.
    """

    def trivial(name: str) -> str:
        return name

    def journalled(name: str) -> str:
        token = secrets.token_hex(8)
        with opened(database_path()) as tables, tables.transaction():
            tables.add_journal(step.run_id, name, token)
        return token

    take = journalled if input.journal else trivial
    return [
        await step.run(f"step-{number}", take, f"step-{number}") for number in range(input.count)
    ]


@job(name="chance")
async def chance(step: Step) -> dict[str, str]:
    """Return what chance gives: after two boots it is never the same."""

    def draw() -> dict[str, str]:
        with contextlib.closing(sqlite3.connect(":memory:")) as database:
            (of_sqlite,) = database.execute("SELECT random()").fetchone()
        return {
            "id": str(uuid.uuid4()),
            "random": str(random.random()),  # noqa: S311 - no secret
            "sqlite": str(of_sqlite),
            "urandom": os.urandom(8).hex(),
        }

    return await step.run("draw", draw)


@job(name="hang")
async def hang(step: Step, input: HangInput) -> None:
    """Never end by itself; a finally block writes a log line when it is stopped."""

    def loop() -> None:
        while True:
            pass

    def call() -> None:
        sum(range(10**12))

    def stubborn() -> None:
        while True:
            try:
                loop()
            except BaseException:  # noqa: BLE001, S112 - as bad as code can be
                continue

    ways = {"loop": loop, "call": call, "stubborn": stubborn}
    try:
        await step.run("hang", ways[input.how])
    finally:
        step.log.info("cleaned up")


class LeaveInput(BaseModel):
    """Where to exit: in a step of any form, in a task beside the steps, or in the job itself."""

    where: Literal["step", "async step", "timed step", "parallel step", "task", "job"] = "step"


@job(name="leave")
async def leave(step: Step, input: LeaveInput) -> None:
    """Call ``sys.exit()``, which must end this run and nothing else."""

    def exit_now() -> None:
        sys.exit("left")

    async def exit_later() -> None:
        await asyncio.sleep(0)
        exit_now()

    if input.where == "step":
        await step.run("leave", exit_now)
    elif input.where == "async step":
        await step.run("leave", exit_later)
    elif input.where == "timed step":
        await step.run("leave", exit_later, timeout=60)
    elif input.where == "parallel step":
        await asyncio.gather(step.run("leave", exit_later), step.run("stay", lambda: "stayed"))
    elif input.where == "task":
        await asyncio.gather(exit_later(), asyncio.sleep(0))
    else:
        exit_now()


class UpperInput(BaseModel):
    """A text file, and how often its text is to be in the new one."""

    file: Blob
    times: Annotated[int, Field(ge=1, le=100_000)] = 1


@job(name="upper")
async def upper(step: Step, input: UpperInput) -> Blob:
    """Make a file of another file's text in upper case; the output is a reference to it."""

    async def convert() -> Blob:
        text = input.file.path.read_text(encoding="utf-8").upper() * input.times
        name = f"upper-{input.file.name}"
        return await step.keep_file(text.encode(), name=name, media_type="text/plain")

    return await step.run("convert", convert)
