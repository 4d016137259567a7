"""What a lease holder writes, and that nobody else's write changes anything (law 3)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from durably import AttemptStatus, Failure, LogLevel, LogRecord, Progress, RunStatus, StepStatus
from durably.runs import NO_NOTES, Finish, Hold, Lease, Notes
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


def log(run_id: str, id: str = "l1", **fields: object) -> LogRecord:
    """Return a log line."""
    given = {"step_name": None, "level": LogLevel.INFO, "message": "m", "data": None}
    return LogRecord(id=id, run_id=run_id, created_at=T0, **(given | fields))  # type: ignore[arg-type]


Write = Callable[[Store, Lease], Awaitable[Hold]]

#: Every fenced write, as a lease holder makes it.
WRITES: dict[str, Write] = {
    "renew": lambda store, lease: store.renew(lease, now=T0, until=T0 + MINUTE),
    "save_step": lambda store, lease: store.save_step(
        lease, step(lease, "late", 7), attempt=None, notes=NO_NOTES, now=T0
    ),
    "save_attempt": lambda store, lease: store.save_attempt(
        lease, attempt(lease), notes=NO_NOTES, now=T0
    ),
    "save_notes": lambda store, lease: store.save_notes(
        lease,
        notes=Notes(progress=Progress(current=9), logs=[log(lease.run_id)]),
        now=T0,
    ),
    "finish": lambda store, lease: store.finish(lease, COMPLETED, notes=NO_NOTES, now=T0),
    "release": lambda store, lease: store.release(lease, notes=NO_NOTES, now=T0),
}


@pytest.mark.parametrize("name", WRITES)
async def test_a_stale_holders_write_changes_nothing_and_tells_it_so(
    store: Store, name: str
) -> None:
    """Law 3: after a second claim, the first holder can no longer write."""
    await put(store, run("r1"))
    first = await taken(store, worker="a")
    await taken(store, now=T0 + 2 * MINUTE, worker="b")
    before = await store.get_run("r1")

    assert await WRITES[name](store, first.lease) is Hold.LOST

    assert await store.get_run("r1") == before
    assert await store.get_steps("r1") == []
    assert await store.get_attempts("r1") == []
    assert await store.get_logs("r1") == []


@pytest.mark.parametrize("name", WRITES)
async def test_a_write_to_a_run_that_is_gone_is_lost(store: Store, name: str) -> None:
    """Law 3: nothing comes back of a run that was removed."""
    lease = Lease(run_id="gone", owner="a", generation=1)

    assert await WRITES[name](store, lease) is Hold.LOST

    assert await store.get_run("gone") is None
    assert await store.get_steps("gone") == []


@pytest.mark.parametrize("name", sorted(WRITES))
async def test_the_holder_of_a_cancelled_run_is_told(store: Store, name: str) -> None:
    """Its writes change nothing that a reader of the run sees but its mark of an attempt."""
    await put(store, run("r1"))
    held = await taken(store)
    await store.cancel("r1", now=T0)

    assert await WRITES[name](store, held.lease) is Hold.CANCELLED

    assert await status(store, "r1") == "cancelled"
    assert await store.get_steps("r1") == []


async def test_a_renewed_lease_lasts_longer(store: Store) -> None:
    """A live lease can be renewed for ever."""
    await put(store, run("r1"))
    held = await taken(store)

    hold = await store.renew(held.lease, now=T0 + 30 * SECOND, until=T0 + 2 * MINUTE)

    assert hold is Hold.HELD
    assert await take(store, now=T0 + MINUTE, worker="b") is None


async def test_an_expired_lease_is_not_renewed(store: Store) -> None:
    """Law 3: from the moment another may claim the run, its holder has lost it."""
    await put(store, run("r1"))
    held = await taken(store)

    assert await store.renew(held.lease, now=T0 + MINUTE, until=T0 + 2 * MINUTE) is Hold.LOST


async def test_the_lease_of_a_cancelled_run_is_renewed_while_its_code_stops(store: Store) -> None:
    """B7: a long cleanup keeps the concurrency key of its run."""
    await put(store, run("r1", concurrency_key="c"))
    held = await taken(store)
    await store.cancel("r1", now=T0)
    await put(store, run("r2", concurrency_key="c"))

    assert await store.renew(held.lease, now=T0, until=T0 + 5 * MINUTE) is Hold.CANCELLED

    assert await take(store, now=T0 + 2 * MINUTE, worker="b") is None


async def test_the_lease_of_a_resumed_run_is_renewed_while_its_old_code_stops(
    store: Store,
) -> None:
    """B4, B7: the new code does not begin beside the old, however long that takes."""
    await put(store, run("r1", concurrency_key="c"))
    held = await taken(store)
    await store.cancel("r1", now=T0)
    await store.resume("r1", now=T0)

    assert await store.renew(held.lease, now=T0, until=T0 + 5 * MINUTE) is Hold.CANCELLED

    assert await take(store, now=T0 + 2 * MINUTE, worker="b") is None
    await store.release(held.lease, notes=NO_NOTES, now=T0)
    assert await store.renew(held.lease, now=T0, until=T0 + 5 * MINUTE) is Hold.LOST
    assert (await taken(store, now=T0 + 2 * MINUTE, worker="b")).run.id == "r1"


async def test_a_step_is_saved_with_the_counters_of_its_run(store: Store) -> None:
    """Law 12: one write takes the step, its attempt, the progress and the log lines."""
    await put(store, run("r1"))
    held = await taken(store)
    record = step(held.lease, "s1", 3, output_json='"é"')
    ended = attempt(held.lease, status=AttemptStatus.COMPLETED, completed_at=T0)
    progress = Progress(current=1, total=2, message="half")

    hold = await store.save_step(
        held.lease,
        record,
        attempt=ended,
        notes=Notes(progress=progress, logs=[log("r1", data={"k": 1})]),
        now=T0 + SECOND,
    )

    kept = await store.get_run("r1")
    assert kept is not None
    assert hold is Hold.HELD
    assert (kept.current_step_index, kept.completed_step_count) == (4, 1)
    assert (kept.progress, kept.updated_at) == (progress, T0 + SECOND)
    assert await store.get_steps("r1") == [record]
    assert await store.get_attempts("r1") == [ended]
    assert await store.get_logs("r1") == [log("r1", data={"k": 1})]


async def test_saving_a_step_again_changes_nothing(store: Store) -> None:
    """A write whose answer was lost may be repeated as it is: counted once, answered alike."""
    await put(store, run("r1"))
    held = await taken(store)
    record = step(held.lease)
    notes = Notes(progress=Progress(current=1), logs=[log("r1")])
    ended = attempt(held.lease, status=AttemptStatus.COMPLETED)
    await save(store, held.lease, record, notes=notes, attempt=ended)
    before = await store.get_run("r1")

    assert await save(store, held.lease, record, notes=notes, attempt=ended) is Hold.HELD

    assert await store.get_run("r1") == before
    assert len(await store.get_steps("r1")) == 1
    assert len(await store.get_attempts("r1")) == 1
    assert len(await store.get_logs("r1")) == 1


async def test_a_completed_step_is_never_replaced(store: Store) -> None:
    """Law 1: a second result under the name of a completed step is not kept."""
    await put(store, run("r1"))
    held = await taken(store)
    await save(store, held.lease, step(held.lease, output_json="1"))

    await save(store, held.lease, step(held.lease, id="other", output_json="2"))

    assert [kept.output_json for kept in await store.get_steps("r1")] == ["1"]
    found = await store.get_run("r1")
    assert found is not None
    assert found.completed_step_count == 1


async def test_a_failed_step_is_kept_beside_its_later_success(store: Store) -> None:
    """By index, then in the order they ended; only the success counts as completed."""
    await put(store, run("r1"))
    held = await taken(store)
    failure = Failure(message="m", type_name="T", trace="t")
    failed = step(held.lease, id="1", status=StepStatus.FAILED, output_json=None, failure=failure)
    later = step(held.lease, id="3")
    other = step(held.lease, "s2", 1, id="2")

    for record in (failed, other, later):
        assert await save(store, held.lease, record) is Hold.HELD

    assert await store.get_steps("r1") == [failed, later, other]
    found = await store.get_run("r1")
    assert found is not None
    assert (found.current_step_index, found.completed_step_count) == (2, 2)


async def test_a_cancelled_step_is_kept_when_its_run_was_cancelled(store: Store) -> None:
    """What the cancelled code was doing stays visible, with the lines it wrote; nothing else is."""
    await put(store, run("r1"))
    held = await taken(store)
    await store.cancel("r1", now=T0)
    stopped = step(held.lease, "s1", status=StepStatus.CANCELLED, output_json=None)

    hold = await save(store, held.lease, stopped, notes=Notes(logs=[log("r1")]))
    late = await save(
        store, held.lease, step(held.lease, "s2", 1), notes=Notes(logs=[log("r1", "l2")])
    )

    assert (hold, late) == (Hold.CANCELLED, Hold.CANCELLED)
    assert await store.get_steps("r1") == [stopped]
    assert await store.get_logs("r1") == [log("r1")]


async def test_an_attempt_is_recorded_once_and_then_with_its_end(store: Store) -> None:
    """An attempt begins as running and is updated in its place, in the order they began."""
    await put(store, run("r1"))
    held = await taken(store)
    first, second = attempt(held.lease, 1), attempt(held.lease, 2)
    failed = replace(
        first,
        status=AttemptStatus.FAILED,
        error="e",
        completed_at=T0 + SECOND,
        retry_at=T0 + MINUTE,
    )

    for record in (first, failed, failed, second):
        hold = await store.save_attempt(held.lease, record, notes=NO_NOTES, now=T0)
        assert hold is Hold.HELD

    assert await store.get_attempts("r1") == [failed, second]


async def test_notes_are_stored_without_a_step(store: Store) -> None:
    """The newest progress replaces the one before, log lines add up, repeated ones do not."""
    await put(store, run("r1"))
    held = await taken(store)
    first = Notes(progress=Progress(current=1), logs=[log("r1", "l1")])
    second = Notes(progress=Progress(current=2), logs=[log("r1", "l2", level=LogLevel.ERROR)])

    for notes in (first, second, second, Notes(logs=[log("r1", "l3")])):
        assert await store.save_notes(held.lease, notes=notes, now=T0) is Hold.HELD

    found = await store.get_run("r1")
    assert found is not None
    assert found.progress == Progress(current=2)
    assert [line.id for line in await store.get_logs("r1")] == ["l1", "l2", "l3"]


async def test_a_finished_run_has_its_output_and_no_lease(store: Store) -> None:
    """Its key and its slot are free with the same write."""
    await put(store, run("r1", concurrency_key="c"))
    held = await taken(store)
    notes = Notes(progress=Progress(current=1), logs=[log("r1")])

    hold = await store.finish(held.lease, COMPLETED, notes=notes, now=T0 + SECOND)

    found = await store.get_run("r1")
    assert found is not None
    assert hold is Hold.HELD
    assert (found.status, found.output, found.completed_at) == (
        RunStatus.COMPLETED,
        {"n": 1},
        T0 + SECOND,
    )
    assert (found.lease_owner, found.lease_expires_at, found.progress) == (
        None,
        None,
        Progress(current=1),
    )
    assert len(await store.get_logs("r1")) == 1
    await put(store, run("r2", concurrency_key="c"))
    assert (await taken(store)).run.id == "r2"


async def test_a_failed_run_keeps_what_it_failed_with(store: Store) -> None:
    """B11: message, type and traceback."""
    await put(store, run("r1"))
    held = await taken(store)
    failure = Failure(message="m", type_name="T", trace="t")

    end = Finish(status=RunStatus.FAILED, failure=failure)
    await store.finish(held.lease, end, notes=NO_NOTES, now=T0)

    found = await store.get_run("r1")
    assert found is not None
    assert (found.status, found.failure, found.error) == (RunStatus.FAILED, failure, "m")


@pytest.mark.parametrize(
    "end", [COMPLETED, FAILED, Finish(status=RunStatus.CANCELLED)], ids=lambda end: end.status
)
async def test_finishing_again_is_answered_alike(store: Store, end: Finish) -> None:
    """A write whose answer was lost may be repeated as it is."""
    await put(store, run("r1"))
    held = await taken(store)
    await store.finish(held.lease, end, notes=NO_NOTES, now=T0)
    before = await store.get_run("r1")

    assert await store.finish(held.lease, end, notes=NO_NOTES, now=T0 + MINUTE) is Hold.HELD

    assert await store.get_run("r1") == before


async def test_steps_go_with_a_run_that_does_not_keep_them(store: Store) -> None:
    """A completed run's steps are kept only if asked for; its log lines stay."""
    await put(store, run("r1"), run("r2"))
    first, second = await taken(store), await taken(store)
    for held in (first, second):
        await save(
            store,
            held.lease,
            step(held.lease),
            attempt=attempt(held.lease),
            notes=Notes(logs=[log(held.run.id, held.run.id)]),
        )

    await store.finish(first.lease, replace(COMPLETED, keep_steps=False), notes=NO_NOTES, now=T0)
    await store.finish(second.lease, COMPLETED, notes=NO_NOTES, now=T0)

    counts = [
        (
            len(await store.get_steps(id)),
            len(await store.get_attempts(id)),
            len(await store.get_logs(id)),
        )
        for id in ("r1", "r2")
    ]
    assert counts == [(0, 0, 1), (1, 1, 1)]


async def test_a_released_run_is_pending_again_with_its_steps(store: Store) -> None:
    """Nothing of it is lost, its lease is gone, and its next claim is a new generation."""
    await put(store, run("r1"))
    held = await taken(store)
    await save(store, held.lease, step(held.lease))

    notes = Notes(progress=Progress(current=1), logs=[log("r1")])
    hold = await store.release(held.lease, notes=notes, now=T0 + SECOND)

    found = await store.get_run("r1")
    assert found is not None
    assert hold is Hold.HELD
    assert (found.status, found.lease_owner, found.lease_expires_at) == ("pending", None, None)
    assert found.progress == Progress(current=1)
    again = await taken(store, now=T0 + SECOND)
    assert (again.run.lease_generation, again.saved) == (2, {"s1": "1"})


async def test_releasing_again_is_answered_alike(store: Store) -> None:
    """A write whose answer was lost may be repeated as it is."""
    await put(store, run("r1"))
    held = await taken(store)
    await store.release(held.lease, notes=NO_NOTES, now=T0, available_at=T0 + MINUTE)
    before = await store.get_run("r1")

    again = await store.release(held.lease, notes=NO_NOTES, now=T0, available_at=T0 + MINUTE)

    assert again is Hold.HELD
    assert await store.get_run("r1") == before


async def test_a_run_released_beside_a_pending_one_of_its_key_stays_leased_by_nobody(
    store: Store,
) -> None:
    """Law 6: it is claimed first, from the time it asked for; the pending one waits behind it."""
    await put(store, run("r1", concurrency_key="c"))
    held = await taken(store)
    await put(store, run("r2", concurrency_key="c"))
    due = T0 + 10 * MINUTE

    hold = await store.release(held.lease, notes=NO_NOTES, now=T0, available_at=due)

    assert hold is Hold.HELD
    assert await status(store, "r1") == "leased"
    assert await take(store, now=due - SECOND) is None
    again = await taken(store, now=due)
    assert (again.run.id, again.run.lease_generation) == ("r1", 2)
    assert await store.renew(held.lease, now=T0, until=T0 + MINUTE) is Hold.LOST


async def test_releasing_beside_a_pending_run_again_is_answered_alike(store: Store) -> None:
    """A write whose answer was lost may be repeated as it is, here too."""
    await put(store, run("r1", concurrency_key="c"))
    held = await taken(store)
    await put(store, run("r2", concurrency_key="c"))
    await store.release(held.lease, notes=NO_NOTES, now=T0)
    before = await store.get_run("r1")

    assert await store.release(held.lease, notes=NO_NOTES, now=T0) is Hold.HELD

    assert await store.get_run("r1") == before


async def test_abandoned_leases_are_claimed_at_once(store: Store) -> None:
    """Law 4: known dead owners cost no wait, and keep no key of a cancelled run."""
    await put(store, run("r1"), run("r2", concurrency_key="c"), run("r3"))
    stale = await taken(store)
    await taken(store)
    await store.cancel("r2", now=T0)
    await put(store, run("r4", concurrency_key="c"))

    assert await store.abandon_leases(now=T0 + SECOND) == 1

    claimed = [(await taken(store, now=T0 + SECOND, worker="b")).run for _ in range(3)]
    assert [(found.id, found.recoveries) for found in claimed] == [
        ("r1", 1),
        ("r3", 0),
        ("r4", 0),
    ]
    assert await store.renew(stale.lease, now=T0, until=T0 + MINUTE) is Hold.LOST


async def test_leases_abandoned_without_blame_count_no_recovery(store: Store) -> None:
    """Law 6: who was ended from outside was not ended by the runs, expired or not."""
    await put(store, run("r1"), run("r2"))
    await taken(store, ttl=SECOND)
    stale = await taken(store)

    assert await store.abandon_leases(now=T0 + MINUTE / 2, blame=False) == 2

    claimed = [(await taken(store, now=T0 + MINUTE / 2)).run for _ in range(2)]
    assert [(found.id, found.recoveries) for found in claimed] == [("r1", 0), ("r2", 0)]
    assert await store.renew(stale.lease, now=T0, until=T0 + MINUTE) is Hold.LOST


async def test_the_next_due_time_is_the_nearest_end_of_a_wait(store: Store) -> None:
    """Law 4 and retries: a backoff, a lease of another worker, or a cancelled one's cleanup."""
    due = {"now": T0, "jobs": ("job",), "held": ()}
    assert await store.next_due(**due) is None  # type: ignore[arg-type]
    await put(store, run("r1"), run("r2"), run("r3"), run("r4", job="unknown"))
    first, second, third = await taken(store), await taken(store), await taken(store)
    await taken(store, ttl=SECOND, jobs=("unknown",))

    await store.release(first.lease, notes=NO_NOTES, now=T0, available_at=T0 + 3 * MINUTE)
    await store.renew(second.lease, now=T0, until=T0 + 4 * MINUTE)
    await store.cancel("r3", now=T0)

    assert await store.next_due(**due) == T0 + MINUTE  # type: ignore[arg-type]
    assert third.run.id == "r3"
    assert await store.next_due(**(due | {"held": ("r3",)})) == T0 + 3 * MINUTE  # type: ignore[arg-type]
    later = due | {"now": T0 + 3 * MINUTE}
    assert await store.next_due(**later) == T0 + 4 * MINUTE  # type: ignore[arg-type]


async def test_a_resumed_run_is_due_when_its_dead_holders_lease_runs_out(store: Store) -> None:
    """B4, B7: its old code may still run until then; somebody has to look again at that time."""
    await put(store, run("r1"))
    await taken(store)
    await store.cancel("r1", now=T0)
    await store.resume("r1", now=T0)

    assert await take(store, worker="b") is None
    assert await store.next_due(now=T0, jobs=("job",), held=()) == T0 + MINUTE
    assert (await taken(store, now=T0 + MINUTE, worker="b")).run.id == "r1"
