"""What runs in PostgreSQL wait for, and what is told to them.

Rows of waits are locked before those of runs, everywhere: who is told and who comes to stand still
do not stop each other.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from durably.codec import references_in, to_json
from durably.errors import WaitNotFoundError
from durably.runs import Hold
from durably.store.answers import end_text, refused_or_known, require_same, resolved, told
from durably.store.postgres import sql
from durably.store.postgres.connections import fetch
from durably.store.postgres.enqueue import enqueue_within
from durably.store.rows import from_wait, to_wait
from durably.waits import (
    Sent,
    SignalDisposition,
    Signalled,
    Wait,
    Waited,
    WaitOutcome,
    WaitStatus,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from durably.runs import Lease, NewRun, Notes
    from durably.store.postgres.connections import Connection, Connections, Rows
    from durably.store.postgres.leases import Holders
    from durably.store.postgres.times import Times
    from durably.waits import Message, Signal

_TIMES = ("created_at", "deadline_at", "suspended_at", "resolved_at", "resumed_at")


class Waits:
    """The waits of runs; the laws stand at Store."""

    def __init__(self, db: Connections, times: Times, holders: Holders) -> None:
        self._db = db
        self._times = times
        self._holders = holders

    async def get(self, wait_id: str) -> Wait | None:
        """Return a wait, or None."""
        rows = await self._db.execute(sql.WAIT, {"wait": wait_id})
        return self._read(rows[0]) if rows else None

    async def of_run(self, run_id: str) -> list[Wait]:
        """Return a run's waits in the order they were made."""
        return [self._read(row) for row in await self._db.execute(sql.WAITS, {"id": run_id})]

    async def claimed(self, run_id: str, now: datetime) -> dict[str, Wait]:
        """Return what a claimed run waited for: deadlines that have passed are so from now on."""
        values = {"id": run_id, "now": self._times.now(now)}
        if not await self._db.execute(sql.OWN_WAITS, values):
            return {}

        async def work(db: Connection) -> Rows:
            await self._within(db, sql.TIME_OUT_DUE, values)
            await self._within(db, sql.RESUMED, values)
            return await self._within(db, sql.OWN_WAITS, values)

        waits = [self._read(row) for row in await self._db.transact(work)]
        return {wait.name: wait for wait in waits}

    async def save(
        self, lease: Lease, wait: Wait, child: NewRun | None, *, notes: Notes, now: datetime
    ) -> Waited:
        """Make a wait, and the run that is waited for, once."""

        async def work(db: Connection) -> Waited:
            if wait.topic is not None:
                await self._within(db, sql.LOCK_TOPIC, {"topic": wait.topic, "key": wait.key})
            hold = await self._holders.note_within(db, lease, notes, now)
            if hold is not Hold.HELD:
                return Waited(hold=hold)
            known = await self._within(db, sql.WAIT_BY_NAME, {"id": wait.run_id, "name": wait.name})
            if known:
                return Waited(hold=hold, wait=self._read(known[0]))
            return await self._make(db, wait, child, now)

        return await self._db.transact(work)

    async def _make(
        self, db: Connection, wait: Wait, child: NewRun | None, now: datetime
    ) -> Waited:
        made = None
        if child is not None:
            made = await enqueue_within(db, self._db.schema, child, self._times, now)
            wait = dataclasses.replace(wait, child_id=made.id)
            if made.run.is_terminal:  # it was found by its idempotency key
                run = made.run
                text = end_text(run.status, to_json(run.output), run.error)
                ended = resolved(wait, WaitOutcome.ENDED, now)
                wait = dataclasses.replace(ended, payload_json=text)
        elif wait.topic is not None:
            values = {"topic": wait.topic, "key": wait.key, "now": self._times.now(now)}
            for message_id, payload in await self._within(db, sql.KEPT_MESSAGE, values):
                taken = {"wait": wait.id, "message": message_id}
                await self._within(db, sql.TAKE_MESSAGE, taken)
                wait = told(wait, message_id, payload, now)
        row = from_wait(self._moved(wait, there=True))
        await self._within(db, sql.INSERT_WAIT, sql.row("w", row))
        for told_or_asked in (row[6], wait.payload_json):
            await self._refer(db, wait.run_id, told_or_asked)
        return Waited(hold=Hold.HELD, wait=wait, child=made)

    async def end(self, lease: Lease, wait_id: str, *, notes: Notes, now: datetime) -> Waited:
        """Let a wait's deadline pass while its run stays leased."""

        async def work(db: Connection) -> Waited:
            await self._within(db, sql.LOCK_WAITS, {"ids": [wait_id]})
            hold = await self._holders.note_within(db, lease, notes, now)
            if hold is not Hold.HELD:
                return Waited(hold=hold)
            values = {"wait": wait_id, "now": self._times.now(now)}
            await self._within(db, sql.TIME_OUT, values)
            (row,) = await self._within(db, sql.WAIT, values)
            return Waited(hold=hold, wait=self._read(row[:-1]))

        return await self._db.transact(work)

    async def stand_still(self, db: Connection, wait_ids: Sequence[str], now: datetime) -> bool:
        """Note that a run stands still for these waits; tell whether one is resolved already."""
        ids = {"ids": list(wait_ids), "now": self._times.now(now)}
        rows = await self._within(db, sql.LOCK_WAITS, ids)
        await self._within(db, sql.SUSPENDED, ids)
        return any(status == WaitStatus.RESOLVED for _, status in rows)

    async def signal(self, wait_id: str, given: Signal, now: datetime) -> Signalled:
        """Tell a wait what it waits for."""

        async def work(db: Connection) -> Signalled:
            await self._within(db, sql.LOCK_WAITS, {"ids": [wait_id]})
            rows = await self._within(db, sql.WAIT, {"wait": wait_id})
            if not rows:
                raise WaitNotFoundError(wait_id)
            wait = self._read(rows[0])
            ((clock,),) = await self._within(db, sql.CLOCK, {"now": self._times.now(now)})
            here = self._times.here(self._times.saw(now, clock))
            answer = refused_or_known(wait, given, here)
            if answer is not None:
                return answer
            taken = await self._deliver(db, wait, given.id, given.payload_json, now)
            return Signalled(wait=taken, disposition=SignalDisposition.ACCEPTED)

        return await self._db.transact(work)

    async def send(self, message: Message, now: datetime) -> Sent:
        """Give a message to the first that waits for it, or keep it."""
        values = {
            "message": message.id,
            "topic": message.topic,
            "key": message.key,
            "payload": message.payload_json,
            "keep": message.expires_at - now,
            "now": self._times.now(now),
        }

        async def work(db: Connection) -> Sent:
            await self._within(db, sql.LOCK_TOPIC, values)
            await self._within(db, sql.FORGET_MESSAGES, values)
            for topic, key, payload, wait_id in await self._within(db, sql.MESSAGE, values):
                require_same(message, topic, key, payload)
                rows = await self._within(db, sql.WAIT, {"wait": wait_id})
                known = self._read(rows[0]) if rows else None
                return Sent(id=message.id, wait=known, disposition=SignalDisposition.DUPLICATE)
            wait = None
            for row in await self._within(db, sql.WAITING_FOR, values):
                wait = self._read(row)
                wait = await self._deliver(db, wait, message.id, message.payload_json, now)
            taken = values | {"wait": wait and wait.id}
            await self._within(db, sql.INSERT_MESSAGE, taken)
            return Sent(id=message.id, wait=wait, disposition=SignalDisposition.ACCEPTED)

        return await self._db.transact(work)

    async def _deliver(
        self, db: Connection, wait: Wait, signal_id: str, payload: str, now: datetime
    ) -> Wait:
        values = {
            "wait": wait.id,
            "id": wait.run_id,
            "payload": payload,
            "signal": signal_id,
            "now": self._times.now(now),
        }
        await self._within(db, sql.SIGNALLED, values)
        await self._refer(db, wait.run_id, payload)
        if wait.suspended_at is not None:
            await self._within(db, sql.GO_ON, values)
        return told(wait, signal_id, payload, now)

    async def _refer(self, db: Connection, run_id: str, text: str | None) -> None:
        if text is not None and (files := references_in(text)):
            await self._within(db, sql.REFER, {"id": run_id, "files": sorted(files)})

    async def _within(self, db: Connection, text: str, values: dict[str, Any]) -> Rows:
        return await fetch(self._db.schema, text, values, db)

    def _read(self, row: tuple[Any, ...]) -> Wait:
        has_status = len(row) > sql.WAIT_WIDTH
        wait = to_wait(row[: sql.WAIT_WIDTH], row[-1] if has_status else None)
        return self._moved(wait, there=False)

    def _moved(self, wait: Wait, *, there: bool) -> Wait:
        """Return a wait with its times as they are in the tables, or as the caller has them."""
        move = self._times.there if there else self._times.here
        moved: dict[str, Any] = {
            name: move(value) for name in _TIMES if (value := getattr(wait, name)) is not None
        }
        return dataclasses.replace(wait, **moved)
