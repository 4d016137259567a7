"""What runs of a SQLite store wait for, and what is told to them."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from durably.clock import from_iso, to_iso
from durably.codec import to_json
from durably.errors import WaitNotFoundError
from durably.store.answers import end_text, refused_or_known, require_same, resolved, told
from durably.store.rows import from_wait, to_wait
from durably.store.sqlite import sql
from durably.store.sqlite.enqueue import enqueue_one, refer
from durably.waits import (
    Sent,
    SignalDisposition,
    Signalled,
    Wait,
    WaitOutcome,
    WaitStatus,
)

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence
    from datetime import datetime

    from durably.runs import Finish, NewRun, Triggered
    from durably.waits import Message, Signal


def get_wait(db: sqlite3.Connection, wait_id: str) -> Wait | None:
    """Return a wait, or None."""
    row = db.execute(sql.WAIT, (wait_id,)).fetchone()
    return None if row is None else to_wait(row, row[-1])


def get_waits(db: sqlite3.Connection, run_id: str) -> list[Wait]:
    """Return a run's waits in the order they were made."""
    return [to_wait(row, row[-1]) for row in db.execute(sql.WAITS, (run_id,))]


def open_wait(
    db: sqlite3.Connection, wait: Wait, child: NewRun | None, now: str
) -> tuple[Wait, Triggered | None]:
    """Make a wait, and the run that is waited for, once; the law stands at Store.save_wait."""
    row = db.execute(sql.WAIT_BY_NAME, (wait.run_id, wait.name)).fetchone()
    if row is not None:
        return to_wait(row), None
    made = None
    if child is not None:
        made = enqueue_one(db, child, now, from_iso(now))
        wait = dataclasses.replace(wait, child_id=made.id)
        if made.run.is_terminal:  # it was found by its idempotency key
            run = made.run
            text = end_text(run.status, to_json(run.output), run.error)
            ended = resolved(wait, WaitOutcome.ENDED, from_iso(now))
            wait = dataclasses.replace(ended, payload_json=text)
    elif wait.topic is not None:
        wait = _given_message(db, wait, now)
    db.execute(sql.INSERT_WAIT, from_wait(wait))
    _refer(db, wait)
    return wait, made


def end_wait(db: sqlite3.Connection, wait_id: str, now: str) -> Wait:
    """Let the deadline of a wait pass, unless it was resolved before."""
    db.execute(sql.TIME_OUT, (now, wait_id))
    return to_wait(db.execute(sql.WAIT, (wait_id,)).fetchone())


def claimed_waits(db: sqlite3.Connection, run_id: str, now: str) -> dict[str, Wait]:
    """Return what a claimed run waited for: its deadlines that have passed are so from now on."""
    rows = db.execute(sql.OWN_WAITS, (run_id,)).fetchall()
    if not rows:
        return {}
    due = db.execute(sql.TIME_OUT_DUE, {"now": now, "run": run_id}).rowcount
    resumed = db.execute(sql.RESUMED, (now, run_id)).rowcount
    if due or resumed:
        rows = db.execute(sql.OWN_WAITS, (run_id,)).fetchall()
    return {wait.name: wait for wait in map(to_wait, rows)}


def suspended(db: sqlite3.Connection, wait_ids: Sequence[str], now: str) -> bool:
    """Note that a run stands still for these waits; tell whether one is resolved already."""
    come = False
    for wait_id in wait_ids:
        db.execute(sql.SUSPENDED, (now, wait_id))
        (status,) = db.execute(sql.WAIT_STATUS, (wait_id,)).fetchone()
        come = come or status == WaitStatus.RESOLVED
    return come


def child_ended(db: sqlite3.Connection, run_id: str, end: Finish, now: str) -> None:
    """Let the runs go on that wait for the end of this one."""
    error = None if end.failure is None else end.failure.message
    text = end_text(end.status, end.output_json, error)
    for parent, was_suspended in db.execute(sql.CHILD_ENDED, (text, now, run_id)).fetchall():
        refer(db, parent, text)
        if was_suspended is not None:
            db.execute(sql.GO_ON, (now, parent))


def signal(db: sqlite3.Connection, wait_id: str, given: Signal, now: datetime) -> Signalled:
    """Tell a wait what it waits for; the law stands at Store.signal."""
    wait = get_wait(db, wait_id)
    if wait is None:
        raise WaitNotFoundError(wait_id)
    answer = refused_or_known(wait, given, now)
    if answer is not None:
        return answer
    return Signalled(
        wait=_deliver(db, wait, given.id, given.payload_json, to_iso(now)),
        disposition=SignalDisposition.ACCEPTED,
    )


def send(db: sqlite3.Connection, message: Message, now: str) -> Sent:
    """Give a message to the first that waits for it, or keep it; the law stands at Store.send."""
    db.execute(sql.FORGET_MESSAGES, (now,))
    known = db.execute(sql.MESSAGE, (message.id,)).fetchone()
    if known is not None:
        require_same(message, *known[:3])
        wait = None if known[3] is None else get_wait(db, known[3])
        return Sent(id=message.id, wait=wait, disposition=SignalDisposition.DUPLICATE)
    row = db.execute(
        sql.WAITING_FOR, {"topic": message.topic, "key": message.key, "now": now}
    ).fetchone()
    wait = None
    if row is not None:
        wait = _deliver(db, to_wait(row), message.id, message.payload_json, now)
    values = (
        message.id,
        message.topic,
        message.key,
        message.payload_json,
        now,
        to_iso(message.expires_at),
        wait and wait.id,
    )
    db.execute(sql.INSERT_MESSAGE, values)
    return Sent(id=message.id, wait=wait, disposition=SignalDisposition.ACCEPTED)


def _given_message(db: sqlite3.Connection, wait: Wait, now: str) -> Wait:
    """Give a new wait the oldest message that is kept for it."""
    row = db.execute(
        sql.KEPT_MESSAGE, {"topic": wait.topic, "key": wait.key, "now": now}
    ).fetchone()
    if row is None:
        return wait
    message_id, payload = row
    db.execute(sql.TAKE_MESSAGE, (wait.id, message_id))
    return told(wait, message_id, payload, from_iso(now))


def _deliver(
    db: sqlite3.Connection, wait: Wait, signal_id: str, payload_json: str, now: str
) -> Wait:
    db.execute(sql.SIGNALLED, (payload_json, signal_id, now, wait.id))
    refer(db, wait.run_id, payload_json)
    if wait.suspended_at is not None:
        db.execute(sql.GO_ON, (now, wait.run_id))
    return told(wait, signal_id, payload_json, from_iso(now))


def _refer(db: sqlite3.Connection, wait: Wait) -> None:
    values = from_wait(wait)
    for text in (values[6], wait.payload_json):
        if text is not None:
            refer(db, wait.run_id, text)
