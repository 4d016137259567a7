"""The table of moves: what every operation does to a run of every status."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from durably import RunStatus
from durably.runs import MOVES, NO_NOTES, TERMINAL, Finish, Hold, Lease, sources_of
from durably.store.protocol import Store
from kit.stores import (
    COMPLETED,
    FAILED,
    MINUTE,
    T0,
    attempt,
    put,
    run,
    save,
    status,
    step,
    take,
    wait_of,
)

PENDING, LEASED, WAITING, DONE, BROKEN, CANCELLED = RunStatus

#: An operation on the run r1, by the worker that claimed it last (or never).
Operation = Callable[[Store, Lease], Awaitable[object]]


@dataclass(frozen=True)
class Cell:
    """What an operation answers, and the status it leaves; None when the run is gone."""

    answer: object
    then: RunStatus | None


async def _claim(store: Store, _: Lease) -> object:
    return await take(store) is not None


async def _claim_expired(store: Store, _: Lease) -> object:
    return await take(store, now=T0 + 2 * MINUTE, worker="b") is not None


async def _enqueue(store: Store, _: Lease) -> object:
    (made,) = await put(store, run("r1"))
    return made.is_new


async def _purge(store: Store, _: Lease) -> object:
    return len(await store.purge(older_than=T0 + MINUTE, limit=10, held=()))


async def _release_to_wait(store: Store, lease: Lease) -> object:
    waits = [wait_of(lease).id]
    await store.save_wait(lease, wait_of(lease), child=None, notes=NO_NOTES, now=T0)
    return await store.release(lease, notes=NO_NOTES, now=T0, available_at=T0 + MINUTE, waits=waits)


def _finish(end: Finish) -> Operation:
    return lambda store, lease: store.finish(lease, end, notes=NO_NOTES, now=T0)


def _named(name: str) -> Operation:
    async def operate(store: Store, _: Lease) -> object:
        found = await getattr(store, name)("r1", now=T0)
        return found.status

    return operate


async def _cancel(store: Store, _: Lease) -> object:
    (found,) = await store.cancel("r1", now=T0)
    return found.status


OPERATIONS: dict[str, Operation] = {
    "enqueue": _enqueue,
    "claim": _claim,
    "claim when the lease ran out": _claim_expired,
    "renew": lambda store, lease: store.renew(lease, now=T0, until=T0 + MINUTE),
    "save_step": lambda store, lease: save(store, lease, step(lease)),
    "save_attempt": lambda store, lease: store.save_attempt(
        lease, attempt(lease), notes=NO_NOTES, now=T0
    ),
    "save_notes": lambda store, lease: store.save_notes(lease, notes=NO_NOTES, now=T0),
    "finish completed": _finish(COMPLETED),
    "finish failed": _finish(FAILED),
    "finish cancelled": _finish(Finish(status=CANCELLED)),
    "release": lambda store, lease: store.release(lease, notes=NO_NOTES, now=T0),
    "release to wait": _release_to_wait,
    "cancel": _cancel,
    "resume": _named("resume"),
    "delete_run": _named("delete_run"),
    "purge": _purge,
    "abandon_leases": lambda store, _: store.abandon_leases(now=T0),
}

HELD, GONE, LOST = Hold.HELD, Hold.CANCELLED, Hold.LOST


def row(**cells: tuple[object, RunStatus | None]) -> dict[RunStatus, Cell]:
    """Return the cells of one operation."""
    return {RunStatus(name): Cell(*cell) for name, cell in cells.items()}


def fenced(
    *, leased: tuple[object, RunStatus], completed: Hold = LOST, failed: Hold = LOST
) -> dict[RunStatus, Cell]:
    """Return the cells of a write that only a live lease may make."""
    return row(
        pending=(LOST, PENDING),
        leased=leased,
        waiting=(LOST, WAITING),
        completed=(completed, DONE),
        failed=(failed, BROKEN),
        cancelled=(GONE, CANCELLED),
    )


#: A pending run has never been claimed here; a cancelled one was, and its code still stops.
TABLE: dict[str, dict[RunStatus, Cell]] = {
    "enqueue": row(
        pending=(False, PENDING),
        leased=(False, LEASED),
        waiting=(False, WAITING),
        completed=(False, DONE),
        failed=(False, BROKEN),
        cancelled=(False, CANCELLED),
    ),
    "claim": row(
        pending=(True, LEASED),
        leased=(False, LEASED),
        waiting=(False, WAITING),
        completed=(False, DONE),
        failed=(False, BROKEN),
        cancelled=(False, CANCELLED),
    ),
    "claim when the lease ran out": row(
        pending=(True, LEASED),
        leased=(True, LEASED),
        waiting=(True, LEASED),
        completed=(False, DONE),
        failed=(False, BROKEN),
        cancelled=(False, CANCELLED),
    ),
    "renew": fenced(leased=(HELD, LEASED)),
    "save_step": fenced(leased=(HELD, LEASED)),
    "save_attempt": fenced(leased=(HELD, LEASED)),
    "save_notes": fenced(leased=(HELD, LEASED)),
    # Ending a run the way it ended is the same write again.
    "finish completed": fenced(leased=(HELD, DONE), completed=HELD),
    "finish failed": fenced(leased=(HELD, BROKEN), failed=HELD),
    "finish cancelled": fenced(leased=(HELD, CANCELLED)),
    "release": row(
        pending=(LOST, PENDING),
        leased=(HELD, PENDING),
        waiting=(HELD, WAITING),
        completed=(LOST, DONE),
        failed=(LOST, BROKEN),
        cancelled=(GONE, CANCELLED),
    ),
    "release to wait": row(
        pending=(LOST, PENDING),
        leased=(HELD, WAITING),
        # The same again, of the worker that did it.
        waiting=(HELD, WAITING),
        completed=(LOST, DONE),
        failed=(LOST, BROKEN),
        cancelled=(GONE, CANCELLED),
    ),
    "cancel": row(
        pending=(PENDING, CANCELLED),
        leased=(LEASED, CANCELLED),
        waiting=(WAITING, CANCELLED),
        completed=(DONE, DONE),
        failed=(BROKEN, BROKEN),
        cancelled=(CANCELLED, CANCELLED),
    ),
    "resume": row(
        pending=(PENDING, PENDING),
        leased=(LEASED, LEASED),
        waiting=(WAITING, WAITING),
        completed=(DONE, DONE),
        failed=(BROKEN, PENDING),
        cancelled=(CANCELLED, PENDING),
    ),
    "delete_run": row(
        pending=(PENDING, PENDING),
        leased=(LEASED, LEASED),
        waiting=(WAITING, WAITING),
        completed=(DONE, None),
        failed=(BROKEN, None),
        cancelled=(CANCELLED, CANCELLED),
    ),
    "purge": row(
        pending=(0, PENDING),
        leased=(0, LEASED),
        waiting=(0, WAITING),
        completed=(1, None),
        failed=(1, None),
        cancelled=(0, CANCELLED),
    ),
    "abandon_leases": row(
        pending=(0, PENDING),
        leased=(1, LEASED),
        waiting=(0, WAITING),
        completed=(0, DONE),
        failed=(0, BROKEN),
        cancelled=(0, CANCELLED),
    ),
}

CELLS = list(itertools.product(OPERATIONS, RunStatus))


async def prepare(store: Store, wanted: RunStatus) -> Lease:
    """Make the run r1 of a status; return the lease of its last worker."""
    await put(store, run("r1"))
    if wanted is PENDING:
        return Lease(run_id="r1", owner="a", generation=1)
    claim = await take(store)
    assert claim is not None
    if wanted is WAITING:
        await _release_to_wait(store, claim.lease)
    elif wanted is CANCELLED:
        await store.cancel("r1", now=T0)
    elif wanted is not LEASED:
        end = COMPLETED if wanted is DONE else FAILED
        await store.finish(claim.lease, end, notes=NO_NOTES, now=T0)
    return claim.lease


def test_every_operation_has_a_cell_for_every_status() -> None:
    """A new status or a new operation is not done before the table says what it does."""
    assert {(name, found) for name, cells in TABLE.items() for found in cells} == set(CELLS)


@pytest.mark.parametrize(("operation", "before"), CELLS)
async def test_an_operation_answers_and_moves_as_its_cell_says(
    store: Store, operation: str, before: RunStatus
) -> None:
    """Law 3 and the state table: nothing else happens."""
    cell = TABLE[operation][before]
    lease = await prepare(store, before)

    answer = await OPERATIONS[operation](store, lease)

    assert answer == cell.answer
    assert await status(store, "r1") == cell.then


def test_the_cells_make_every_allowed_move_and_no_other() -> None:
    """MOVES is what the operations do, no more and no less."""
    made = {
        (before, cell.then)
        for cells in TABLE.values()
        for before, cell in cells.items()
        if cell.then not in {before, None}
    }
    again = {(LEASED, LEASED)}  # an expired lease is claimed

    assert made | again == {(before, then) for before, moves in MOVES.items() for then in moves}


def test_every_status_has_its_row_in_the_table_of_moves() -> None:
    """What is not in the table is not a status, and ended is where only resume() leads out."""
    assert set(MOVES) == set(RunStatus)
    assert {found for found in RunStatus if MOVES[found] <= {PENDING}} == TERMINAL
    assert sources_of(LEASED) == {PENDING, LEASED, WAITING}
    assert sources_of(DONE) == {LEASED}
