"""Runs that wait for somebody: told by the id of the wait, or by a topic and a key."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from pydantic import BaseModel

from durably import (
    ConflictError,
    RunStatus,
    SignalDisposition,
    SignalMismatchError,
    Step,
    SyncStep,
    ValidationError,
    Wait,
    WaitExpiredError,
    WaitKind,
    job,
)
from kit.engines import Workshop, names, record, until, waits_of

WEEK = timedelta(days=7)


class Decision(BaseModel):
    """What is answered."""

    approved: bool
    by: str = "nobody"


@job
async def approval(step: Step) -> str:
    """Ask, wait for a week, and say what came."""
    answer = await step.wait_for("approval", Decision, timeout=WEEK, metadata={"who": "the boss"})
    if answer is None:
        return "nobody answered"
    return await step.run("note", lambda: f"{answer.approved} by {answer.by}")


async def waiting(shop: Workshop, **options: Any) -> tuple[Any, str, Wait]:
    """Return an engine, its waiting run, and what that waits for."""
    app = await shop.engine(approval, **options)
    run = await app.trigger(approval)
    assert await app.process_until_idle() == 1
    (wait,) = await app.get_waits(run.id)
    return app, run.id, wait


async def test_a_run_goes_on_with_what_it_is_told(shop: Workshop) -> None:
    """The wait shows who is asked since when, and how long it took."""
    app, run_id, wait = await waiting(shop)
    events = record(app, "wait:resolve", "run:waiting", "run:leased", "run:complete")
    assert (wait.kind, wait.name, wait.metadata) == (
        WaitKind.SIGNAL,
        "approval",
        {"who": "the boss"},
    )
    assert wait.deadline_at == shop.clock.now() + WEEK
    assert (await shop.get(run_id)).waiting_until == wait.deadline_at
    shop.clock.jump(timedelta(days=2))

    told = await app.signal(wait.id, Decision(approved=True, by="ann"), signal_id="mail-1")
    assert told.disposition is SignalDisposition.ACCEPTED
    assert await app.process_until_idle() == 1

    assert (await shop.get(run_id)).output == "True by ann"
    assert names(events) == ["wait:resolve", "run:leased", "run:complete"]
    found = await app.get_wait(wait.id)
    assert found is not None
    assert (found.input_wait, found.slot_wait) == (timedelta(days=2), timedelta(0))
    again = await app.signal(wait.id, {"by": "ann", "approved": True}, signal_id="mail-1")
    assert again.disposition is SignalDisposition.DUPLICATE
    with pytest.raises(ConflictError):
        await app.signal(wait.id, {"approved": False})


async def test_nobody_answers_in_time(shop: Workshop) -> None:
    """The job is given None, and a late answer is refused."""
    app, run_id, wait = await waiting(shop)

    await shop.drain(app)

    assert (await shop.get(run_id)).output == "nobody answered"
    with pytest.raises(WaitExpiredError):
        await app.signal(wait.id, {"approved": True})


async def test_replay_equals_live_after_a_death_and_a_timeout(shop: Workshop) -> None:
    """Law 2: what the job was given once it is given again, also when the clock goes back."""

    @job
    async def both(step: Step) -> list[object]:
        told = await step.wait_for("told", int)
        silent = await step.wait_for("silent", int, timeout=timedelta(hours=1))
        shop.journal.append(f"{told} {silent}")
        await step.sleep("nap", timedelta(hours=1))
        return [told, silent]

    app = await shop.engine(both)
    run = await app.trigger(both)
    await app.process_until_idle()
    (wait,) = await app.get_waits(run.id)
    await app.signal(wait.id, 3)
    await app.process_until_idle()
    shop.clock.jump(timedelta(hours=1))
    await app.process_until_idle()
    shop.clock.jump(-timedelta(minutes=30))
    shop.die()

    other = await shop.engine(both)
    await shop.drain(other)

    assert (await shop.get(run.id)).output == [3, None]
    assert set(shop.journal) == {"3 None"}


async def test_a_started_engine_goes_on_at_once(shop: Workshop) -> None:
    """No time passes between the signal and the end."""
    app = await shop.engine(approval, sole_owner=True)
    run = await app.trigger(approval)
    events = record(app, "run:waiting", "run:complete")
    await app.start()
    await until(lambda: events)
    (wait,) = await app.get_waits(run.id)
    began = shop.clock.now()

    await app.signal(wait.id, {"approved": True})
    await until(lambda: len(events) > 1)

    assert (await shop.get(run.id)).status is RunStatus.COMPLETED
    assert shop.clock.now() == began
    await app.close()


async def test_a_prepared_wait_can_be_told_before_the_job_waits(shop: Workshop) -> None:
    """Its id goes out with the mail; who answers at once is not missed."""
    sent: list[str] = []

    @job
    async def mail(step: Step) -> object:
        wait = await step.prepare_wait("answer", timeout=WEEK)
        await step.run("send", sent.append, wait.id)
        return await step.wait_for(wait, int)

    app = await shop.engine(mail)
    app.on("step:complete", lambda _: app.signal(sent[0], 7))
    events = record(app, "run:waiting")
    run = await app.trigger(mail)

    await app.process_until_idle()

    assert (await shop.get(run.id)).output == 7
    assert len(sent) == 1
    assert len(events) <= 1


async def test_a_signal_reaches_a_run_whose_other_steps_are_at_work(shop: Workshop) -> None:
    """In the same process at once, without a new execution."""
    gate = asyncio.Event()

    @job
    async def beside(step: Step) -> list[object]:
        shop.journal.append("begin")

        async def answered() -> object:
            answer = await step.wait_for("answer", str)
            shop.journal.append(f"told {answer}")
            gate.set()
            return answer

        return list(await asyncio.gather(answered(), step.run("work", gate.wait)))

    app = await shop.engine(beside, sole_owner=True)
    run = await app.trigger(beside)
    ended = record(app, "run:complete")
    await app.start()
    (wait,) = await waits_of(app, run.id)

    await app.signal(wait.id, "now")
    await until(lambda: ended)

    assert (await shop.get(run.id)).output == ["now", True]
    assert shop.journal == ["begin", "told now"]
    await app.close()


async def test_a_message_reaches_who_waits_and_who_will(shop: Workshop) -> None:
    """By topic and key, once; a message without a taker is kept for a time."""

    @job
    async def order(step: Step, input: str) -> object:
        return await step.wait_for("paid", float, key=input, timeout=WEEK)

    app = await shop.engine(order)
    early = await app.send("paid", 1.5, key="early")
    late = await app.trigger(order, "late")
    await app.process_until_idle()

    assert early.wait is None
    sent = await app.send("paid", 2.5, key="late", message_id="m")
    assert sent.wait is not None
    assert sent.wait.run_id == late.id
    again = await app.send("paid", 2.5, key="late", message_id="m")
    assert again.disposition is SignalDisposition.DUPLICATE
    taker = await app.trigger(order, "early")
    await app.send("paid", 3.5, key="lost", keep=timedelta(hours=1))
    shop.clock.jump(timedelta(hours=2))
    lost = await app.trigger(order, "lost")
    await shop.drain(app)

    outputs = [(await shop.get(one.id)).output for one in (late, taker, lost)]
    assert outputs == [2.5, 1.5, None]


async def test_an_answer_of_the_wrong_kind_is_an_error_that_the_job_can_take(
    shop: Workshop,
) -> None:
    """It may ask again under another name; one that does not take it fails with its code."""

    @job
    async def careful(step: Step) -> Decision | None:
        for number in range(2):
            try:
                return await step.wait_for(f"answer-{number}", Decision, topic="answer")
            except SignalMismatchError as error:
                shop.journal.append(error.code)
        return None

    app = await shop.engine(careful)
    run = await app.trigger(careful)
    await app.send("answer", {"approved": "perhaps"})
    await app.send("answer", {"approved": True})
    await app.process_until_idle()

    assert (await shop.get(run.id)).output == {"approved": True, "by": "nobody"}
    assert shop.journal == ["signal_mismatch"]


async def test_a_sync_job_waits_too(shop: Workshop) -> None:
    """Without its thread."""

    @job
    def ask(step: SyncStep) -> object:
        wait = step.prepare_wait("answer")
        return step.wait_for(wait, int)

    app = await shop.engine(ask)
    run = await app.trigger(ask)
    await app.process_until_idle()
    (wait,) = await app.get_waits(run.id)
    await app.signal(wait.id, 5)
    await app.process_until_idle()

    assert (await shop.get(run.id)).output == 5


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda app, _: app.signal("", 1), "wait_id"),
        (lambda app, wait: app.signal(wait.id, object()), "payload"),
        (lambda app, wait: app.signal(wait.id, 1, signal_id=""), "signal_id"),
        (lambda app, _: app.send("", 1), "topic"),
        (lambda app, _: app.send("a", {1: 2}), "payload"),
        (lambda app, _: app.send("a", 1, keep=0), "keep"),
        (lambda app, _: app.send("a", 1, key=""), "key"),
        (lambda app, _: app.get_wait(5), "wait_id"),
        (lambda app, _: app.get_waits(5), "run_id"),
    ],
)
async def test_what_cannot_be_told_is_refused(shop: Workshop, call: Any, says: str) -> None:
    """Law 10: with the argument's name; nothing is changed."""
    app, run_id, wait = await waiting(shop)

    with pytest.raises(Exception, match=says) as caught:
        await call(app, wait)

    assert getattr(caught.value, "code", "") in {"validation", "not_serializable"}
    assert await app.get_waits(run_id) == [wait]


async def test_a_prepared_wait_takes_no_second_timeout(shop: Workshop) -> None:
    """Its own holds."""

    @job
    async def ask(step: Step) -> object:
        wait = await step.prepare_wait("answer")
        return await step.wait_for(wait, timeout=5)

    run = await shop.run(ask)

    assert run.status is RunStatus.FAILED
    assert run.failure is not None
    assert run.failure.type_name == f"{ValidationError.__module__}.ValidationError"
