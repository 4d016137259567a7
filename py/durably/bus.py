"""The bus that carries events to listeners. It visits only those who could want an event."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import logging
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, overload

from durably.events import Event, RunEvent, check_types
from durably.threads import running_loop

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping
    from datetime import datetime

    from durably.clock import Clock
    from durably.runs import RemovedRun, Run

logger = logging.getLogger("durably")

E = TypeVar("E", bound=Event)
Own = ParamSpec("Own")

if TYPE_CHECKING:
    #: A class of events, by the fields that are its own.
    EventClass = Callable[Concatenate[datetime, int, Own], Event]
    RunEventClass = Callable[Concatenate[datetime, int, str, str, Mapping[str, str], Own], RunEvent]


class _Listener:
    """One registration; *call* is None once it has ended."""

    __slots__ = ("call",)

    def __init__(self, call: Callable[[Any], Any]) -> None:
        self.call: Callable[[Any], Any] | None = call


class EventBus:
    """Carries events to listeners in the order they were published.

    Each event goes to those who listen to every run, then to those who listen to its run; among
    these by registration, those of its type before those of all. Nobody else is visited.
    A listener that raises is reported to the error handlers and stops no other.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sequence = 0
        #: By run, then by type; None stands for every run, and for every type.
        self._listeners: dict[str | None, dict[str | None, dict[_Listener, None]]] = {}
        self._error_handlers: list[Callable[[Exception, Event], Any]] = []
        #: The loop of a started engine: listeners are called on no other while it runs.
        self.home: asyncio.AbstractEventLoop | None = None
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
        return self.on_any(listener, types=(event if isinstance(event, str) else event.type,))

    def on_any(
        self,
        listener: Callable[[Event], Any],
        *,
        types: Collection[str] = (),
        run_id: str | None = None,
    ) -> Callable[[], None]:
        """Call *listener* for every event, or for those of *types*; return how to stop that.

        With *run_id* it is given the events of that run alone. Once stopped it is not called any
        more, also not for an event that is being handed round.
        """
        check_types(types)
        kinds = tuple(dict.fromkeys(types)) or (None,)
        added = _Listener(listener)
        of_run = self._listeners.setdefault(run_id, {})
        for kind in kinds:
            of_run.setdefault(kind, {})[added] = None

        def stop() -> None:
            if added.call is None:
                return
            added.call = None
            for kind in kinds:
                del of_run[kind][added]
                if not of_run[kind]:
                    del of_run[kind]
            if not of_run:
                del self._listeners[run_id]

        return stop

    def on_error(self, handler: Callable[[Exception, Event], Any]) -> Callable[[], None]:
        """Call *handler* with what a listener raised and the event it was given."""
        handlers = self._error_handlers
        handlers.append(handler)
        return lambda: handlers.remove(handler) if handler in handlers else None

    def listens(self, event: type[Event], run_id: str | None = None) -> bool:
        """Tell whether anyone would be given an *event*, of the run if one is named."""
        return bool(self._listeners_of(event.type, run_id))

    def tell(
        self,
        run: Run | RemovedRun,
        event: RunEventClass[Own],
        *args: Own.args,
        **fields: Own.kwargs,
    ) -> None:
        """Make an *event* of *run* and hand it to its listeners; nothing is made for nobody."""
        self._sequence += 1
        kind: Any = event
        if listeners := self._listeners_of(kind.type, run.id):
            now, number = self._clock.now(), self._sequence
            made = event(now, number, run.id, run.job_name, run.labels, *args, **fields)
            self._hand_round(made, listeners)

    def publish(self, event: EventClass[Own], *args: Own.args, **fields: Own.kwargs) -> None:
        """Make an *event* of the engine itself and hand it round, as tell() does."""
        self._sequence += 1
        kind: Any = event
        if listeners := self._listeners_of(kind.type, None):
            made = event(self._clock.now(), self._sequence, *args, **fields)
            self._hand_round(made, listeners)

    def _listeners_of(self, kind: str, run_id: str | None) -> list[_Listener]:
        """Return a list of its own: who comes and goes meanwhile does not change it."""
        found: list[_Listener] = []
        if not self._listeners:
            return found
        for of_run in (None,) if run_id is None else (None, run_id):
            by_type = self._listeners.get(of_run)
            if by_type is not None:
                found += by_type.get(kind, ())
                found += by_type.get(None, ())
        return found

    def _hand_round(self, event: Event, listeners: list[_Listener]) -> None:
        home = self.home
        if home is not None and running_loop() is not home and home.is_running():
            home.call_soon_threadsafe(self._hand_round, event, listeners)
            return
        for listener in listeners:
            if listener.call is None:  # one before it has stopped it
                continue
            try:
                answer = listener.call(event)
            except Exception as error:  # noqa: BLE001 - a listener is foreign code
                self._report(error, event)
                continue
            if inspect.isawaitable(answer):
                finishing = self._finish(answer, event)
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
