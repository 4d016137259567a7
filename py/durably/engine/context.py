"""The ``step`` object that a job is given: one for async jobs, one for sync jobs."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import inspect
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, overload

from durably.blobs import Blob
from durably.codec import UNTYPED, codec_for, return_type, to_json
from durably.engine.execution import current_step
from durably.engine.interrupts import gate
from durably.engine.steps import StepCall
from durably.errors import (
    Cancelled,
    NotSerializableError,
    StepTimeoutError,
    Suspended,
    ValidationError,
)
from durably.jobs import check_step_options
from durably.runs import LogLevel, Progress
from durably.threads import IN_BROWSER, until_done

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from durably.blobs import FileSource
    from durably.engine.execution import Execution
    from durably.retry import Retry

P = ParamSpec("P")
T = TypeVar("T")

#: How long the browser is given to make another file.
_NEXT_FILE = timedelta(milliseconds=10)


class StepLog:
    """Writes log lines of a run; a line knows the step whose code wrote it."""

    def __init__(self, write: Callable[[LogLevel, str, Any], None]) -> None:
        self._write = write

    def info(self, message: str, data: Any = None) -> None:
        """Write a line; *data* is any JSON value."""
        self._write(LogLevel.INFO, message, data)

    def warn(self, message: str, data: Any = None) -> None:
        """Write a warning; *data* is any JSON value."""
        self._write(LogLevel.WARN, message, data)

    def error(self, message: str, data: Any = None) -> None:
        """Write an error; *data* is any JSON value."""
        self._write(LogLevel.ERROR, message, data)


class _Context:
    """What both kinds of step objects share."""

    def __init__(self, execution: Execution) -> None:
        self._execution = execution
        self.log = StepLog(self._log)

    @property
    def run_id(self) -> str:
        """Return the run's id."""
        return self._execution.run.id

    @property
    def cancelled(self) -> bool:
        """Tell whether this code should stop: its run was cancelled, or its step timed out."""
        call = current_step.get()
        execution = self._execution
        if execution.signal is not None or execution.interrupted:
            return True
        return call is not None and call.timed_out

    def raise_if_cancelled(self) -> None:
        """Raise what stops this code, if anything does; long sync code calls it now and then."""
        self._execution.check()
        call = current_step.get()
        if call is not None and call.timed_out:
            raise Cancelled

    def progress(
        self, current: float, total: float | None = None, message: str | None = None
    ) -> None:
        """Say how far the run is; the newest is stored with the next write."""
        self._execution.check_interrupt()
        self._on_loop(
            self._execution.progress, Progress(current=current, total=total, message=message)
        )

    def _log(self, level: LogLevel, message: str, data: Any) -> None:
        try:
            if data is not None:
                to_json(data)
        except (TypeError, ValueError) as error:
            what = "the data of a log line"
            raise NotSerializableError(what, type(data).__name__, str(error)) from error
        self._on_loop(self._execution.log, level, str(message), data)

    async def _keep(self, source: FileSource, name: str, media_type: str) -> Blob:
        execution = self._execution
        work = functools.partial(Blob.keep, source, name=name, media_type=media_type)

        async def keep() -> Blob:
            while True:
                try:
                    if IN_BROWSER:
                        return work()
                    # Not on a thread for steps: sync jobs that wait for this may have them all.
                    return await until_done(asyncio.ensure_future(asyncio.to_thread(work)))
                except BlockingIOError:  # the browser needs a moment to make another file
                    await execution.services.clock.sleep(_NEXT_FILE)

        return await execution.persist(keep, context="keep-file")

    def _on_loop(self, work: Callable[..., None], *args: Any) -> None:
        """Do *work* on the event loop's thread, from whichever thread this is."""
        loop = self._execution.loop
        try:
            running = asyncio.get_running_loop()
        except RuntimeError:
            running = None
        if running is loop:
            work(*args)
        else:
            context = contextvars.copy_context()
            loop.call_soon_threadsafe(functools.partial(context.run, work, *args))

    def _open(
        self,
        name: str,
        fn: Callable[..., Any],
        retry: Retry | None,
        timeout: timedelta | float | None,
        output: Any,
    ) -> StepCall:
        if not name or not isinstance(name, str):
            msg = f"a step needs a name, not {name!r}"
            raise ValidationError(msg)
        if retry is not None or timeout is not None:
            check_step_options(f"step {name!r}", retry, timeout)
        codec = codec_for(return_type(fn) if output is UNTYPED else output)
        return StepCall(self._execution, name, codec, retry, timeout)


class Step(_Context):
    """The step object of an async job."""

    @overload
    async def run(
        self,
        name: str,
        fn: Callable[..., Awaitable[T]],
        /,
        *args: Any,
        retry: Retry | None = None,
        timeout: timedelta | float | None = None,
        output: Any = UNTYPED,
        **kwargs: Any,
    ) -> T: ...
    @overload
    async def run(
        self,
        name: str,
        fn: Callable[..., T],
        /,
        *args: Any,
        retry: Retry | None = None,
        timeout: timedelta | float | None = None,
        output: Any = UNTYPED,
        **kwargs: Any,
    ) -> T: ...
    async def run(
        self,
        name: str,
        fn: Callable[..., Any],
        /,
        *args: Any,
        retry: Retry | None = None,
        timeout: timedelta | float | None = None,
        output: Any = UNTYPED,
        **kwargs: Any,
    ) -> Any:
        """Run ``fn(*args, **kwargs)`` once and save what it returns; a later execution gets that.

        *name* is unique within the run. *retry* and *timeout* (timedelta or seconds) default to
        the job's. *output* stands for the return annotation. A sync *fn* runs on a thread on
        CPython and inline in the browser. Raises what *fn* raised last, DuplicateStepError,
        NotSerializableError or StepTimeoutError.
        """
        call = self._open(name, fn, retry, timeout, output)
        if call.is_saved:
            return call.replay()
        while True:
            await call.begin()
            token = current_step.set(call)
            try:
                value = await self._call(call, fn, args, kwargs)
                result = await call.succeed(value)
            except BaseException as error:  # noqa: BLE001 - fail() raises all that is not retried
                await call.fail(error)
            else:
                await self._execution.breathe()
                return result
            finally:
                current_step.reset(token)

    async def keep_file(self, source: FileSource, *, name: str = "", media_type: str = "") -> Blob:
        """Keep bytes or the file at a path beside the runs; return the reference.

        For results that are too large for JSON: return the Blob from the step, or as part of what
        it returns. A full disk is waited out (law 9).
        """
        return await self._keep(source, name, media_type)

    @gate
    async def _call(
        self, call: StepCall, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        value: Any
        if IN_BROWSER or inspect.iscoroutinefunction(fn):
            value = self._execution.call(fn, *args, **kwargs)
        else:
            value = await self._within(call, self._in_thread(fn, args, kwargs))
        if inspect.isawaitable(value):
            return await self._within(call, value)
        return value

    async def _in_thread(
        self, fn: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> T:
        work = functools.partial(contextvars.copy_context().run, fn, *args, **kwargs)
        execution = self._execution
        return await until_done(execution.loop.run_in_executor(execution.services.threads, work))

    @gate
    async def _within(self, call: StepCall, work: Awaitable[T]) -> T:
        """Await *work*, at most as long as the step may take; what overruns is stopped first."""
        if call.timeout is None:
            return await work
        task = asyncio.ensure_future(work)
        sleeper = asyncio.ensure_future(self._execution.services.clock.sleep(call.timeout))
        try:
            await asyncio.wait({task, sleeper}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            call.timed_out = True
            task.cancel()
            await asyncio.wait({task})
        except asyncio.CancelledError:
            task.cancel()
            await asyncio.wait({task})
            raise
        finally:
            sleeper.cancel()
            if task.done() and not task.cancelled():
                task.exception()
        raise StepTimeoutError(call.name, call.timeout.total_seconds())


class SyncStep(_Context):
    """The step object of a sync job: ``run`` returns the value itself."""

    def __init__(self, execution: Execution) -> None:
        super().__init__(execution)
        self._await = _drive if IN_BROWSER else self._await_on_loop

    @gate
    def run(
        self,
        name: str,
        fn: Callable[..., T],
        /,
        *args: Any,
        retry: Retry | None = None,
        output: Any = UNTYPED,
        **kwargs: Any,
    ) -> T:
        """Run ``fn(*args, **kwargs)`` once and save what it returns; see Step.run().

        *fn* is sync and runs on the job's own thread, so it has no timeout: nothing could stop it.
        """
        if inspect.iscoroutinefunction(fn):
            msg = f"step {name!r} of a sync job has an async function; make the job async"
            raise ValidationError(msg)
        call = self._open(name, fn, retry, None, output)
        if call.is_saved:
            return call.replay()  # type: ignore[no-any-return]
        while True:
            self._await(call.begin())
            token = current_step.set(call)
            try:
                value = fn(*args, **kwargs)
                result = self._await(call.succeed(value))
            except BaseException as error:  # noqa: BLE001 - fail() raises all that is not retried
                self._await(call.fail(error))
            else:
                return result  # type: ignore[no-any-return]
            finally:
                current_step.reset(token)

    def keep_file(self, source: FileSource, *, name: str = "", media_type: str = "") -> Blob:
        """Keep bytes or the file at a path beside the runs; return the reference.

        A full disk is waited out (law 9).
        """
        return self._await(self._keep(source, name, media_type))  # type: ignore[no-any-return]

    def _await_on_loop(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._execution.loop).result()


def _drive(work: Coroutine[Any, Any, T]) -> T:
    """Finish *work* without an event loop; the run is suspended where it would have to wait."""
    try:
        work.send(None)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]
    work.close()
    reason = "storage"
    raise Suspended(reason)
