"""What a program does with runs: trigger, wait for, cancel, resume, remove."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Unpack

from pydantic import BaseModel

from durably.annotations import UNTYPED
from durably.arguments import checked_items, checked_kind, checked_text, checked_whole, refuse
from durably.clock import check_aware, checked_duration
from durably.codec import codec_for, from_json, to_json
from durably.engine.current import current_execution
from durably.engine.upkeep import purge
from durably.errors import (
    Cancelled,
    ConflictError,
    RunNotFoundError,
    StorageError,
    ValidationError,
)
from durably.events import RunCancelled, RunDeleted, RunResumed, WaitResolved
from durably.following import check_wait
from durably.jobs import JobDefinition
from durably.runs import TERMINAL, Run, RunFilter, RunStatus, Triggered
from durably.triggers import NOT_GIVEN, TriggerOptions, new_run, trigger_options
from durably.waits import Message, Signal, SignalDisposition

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime, timedelta

    from durably.engine.life import Life
    from durably.engine.services import Services
    from durably.following import Following
    from durably.triggers import TriggerArguments
    from durably.waits import Sent, Signalled, Wait


class Runs:
    """The runs of one engine."""

    def __init__(self, services: Services, life: Life, following: Following) -> None:
        self._services = services
        self._store = services.store
        self._life = life
        self._following = following

    async def wait_for(
        self,
        run_id: str,
        *,
        timeout: timedelta | float | None,
        on_progress: Callable[[Any], Any] | None,
        on_log: Callable[[Any], Any] | None,
    ) -> Run:
        """Wait until a run completed; a job that does gives its slot to others meanwhile."""
        checked_id(run_id)
        limit = check_wait(timeout, on_progress, on_log)
        execution = current_execution.get()
        inside = execution is not None and execution.services is self._services
        if inside and (run := await self._store.get_run(run_id)) is not None:
            inside = run.is_active  # there is nothing to wait for, and no slot to give
        async with execution.without_slot() if execution and inside else contextlib.nullcontext():
            return await self._following.wait(run_id, limit, on_progress=on_progress, on_log=on_log)

    async def trigger(
        self,
        job: str | JobDefinition[Any, Any],
        input: Any = NOT_GIVEN,
        *,
        from_json: bool = False,
        **options: Unpack[TriggerArguments],
    ) -> Triggered:
        """Make a run of a job."""
        name = job.name if isinstance(job, JobDefinition) else job
        if not isinstance(name, str):
            refuse("a job", "given by its name or its definition", job)
        call = (name, input, trigger_options(options))
        (made,) = await self.trigger_all([call], from_json=from_json)
        return made

    async def trigger_all(
        self,
        calls: Iterable[tuple[str, Any, TriggerOptions]],
        *,
        from_json: bool = False,
    ) -> list[Triggered]:
        """Make all runs in one transaction, or none."""
        services, runs = self._services, []
        checked = [_checked_call(call) for call in checked_items("calls", calls)]
        for index, (name, given, options) in enumerate(checked):
            try:
                runs.append(
                    new_run(
                        services.jobs.require(name),
                        given,
                        options,
                        fresh_id=services.new_id(),
                        now=services.clock.now(),
                        labels_model=services.options.labels,
                        from_json=from_json,
                    )
                )
            except ValidationError as error:
                if len(checked) == 1:
                    raise
                msg = f"run {index} of the batch: {error.summary}"
                raise ValidationError(msg, error.problems) from error
        if not runs:
            return []
        with services.blobs.required(run.input_json for run in runs):
            enqueued = await self._store.enqueue(runs, now=services.clock.now())
        for new, one in zip(runs, enqueued, strict=True):
            services.tell_made(one, new)
        self._life.wake()
        return enqueued

    async def get_run(self, run_id: str) -> Run | None:
        """Return a run, or None."""
        checked_id(run_id)
        await self._life.save_notes(run_id)
        return await self._store.get_run(run_id)

    async def get_runs(self, chosen: RunFilter | None = None) -> list[Run]:
        """Return one page of runs, newest first."""
        return await self._store.get_runs(checked_filter(chosen))

    async def cancel(self, run_id: str) -> None:
        """Cancel a run that has not ended, and stop its code."""
        checked_id(run_id)
        now = self._services.clock.now()
        cancelled = await self._store.cancel(run_id, now=now)
        run = _found(cancelled[0] if cancelled else None, run_id)
        if run.is_terminal:
            if run.status is RunStatus.CANCELLED:
                return
            msg = f"run {run_id!r} is {run.status} and cannot be cancelled"
            raise ConflictError(msg)
        for one in cancelled:
            self._services.bus.tell(one, RunCancelled)
            self._life.interrupt(one.id, Cancelled())

    async def signal(self, wait_id: str, payload: Any, signal_id: str | None) -> Signalled:
        """Tell a wait what it waits for."""
        checked_text("wait_id", wait_id)
        text = _payload("signal", payload)
        if signal_id is not None:
            checked_text("signal_id", signal_id)
        given = Signal(id=signal_id or self._services.new_id(), payload_json=text)
        with self._services.blobs.required((text,)):
            told = await self._store.signal(wait_id, given, now=self._services.clock.now())
        if told.disposition is SignalDisposition.ACCEPTED:
            await self._told(told.wait)
        return told

    async def send(
        self,
        topic: str,
        payload: Any,
        *,
        key: str | None,
        message_id: str | None,
        keep: timedelta | float,
    ) -> Sent:
        """Tell whoever waits for a topic, or will."""
        checked_text("topic", topic)
        for name, text in (("key", key), ("message_id", message_id)):
            if text is not None:
                checked_text(name, text)
        now = self._services.clock.now()
        message = Message(
            id=message_id or self._services.ids.new(now),
            topic=topic,
            key=key,
            payload_json=_payload("message", payload),
            expires_at=now + checked_duration("keep", keep),
        )
        with self._services.blobs.required((message.payload_json,)):
            sent = await self._store.send(message, now=now)
        if sent.wait is not None and sent.disposition is SignalDisposition.ACCEPTED:
            await self._told(sent.wait)
        return sent

    async def _told(self, wait: Wait) -> None:
        """Let the run go on that waited, and tell of it."""
        self._life.told(wait)
        self._life.wake()
        run = await self._store.get_run(wait.run_id)
        if run is not None:
            self._services.bus.tell(run, WaitResolved, wait_id=wait.id, wait_name=wait.name)

    async def retrigger(self, run_id: str, *, new_run_id: str | None = None) -> Triggered:
        """Make a fresh run with what an ended run was given."""
        checked_id(run_id)
        run = _found(await self._store.get_run(run_id), run_id)
        if run.is_active:
            msg = f"run {run_id!r} is {run.status}; only an ended run can be triggered again"
            raise ConflictError(msg)
        # As stored: a key that today's schema has no field for any more is passed over.
        job = self._services.jobs.require(run.job_name)
        what = f"the stored input of job {job.name!r}"
        return await self.trigger(
            run.job_name,
            job.input.parse_json(what, run.input),
            labels=run.labels,
            concurrency_key=run.concurrency_key,
            run_id=new_run_id,
        )

    async def resume(self, run_id: str) -> None:
        """Let a failed or cancelled run go on."""
        checked_id(run_id)
        now = self._services.clock.now()
        run = _found(await self._store.resume(run_id, now=now), run_id)
        if run.status not in TERMINAL - {RunStatus.COMPLETED}:
            msg = f"run {run_id!r} is {run.status}; only a failed or cancelled run can be resumed"
            raise ConflictError(msg)
        self._services.bus.tell(run, RunResumed)
        self._life.wake()

    async def delete(self, run_id: str) -> None:
        """Remove an ended run and all that belongs to it."""
        checked_id(run_id)
        now = self._services.clock.now()
        executes_here = run_id in self._life.held
        ask = (
            self._store.get_run(run_id)
            if executes_here
            else self._store.delete_run(run_id, now=now)
        )
        run = _found(await ask, run_id)
        if run.is_active:
            msg = f"run {run_id!r} is {run.status}; cancel it before deleting it"
            raise ConflictError(msg)
        if executes_here or run.is_stopping(now):
            msg = f"the code of run {run_id!r} is still stopping; try again in a moment"
            raise ConflictError(msg)
        self._services.bus.tell(run, RunDeleted)
        with contextlib.suppress(StorageError):  # the run is gone; its files go the next time
            await self._services.blobs.release()

    async def purge(self, older_than: datetime, limit: int) -> int:
        """Remove runs that ended before *older_than*."""
        check_aware("older_than", older_than)
        checked_whole("limit", limit, least=1)
        return await purge(self._services, older_than, limit, self._life.held)


def checked_id(run_id: object) -> None:
    """Refuse what cannot be a run's id."""
    if not isinstance(run_id, str):
        refuse("run_id", "text", run_id)


def _checked_call(call: object) -> tuple[str, Any, TriggerOptions]:
    if isinstance(call, tuple) and len(call) == 3:  # noqa: PLR2004 - as many as are named here
        name, given, options = call
        if isinstance(name, str) and isinstance(options, TriggerOptions):
            return name, given, options
    return refuse("a call", "(job name, input, TriggerOptions)", call)


def checked_filter(chosen: RunFilter | None) -> RunFilter:
    """Return *chosen*, or what chooses every run."""
    return RunFilter() if chosen is None else checked_kind("chosen", chosen, RunFilter)


def _payload(what: str, value: Any) -> str:
    """Write a payload so that the same value is the same text."""
    declared = type(value) if isinstance(value, BaseModel) else UNTYPED
    text, _ = codec_for(declared).settle(f"the payload of a {what}", value)
    return to_json(_sorted(from_json(text)))


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


def _found(run: Run | None, run_id: str) -> Run:
    if run is None:
        raise RunNotFoundError(run_id)
    return run
