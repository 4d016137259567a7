"""What the engine keeps: runs, steps, attempts, logs and leases, and the table of allowed moves.

Frozen values: no clock, no store, no I/O.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from durably.arguments import checked_texts, checked_whole, refuse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from durably.waits import Wait

#: The most runs one page may hold.
MAX_PAGE = 1000
#: A list shows values of up to so many characters of JSON, and of so many in all.
MAX_LISTED_VALUE = 1 << 20
MAX_LISTED = 16 << 20
#: More than this no database counts.
_MOST_ROWS = 2**63 - 1
#: SQLite joins up to 1,000 conditions.
_MOST_LABELS = 100
#: When a run is due that waits for somebody without a limit.
NEVER = datetime(9999, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)


class RunStatus(StrEnum):
    """Where a run stands."""

    PENDING = "pending"
    LEASED = "leased"
    #: For a time, for somebody or for another run: without a slot, a lease or its key.
    WAITING = "waiting"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


#: Every allowed move. A final status is one that only resume() leaves.
MOVES: Mapping[RunStatus, frozenset[RunStatus]] = {
    RunStatus.PENDING: frozenset({RunStatus.LEASED, RunStatus.CANCELLED}),
    RunStatus.LEASED: frozenset(
        {
            RunStatus.LEASED,  # an expired lease is claimed straight from leased (law 6)
            RunStatus.PENDING,
            RunStatus.WAITING,
            RunStatus.COMPLETED,
            RunStatus.FAILED,
            RunStatus.CANCELLED,
        }
    ),
    RunStatus.WAITING: frozenset({RunStatus.LEASED, RunStatus.CANCELLED}),
    RunStatus.COMPLETED: frozenset(),
    RunStatus.FAILED: frozenset({RunStatus.PENDING}),
    RunStatus.CANCELLED: frozenset({RunStatus.PENDING}),
}

#: The statuses in which a run has ended.
TERMINAL = frozenset({RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED})


def sources_of(target: RunStatus) -> frozenset[RunStatus]:
    """Return the statuses from which a run may move to *target*."""
    return frozenset(status for status, targets in MOVES.items() if target in targets)


class Disposition(StrEnum):
    """What a trigger did: made a run, or found the one that stands for it."""

    CREATED = "created"
    IDEMPOTENT = "idempotent"
    COALESCED = "coalesced"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a run says it is."""

    current: float
    total: float | None = None
    message: str | None = None

    def to_object(self) -> dict[str, Any]:
        """Return its JSON object, in which what is not given is left out."""
        given = {"total": self.total, "message": self.message}
        return {"current": self.current} | {k: v for k, v in given.items() if v is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An error as it is kept: its message, its type and its traceback."""

    message: str
    type_name: str | None = None
    trace: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One execution of a job, as it is stored; times are UTC, input and output JSON values."""

    id: str
    job_name: str
    input: Any
    status: RunStatus
    idempotency_key: str | None
    concurrency_key: str | None
    labels: Mapping[str, str]
    current_step_index: int
    completed_step_count: int
    progress: Progress | None
    output: Any
    failure: Failure | None
    lease_owner: str | None
    lease_expires_at: datetime | None
    lease_generation: int
    available_at: datetime | None
    recoveries: int
    started_at: datetime | None
    completed_at: datetime | None
    created_at: datetime
    updated_at: datetime
    #: The run whose job called this one.
    parent_id: str | None = None
    #: What a list left out because it is large: "input", "output". get_run() has it.
    omitted: Sequence[str] = ()

    @property
    def error(self) -> str | None:
        """Return the message the run failed with."""
        return self.failure.message if self.failure else None

    @property
    def is_terminal(self) -> bool:
        """Tell whether the run has ended."""
        return self.status in TERMINAL

    @property
    def is_active(self) -> bool:
        """Tell whether the run waits or runs."""
        return not self.is_terminal

    @property
    def is_waiting(self) -> bool:
        """Tell whether the run waits for a time, for somebody, or for another run."""
        return self.status is RunStatus.WAITING

    @property
    def waiting_until(self) -> datetime | None:
        """Return when the run goes on at the latest; None without a limit, or when it may now."""
        if not self.is_waiting or self.available_at == NEVER:
            return None
        return self.available_at

    def is_stopping(self, now: datetime) -> bool:
        """Tell whether the run has ended and its code may still be running."""
        held = self.lease_expires_at is not None and self.lease_expires_at > now
        return self.is_terminal and self.lease_owner is not None and held


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRun:
    """A run that a trigger asks for; its input is already checked and encoded."""

    id: str
    job_name: str
    input_json: str
    labels: Mapping[str, str] = field(default_factory=dict)
    idempotency_key: str | None = None
    concurrency_key: str | None = None
    #: Take the pending run of the same key instead of a ConflictError.
    coalesce: bool = False
    #: It waits until then before it is first claimed.
    available_at: datetime | None = None
    parent_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Triggered:
    """The run that stands for a trigger, and how it came to."""

    run: Run
    disposition: Disposition
    #: False when the same call was answered before: nothing happened now.
    is_new: bool = True

    @property
    def id(self) -> str:
        """Return the run's id."""
        return self.run.id


class StepStatus(StrEnum):
    """How a step ended."""

    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRecord:
    """A step as it is stored; *output_json* is text, decoded by whoever knows its type."""

    id: str
    run_id: str
    name: str
    index: int
    status: StepStatus
    output_json: str | None
    failure: Failure | None
    started_at: datetime
    completed_at: datetime | None


class AttemptStatus(StrEnum):
    """How one attempt of a step stands. RUNNING without a live worker means it was interrupted."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepAttempt:
    """One attempt of a step that has a retry policy or a timeout."""

    id: str
    run_id: str
    step_name: str
    #: 1-based, over all attempts of this step.
    number: int
    status: AttemptStatus
    error: str | None
    started_at: datetime
    completed_at: datetime | None
    #: The next attempt does not begin before this time.
    retry_at: datetime | None
    #: Whether it uses up the policy's attempts: not those from before a resume().
    counted: bool = True


class LogLevel(StrEnum):
    """How much a log line matters."""

    INFO = "info"
    WARN = "warn"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRecord:
    """One log line; *data* is a JSON value."""

    id: str
    run_id: str
    step_name: str | None
    level: LogLevel
    message: str
    data: Any
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to write to a run, fenced by a generation that rises at every claim (law 3)."""

    run_id: str
    owner: str
    generation: int


class Hold(StrEnum):
    """What a lease holder's write found."""

    HELD = "held"
    #: The run was cancelled; the holder still occupies its concurrency key until it lets go.
    CANCELLED = "cancelled"
    LOST = "lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovedRun:
    """What is told of a run that was removed."""

    id: str
    job_name: str
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A claimed run with everything its execution needs: no read follows (law 12)."""

    run: Run
    lease: Lease
    #: Completed steps: name to output as JSON text. None stands for one that is read when it is
    #: replayed, by Store.get_saved(): together they would be too much to hold.
    saved: Mapping[str, str | None]
    #: What its code has waited for, or waits for, by name.
    waits: Mapping[str, Wait] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notes:
    """Progress and log lines that travel with the next write."""

    progress: Progress | None = None
    logs: Sequence[LogRecord] = ()

    def __bool__(self) -> bool:
        """Tell whether there is anything to write."""
        return self.progress is not None or bool(self.logs)


#: Nothing to note.
NO_NOTES = Notes()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """How a run ends."""

    status: RunStatus
    output_json: str | None = None
    failure: Failure | None = None
    keep_steps: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFilter:
    """Selects runs. Every given field must match; an empty one does not filter."""

    #: Names, or one alone.
    job_names: Iterable[str] | str = ()
    #: Statuses or their texts, or one alone.
    statuses: Iterable[RunStatus | str] | RunStatus | str = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    #: 1 to MAX_PAGE.
    limit: int = MAX_PAGE
    offset: int = 0

    def __post_init__(self) -> None:
        """Take one name as a list of it; ValidationError names a field that cannot be."""
        object.__setattr__(self, "job_names", checked_texts("job_names", self.job_names))
        known = {str(status): status for status in RunStatus}
        statuses = checked_texts("statuses", self.statuses)
        for status in statuses:
            if status not in known:
                refuse("statuses", f"of {', '.join(known)}", status)
        object.__setattr__(self, "statuses", tuple(known[status] for status in statuses))
        labels = self.labels
        if not isinstance(labels, Mapping) or not all(map(_is_text, (*labels, *labels.values()))):
            refuse("labels", "a mapping of texts", labels)
        checked_whole("the number of labels", len(labels), least=0, most=_MOST_LABELS)
        checked_whole("limit", self.limit, least=1, most=MAX_PAGE)
        checked_whole("offset", self.offset, least=0, most=_MOST_ROWS)


def _is_text(value: object) -> bool:
    return isinstance(value, str)
