"""Store.enqueue: all runs or none, and one run for one acknowledged call."""

from __future__ import annotations

import asyncio

import pytest

from durably import ConflictError, Disposition, RunFilter, RunStatus
from durably.store.protocol import Store
from kit.stores import MINUTE, T0, put, run, status, taken


async def test_a_run_is_pending_with_what_it_was_given(store: Store) -> None:
    """Input, labels, keys and the time it was made are kept as they are."""
    (made,) = await put(
        store,
        run(
            "r1",
            input_json='{"a":[1,null,"é"]}',
            labels={"tenant": "x"},
            idempotency_key="i",
            concurrency_key="c",
        ),
    )

    kept = await store.get_run("r1")

    assert kept == made.run
    assert kept is not None
    assert made.disposition is Disposition.CREATED
    assert made.is_new
    assert (kept.status, kept.input, kept.labels) == (
        RunStatus.PENDING,
        {"a": [1, None, "é"]},
        {"tenant": "x"},
    )
    assert (kept.idempotency_key, kept.concurrency_key, kept.created_at) == ("i", "c", T0)
    assert (kept.lease_generation, kept.started_at, kept.completed_at) == (0, None, None)


async def test_the_same_call_again_is_the_same_run(store: Store) -> None:
    """Law 8: a run whose id is there already is acknowledged again and made once."""
    await put(store, run("r1", input_json="1"))

    (again,) = await put(store, run("r1", input_json="1"), now=T0 + MINUTE)

    assert (again.run.id, again.disposition, again.is_new) == ("r1", Disposition.CREATED, False)
    assert len(await store.get_runs(RunFilter())) == 1


async def test_the_same_call_again_is_answered_alike_whatever_became_of_the_run(
    store: Store,
) -> None:
    """Law 8: also with keys that other runs took meanwhile."""
    await put(store, run("r1", concurrency_key="k"))
    await taken(store)
    await put(store, run("r2", concurrency_key="k"))

    (again,) = await put(store, run("r1", concurrency_key="k"))

    assert (again.run.id, again.run.status, again.is_new) == ("r1", RunStatus.LEASED, False)


async def test_an_id_of_another_jobs_run_is_refused(store: Store) -> None:
    """Law 8: an id can stand for one run only."""
    await put(store, run("r1"))

    with pytest.raises(ConflictError, match="belongs to a run of 'job'"):
        await put(store, run("r1", job="other"))


async def test_a_taken_idempotency_key_gives_the_run_that_took_it(store: Store) -> None:
    """The key is unique per job, for as long as the run exists."""
    await put(store, run("r1", idempotency_key="i"))
    (same, other) = await put(
        store, run("r2", idempotency_key="i"), run("r3", job="other", idempotency_key="i")
    )

    assert (same.run.id, same.disposition, same.is_new) == ("r1", Disposition.IDEMPOTENT, False)
    assert (other.run.id, other.disposition) == ("r3", Disposition.CREATED)
    assert await store.get_run("r2") is None


async def test_an_idempotent_call_repeated_is_created_again(store: Store) -> None:
    """Law 8: the call that made the run is told the same when its answer was lost."""
    await put(store, run("r1", idempotency_key="i"))

    (again,) = await put(store, run("r1", idempotency_key="i"))

    assert (again.run.id, again.disposition, again.is_new) == ("r1", Disposition.CREATED, False)


async def test_idempotency_is_stronger_than_coalescing(store: Store) -> None:
    """A key that is taken is answered before any look at the concurrency key."""
    await put(store, run("r1", idempotency_key="i"), run("r2", concurrency_key="c"))

    (found,) = await put(store, run("r3", idempotency_key="i", concurrency_key="c", coalesce=True))

    assert (found.run.id, found.disposition) == ("r1", Disposition.IDEMPOTENT)


async def test_a_second_pending_run_of_a_key_is_a_conflict(store: Store) -> None:
    """At most one run per job and concurrency key waits."""
    await put(store, run("r1", concurrency_key="c"))

    with pytest.raises(ConflictError, match="'c' is pending"):
        await put(store, run("r2", concurrency_key="c"))

    assert await store.get_run("r2") is None


async def test_a_run_that_may_coalesce_is_the_pending_run(store: Store) -> None:
    """With coalesce the run that waits stands for the new one, which is not made."""
    await put(store, run("r1", concurrency_key="c"))

    (found,) = await put(store, run("r2", concurrency_key="c", coalesce=True))

    assert (found.run.id, found.disposition, found.is_new) == ("r1", Disposition.COALESCED, True)
    assert await store.get_run("r2") is None


async def test_a_key_is_free_for_another_job_and_while_its_run_is_leased(store: Store) -> None:
    """A concurrency key belongs to one job, and only waiting is exclusive."""
    await put(store, run("r1", concurrency_key="c"))
    await taken(store)

    await put(store, run("r2", concurrency_key="c"), run("r3", job="other", concurrency_key="c"))

    assert [await status(store, f"r{n}") for n in (1, 2, 3)] == ["leased", "pending", "pending"]


async def test_a_batch_is_made_as_a_whole_or_not_at_all(store: Store) -> None:
    """A conflict in the last of three leaves none of them."""
    await put(store, run("r1", concurrency_key="c"))

    with pytest.raises(ConflictError):
        await put(store, run("r2"), run("r3"), run("r4", concurrency_key="c"))

    assert [found.id for found in await store.get_runs(RunFilter())] == ["r1"]


async def test_a_batch_coalesces_with_its_own_runs(store: Store) -> None:
    """Runs of one batch see each other, in their order."""
    made = await put(
        store,
        run("r1", concurrency_key="c"),
        run("r2", concurrency_key="c", coalesce=True),
        run("r3", idempotency_key="i"),
        run("r4", idempotency_key="i"),
    )

    assert [(one.run.id, str(one.disposition)) for one in made] == [
        ("r1", "created"),
        ("r1", "coalesced"),
        ("r3", "created"),
        ("r3", "idempotent"),
    ]


async def test_an_empty_batch_makes_nothing(store: Store) -> None:
    """No runs in, no runs out."""
    assert await put(store) == []


async def test_one_of_many_simultaneous_calls_makes_the_run(pair: tuple[Store, Store]) -> None:
    """Calls of two connections that race for one idempotency key agree on one run."""
    calls = [put(pair[n % 2], run(f"r{n}", idempotency_key="i")) for n in range(10)]

    answers = await asyncio.gather(*calls)

    assert len({one.run.id for (one,) in answers}) == 1
    assert sorted(str(one.disposition) for (one,) in answers) == ["created"] + ["idempotent"] * 9
