"""The operations, JSON in and JSON out, and subscriptions; HTTP and the browser both use them."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from durably import wire
from durably.codec import from_json, to_json
from durably.errors import NotFoundError, RunNotFoundError, ValidationError
from durably.events import Event
from durably.following import RunsSnapshot
from durably.runs import TERMINAL, RunFilter, RunStatus
from durably.triggers import NOT_GIVEN, TriggerOptions

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping

    from durably.app import Durably
    from durably.following import Snapshot
    from durably.runs import Run, Triggered

#: The answer of an operation that returns nothing.
_NOTHING = "null"

_ACTIVE = tuple(status for status in RunStatus if status not in TERMINAL)


class Api:
    """Answers every operation of the transports' `Operations` map for one engine."""

    def __init__(self, durably: Durably) -> None:
        self._durably = durably
        self._operations: dict[str, Callable[[Mapping[str, Any]], Awaitable[Any]]] = {
            "trigger": self._trigger,
            "batchTrigger": self._batch_trigger,
            "getRun": self._get_run,
            "getRuns": self._get_runs,
            "getSteps": self._get_steps,
            "getStepAttempts": self._get_step_attempts,
            "getLogs": self._get_logs,
            "getWait": self._get_wait,
            "getWaits": self._get_waits,
            "signal": self._signal,
            "send": self._send,
            "cancel": self._cancel,
            "retrigger": self._retrigger,
            "resume": self._resume,
            "deleteRun": self._delete_run,
            "purgeRuns": self._purge_runs,
            "schedules": self._schedules,
            "pauseSchedule": self._pause_schedule,
            "resumeSchedule": self._resume_schedule,
            "triggerSchedule": self._trigger_schedule,
            "jobs": self._jobs,
            "health": self._health,
        }
        # The others may be done twice: they read, or find the run that they made, or cancelled.
        self._done_already: dict[str, Callable[[Mapping[str, Any]], Awaitable[str | None]]] = {
            "retrigger": self._was_retriggered,
            "resume": self._was_resumed,
            "deleteRun": self._was_deleted,
        }

    @property
    def operations(self) -> tuple[str, ...]:
        """Return the names of all operations."""
        return (*self._operations, "query")

    async def call(self, op: str, params: Mapping[str, Any], *, repeated: bool = False) -> str:
        """Do an operation and return its result as JSON text; raises DurablyError.

        *repeated* says that an engine before this one may have done it, and its answer was lost:
        what is done already is then answered as done, and is not done twice.
        """
        if not isinstance(params, dict):
            msg = f"the parameters of an operation are an object, not {params!r}"
            raise ValidationError(msg)
        if op == "query":  # its answer is JSON text already
            return await self._durably.query(
                wire.read_text(params, "name"), params.get("input", NOT_GIVEN)
            )
        operation = self._operations.get(op)
        if operation is None:
            msg = f"there is no operation {op!r}"
            raise NotFoundError(msg)
        if repeated and op in self._done_already:
            done = await self._done_already[op](params)
            if done is not None:
                return done
        return to_json(await operation(params))

    async def subscribe(self, params: Mapping[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        """Yield snapshots and events, as JSON objects, of the run *runId* or of all that match.

        Those of one run end with it. RunNotFoundError without such a run; raises DurablyError.
        """
        async with aclosing(self._followed(params)) as items:
            async for item in items:
                yield self._message(item)

    def _followed(
        self, params: Mapping[str, Any]
    ) -> AsyncGenerator[Snapshot | RunsSnapshot | Event, None]:
        types = wire.one_or_many(params, "types")
        if "runId" in params:
            return self._durably.subscribe(wire.read_text(params, "runId"), types=types)
        chosen = RunFilter(
            job_names=wire.one_or_many(params, "jobName"),
            statuses=_ACTIVE,
            labels=wire.read_labels(params),
        )
        return self._durably.subscribe_runs(chosen, types=types)

    def _message(self, item: Snapshot | RunsSnapshot | Event) -> dict[str, Any]:
        if isinstance(item, Event):
            return wire.event_json(item)
        message: dict[str, Any] = {"type": "snapshot", "sequence": item.sequence}
        if isinstance(item, RunsSnapshot):
            return {**message, "runs": [self.client_run(run) for run in item.runs]}
        return {
            **message,
            "run": self.client_run(item.run),
            "logs": [wire.log_json(log) for log in item.logs],
        }

    def client_run(self, run: Run) -> dict[str, Any]:
        """Write a run for clients, with what only this engine knows of it."""
        parked = run.status is RunStatus.PENDING and not self._durably.is_registered(run.job_name)
        return wire.client_run(run, is_parked=parked)

    async def _trigger(self, params: Mapping[str, Any]) -> Any:
        (made,) = await self._durably.trigger_all([_call(params)], from_json=True)
        return _triggered(made)

    async def _batch_trigger(self, params: Mapping[str, Any]) -> Any:
        runs = params.get("runs")
        if not isinstance(runs, list) or not all(isinstance(run, dict) for run in runs):
            msg = "runs must be a list of objects"
            raise ValidationError(msg)
        made = await self._durably.trigger_all([_call(run) for run in runs], from_json=True)
        return [_triggered(one) for one in made]

    async def _get_run(self, params: Mapping[str, Any]) -> Any:
        run = await self._durably.get_run(wire.read_text(params, "runId"))
        return None if run is None else self.client_run(run)

    async def _get_runs(self, params: Mapping[str, Any]) -> Any:
        return [
            self.client_run(run) for run in await self._durably.get_runs(wire.read_filter(params))
        ]

    async def _get_steps(self, params: Mapping[str, Any]) -> Any:
        run_id = await self._existing(params)
        return [wire.step_json(step) for step in await self._durably.get_steps(run_id)]

    async def _get_step_attempts(self, params: Mapping[str, Any]) -> Any:
        run_id = await self._existing(params)
        return [wire.attempt_json(one) for one in await self._durably.get_step_attempts(run_id)]

    async def _get_logs(self, params: Mapping[str, Any]) -> Any:
        run_id = await self._existing(params)
        return [wire.log_json(log) for log in await self._durably.get_logs(run_id)]

    async def _get_wait(self, params: Mapping[str, Any]) -> Any:
        wait = await self._durably.get_wait(wire.read_text(params, "waitId"))
        return None if wait is None else wire.wait_json(wait)

    async def _get_waits(self, params: Mapping[str, Any]) -> Any:
        run_id = await self._existing(params)
        return [wire.wait_json(wait) for wait in await self._durably.get_waits(run_id)]

    async def _signal(self, params: Mapping[str, Any]) -> Any:
        told = await self._durably.signal(
            wire.read_text(params, "waitId"),
            params.get("payload"),
            signal_id=params.get("signalId"),
        )
        return {"wait": wire.wait_json(told.wait), "disposition": str(told.disposition)}

    async def _send(self, params: Mapping[str, Any]) -> Any:
        keep = wire.read_duration(params, "keep")
        sent = await self._durably.send(
            wire.read_text(params, "topic"),
            params.get("payload"),
            key=params.get("key"),
            message_id=params.get("messageId"),
            **({} if keep is None else {"keep": keep}),
        )
        wait = None if sent.wait is None else wire.wait_json(sent.wait)
        return {"messageId": sent.id, "wait": wait, "disposition": str(sent.disposition)}

    async def _existing(self, params: Mapping[str, Any]) -> str:
        run_id = wire.read_text(params, "runId")
        if await self._durably.store.get_run(run_id) is None:
            raise RunNotFoundError(run_id)
        return run_id

    async def _cancel(self, params: Mapping[str, Any]) -> None:
        await self._durably.cancel(wire.read_text(params, "runId"))

    async def _retrigger(self, params: Mapping[str, Any]) -> Any:
        made = await self._durably.retrigger(
            wire.read_text(params, "runId"), new_run_id=params.get("newRunId")
        )
        return {"runId": made.id}

    async def _resume(self, params: Mapping[str, Any]) -> None:
        await self._durably.resume(wire.read_text(params, "runId"))

    async def _was_retriggered(self, params: Mapping[str, Any]) -> str | None:
        """Find the fresh run even if the one it repeats was removed or resumed meanwhile."""
        new_run_id = params.get("newRunId")
        if not isinstance(new_run_id, str) or await self._durably.store.get_run(new_run_id) is None:
            return None
        return to_json({"runId": new_run_id})

    async def _was_resumed(self, params: Mapping[str, Any]) -> str | None:
        """Take a run that is on its way, or came to its end, for one that was resumed."""
        run = await self._durably.store.get_run(wire.read_text(params, "runId"))
        gone_on = run is not None and (run.is_active or run.status is RunStatus.COMPLETED)
        return _NOTHING if gone_on else None

    async def _was_deleted(self, params: Mapping[str, Any]) -> str | None:
        run = await self._durably.store.get_run(wire.read_text(params, "runId"))
        return _NOTHING if run is None else None

    async def _delete_run(self, params: Mapping[str, Any]) -> None:
        await self._durably.delete_run(wire.read_text(params, "runId"))

    async def _purge_runs(self, params: Mapping[str, Any]) -> Any:
        older_than = wire.read_time(params, "olderThan")
        limit = wire.read_number(params, "limit", 500)
        return {"count": await self._durably.purge_runs(older_than, limit)}

    async def _schedules(self, _params: Mapping[str, Any]) -> Any:
        return [wire.schedule_json(one) for one in await self._durably.schedules()]

    async def _pause_schedule(self, params: Mapping[str, Any]) -> None:
        await self._durably.pause_schedule(wire.read_text(params, "name"))

    async def _resume_schedule(self, params: Mapping[str, Any]) -> None:
        await self._durably.resume_schedule(wire.read_text(params, "name"))

    async def _trigger_schedule(self, params: Mapping[str, Any]) -> Any:
        made = await self._durably.trigger_schedule(
            wire.read_text(params, "name"), run_id=params.get("runId")
        )
        return _triggered(made)

    async def _jobs(self, _params: Mapping[str, Any]) -> Any:
        return [wire.job_json(self._durably.jobs[name].definition) for name in self._durably.jobs]

    async def _health(self, _params: Mapping[str, Any]) -> Any:
        return wire.health_json(await self._durably.health())


def _call(params: Mapping[str, Any]) -> tuple[str, Any, TriggerOptions]:
    options = TriggerOptions(
        idempotency_key=params.get("idempotencyKey"),
        concurrency_key=params.get("concurrencyKey"),
        labels=wire.read_labels(params),
        coalesce=params.get("coalesce"),
        run_id=params.get("runId"),
        run_at=None if params.get("runAt") is None else wire.read_time(params, "runAt"),
        delay=wire.read_duration(params, "delay"),
    )
    return wire.read_text(params, "jobName"), params.get("input", NOT_GIVEN), options


def _triggered(made: Triggered) -> dict[str, Any]:
    return {"runId": made.id, "disposition": str(made.disposition)}


def read_object(text: str) -> dict[str, Any]:
    """Read a JSON object; ValidationError when it is something else."""
    try:
        value = from_json(text)
    except ValueError as error:
        msg = f"this is not JSON: {error}"
        raise ValidationError(msg) from error
    if not isinstance(value, dict):
        msg = "this is not a JSON object"
        raise ValidationError(msg)
    return value
