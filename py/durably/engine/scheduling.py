"""Jobs that run by themselves: whoever finds a slot due first makes its run, and nobody else."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from durably.errors import NotFoundError
from durably.schedule_state import ScheduleState
from durably.schedules import due_slots
from durably.triggers import NOT_GIVEN, TriggerOptions, new_run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from durably.engine.services import Services
    from durably.jobs import JobDefinition
    from durably.runs import NewRun
    from durably.schedules import Schedule

#: A slot counts as passed from its own moment on.
_INSTANT = timedelta(microseconds=1)


class Scheduling:
    """The schedules of the jobs that an engine knows."""

    def __init__(self, services: Services) -> None:
        self._services = services
        #: The names whose rows were looked at, and when the first of them is due.
        self._known: frozenset[str] = frozenset()
        self._next: datetime | None = None

    @property
    def next_due(self) -> datetime | None:
        """Return when the next known slot is; None without one."""
        return self._next

    def forget(self) -> None:
        """Look at the rows again: something was changed."""
        self._known = frozenset()

    async def look(self, now: datetime) -> None:
        """Make the runs of slots that are due."""
        if not self._services.jobs.has_schedules:
            return
        if self._known and (self._next is None or now < self._next):
            return
        mine = dict(self._mine())
        states = await self._states(mine, now)
        moved = [await self._meet(mine[state.name][1], state, now) for state in states]
        due = [one.next_at for one in moved if one.next_at is not None and not one.paused]
        self._next = min(due, default=None)
        self._known = frozenset(mine)

    async def states(self) -> list[ScheduleState]:
        """Return every schedule, as it stands."""
        mine = dict(self._mine())
        await self._states(mine, self._services.clock.now())
        return await self._services.store.get_schedules()

    async def pause(self, name: str, *, paused: bool) -> None:
        """Let a schedule rest, or go on from now on; NotFoundError without one."""
        services, now = self._services, self._services.clock.now()
        await self.states()  # it may not be stored yet
        found = dict(self._mine()).get(name)
        due = None if found is None or paused else found[1].next_after(now)
        if not await services.store.pause_schedule(name, paused=paused, next_at=due, now=now):
            raise _unknown(name)
        self.forget()

    def job_of(self, name: str) -> JobDefinition[Any, Any]:
        """Return the job of a schedule; NotFoundError without one."""
        found = dict(self._mine()).get(name)
        if found is None:
            raise _unknown(name)
        return found[0]

    def _mine(self) -> Iterator[tuple[str, tuple[JobDefinition[Any, Any], Schedule]]]:
        for job in self._services.jobs.definitions:
            for number, schedule in enumerate(job.schedules, start=1):
                name = job.name if len(job.schedules) == 1 else f"{job.name}#{number}"
                yield name, (job, schedule)

    async def _states(
        self, mine: dict[str, tuple[JobDefinition[Any, Any], Schedule]], now: datetime
    ) -> list[ScheduleState]:
        """Return the rows of *mine*, which are there then."""
        store = self._services.store
        states = {state.name: state for state in await store.get_schedules()}
        wanted = {name: (job.name, repr(schedule)) for name, (job, schedule) in mine.items()}
        new = [
            ScheduleState(name=name, job_name=job, spec=spec, next_at=mine[name][1].next_after(now))
            for name, (job, spec) in wanted.items()
            if name not in states or (states[name].job_name, states[name].spec) != (job, spec)
        ]
        if new:
            states = {one.name: one for one in await store.keep_schedules(new, now=now)}
        return [states[name] for name in mine]

    async def _meet(self, schedule: Schedule, state: ScheduleState, now: datetime) -> ScheduleState:
        """Make the runs of one schedule that are due; return it as it then stands."""
        if state.paused or state.next_at is None or state.next_at > now:
            return state
        slots = due_slots(schedule, last=state.next_at - _INSTANT, now=now)
        last = slots[-1] if slots else state.last_at
        moved = replace(state, next_at=schedule.next_after(now), last_at=last)
        services = self._services
        runs = [self._run_of(state, slot, now) for slot in slots]
        made = await services.store.move_schedule(state, moved, runs, now=now)
        for new, one in zip(runs, made or (), strict=False):
            services.tell_made(one, new)
        return moved

    def _run_of(self, state: ScheduleState, slot: datetime, now: datetime) -> NewRun:
        services = self._services
        return new_run(
            services.jobs.require(state.job_name),
            NOT_GIVEN,
            TriggerOptions(idempotency_key=f"schedule/{state.name}/{slot.isoformat()}"),
            fresh_id=services.new_id(),
            now=now,
            labels_model=None,
        )


def _unknown(name: str) -> NotFoundError:
    return NotFoundError(f"there is no schedule {name!r}")
