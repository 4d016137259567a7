"""What users do to runs: cancel, resume, delete, and what retention removes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from durably import ConflictError, RunFilter, RunStatus, StoppedError, ValidationError
from durably.runs import NO_NOTES, Hold
from durably.store.protocol import Store
from kit.stores import (
    COMPLETED,
    FAILED,
    MINUTE,
    SECOND,
    T0,
    attempt,
    put,
    run,
    save,
    status,
    step,
    take,
    taken,
)


async def test_a_pending_run_is_cancelled(store: Store) -> None:
    """The answer is the run as it was; it is never claimed then."""
    await put(store, run("r1"))

    (before,) = await store.cancel("r1", now=T0 + SECOND)

    found = await store.get_run("r1")
    assert found is not None
    assert (before.status, found.status) == (RunStatus.PENDING, RunStatus.CANCELLED)
    assert (found.completed_at, found.available_at) == (T0 + SECOND, None)
    assert await take(store) is None


async def test_an_ended_or_unknown_run_is_not_cancelled(store: Store) -> None:
    """The answer says what it is; nothing changes."""
    await put(store, run("r1"))
    held = await taken(store)
    await store.finish(held.lease, COMPLETED, notes=NO_NOTES, now=T0)
    before = await store.get_run("r1")

    assert await store.cancel("r1", now=T0 + MINUTE) == [before]
    assert await store.get_run("r1") == before
    assert await store.cancel("none", now=T0) == []


async def test_a_cancelled_runs_holder_cannot_finish_it(store: Store) -> None:
    """Law 3: cancelled stays cancelled, whatever its code returns."""
    await put(store, run("r1"))
    held = await taken(store)
    await store.cancel("r1", now=T0)

    for end in (COMPLETED, FAILED):
        hold = await store.finish(held.lease, end, notes=NO_NOTES, now=T0)
        assert hold is Hold.CANCELLED

    assert await status(store, "r1") == "cancelled"


async def test_a_failed_run_goes_on_in_place(store: Store) -> None:
    """B4: same id, same steps, no error any more, and its attempts no longer count."""
    await put(store, run("r1"))
    held = await taken(store)
    await save(store, held.lease, step(held.lease), attempt=attempt(held.lease))
    await store.finish(held.lease, FAILED, notes=NO_NOTES, now=T0)

    before = await store.resume("r1", now=T0 + SECOND)

    found = await store.get_run("r1")
    assert before is not None
    assert found is not None
    assert (before.status, found.status) == (RunStatus.FAILED, RunStatus.PENDING)
    assert (found.failure, found.completed_at, found.recoveries) == (None, None, 0)
    assert [kept.counted for kept in await store.get_attempts("r1")] == [False]
    again = await taken(store)
    assert (again.saved, again.run.started_at) == ({"s1": "1"}, T0)


async def test_a_cancelled_run_that_still_stops_is_resumed_when_it_stopped(store: Store) -> None:
    """Law 3: two executions of one run never overlap, and the late one changes nothing."""
    await put(store, run("r1"))
    held = await taken(store)
    await store.cancel("r1", now=T0)
    await store.resume("r1", now=T0)

    assert await take(store, worker="b") is None
    assert await save(store, held.lease, step(held.lease)) is not Hold.HELD
    await store.release(held.lease, notes=NO_NOTES, now=T0)

    again = await taken(store, worker="b")
    assert (again.run.id, again.saved) == ("r1", {})
    assert await store.finish(held.lease, COMPLETED, notes=NO_NOTES, now=T0) is Hold.LOST


async def test_a_completed_active_or_unknown_run_is_not_resumed(store: Store) -> None:
    """The answer says what it is; nothing changes."""
    await put(store, run("r1"), run("r2"), run("r3"))
    held = await taken(store)
    await store.finish(held.lease, COMPLETED, notes=NO_NOTES, now=T0)
    await taken(store)

    for id, known in (("r1", "completed"), ("r2", "leased"), ("r3", "pending")):
        found = await store.resume(id, now=T0)
        assert found is not None
        assert found.status == known
        assert await store.get_run(id) == found
    assert await store.resume("none", now=T0) is None


async def test_a_run_is_not_resumed_beside_a_pending_one_of_its_key(store: Store) -> None:
    """At most one run of a key waits; the conflict names it."""
    await put(store, run("r1", concurrency_key="c"))
    held = await taken(store)
    await store.finish(held.lease, FAILED, notes=NO_NOTES, now=T0)
    await put(store, run("r2", concurrency_key="c"))

    with pytest.raises(ConflictError, match="'r2'"):
        await store.resume("r1", now=T0)

    assert await status(store, "r1") == "failed"


async def test_a_deleted_run_leaves_nothing_behind(store: Store) -> None:
    """Steps, attempts, logs and labels go with it, and its id and keys are free."""
    new = run("r1", idempotency_key="i", labels={"a": "b"})
    await put(store, new)
    held = await taken(store)
    await save(store, held.lease, step(held.lease), attempt=attempt(held.lease))
    await store.finish(held.lease, COMPLETED, notes=NO_NOTES, now=T0)

    before = await store.delete_run("r1", now=T0)

    assert before is not None
    assert before.status == "completed"
    assert await store.get_run("r1") is None
    assert await store.get_steps("r1") == []
    assert await store.get_attempts("r1") == []
    assert await store.get_runs(RunFilter(labels={"a": "b"})) == []
    (again,) = await put(store, new)
    assert again.is_new


async def test_an_active_or_unknown_run_is_not_deleted(store: Store) -> None:
    """The answer says what it is; nothing changes."""
    await put(store, run("r1"), run("r2"))
    await taken(store)

    for id, known in (("r1", "leased"), ("r2", "pending")):
        found = await store.delete_run(id, now=T0)
        assert found is not None
        assert found.status == known
        assert await store.get_run(id) == found
    assert await store.delete_run("none", now=T0) is None


async def test_a_run_whose_code_still_stops_is_not_deleted(store: Store) -> None:
    """B7: it is removed when its holder let go, or died."""
    await put(store, run("r1"), run("r2"))
    held = await taken(store)
    await taken(store)
    for id in ("r1", "r2"):
        await store.cancel(id, now=T0)
        assert await store.delete_run(id, now=T0) is not None
        assert await status(store, id) == "cancelled"

    await store.release(held.lease, notes=NO_NOTES, now=T0)
    await store.delete_run("r1", now=T0)
    await store.delete_run("r2", now=T0 + MINUTE)

    assert await store.get_runs(RunFilter()) == []


async def test_retention_removes_the_oldest_ended_runs(store: Store) -> None:
    """Up to the limit, by the time they ended; active ones and later ends stay."""
    await put(store, *(run(f"r{n}") for n in range(6)))
    for n in range(4):
        held = await taken(store)
        ended = T0 + (4 - n) * SECOND
        await store.finish(held.lease, (COMPLETED, FAILED)[n % 2], notes=NO_NOTES, now=ended)
    await taken(store, ttl=SECOND)

    removed = await store.purge(older_than=T0 + 4 * SECOND, limit=2, held=())

    assert sorted(found.id for found in removed) == ["r2", "r3"]
    rest = await store.purge(older_than=T0 + 4 * SECOND, limit=10, held=())
    assert [found.id for found in rest] == ["r1"]
    assert {found.id for found in await store.get_runs(RunFilter())} == {"r0", "r4", "r5"}


async def test_retention_leaves_a_run_whose_code_still_stops(store: Store) -> None:
    """B7: what may still write is not removed."""
    await put(store, run("r1"))
    held = await taken(store)
    await store.cancel("r1", now=T0)

    assert await store.purge(older_than=T0 + SECOND, limit=10, held=()) == []
    await store.release(held.lease, notes=NO_NOTES, now=T0)
    assert len(await store.purge(older_than=T0 + SECOND, limit=10, held=())) == 1


async def test_retention_leaves_a_run_whose_code_still_stops_here(store: Store) -> None:
    """B7: whoever executes it knows, also where nobody renews a lease."""
    await put(store, run("r1"), run("r2"))
    await taken(store)
    await taken(store)
    for id in ("r1", "r2"):
        await store.cancel(id, now=T0)

    removed = await store.purge(older_than=T0 + 2 * MINUTE, limit=10, held=("r1",))

    assert [found.id for found in removed] == ["r2"]
    assert await status(store, "r1") == "cancelled"


async def test_parked_runs_are_counted_by_job(store: Store) -> None:
    """B2: pending runs of jobs that are not known here, and only those."""
    await put(store, run("r1"), run("r2", job="x"), run("r3", job="x"), run("r4", job="y"))
    await taken(store, jobs=("y",))

    assert await store.parked(jobs=("job",)) == {"x": 2}
    assert await store.parked(jobs=("job", "x")) == {}


async def test_what_is_not_there_is_empty(store: Store) -> None:
    """Reads of an unknown run answer with nothing, and housekeeping has nothing to do."""
    assert await store.get_run("none") is None
    assert await store.get_steps("none") == []
    assert await store.get_attempts("none") == []
    assert await store.get_logs("none") == []
    assert await store.get_runs(RunFilter()) == []
    await store.checkpoint()


async def test_what_no_table_can_hold_is_refused(store: Store) -> None:
    """Text with a lone surrogate and a number past 64 bits: the caller's fault, not the disk's."""
    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: store.get_run("\ud800"),
        lambda: store.cancel("\ud800", now=T0),
        lambda: put(store, run("r1"), run("r2", idempotency_key="\ud800")),
        lambda: store.purge(older_than=T0, limit=2**63, held=()),
    ]

    for call in calls:
        with pytest.raises(ValidationError, match="at most 64 bits and text no lone surrogates"):
            await call()

    assert await store.get_runs(RunFilter()) == []


async def test_a_file_is_asked_for_until_it_could_be_removed(store: Store) -> None:
    """One that could not go yet is not forgotten, and keeps no other back."""
    first, second = "1" * 64, "2" * 64
    both = f'[{{"sha256":"{first}"}},{{"sha256":"{second}"}}]'
    await put(store, run("r1", input_json=both), run("r2", input_json=f'{{"sha256":"{second}"}}'))
    for _ in range(2):
        await store.finish((await taken(store)).lease, COMPLETED, notes=NO_NOTES, now=T0)
    asked: list[str] = []

    def remove(name: str) -> bool:
        asked.append(name)
        return asked.count(name) > 1 or name == second

    for run_id in ("r1", "r2"):
        await store.delete_run(run_id, now=T0)
        await store.release_blobs(remove)
    await store.release_blobs(remove)

    assert sorted(asked) == [first, first, second]


async def test_a_closed_store_says_so(store: Store) -> None:
    """Closing twice is fine; every other call is StoppedError."""
    await store.close()
    await store.close()

    with pytest.raises(StoppedError, match="closed"):
        await store.get_run("r1")


async def test_retention_removes_a_cancelled_run_whose_worker_died(store: Store) -> None:
    """B7: nobody lets it go any more; its lease has run out long before."""
    await put(store, run("r1"))
    await taken(store)
    await store.cancel("r1", now=T0)

    assert await store.purge(older_than=T0 + MINUTE - SECOND, limit=10, held=()) == []
    assert len(await store.purge(older_than=T0 + 2 * MINUTE, limit=10, held=())) == 1
