"""Store.claim: which run comes next, for whom, and with what."""

from __future__ import annotations

import asyncio

import pytest

from durably import RunStatus
from durably.runs import NO_NOTES, Hold, RunFilter
from durably.store.protocol import Store
from kit.stores import (
    COMPLETED,
    FAILED,
    JOB,
    MINUTE,
    SECOND,
    T0,
    put,
    run,
    save,
    status,
    step,
    take,
    taken,
)


async def test_a_claimed_run_is_leased_to_its_worker(store: Store) -> None:
    """Its generation rises, its start is kept, and the lease says who holds it until when."""
    await put(store, run("r1"))

    claim = await taken(store, now=T0 + SECOND, worker="w")

    assert claim.run.status is RunStatus.LEASED
    assert (claim.run.lease_owner, claim.run.lease_expires_at) == ("w", T0 + SECOND + MINUTE)
    assert (claim.run.lease_generation, claim.run.started_at) == (1, T0 + SECOND)
    assert (claim.lease.run_id, claim.lease.owner, claim.lease.generation) == ("r1", "w", 1)
    assert claim.saved == {}
    assert await store.get_run("r1") == claim.run


async def test_the_oldest_due_run_is_claimed_first(store: Store) -> None:
    """By the time it was made, then by id; an expired lease has its place in the same line."""
    await put(store, run("b"), run("a"), now=T0 + SECOND)
    await put(store, run("z"))
    await taken(store, ttl=SECOND)  # z, whose worker dies

    order = [(await taken(store, now=T0 + MINUTE)).run.id for _ in range(3)]

    assert order == ["z", "a", "b"]
    assert await take(store, now=T0 + MINUTE) is None


async def test_only_runs_of_known_jobs_are_claimed(store: Store) -> None:
    """A run of a job that is not registered stays pending (B2), also when its lease ran out."""
    await put(store, run("r1", job="unknown"), run("r2"), run("r3", job="other"))

    first = await taken(store, jobs=(JOB, "other"))
    second = await taken(store, jobs=(JOB, "other"))

    assert (first.run.id, second.run.id) == ("r2", "r3")
    assert await take(store, jobs=()) is None
    assert await take(store, now=T0 + 2 * MINUTE, jobs=("unheard",)) is None
    assert await status(store, "r1") == "pending"


async def test_a_live_lease_is_not_claimed_again(store: Store) -> None:
    """Law 3: one owner at a time, until the very moment the lease runs out."""
    await put(store, run("r1"))
    await taken(store)

    assert await take(store, now=T0 + MINUTE - SECOND, worker="b") is None
    assert await take(store, now=T0 + MINUTE, worker="b") is not None


async def test_an_expired_lease_is_claimed_straight_from_leased(store: Store) -> None:
    """Law 6: generation + 1, the start kept, the recovery counted."""
    await put(store, run("r1"))
    await taken(store)

    again = await taken(store, now=T0 + 2 * MINUTE, worker="b")

    assert (again.run.lease_generation, again.run.recoveries) == (2, 1)
    assert again.run.started_at == T0
    assert again.run.lease_owner == "b"


async def test_an_expired_lease_is_claimed_beside_a_pending_run_of_its_key(store: Store) -> None:
    """Law 6, B3: the replacement waits its turn, and the interrupted run goes on first."""
    await put(store, run("r1", concurrency_key="c"))
    await taken(store)
    await put(store, run("r2", concurrency_key="c"))

    again = await taken(store, now=T0 + 2 * MINUTE)

    assert again.run.id == "r1"
    assert await take(store, now=T0 + 2 * MINUTE) is None
    assert await store.finish(again.lease, COMPLETED, notes=NO_NOTES, now=T0) is Hold.HELD
    assert (await taken(store, now=T0 + 2 * MINUTE)).run.id == "r2"


async def test_a_key_runs_one_at_a_time(store: Store) -> None:
    """A pending run waits while another of its job and key is leased, expired or not."""
    await put(store, run("r1", concurrency_key="c"))
    await taken(store)
    await put(store, run("r2", concurrency_key="c"), run("r3", job="other", concurrency_key="c"))

    assert await take(store) is None
    assert await take(store, now=T0 + 2 * MINUTE, held=("r1",)) is None
    assert (await taken(store, jobs=("other",))).run.id == "r3"


async def test_a_cancelled_run_keeps_its_key_until_its_code_stopped(store: Store) -> None:
    """B7: the next run of the key starts when the holder lets go, or when its lease ran out."""
    await put(store, run("r1", concurrency_key="c"))
    held = await taken(store)
    await store.cancel("r1", now=T0)
    await put(store, run("r2", concurrency_key="c"))

    assert await take(store) is None
    assert await store.release(held.lease, notes=NO_NOTES, now=T0) is Hold.CANCELLED
    assert (await taken(store)).run.id == "r2"


async def test_the_key_of_a_cancelled_run_outlives_its_lease_only_here(store: Store) -> None:
    """B7: a worker that still runs the code keeps the key; a dead one's key is free at expiry."""
    await put(store, run("r1", concurrency_key="c"))
    await taken(store)
    await store.cancel("r1", now=T0)
    await put(store, run("r2", concurrency_key="c"))

    assert await take(store, now=T0 + 2 * MINUTE, held=("r1",)) is None
    assert (await taken(store, now=T0 + 2 * MINUTE, worker="b")).run.id == "r2"


async def test_a_run_cancelled_while_pending_holds_no_key(store: Store) -> None:
    """Nobody runs its code, so there is nothing to wait for."""
    await put(store, run("r1", concurrency_key="c"))
    await store.cancel("r1", now=T0)
    await put(store, run("r2", concurrency_key="c"))

    assert (await taken(store)).run.id == "r2"


async def test_a_worker_never_claims_what_it_still_executes(store: Store) -> None:
    """Law 5: a run whose lease ran out under long work is not started a second time here."""
    await put(store, run("r1"))
    await taken(store)

    assert await take(store, now=T0 + 2 * MINUTE, held=("r1",)) is None
    assert await take(store, now=T0 + 2 * MINUTE) is not None


async def test_a_run_waits_for_its_time(store: Store) -> None:
    """A released run is due again from available_at on, and its claim forgets the time."""
    await put(store, run("r1"))
    held = await taken(store)
    await store.release(held.lease, notes=NO_NOTES, now=T0, available_at=T0 + MINUTE)

    assert await take(store, now=T0 + MINUTE - SECOND) is None
    again = await taken(store, now=T0 + MINUTE)
    assert (again.run.available_at, again.run.recoveries) == (None, 0)


async def test_a_claim_brings_the_saved_steps(store: Store) -> None:
    """Law 12: all that replay needs comes with the claim: completed steps, and only those."""
    await put(store, run("r1"))
    first = await taken(store)
    await save(store, first.lease, step(first.lease, "done", output_json='{"a":1}'))
    await save(
        store,
        first.lease,
        step(first.lease, "broken", 1, status="failed", output_json=None),
    )

    again = await taken(store, now=T0 + 2 * MINUTE)

    assert again.saved == {"done": '{"a":1}'}


async def test_a_saved_step_ends_the_count_of_recoveries(store: Store) -> None:
    """Law 6: only claims in a row without a newly saved step count."""
    await put(store, run("r1"))
    await taken(store)
    second = await taken(store, now=T0 + 2 * MINUTE)
    assert second.run.recoveries == 1

    await save(store, second.lease, step(second.lease))

    assert (await taken(store, now=T0 + 4 * MINUTE)).run.recoveries == 1


async def test_a_released_run_is_not_a_recovery(store: Store) -> None:
    """Law 6: a worker that gave its run back did not die of it, pending replacement or not."""
    await put(store, run("r1", concurrency_key="c"))
    first = await taken(store)
    await put(store, run("r2", concurrency_key="c"))
    await store.release(first.lease, notes=NO_NOTES, now=T0)
    assert await status(store, "r1") == "leased"  # by nobody: r2 is the pending one

    again = await taken(store)

    assert (again.run.id, again.run.recoveries) == ("r1", 0)


async def test_two_workers_never_get_one_run(pair: tuple[Store, Store]) -> None:
    """Law 3: claims of two connections at the same time give every run once."""
    await put(pair[0], *(run(f"r{n}") for n in range(10)))

    claims = await asyncio.gather(*(taken(pair[n % 2], worker=f"w{n % 2}") for n in range(10)))

    assert sorted(claim.run.id for claim in claims) == [f"r{n}" for n in range(10)]


@pytest.mark.parametrize("end", [COMPLETED, FAILED], ids=["completed", "failed"])
async def test_an_ended_run_is_never_claimed(store: Store, end: object) -> None:
    """Whatever the time, and whatever its lease was."""
    await put(store, run("r1"))
    held = await taken(store)
    await store.finish(held.lease, end, notes=NO_NOTES, now=T0)  # type: ignore[arg-type]

    assert await take(store, now=T0 + 100 * MINUTE) is None
    assert [found.id for found in await store.get_runs(RunFilter())] == ["r1"]
