"""What a job waits for: it is written before the job waits, and read from there ever after."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from durably.arguments import checked_text
from durably.clock import checked_duration
from durably.codec import codec_for
from durably.engine.current import current_step
from durably.errors import SignalMismatchError, ValidationError
from durably.waits import Wait, WaitKind, WaitOutcome

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from durably.engine.execution import Execution
    from durably.runs import NewRun
    from durably.waits import Waited

#: A wait up to this long keeps its slot.
_IN_PLACE = timedelta(seconds=3)
_NOT_AT_ALL = timedelta(0)


async def sleep(execution: Execution, name: str, duration: timedelta | float) -> None:
    """Wait for *duration* from the first time on that the job came here."""
    pause = checked_duration(f"the duration of sleep {name!r}", duration, may_be_zero=True)
    await sleep_until(execution, name, execution.services.clock.now() + pause)


async def sleep_until(execution: Execution, name: str, due: datetime) -> None:
    """Wait until *due*, or until when an earlier execution was told to."""
    await until_resolved(execution, await open_wait(execution, name, WaitKind.TIMER, due=due))


async def prepare(
    execution: Execution,
    name: str,
    *,
    timeout: timedelta | float | None,
    metadata: Any,
    topic: str | None,
    key: str | None,
) -> Wait:
    """Make a wait for a signal; its deadline counts from the first time on."""
    due = None
    if timeout is not None:
        limit = checked_duration(f"the timeout of wait {name!r}", timeout)
        due = execution.services.clock.now() + limit
    if metadata is not None:
        _, metadata = codec_for(Any).settle(f"the metadata of wait {name!r}", metadata)
    return await open_wait(
        execution,
        name,
        WaitKind.SIGNAL,
        due=due,
        metadata=metadata,
        topic=checked_text("topic", name if topic is None else topic),
        key=None if key is None else checked_text("key", key),
    )


async def signalled(execution: Execution, wait: Wait, output: Any) -> Any:
    """Return what a wait was told, as *output*; None when nothing came in time."""
    resolved = await until_resolved(execution, wait)
    if resolved.outcome is WaitOutcome.TIMEOUT:
        return None
    text = await payload_text(execution, resolved)
    try:
        return codec_for(output).decode(text)
    except ValueError as error:  # pydantic's is one
        raise SignalMismatchError(wait.name, str(error)) from error


async def open_wait(
    execution: Execution,
    name: str,
    kind: WaitKind,
    *,
    due: datetime | None = None,
    metadata: Any = None,
    topic: str | None = None,
    key: str | None = None,
    child: NewRun | None = None,
    detached: bool = False,
) -> Wait:
    """Return the wait of that name; the first time it is made, with its run *child*."""
    checked_text("a wait's name", name)
    outer = current_step.get()
    if outer is not None and outer.belongs_to(execution):
        msg = f"{name!r} is waited for inside of step {outer.name!r}; a job waits between steps"
        raise ValidationError(msg)
    execution.open_step(name)
    known = execution.waits.get(name)
    if known is not None:
        if known.kind is not kind:
            msg = f"{name!r} was a wait for a {known.kind} before; give this one another name"
            raise ValidationError(msg)
        return known
    services = execution.services
    now = services.clock.now()
    wait = Wait(
        id=services.ids.new(now),
        run_id=execution.run.id,
        name=name,
        kind=kind,
        created_at=now,
        deadline_at=due,
        metadata=metadata,
        topic=topic,
        key=key,
        detached=detached,
    )
    notes = execution.take_notes()
    execution.entered()  # else a wait beside it would take the run for one that stands still
    try:
        waited = await _written(
            execution,
            lambda: services.store.save_wait(
                execution.lease, wait, child=child, notes=notes, now=services.clock.now()
            ),
        )
    finally:
        execution.left()
    if waited.child is not None and child is not None:
        services.tell_made(waited.child, child)
    return _noted(execution, waited)


async def until_resolved(execution: Execution, wait: Wait) -> Wait:
    """Return *wait* once it is resolved; whoever waits longer than a moment gives the slot back."""
    while not (known := execution.waits[wait.name]).is_resolved:
        await execution.stand_still(known, in_place=_IN_PLACE if known.deadline_at else _NOT_AT_ALL)
        due, now = known.deadline_at, execution.services.clock.now()
        if execution.waits[wait.name].is_resolved or due is None or due > now:
            continue
        if known.kind is WaitKind.TIMER:  # its deadline is in its row: nothing more to write
            return known
        await _end(execution, known)
    return known


async def _end(execution: Execution, wait: Wait) -> None:
    services, notes = execution.services, execution.take_notes()
    waited = await _written(
        execution,
        lambda: services.store.end_wait(
            execution.lease, wait.id, notes=notes, now=services.clock.now()
        ),
    )
    _noted(execution, waited)


async def _written(execution: Execution, write: Callable[[], Awaitable[Waited]]) -> Waited:
    waited = await execution.persist(write, context="save-wait")
    await execution.check_hold(waited.hold)
    return waited


def _noted(execution: Execution, waited: Waited) -> Wait:
    if waited.wait is None:
        msg = "a store answered a wait that holds without the wait"
        raise AssertionError(msg)
    execution.waits[waited.wait.name] = waited.wait
    return waited.wait


async def payload_text(execution: Execution, wait: Wait) -> str:
    """Return what a resolved wait was told; a claim does not bring what is large."""
    if wait.payload_json is not None:
        return wait.payload_json
    store = execution.services.store
    found = await execution.persist(lambda: store.get_wait(wait.id), context="get-wait")
    return "null" if found is None or found.payload_json is None else found.payload_json
