"""Jobs: a function, its name and the types of its input and output."""

from __future__ import annotations

import inspect
import typing
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, overload

from durably.annotations import (
    UNTYPED,
    is_async,
    name_of,
    parameter_type,
    parameters_of,
    return_type,
)
from durably.arguments import checked_call, checked_kind, checked_name, refuse
from durably.clock import checked_duration
from durably.codec import codec_for
from durably.errors import ConflictError, UnknownJobError, ValidationError
from durably.retry import Retry
from durably.schedules import Cron, Every

if typing.TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from datetime import timedelta

    from durably.codec import Codec
    from durably.schedules import Schedule

In = TypeVar("In")
Out = TypeVar("Out")

JobFunction = typing.Callable[..., Any]


@dataclass(frozen=True, kw_only=True)
class JobDefinition(Generic[In, Out]):
    """A job that an engine can run. Calling it calls the function, as a unit test may do."""

    name: str
    function: JobFunction
    input: Codec[In]
    output: Codec[Out]
    #: What every step of the job does unless it says otherwise.
    retry: Retry | None = None
    timeout: timedelta | float | None = None
    takes_input: bool
    is_async: bool
    #: The input of a run that is given none, as it is stored; None where the job has no default.
    default_json: str | None = None
    #: Whether None is an input by itself.
    takes_none: bool = True
    #: When it runs by itself.
    schedules: tuple[Schedule, ...] = ()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the job's function."""
        return self.function(*args, **kwargs)


@overload
def job(
    *,
    name: str | None = None,
    input: Any = UNTYPED,
    output: Any = UNTYPED,
    retry: Retry | None = None,
    timeout: timedelta | float | None = None,
    schedule: Schedule | Sequence[Schedule] = (),
) -> _Decorator: ...
@overload
def job(function: Callable[[Any, In], Awaitable[Out]], /) -> JobDefinition[In, Out]: ...
@overload
def job(function: Callable[[Any, In], Out], /) -> JobDefinition[In, Out]: ...
@overload
def job(function: Callable[[Any], Awaitable[Out]], /) -> JobDefinition[None, Out]: ...
@overload
def job(function: Callable[[Any], Out], /) -> JobDefinition[None, Out]: ...
def job(
    function: JobFunction | None = None,
    /,
    *,
    name: str | None = None,
    input: Any = UNTYPED,
    output: Any = UNTYPED,
    retry: Retry | None = None,
    timeout: timedelta | float | None = None,
    schedule: Schedule | Sequence[Schedule] = (),
) -> Any:
    """Make a job of a function ``(step, input) -> output``, async or not.

    *name* is the function's name with dashes unless given. *input* and *output* are any types
    pydantic knows; they are read from the annotations unless given. *retry* and *timeout*
    (timedelta or seconds) hold for every step that does not bring its own. *schedule*, a Cron or
    an Every or several, makes runs by itself, with the input's default.
    """

    def decorate(target: JobFunction) -> JobDefinition[Any, Any]:
        return define_job(
            name_of(target).replace("_", "-") if name is None else name,
            target,
            input=input,
            output=output,
            retry=retry,
            timeout=timeout,
            schedule=schedule,
        )

    return decorate(function) if function is not None else decorate


class _Decorator(typing.Protocol):
    """What ``@job(...)`` returns: it keeps the job's types."""

    @overload
    def __call__(
        self, function: Callable[[Any, In], Awaitable[Out]], /
    ) -> JobDefinition[In, Out]: ...
    @overload
    def __call__(self, function: Callable[[Any, In], Out], /) -> JobDefinition[In, Out]: ...
    @overload
    def __call__(
        self, function: Callable[[Any], Awaitable[Out]], /
    ) -> JobDefinition[None, Out]: ...
    @overload
    def __call__(self, function: Callable[[Any], Out], /) -> JobDefinition[None, Out]: ...


def define_job(
    name: str,
    function: JobFunction,
    *,
    input: Any = UNTYPED,
    output: Any = UNTYPED,
    retry: Retry | None = None,
    timeout: timedelta | float | None = None,
    schedule: Schedule | Sequence[Schedule] = (),
) -> JobDefinition[Any, Any]:
    """Make a job without the decorator; see job()."""
    checked_name("a job's name", name)
    checked_call(f"what job {name!r} calls", function)
    check_step_options(f"job {name!r}", retry, timeout)
    positional = parameters_of(f"job {name!r}", function)
    if len(positional) not in {1, 2}:
        given = ", ".join(p.name for p in positional) or "nothing"
        msg = f"job {name!r} must take (step, input) or (step), not ({given})"
        raise ValidationError(msg)
    takes_input = len(positional) == 2  # noqa: PLR2004 - step and input
    if input is UNTYPED:
        input = parameter_type(f"job {name!r}", function, positional[1]) if takes_input else None
    if output is UNTYPED:
        output = return_type(function)
    codec = codec_for(input)
    default = positional[1].default if takes_input else inspect.Parameter.empty
    has_default = default is not inspect.Parameter.empty
    schedules = _schedules(name, schedule)
    if schedules and takes_input and not has_default and not codec.takes(None):
        msg = f"job {name!r} has a schedule, so its input needs a default: nobody gives it one"
        raise ValidationError(msg)
    return JobDefinition(
        name=name,
        function=function,
        input=codec,
        output=codec_for(output),
        retry=retry,
        timeout=timeout,
        takes_input=takes_input,
        is_async=is_async(function),
        default_json=_default_json(name, codec, default) if has_default else None,
        takes_none=codec.takes(None),
        schedules=schedules,
    )


def _schedules(name: str, given: object) -> tuple[Schedule, ...]:
    several = given if isinstance(given, (list, tuple)) else (given,)
    for one in several:
        if not isinstance(one, (Cron, Every)):
            refuse(f"the schedule of job {name!r}", "a Cron or an Every, or a list of them", one)
    return tuple(several)


def _default_json(name: str, codec: Codec[Any], default: object) -> str:
    what = f"the default input of job {name!r} is not valid"
    return codec.kept_text(what, codec.parse(what, default))


def check_step_options(whose: str, retry: Retry | None, timeout: timedelta | float | None) -> None:
    """Raise ValidationError where *retry* or *timeout* is no such thing."""
    if retry is not None:
        checked_kind(f"retry of {whose}", retry, Retry)
    if timeout is not None:
        checked_duration(f"timeout of {whose}", timeout)


class JobRegistry:
    """The jobs that an engine knows, by name."""

    def __init__(self) -> None:
        self._jobs: dict[str, JobDefinition[Any, Any]] = {}
        self._has_schedules = False

    def add(self, definition: JobDefinition[Any, Any]) -> None:
        """Add *definition*; the same again is fine, another of the name is ConflictError."""
        known = self._jobs.setdefault(definition.name, definition)
        self._has_schedules = self._has_schedules or bool(definition.schedules)
        if known is not definition:
            msg = f"another job is already registered as {definition.name!r}"
            raise ConflictError(msg)

    def get(self, name: str) -> JobDefinition[Any, Any] | None:
        """Return the job of that name, or None."""
        return self._jobs.get(name)

    def require(self, name: str) -> JobDefinition[Any, Any]:
        """Return the job of that name, or raise UnknownJobError."""
        found = self._jobs.get(name)
        if found is None:
            raise UnknownJobError(name, tuple(self._jobs))
        return found

    @property
    def definitions(self) -> tuple[JobDefinition[Any, Any], ...]:
        """Return the registered jobs."""
        return tuple(self._jobs.values())

    @property
    def has_schedules(self) -> bool:
        """Tell whether any of them runs by itself."""
        return self._has_schedules

    @property
    def names(self) -> tuple[str, ...]:
        """Return the registered names."""
        return tuple(self._jobs)
