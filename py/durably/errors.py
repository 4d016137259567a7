"""Everything that can go wrong, as one tree with stable codes; signals are a second tree.

Pure values: no I/O. HTTP status codes are a table of the HTTP layer, not of this one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One field that broke a schema: where it is and what is wrong with it."""

    path: tuple[str | int, ...]
    message: str

    def __str__(self) -> str:
        """Return the path in dots, a colon and the message."""
        return f"{'.'.join(map(str, self.path)) or '(root)'}: {self.message}"


class DurablyError(Exception):
    """Base of every error that this package raises; *code* is stable across releases."""

    code: ClassVar[str] = "internal"


class ValidationError(DurablyError):
    """A value breaks a schema or an option is out of range; nothing was changed."""

    code = "validation"

    def __init__(self, message: str, problems: Sequence[Problem] = ()) -> None:
        detail = "; ".join(map(str, problems))
        super().__init__(f"{message}: {detail}" if detail else message)
        #: The message without the problems.
        self.summary = message
        self.problems = tuple(problems)


def message_of(error: BaseException) -> str:
    """Return what *error* says; a sentence in its place when even that fails."""
    try:
        return str(error)
    except Exception as fault:  # noqa: BLE001 - an error's text is made by foreign code
        return f"its message could not be made ({type(fault).__name__})"


class MissingExtraError(DurablyError):
    """A part of the package was asked for whose libraries are not installed."""

    code = "missing_extra"

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f'{what} needs more libraries: pip install "durably[{extra}]"')
        self.extra = extra


class NotFoundError(DurablyError):
    """What was named does not exist."""

    code = "not_found"


class RunNotFoundError(NotFoundError):
    """No run has this id."""

    def __init__(self, run_id: str) -> None:
        super().__init__(f"no run has the id {run_id!r}")
        self.run_id = run_id


class UnknownJobError(NotFoundError):
    """No job of this name is registered."""

    code = "unknown_job"

    def __init__(self, name: str, known: Sequence[str] = ()) -> None:
        listed = ", ".join(sorted(known)) or "none"
        super().__init__(f"no job is registered as {name!r} (registered: {listed})")
        self.name = name


class UnknownQueryError(NotFoundError):
    """No query of this name is registered."""

    def __init__(self, name: str, known: Sequence[str] = ()) -> None:
        listed = ", ".join(sorted(known)) or "none"
        super().__init__(f"no query is registered as {name!r} (registered: {listed})")
        self.name = name


class ConflictError(DurablyError):
    """The present state forbids the operation; nothing was changed."""

    code = "conflict"


class WaitNotFoundError(NotFoundError):
    """No wait has this id."""

    def __init__(self, wait_id: str) -> None:
        super().__init__(f"no wait has the id {wait_id!r}")
        self.wait_id = wait_id


class WaitExpiredError(ConflictError):
    """The deadline of the wait has passed; the run goes on, or went on, without the signal."""

    code = "wait_expired"

    def __init__(self, name: str, run_id: str) -> None:
        super().__init__(f"the deadline of wait {name!r} of run {run_id!r} has passed")
        self.name = name
        self.run_id = run_id


class SignalMismatchError(DurablyError):
    """What a wait was told does not fit the type that the job asked for."""

    code = "signal_mismatch"

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(
            f"what was sent to wait {name!r} does not fit its type: {reason}; "
            "wait again under another name to ask once more"
        )
        self.name = name


class DuplicateStepError(DurablyError):
    """One execution used the same step name twice (law 7)."""

    code = "duplicate_step"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"step {name!r} was already used in this run; every step needs a name of its own, "
            "for instance with a counter in a loop"
        )
        self.name = name


class NotSerializableError(DurablyError):
    """A value cannot be kept as JSON; raised before anything is saved (law 2)."""

    code = "not_serializable"

    def __init__(self, what: str, type_name: str, problem: Problem, hint: str = "") -> None:
        where = f"at {problem}" if problem.path else problem.message
        advice = f"; {hint}" if hint else ""
        super().__init__(f"{what} returned {type_name}, which cannot be saved: {where}{advice}")
        self.what = what
        self.type_name = type_name
        #: The part that cannot: where it is in the value, and why.
        self.problem = problem


class ExitedError(DurablyError):
    """A job's code raised what would end the process, such as SystemExit; only the run ends.

    The cause is what was raised.
    """

    code = "exited"

    def __init__(self, what: str, error: BaseException) -> None:
        said = message_of(error)
        super().__init__(f"{what} raised {type(error).__name__}{f': {said}' if said else ''}")


class CancelledInsideError(DurablyError):
    """A job's code raised a CancelledError, and nobody had cancelled it: a library did."""

    code = "cancelled_inside"

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what} raised CancelledError, and nobody had cancelled it: "
            "something that it awaited was cancelled"
        )


class ReplayError(DurablyError):
    """A saved step result no longer fits the type that the step declares today."""

    code = "replay_mismatch"

    def __init__(self, step_name: str, reason: str) -> None:
        super().__init__(
            f"the saved result of step {step_name!r} does not fit its type any more: {reason}; "
            "give the step another name so that it runs again"
        )
        self.step_name = step_name


class RecoveryLimitError(DurablyError):
    """The run ended its worker again and again without saving a step (law 6)."""

    code = "recovery_limit"

    def __init__(self, recoveries: int) -> None:
        super().__init__(
            f"the worker died {recoveries} times in a row without a newly saved step; "
            "the run is taken to be the cause"
        )
        self.recoveries = recoveries


class StepTimeoutError(DurablyError, TimeoutError):
    """A step took longer than its timeout."""

    code = "timeout"

    def __init__(self, name: str, seconds: float) -> None:
        super().__init__(f"step {name!r} took longer than its timeout of {seconds:g} s")
        self.name = name


class WaitTimeoutError(DurablyError, TimeoutError):
    """A run did not end in the time that the caller gave it; the run goes on."""

    code = "timeout"

    def __init__(self, run_id: str, seconds: float) -> None:
        super().__init__(f"run {run_id!r} did not end within {seconds:g} s; it goes on")
        self.run_id = run_id


class RunFailedError(DurablyError):
    """The awaited run failed; *error* is the message its job left."""

    code = "run_failed"

    def __init__(self, run_id: str, error: str) -> None:
        super().__init__(f"run {run_id!r} failed: {error}")
        self.run_id = run_id
        self.error = error


class RunCancelledError(DurablyError):
    """The awaited run was cancelled."""

    code = "run_cancelled"

    def __init__(self, run_id: str) -> None:
        super().__init__(f"run {run_id!r} was cancelled")
        self.run_id = run_id


class StoppedError(DurablyError):
    """The engine was closed."""

    code = "stopped"


class StorageError(DurablyError):
    """The database could not do its work; runs are kept and the write is tried again (law 9)."""

    code = "storage_io"


class StorageBusyError(StorageError):
    """Another connection holds the database's lock."""

    code = "storage_busy"


class StorageFullError(StorageError):
    """The disk or the origin's quota is full."""

    code = "storage_full"


class StorageUnreadableError(StorageError):
    """The file is not a database, or is damaged."""

    code = "storage_unreadable"


class StorageReplacedError(StorageError):
    """The database's file was removed or replaced while it was open; nothing more is written."""

    code = "storage_replaced"

    def __init__(self, path: str) -> None:
        super().__init__(
            f"the file {path!r} was removed or replaced while the engine had it open; "
            "put it back, or start the engine anew"
        )
        self.path = path


class StorageUnreachableError(StorageError):
    """The database server does not answer, or the connection to it was lost."""

    code = "storage_unreachable"


class StorageDeniedError(StorageError):
    """The database server refuses the user, the password or the database, or a right is missing."""

    code = "storage_denied"


class StorageUnsupportedError(StorageError):
    """The database server is too old."""

    code = "storage_unsupported"


class SchemaTooNewError(StorageError):
    """A newer version of the package made these tables."""

    code = "schema_too_new"


class ImportRefusedError(DurablyError):
    """The file to be imported is no sound store; nothing was changed."""

    code = "import_refused"


class RunSignal(BaseException):
    """Unwinds a run that is not failing; ``except Exception`` must not stop it."""


class Cancelled(RunSignal):
    """The run was cancelled; raised in its code, and may be raised by it to cancel itself."""


class LeaseLost(RunSignal):
    """Another worker holds the run now; this one must stop and write nothing."""


class Suspended(RunSignal):
    """The run gives its slot back and goes on later; *reason* says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def signal_in(error: BaseException) -> RunSignal | None:
    """Return the signal that *error* is, or that a group of errors holds."""
    if isinstance(error, RunSignal):
        return error
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            found = signal_in(inner)
            if found is not None:
                return found
    return None
