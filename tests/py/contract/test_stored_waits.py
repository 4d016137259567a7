"""What a store keeps of waits, signals, messages and called runs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from durably import (
    ConflictError,
    RunStatus,
    SignalDisposition,
    Wait,
    WaitExpiredError,
    WaitKind,
    WaitNotFoundError,
    WaitOutcome,
    WaitStatus,
)
from durably.runs import NEVER, NO_NOTES, Claim, Finish, Hold
from durably.store.protocol import Store
from durably.waits import Message, Signal
from kit.stores import COMPLETED, FAILED, JOB, MINUTE, SECOND, T0, put, run, status, take, taken
from kit.stores import wait_of as wait

YES = Signal(id="s1", payload_json='{"yes":true}')
HOUR = timedelta(hours=1)


async def opened(store: Store, claim: Claim, name: str = "wait", **fields: Any) -> Wait:
    """Make a wait under a lease."""
    child = fields.pop("child", None)
    made = await store.save_wait(
        claim.lease, wait(claim.lease, name, **fields), child=child, notes=NO_NOTES, now=T0
    )
    assert made.hold is Hold.HELD
    assert made.wait is not None
    return made.wait


async def stands_still(store: Store, claim: Claim, *waits: Wait) -> None:
    """Give the run back until one of *waits* is resolved."""
    due = min(one.deadline_at or NEVER for one in waits)
    ids = [one.id for one in waits]
    held = await store.release(claim.lease, notes=NO_NOTES, now=T0, available_at=due, waits=ids)
    assert held is Hold.HELD


async def waiting(store: Store, **fields: Any) -> Wait:
    """Make the run r1, which waits."""
    await put(store, run("r1", concurrency_key="k"))
    claim = await taken(store)
    made = await opened(store, claim, **fields)
    await stands_still(store, claim, made)
    return made


async def test_a_waiting_run_holds_neither_slot_nor_lease_nor_key(store: Store) -> None:
    """Another run of its key runs meanwhile, and the end of leases is not its end."""
    await waiting(store)
    await put(store, run("r2", concurrency_key="k"))

    found = await store.get_run("r1")
    other = await taken(store)

    assert found is not None
    assert (found.status, found.lease_owner, found.waiting_until) == (RunStatus.WAITING, None, None)
    assert other.run.id == "r2"
    assert await store.abandon_leases(now=T0) == 1
    assert await status(store, "r1") is RunStatus.WAITING


async def test_a_wait_is_due_at_its_deadline_and_resolved_by_the_claim(store: Store) -> None:
    """The claim brings it as a timeout; nothing is due before."""
    await waiting(store, deadline_at=T0 + HOUR)

    assert await store.next_due(now=T0, jobs=(JOB,), held=()) == T0 + HOUR
    assert await take(store, now=T0 + HOUR - SECOND) is None
    claim = await taken(store, now=T0 + HOUR + MINUTE)

    found = claim.waits["wait"]
    assert (found.status, found.outcome) == (WaitStatus.RESOLVED, WaitOutcome.TIMEOUT)
    assert (found.resolved_at, found.resumed_at) == (T0 + HOUR, T0 + HOUR + MINUTE)
    assert (found.input_wait, found.slot_wait) == (HOUR, MINUTE)
    assert claim.run.recoveries == 0


async def test_a_wait_without_a_deadline_is_never_due(store: Store) -> None:
    """Nobody sets a timer for it."""
    await waiting(store)

    assert await store.next_due(now=T0, jobs=(JOB,), held=()) is None


async def test_a_signal_makes_its_run_due(store: Store) -> None:
    """Its payload comes with the next claim, and stays."""
    made = await waiting(store)

    told = await store.signal(made.id, YES, now=T0 + SECOND)

    assert told.disposition is SignalDisposition.ACCEPTED
    assert await status(store, "r1") is RunStatus.WAITING
    for later in (MINUTE, HOUR):
        claim = await taken(store, now=T0 + later)
        found = claim.waits["wait"]
        assert (found.outcome, found.payload_json) == (WaitOutcome.SIGNAL, YES.payload_json)
        assert found.resumed_at == T0 + MINUTE


async def test_a_signal_that_comes_before_its_run_stands_still_is_not_missed(store: Store) -> None:
    """The write that gives the slot back looks again."""
    await put(store, run("r1"))
    claim = await taken(store)
    made = await opened(store, claim)
    await store.signal(made.id, YES, now=T0)

    await stands_still(store, claim, made)

    assert (await taken(store)).waits["wait"].is_resolved


async def test_a_signal_to_another_wait_wakes_nobody(store: Store) -> None:
    """A prepared wait that the code has not come to keeps its signal."""
    await put(store, run("r1"))
    claim = await taken(store)
    prepared = await opened(store, claim, "prepared")
    await stands_still(store, claim, await opened(store, claim, "other"))

    await store.signal(prepared.id, YES, now=T0)

    assert await take(store) is None


async def test_the_same_signal_again_is_a_duplicate_whatever_happened_since(store: Store) -> None:
    """After the deadline, the end of the run, and with the same payload only."""
    made = await waiting(store, deadline_at=T0 + HOUR)
    await store.signal(made.id, YES, now=T0)
    claim = await taken(store)

    for _ in range(2):
        told = await store.signal(made.id, YES, now=T0 + 2 * HOUR)
        assert told.disposition is SignalDisposition.DUPLICATE
        assert told.wait.payload_json == YES.payload_json
        await store.finish(claim.lease, COMPLETED, notes=NO_NOTES, now=T0)
    other = Signal(id="s1", payload_json="2")
    with pytest.raises(ConflictError, match="another payload"):
        await store.signal(made.id, other, now=T0)
    with pytest.raises(ConflictError, match="another signal"):
        await store.signal(made.id, Signal(id="s2", payload_json=YES.payload_json), now=T0)


@pytest.mark.parametrize("late", [timedelta(0), HOUR])
async def test_a_signal_at_the_deadline_is_too_late(store: Store, late: timedelta) -> None:
    """Strictly before wins; after the claim the answer is the same."""
    made = await waiting(store, deadline_at=T0 + HOUR)

    with pytest.raises(WaitExpiredError):
        await store.signal(made.id, YES, now=T0 + HOUR + late)
    await taken(store, now=T0 + HOUR)
    with pytest.raises(WaitExpiredError):
        await store.signal(made.id, YES, now=T0 + HOUR + late)


@pytest.mark.parametrize(
    ("end", "shown"), [("cancel", WaitStatus.CANCELLED), ("finish", WaitStatus.CLOSED)]
)
async def test_a_wait_ends_with_its_run(store: Store, end: str, shown: WaitStatus) -> None:
    """Nobody can signal it then; one of a run that is resumed is open again."""
    await put(store, run("r1"))
    claim = await taken(store)
    made = await opened(store, claim)
    if end == "cancel":
        await store.cancel("r1", now=T0)
        await store.release(claim.lease, notes=NO_NOTES, now=T0)
    else:
        await store.finish(claim.lease, FAILED, notes=NO_NOTES, now=T0)

    (found,) = await store.get_waits("r1")
    assert found.status is shown
    with pytest.raises(ConflictError, match="has ended"):
        await store.signal(made.id, YES, now=T0)
    await store.resume("r1", now=T0)
    assert (await taken(store, now=T0)).waits["wait"].status is WaitStatus.PENDING
    await store.signal(made.id, YES, now=T0)


async def test_an_unknown_wait_is_not_found(store: Store) -> None:
    """And has no row."""
    with pytest.raises(WaitNotFoundError):
        await store.signal("none", YES, now=T0)
    assert await store.get_wait("none") is None
    assert await store.get_waits("none") == []


async def test_a_wait_that_is_made_again_is_the_first_one(store: Store) -> None:
    """Law 8: its deadline is the first one's, whoever repeats the call."""
    await put(store, run("r1"))
    claim = await taken(store)
    first = await opened(store, claim, deadline_at=T0 + MINUTE)

    again = await opened(store, claim, id="another", deadline_at=T0 + HOUR)

    assert again == first
    assert await store.get_waits("r1") == [first]


@pytest.mark.parametrize("method", ["save_wait", "end_wait"])
async def test_who_lost_the_run_makes_no_wait(store: Store, method: str) -> None:
    """Law 3: nothing is written, and it is told so."""
    await put(store, run("r1"))
    first = await taken(store)
    made = await opened(store, first, deadline_at=T0)
    await taken(store, now=T0 + 2 * MINUTE, worker="b")

    if method == "save_wait":
        late = wait(first.lease, "late")
        answer = await store.save_wait(
            first.lease, late, child=run("child"), notes=NO_NOTES, now=T0
        )
    else:
        answer = await store.end_wait(first.lease, made.id, notes=NO_NOTES, now=T0)

    assert answer.hold is Hold.LOST
    assert [one.name for one in await store.get_waits("r1")] == ["wait"]
    assert await store.get_run("child") is None


async def test_a_deadline_passes_in_place_unless_a_signal_came_first(store: Store) -> None:
    """The run stays leased; what is resolved stays so."""
    await put(store, run("r1"))
    claim = await taken(store)
    silent = await opened(store, claim, "silent", deadline_at=T0 + SECOND)
    told = await opened(store, claim, "told", deadline_at=T0 + SECOND)
    await store.signal(told.id, YES, now=T0)

    for made, outcome in ((silent, WaitOutcome.TIMEOUT), (told, WaitOutcome.SIGNAL)):
        for _ in range(2):
            ended = await store.end_wait(claim.lease, made.id, notes=NO_NOTES, now=T0 + SECOND)
            assert ended.wait is not None
            assert ended.wait.outcome is outcome


# --- messages ---


def message(id: str = "m1", key: str | None = "k", payload: str = "1") -> Message:
    """Return a message that is kept for an hour."""
    return Message(id=id, topic="paid", key=key, payload_json=payload, expires_at=T0 + HOUR)


async def test_a_message_reaches_the_oldest_wait_of_its_topic_and_key(store: Store) -> None:
    """One message, one wait; a wait without a key takes what has none."""
    for id in ("r1", "r2", "r3"):
        await put(store, run(id))
    for id, key in (("r1", "other"), ("r2", "k"), ("r3", "k")):
        claim = await taken(store)
        assert claim.run.id == id
        await stands_still(store, claim, await opened(store, claim, topic="paid", key=key))

    first = await store.send(message(), now=T0)
    assert first.wait is not None
    assert first.wait.run_id == "r2"
    again = await store.send(message(), now=T0)
    assert (again.wait and again.wait.run_id, again.disposition) == ("r2", "duplicate")
    assert (await store.send(message("m2"), now=T0)).wait is not None
    assert (await store.send(message("m3", key=None), now=T0)).wait is None
    assert [(await taken(store)).run.id for _ in range(2)] == ["r2", "r3"]


async def test_a_message_is_kept_for_the_first_that_comes_in_time(store: Store) -> None:
    """In the order they were sent; what is too old is forgotten."""
    await store.send(message("m1", payload="1"), now=T0)
    await store.send(message("m2", payload="2"), now=T0)
    await put(store, run("r1"))
    claim = await taken(store)

    first = await opened(store, claim, "a", topic="paid", key="k")
    second = await opened(store, claim, "b", topic="paid", key="k")

    assert (first.payload_json, second.payload_json) == ("1", "2")
    assert first.is_resolved
    assert not (await opened(store, claim, "c", topic="paid", key="k")).is_resolved
    with pytest.raises(ConflictError):
        await store.send(message("m1", payload="3"), now=T0)


async def test_a_message_that_nobody_took_in_time_is_gone(store: Store) -> None:
    """And a wait of a run that ended takes none."""
    await store.send(message(), now=T0)
    await put(store, run("r1"), run("r2"))
    ended, later = await taken(store), await taken(store)
    await opened(store, ended, topic="gone")
    await store.finish(ended.lease, COMPLETED, notes=NO_NOTES, now=T0)

    made = await store.save_wait(
        later.lease,
        wait(later.lease, topic="paid", key="k"),
        child=None,
        notes=NO_NOTES,
        now=T0 + HOUR,
    )
    gone = Message(id="m9", topic="gone", key=None, payload_json="1", expires_at=T0 + HOUR)

    assert made.wait is not None
    assert not made.wait.is_resolved
    assert (await store.send(gone, now=T0)).wait is None


# --- called runs ---


async def called(store: Store, **fields: Any) -> tuple[Claim, Wait]:
    """Make the run r1, which called the run c1 and waits for it."""
    await put(store, run("r1"))
    claim = await taken(store)
    child = run("c1", job="child", parent_id="r1")
    made = await opened(store, claim, kind=WaitKind.RUN, child=child, **fields)
    await stands_still(store, claim, made)
    return claim, made


@pytest.mark.parametrize(
    ("end", "told"),
    [
        (COMPLETED, '{"status":"completed","output":{"n":1},"error":null}'),
        (FAILED, '{"status":"failed","output":null,"error":"broken"}'),
    ],
)
async def test_the_end_of_a_called_run_lets_its_caller_go_on(
    store: Store, end: Finish, told: str
) -> None:
    """In the transaction that ends it, with its output or its error."""
    await called(store)
    child = await taken(store, jobs=("child",))
    assert child.run.parent_id == "r1"

    assert await take(store) is None
    await store.finish(child.lease, end, notes=NO_NOTES, now=T0)

    assert (await taken(store)).waits["wait"].payload_json == told


async def test_a_called_run_is_cancelled_with_its_caller(store: Store) -> None:
    """All of them or none, itself first; its own end tells a caller as well."""
    await called(store)
    child = await taken(store, jobs=("child",))
    grandchild = run("g1", job="grandchild", parent_id="c1")
    await stands_still(
        store, child, await opened(store, child, kind=WaitKind.RUN, child=grandchild)
    )

    cancelled = await store.cancel("r1", now=T0)

    assert [one.id for one in cancelled] == ["r1", "c1", "g1"]
    assert [one.status for one in cancelled] == ["waiting", "waiting", "pending"]
    assert {await status(store, id) for id in ("r1", "c1", "g1")} == {RunStatus.CANCELLED}


async def test_a_detached_run_outlives_its_caller(store: Store) -> None:
    """Nor does a run go that only its key was found by."""
    await called(store, detached=True)

    assert [one.id for one in await store.cancel("r1", now=T0)] == ["r1"]
    assert await status(store, "c1") is RunStatus.PENDING


async def test_a_cancelled_run_tells_its_caller(store: Store) -> None:
    """The caller goes on, with that."""
    await called(store)

    await store.cancel("c1", now=T0)

    payload = (await taken(store)).waits["wait"].payload_json
    assert payload == '{"status":"cancelled","output":null,"error":null}'


async def test_what_waits_goes_with_its_run(store: Store) -> None:
    """Nothing is left of a run that was removed."""
    made = await waiting(store)
    await store.cancel("r1", now=T0)

    await store.delete_run("r1", now=T0)

    assert await store.get_wait(made.id) is None
    assert await store.get_waits("r1") == []


async def test_a_run_that_begins_later_waits_until_then(store: Store) -> None:
    """It does not stand for the pending run of its key."""
    await put(store, run("r1", concurrency_key="k", available_at=T0 + HOUR))
    await put(store, run("r2", concurrency_key="k"))

    found = await store.get_run("r1")
    assert found is not None
    assert (found.status, found.waiting_until) == (RunStatus.WAITING, T0 + HOUR)
    other = await taken(store, ttl=2 * HOUR)
    assert other.run.id == "r2"
    assert await take(store) is None
    assert (await take(store, now=T0 + HOUR)) is None, "its key is leased"
    await store.finish(other.lease, COMPLETED, notes=NO_NOTES, now=T0 + HOUR)
    assert (await taken(store, now=T0 + HOUR)).run.id == "r1"
