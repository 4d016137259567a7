"""What a run waits for: a time, a signal, or another run.

Frozen values: no clock, no store, no I/O.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from durably.runs import Hold, Triggered


class WaitKind(StrEnum):
    """What ends a wait, besides its deadline."""

    TIMER = "timer"
    SIGNAL = "signal"
    RUN = "run"


class WaitStatus(StrEnum):
    """Where a wait stands."""

    PENDING = "pending"
    RESOLVED = "resolved"
    #: Its run was cancelled before it was resolved.
    CANCELLED = "cancelled"
    #: Its run ended otherwise before it was resolved.
    CLOSED = "closed"


class WaitOutcome(StrEnum):
    """How a wait was resolved."""

    SIGNAL = "signal"
    TIMEOUT = "timeout"
    #: The run that was waited for ended.
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """One wait of a run; its name is as unique in the run as a step's, its deadline is fixed."""

    id: str
    run_id: str
    name: str
    kind: WaitKind
    created_at: datetime
    deadline_at: datetime | None = None
    #: Who is asked, for what: any JSON value of the job's.
    metadata: Any = None
    #: What send() names to reach it.
    topic: str | None = None
    key: str | None = None
    #: The run that is waited for.
    child_id: str | None = None
    #: That run goes on when this one is cancelled.
    detached: bool = False
    status: WaitStatus = WaitStatus.PENDING
    outcome: WaitOutcome | None = None
    #: What the signal brought, as JSON text.
    payload_json: str | None = None
    signal_id: str | None = None
    #: When its run gave its slot back to wait for it.
    suspended_at: datetime | None = None
    resolved_at: datetime | None = None
    #: When its run was first claimed after that.
    resumed_at: datetime | None = None

    @property
    def is_resolved(self) -> bool:
        """Tell whether what was waited for has come, or its deadline passed."""
        return self.status is WaitStatus.RESOLVED

    @property
    def input_wait(self) -> timedelta | None:
        """Return how long the run stood still for it; None while it is not resolved."""
        if self.resolved_at is None:
            return None
        if self.suspended_at is None:
            return timedelta(0)
        return max(self.resolved_at - self.suspended_at, timedelta(0))

    @property
    def slot_wait(self) -> timedelta | None:
        """Return how long the run then waited for a worker; None before it went on."""
        if self.resolved_at is None or self.resumed_at is None:
            return None
        since = max(self.resolved_at, self.suspended_at or self.resolved_at)
        return max(self.resumed_at - since, timedelta(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Waited:
    """What a lease holder's write of a wait found: the wait as it stands, if the lease holds."""

    hold: Hold
    wait: Wait | None = None
    #: The run that was made for it, by this write.
    child: Triggered | None = None


class SignalDisposition(StrEnum):
    """What a signal did."""

    ACCEPTED = "accepted"
    #: The same signal was accepted before.
    DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """Something that is told to a wait; the same *id* is the same signal."""

    id: str
    payload_json: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Signalled:
    """The wait that a signal reached, and whether this call did it."""

    wait: Wait
    disposition: SignalDisposition


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Something for whoever waits for *topic* and *key*, or will until *expires_at*."""

    id: str
    topic: str
    key: str | None
    payload_json: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What became of a message: the wait that took it, or None as long as it is kept for one."""

    id: str
    wait: Wait | None
    disposition: SignalDisposition
