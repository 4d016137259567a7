"""What a signal or a message finds; the same for every database."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from durably.codec import to_json
from durably.errors import ConflictError, WaitExpiredError
from durably.waits import SignalDisposition, Signalled, Wait, WaitOutcome, WaitStatus

if TYPE_CHECKING:
    from datetime import datetime

    from durably.runs import RunStatus
    from durably.waits import Message, Signal


def refused_or_known(wait: Wait, given: Signal, now: datetime) -> Signalled | None:
    """Return the answer to a signal that was given before, or None for one that is to be taken.

    WaitExpiredError or ConflictError where it cannot be; see Store.signal.
    """
    if wait.signal_id is not None:
        if (wait.signal_id, wait.payload_json) == (given.id, given.payload_json):
            return Signalled(wait=wait, disposition=SignalDisposition.DUPLICATE)
        same = wait.signal_id == given.id
        what = "the same signal with another payload" if same else "another signal"
        msg = f"wait {wait.name!r} of run {wait.run_id!r} has taken {what}"
        raise ConflictError(msg)
    if wait.outcome is WaitOutcome.TIMEOUT or (wait.deadline_at and wait.deadline_at <= now):
        raise WaitExpiredError(wait.name, wait.run_id)
    if wait.status is not WaitStatus.PENDING:
        msg = f"run {wait.run_id!r} has ended; its wait {wait.name!r} takes no signal any more"
        raise ConflictError(msg)
    return None


def require_same(message: Message, topic: str, key: str | None, payload: str) -> None:
    """Raise ConflictError unless the message of that id is the one that was sent before."""
    if (topic, key, payload) != (message.topic, message.key, message.payload_json):
        msg = f"another message was sent as {message.id!r}"
        raise ConflictError(msg)


def resolved(wait: Wait, outcome: WaitOutcome, now: datetime) -> Wait:
    """Return a wait as it is once it is resolved."""
    return dataclasses.replace(wait, status=WaitStatus.RESOLVED, outcome=outcome, resolved_at=now)


def told(wait: Wait, signal_id: str, payload_json: str, now: datetime) -> Wait:
    """Return a wait as it is once it was told something."""
    return dataclasses.replace(
        resolved(wait, WaitOutcome.SIGNAL, now), payload_json=payload_json, signal_id=signal_id
    )


def end_text(status: RunStatus, output_json: str | None, error: str | None) -> str:
    """Write how a called run ended, for the wait for it."""
    return f'{{"status":"{status}","output":{output_json or "null"},"error":{to_json(error)}}}'
