"""Events, and the bus that carries them. An event tells of something already committed."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, overload

from durably.errors import ValidationError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
    from datetime import datetime, timedelta

    from durably.clock import Clock
    from durably.runs import LogLevel, Progress

logger = logging.getLogger("durably")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Base of every event; *sequence* rises with each event of one engine."""

    type: ClassVar[str]
    is_domain: ClassVar[bool] = False
    timestamp: datetime
    sequence: int


@dataclass(frozen=True, slots=True, kw_only=True)
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

E = TypeVar("E", bound=Event)


def check_types(names: Iterable[str]) -> None:
    """Raise ValidationError for a name that no event has."""
    for name in names:
        if name not in EVENT_TYPES:
            msg = f"there is no event {name!r}; there are: {', '.join(EVENT_TYPES)}"
            raise ValidationError(msg)


def is_domain_event(event: Event) -> bool:
    """Tell whether *event* is of a run's life, not of the work on it."""
    return event.is_domain


class EventBus:
    """Carries events to listeners in the order they were published.

    A listener that raises is reported to the error handlers and stops no other.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sequence = 0
        self._listeners: dict[str, list[Callable[[Any], Any]]] = {}
        self._catch_all: list[Callable[[Event], Any]] = []
        self._error_handlers: list[Callable[[Exception, Event], Any]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        #: Async listeners are no part of the job, or step, whose event they are told.
        self._context = contextvars.copy_context()

    @property
    def sequence(self) -> int:
        """Return the number of the last event published."""
        return self._sequence

    @overload
    def on(
        self, event: type[E], listener: Callable[[E], Awaitable[None] | None]
    ) -> Callable[[], None]: ...
    @overload
    def on(
        self, event: str, listener: Callable[[Any], Awaitable[None] | None]
    ) -> Callable[[], None]: ...
    def on(self, event: str | type[Event], listener: Callable[[Any], Any]) -> Callable[[], None]:
        """Call *listener* for each *event* (a type name or a class); return how to stop that."""
        name = event if isinstance(event, str) else event.type
        check_types([name])
        return _added(self._listeners.setdefault(name, []), listener)

    def on_any(
        self, listener: Callable[[Event], Any], *, types: Collection[str] = ()
    ) -> Callable[[], None]:
        """Call *listener* for every event, or for those of *types*; return how to stop that."""
        if not types:
            return _added(self._catch_all, listener)
        check_types(types)
        stops = [self.on(name, listener) for name in dict.fromkeys(types)]

        def stop_all() -> None:
            for stop in stops:
                stop()

        return stop_all

    def on_error(self, handler: Callable[[Exception, Event], Any]) -> Callable[[], None]:
        """Call *handler* with what a listener raised and the event it was given."""
        handlers = self._error_handlers
        handlers.append(handler)
        return lambda: handlers.remove(handler) if handler in handlers else None

    def listens(self, event: type[Event]) -> bool:
        """Tell whether anyone would be given an *event*."""
        return bool(self._catch_all) or bool(self._listeners.get(event.type))

    def publish(self, event: type[Event], **fields: Any) -> None:
        """Make an *event* of *fields* and hand it to its listeners; nothing is made for nobody."""
        self._sequence += 1
        listeners = self._listeners.get(event.type)
        if not listeners and not self._catch_all:
            return
        made = event(timestamp=self._clock.now(), sequence=self._sequence, **fields)
        for listener in (*(listeners or ()), *self._catch_all):
            try:
                answer = listener(made)
            except Exception as error:  # noqa: BLE001 - a listener is foreign code
                self._report(error, made)
                continue
            if inspect.isawaitable(answer):
                finishing = self._finish(answer, made)
                task = asyncio.create_task(finishing, context=self._context.copy())
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _finish(self, answer: Awaitable[None], event: Event) -> None:
        try:
            await answer
        except Exception as error:  # noqa: BLE001 - a listener is foreign code
            self._report(error, event)

    def _report(self, error: Exception, event: Event) -> None:
        if not self._error_handlers:
            logger.error("a listener of %s raised", event.type, exc_info=error)
        for handler in tuple(self._error_handlers):
            try:
                handler(error, event)
            except Exception:
                logger.exception("an error handler raised", extra={"event_type": event.type})


def _added(
    listeners: list[Callable[[Any], Any]], listener: Callable[[Any], Any]
) -> Callable[[], None]:
    listeners.append(listener)

    def remove() -> None:
        if listener in listeners:
            listeners.remove(listener)

    return remove
