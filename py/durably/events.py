"""Events. Each tells of something already committed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from durably.errors import ValidationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime, timedelta

    from durably.runs import LogLevel, Progress


# The fields of these two bases come first, by place, and those of each event by name: so a checker
# sees at every tell() whether the event's own fields are all there.
@dataclass(frozen=True, slots=True)
class Event:
    """Base of every event; *sequence* rises with each event of one engine."""

    type: ClassVar[str]
    is_domain: ClassVar[bool] = False
    timestamp: datetime
    sequence: int


@dataclass(frozen=True, slots=True)
class RunEvent(Event):
    """Base of the events of one run."""

    run_id: str
    job_name: str
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTriggered(RunEvent):
    """A run was made."""

    type: ClassVar[str] = "run:trigger"
    is_domain: ClassVar[bool] = True
    input: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCoalesced(RunEvent):
    """A trigger was answered with the pending run of its concurrency key."""

    type: ClassVar[str] = "run:coalesced"
    is_domain: ClassVar[bool] = True
    skipped_input: Any
    skipped_labels: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLeased(RunEvent):
    """A worker claimed the run and begins or continues it."""

    type: ClassVar[str] = "run:leased"
    input: Any
    lease_owner: str
    lease_expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLeaseRenewed(RunEvent):
    """The worker still holds the run."""

    type: ClassVar[str] = "run:lease-renewed"
    lease_owner: str
    lease_expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RunProgressed(RunEvent):
    """The run reported its progress; it is stored with the next write."""

    type: ClassVar[str] = "run:progress"
    progress: Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCompleted(RunEvent):
    """The run ended well; *duration* is the time since its first claim."""

    type: ClassVar[str] = "run:complete"
    is_domain: ClassVar[bool] = True
    output: Any
    duration: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFailed(RunEvent):
    """The run ended with an error."""

    type: ClassVar[str] = "run:fail"
    is_domain: ClassVar[bool] = True
    error: str
    error_type: str | None
    failed_step_name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCancelled(RunEvent):
    """The run was cancelled; its code may still be stopping."""

    type: ClassVar[str] = "run:cancel"
    is_domain: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDeleted(RunEvent):
    """The run and all that belonged to it were removed."""

    type: ClassVar[str] = "run:delete"
    is_domain: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReleased(RunEvent):
    """The run gave its slot back (backoff, drain, storage) and goes on later."""

    type: ClassVar[str] = "run:release"
    reason: str
    available_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunWaiting(RunEvent):
    """The run gave its slot back and waits, until *waiting_until* at the latest."""

    type: ClassVar[str] = "run:waiting"
    is_domain: ClassVar[bool] = True
    wait_id: str
    wait_name: str
    waiting_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitResolved(RunEvent):
    """What the run waits for, or will, was told."""

    type: ClassVar[str] = "wait:resolve"
    wait_id: str
    wait_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResumed(RunEvent):
    """A failed or cancelled run was made pending again, with its saved steps."""

    type: ClassVar[str] = "run:resume"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEvent(RunEvent):
    """Base of the events of one step."""

    step_name: str
    step_index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStarted(StepEvent):
    """A step begins; a replayed one does not."""

    type: ClassVar[str] = "step:start"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepCompleted(StepEvent):
    """A step's result was saved."""

    type: ClassVar[str] = "step:complete"
    output: Any
    duration: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFailed(StepEvent):
    """A step ended with an error and is not tried again."""

    type: ClassVar[str] = "step:fail"
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepCancelled(StepEvent):
    """A step was stopped before it ended."""

    type: ClassVar[str] = "step:cancel"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRetried(StepEvent):
    """An attempt failed; the next one follows after *delay*."""

    type: ClassVar[str] = "step:retry"
    attempt: int
    error: str
    delay: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class LogWritten(RunEvent):
    """A job wrote a log line."""

    type: ClassVar[str] = "log:write"
    id: str
    step_name: str | None
    level: LogLevel
    message: str
    data: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerError(Event):
    """The engine met a fault; no run is lost by it."""

    type: ClassVar[str] = "worker:error"
    error: str
    code: str
    context: str
    run_id: str | None = None


#: Every event class by its type.
EVENT_TYPES: dict[str, type[Event]] = {
    cls.type: cls
    for cls in (
        RunTriggered,
        RunCoalesced,
        RunLeased,
        RunLeaseRenewed,
        RunProgressed,
        RunCompleted,
        RunFailed,
        RunCancelled,
        RunDeleted,
        RunReleased,
        RunWaiting,
        WaitResolved,
        RunResumed,
        StepStarted,
        StepCompleted,
        StepFailed,
        StepCancelled,
        StepRetried,
        LogWritten,
        WorkerError,
    )
}

#: The events after which a subscription to one run is over.
ENDING = (RunCompleted, RunFailed, RunCancelled, RunDeleted)


def check_types(names: Iterable[str]) -> None:
    """Raise ValidationError for a name that no event has."""
    for name in names:
        if name not in EVENT_TYPES:
            msg = f"there is no event {name!r}; there are: {', '.join(EVENT_TYPES)}"
            raise ValidationError(msg)


def is_domain_event(event: Event) -> bool:
    """Tell whether *event* is of a run's life, not of the work on it."""
    return event.is_domain
