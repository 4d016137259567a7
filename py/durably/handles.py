"""Handles: a registered job with its types, to trigger it and to look at its runs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar, Unpack

from durably.arguments import checked_items, checked_kind, checked_text
from durably.errors import UnknownJobError
from durably.following import check_wait
from durably.runs import RunFilter, Triggered
from durably.triggers import NOT_GIVEN, Call, TriggerOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import timedelta

    from durably.jobs import JobDefinition
    from durably.operations import Runs
    from durably.runs import Disposition, Run
    from durably.triggers import TriggerArguments

In = TypeVar("In")
Out = TypeVar("Out")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended(Generic[Out]):
    """What trigger_and_wait returns: the run's id and its output as the job's own type."""

    id: str
    output: Out
    disposition: Disposition


class JobHandle(Generic[In, Out]):
    """A job of one engine."""

    def __init__(self, runs: Runs, definition: JobDefinition[In, Out]) -> None:
        self._runs = runs
        self.definition = definition
        self.name = definition.name

    async def trigger(
        self,
        input: In | Mapping[str, Any] | None = NOT_GIVEN,
        **options: Unpack[TriggerArguments],
    ) -> Triggered:
        """Make a run; the options are those of TriggerOptions.

        Without an *input* the default of the job's own parameter is taken, or None.
        """
        return await self._runs.trigger(self.name, input, **options)

    async def trigger_and_wait(
        self,
        input: In | Mapping[str, Any] | None = NOT_GIVEN,
        *,
        timeout: timedelta | float | None = None,
        on_progress: Callable[[Any], Any] | None = None,
        on_log: Callable[[Any], Any] | None = None,
        **options: Unpack[TriggerArguments],
    ) -> Ended[Out]:
        """Make a run and wait until it completed; see trigger() and Durably.wait_for_run()."""
        check_wait(timeout, on_progress, on_log)  # before there is a run
        made = await self._runs.trigger(self.name, input, **options)
        return await self.result_of(made, timeout=timeout, on_progress=on_progress, on_log=on_log)

    async def result_of(
        self,
        made: Triggered,
        *,
        timeout: timedelta | float | None = None,
        on_progress: Callable[[Any], Any] | None = None,
        on_log: Callable[[Any], Any] | None = None,
    ) -> Ended[Out]:
        """Wait until a triggered run completed; see Durably.wait_for_run()."""
        run_id = checked_kind("what to wait for", made, Triggered).id
        run = await self._runs.wait_for(
            run_id, timeout=timeout, on_progress=on_progress, on_log=on_log
        )
        what = f"the output of job {self.name!r} does not fit its type"
        output = self.definition.output.parse_json(what, run.output)
        return Ended(id=run.id, output=output, disposition=made.disposition)

    async def batch_trigger(
        self, inputs: Iterable[In | Mapping[str, Any] | Call[In]]
    ) -> list[Triggered]:
        """Make all runs in one transaction, or none.

        An item is an input, whatever it is, or a Call: an input with the options of trigger().
        """
        return await self._runs.trigger_all(
            [
                (self.name, item.input, item.options)
                if isinstance(item, Call)
                else (self.name, item, TriggerOptions())
                for item in checked_items("what to trigger", inputs)
            ]
        )

    async def get_run(self, run_id: str) -> Run | None:
        """Return a run of this job; None when there is none, or it is another job's."""
        run = await self._runs.get_run(run_id)
        return run if run is not None and run.job_name == self.name else None

    async def get_runs(self, chosen: RunFilter | None = None) -> list[Run]:
        """Return one page of this job's runs, newest first."""
        given = RunFilter() if chosen is None else checked_kind("chosen", chosen, RunFilter)
        return await self._runs.get_runs(replace(given, job_names=(self.name,)))


class JobHandles:
    """The handles of an engine: ``jobs["import-csv"]`` or ``jobs.import_csv``.

    It has no public methods, so that no job's name can be hidden by one.
    """

    def __init__(self) -> None:
        self._handles: dict[str, JobHandle[Any, Any]] = {}

    def __setitem__(self, name: str, handle: JobHandle[Any, Any]) -> None:
        """Add a handle, unless there is one of the name."""
        self._handles.setdefault(name, handle)

    def __getitem__(self, name: str) -> JobHandle[Any, Any]:
        """Return the handle of that name, or raise UnknownJobError."""
        found = self._handles.get(checked_text("a job's name", name))
        if found is None:
            raise UnknownJobError(name, tuple(self._handles))
        return found

    def __getattr__(self, name: str) -> JobHandle[Any, Any]:
        """Return the handle whose name is *name* with dashes or as it is."""
        if name.startswith("_"):
            raise AttributeError(name)
        for candidate in (name, name.replace("_", "-")):
            if candidate in self._handles:
                return self._handles[candidate]
        msg = str(UnknownJobError(name, tuple(self._handles)))
        raise AttributeError(msg)

    def __contains__(self, name: object) -> bool:
        """Tell whether a job of that name is registered."""
        return isinstance(name, str) and name in self._handles

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names."""
        return iter(tuple(self._handles))
