"""A clock that is set back or forward makes no pause longer than it was to be."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from durably import Retry, RunStatus, Step, WaitTimeoutError, job
from kit.engines import Workshop

HOUR = timedelta(hours=1)
JUMPS = [-HOUR, HOUR, -24 * HOUR]


async def pass_time(shop: Workshop, app: object, seconds: float) -> None:
    """Move time on in steps, letting the engine work at each."""
    for _ in range(int(seconds * 10)):
        await shop.clock.advance(0.1)
        await app.health()  # type: ignore[attr-defined]  # a read: after what was begun


@pytest.mark.parametrize("jump", JUMPS)
async def test_a_wait_takes_as_long_as_it_says(shop: Workshop, jump: timedelta) -> None:
    """Two seconds are two seconds."""

    @job(name="never")
    async def never(step: Step) -> None: ...

    app = await shop.engine(never)
    made = await app.trigger(never)
    waiting = asyncio.ensure_future(app.wait_for_run(made.id, timeout=2))
    await pass_time(shop, app, 1)
    shop.clock.jump(jump)
    await pass_time(shop, app, 0.5)
    assert not waiting.done()
    await pass_time(shop, app, 1)

    assert waiting.done()
    with pytest.raises(WaitTimeoutError):
        waiting.result()


@pytest.mark.parametrize("jump", JUMPS)
async def test_a_backoff_is_not_longer_than_its_pause(shop: Workshop, jump: timedelta) -> None:
    """Whether the engine was at work when the clock was set, or begins after that."""

    @job(name="flaky")
    async def flaky(step: Step) -> None:
        await step.run("call", call, retry=Retry(max_attempts=3, backoff=10, factor=1, jitter=0))

    def call() -> None:
        shop.journal.append("call")
        if len(shop.journal) < 3:
            raise OSError("not yet")

    app = await shop.engine(flaky)
    made = await app.trigger(flaky)
    await app.start()
    await pass_time(shop, app, 1)
    shop.clock.jump(jump)
    await pass_time(shop, app, 11)
    assert len(shop.journal) >= 2
    await app.stop()
    shop.clock.jump(jump)
    await app.start()
    await pass_time(shop, app, 11)
    await app.stop()

    assert (await shop.get(made.id)).status is RunStatus.COMPLETED


@pytest.mark.parametrize("jump", [-HOUR, -24 * HOUR])
async def test_a_dead_workers_lease_is_not_longer_than_it_was_to_be(
    shop: Workshop, jump: timedelta
) -> None:
    """Its runs are claimed when the lease's own time has passed."""

    @job(name="dies")
    async def dies(step: Step) -> str:
        if not shop.journal:
            shop.journal.append("died")
            await step.run("die", shop.die)
        return "done"

    app = await shop.engine(dies)
    made = await app.trigger(dies)
    await shop.die_in(app)
    shop.clock.jump(jump)
    again = await shop.engine(dies)
    await again.start()
    await pass_time(shop, again, 31)
    await again.stop()

    assert (await shop.get(made.id)).output == "done"


@pytest.mark.parametrize("jump", [-HOUR, -2 * HOUR])
async def test_retention_goes_on(shop: Workshop, jump: timedelta) -> None:
    """It looks again a minute later, by whatever clock."""

    @job(name="short")
    async def short(step: Step) -> None: ...

    app = await shop.engine(short, retain_runs="1m")
    await app.start()
    await pass_time(shop, app, 1)
    shop.clock.jump(jump)
    await app.trigger(short)
    await pass_time(shop, app, 130)
    await app.stop()

    assert await app.get_runs() == []
