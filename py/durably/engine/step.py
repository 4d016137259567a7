"""The ``step`` object that a job is given: one for async jobs, one for sync jobs."""

from __future__ import annotations

import asyncio
import collections.abc
import contextlib
import contextvars
import functools
import inspect
import numbers
import operator
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, TypeVar, Unpack, overload

from durably.annotations import UNTYPED, return_type, starts_at_once
from durably.arguments import (
    checked_call,
    checked_items,
    checked_kind,
    checked_text,
    checked_whole,
    refuse,
)
from durably.blobs import Blob
from durably.clock import check_aware
from durably.codec import codec_for, storable
from durably.engine import waits
from durably.engine.calls import call
from durably.engine.current import current_step
from durably.engine.fan_out import settle
from durably.engine.interrupts import gate
from durably.engine.own_code import OwnCode, in_context, refuse_task
from durably.engine.step_call import StepCall
from durably.errors import (
    Cancelled,
    StepTimeoutError,
    Suspended,
    ValidationError,
)
from durably.jobs import JobDefinition, check_step_options
from durably.runs import LogLevel, Progress
from durably.threads import (
    IN_BROWSER,
    contained,
    ended,
    running_loop,
    until_done,
    with_loop,
    without_loop,
)
from durably.triggers import NOT_GIVEN
from durably.waits import Wait

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
    from datetime import datetime

    from durably.blobs import FileSource
    from durably.engine.execution import Execution
    from durably.retry import Retry
    from durably.triggers import TriggerArguments

P = ParamSpec("P")
T = TypeVar("T")
In = TypeVar("In")
#: What becomes of a called run when the run that called it is cancelled.
OnCancel = Literal["cancel", "leave"]
#: How many branches of step.map() are at work at a time, unless told.
_BRANCHES = 8

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
        if execution.signal is not None or execution.interrupted or execution.ended:
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
        progress = Progress(
            current=_number("current", current),
            total=None if total is None else _number("total", total),
            message=None if message is None else storable(str(message)),
        )
        self._on_loop(self._execution.progress, progress)

    def _log(self, level: LogLevel, message: str, data: Any) -> None:
        if data is not None:
            # As it is now: it is written later.
            _, data = codec_for(UNTYPED).settle("the data of a log line", data)
        self._on_loop(self._execution.log, level, storable(str(message)), data)

    async def _call_job(
        self,
        name: str,
        job: JobDefinition[Any, Any] | str,
        input: Any,
        on_cancel: str,
        options: Mapping[str, Any],
    ) -> Any:
        if on_cancel not in {"cancel", "leave"}:
            refuse("on_cancel", "'cancel' or 'leave'", on_cancel)
        detached = on_cancel == "leave"
        return await call(self._execution, name, job, input, detached=detached, options=options)

    async def _wait_for(
        self,
        wait: Wait | str,
        output: Any,
        *,
        timeout: timedelta | float | None,
        metadata: Any,
        topic: str | None,
        key: str | None,
    ) -> Any:
        if isinstance(wait, str):
            wait = await waits.prepare(
                self._execution, wait, timeout=timeout, metadata=metadata, topic=topic, key=key
            )
        else:
            checked_kind("what to wait for", wait, Wait)
            if (timeout, metadata, topic, key) != (None, None, None, None):
                msg = f"wait {wait.name!r} was prepared: it has its timeout, metadata and topic"
                raise ValidationError(msg)
        return await waits.signalled(self._execution, wait, output)

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
        if IN_BROWSER or running_loop() is loop:
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
        checked_text("a step's name", name)
        checked_call(f"what step {name!r} calls", fn)
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
            return await call.replay()
        while True:
            await call.begin()
            try:
                own = self._call(call, fn, args, kwargs)
                settled = await in_context(call.context(), own)
                result = await call.succeed(*settled)
            except BaseException as error:  # noqa: BLE001 - fail() raises all that is not retried
                await call.fail(error)
            else:
                await self._execution.breathe(call.ended)
                return result

    async def sleep(self, name: str, duration: timedelta | float) -> None:
        """Go on after *duration* (timedelta or seconds), whatever is restarted meanwhile.

        *name* is unique within the run, as a step's. The time counts from when the job first came
        here. A sleep of more than 3 seconds takes no slot, no lease and no thread: the run is
        waiting, unless other steps of it are at work.
        """
        await waits.sleep(self._execution, name, duration)

    async def sleep_until(self, name: str, moment: datetime) -> None:
        """Go on at *moment*, at once if it has passed; see sleep()."""
        check_aware(f"the end of sleep {name!r}", moment)
        await waits.sleep_until(self._execution, name, moment)

    async def prepare_wait(
        self,
        name: str,
        *,
        timeout: timedelta | float | None = None,
        metadata: Any = None,
        topic: str | None = None,
        key: str | None = None,
    ) -> Wait:
        """Make a wait before it is waited for, so that its id can be given to whoever answers.

        Give it to wait_for(). What is signalled before that is not missed.
        """
        return await waits.prepare(
            self._execution, name, timeout=timeout, metadata=metadata, topic=topic, key=key
        )

    @overload
    async def wait_for(
        self,
        wait: Wait | str,
        output: type[T],
        *,
        timeout: timedelta | float | None = None,
        metadata: Any = None,
        topic: str | None = None,
        key: str | None = None,
    ) -> T | None: ...
    @overload
    async def wait_for(
        self,
        wait: Wait | str,
        output: Any = UNTYPED,
        *,
        timeout: timedelta | float | None = None,
        metadata: Any = None,
        topic: str | None = None,
        key: str | None = None,
    ) -> Any: ...
    async def wait_for(
        self,
        wait: Wait | str,
        output: Any = UNTYPED,
        *,
        timeout: timedelta | float | None = None,
        metadata: Any = None,
        topic: str | None = None,
        key: str | None = None,
    ) -> Any:
        """Wait until somebody tells this run something; return it as *output*, or None in time.

        *wait* is a name that is unique within the run, or what prepare_wait() made. It is told by
        Durably.signal() with the wait's id, or by Durably.send() with *topic* (the name unless
        given) and *key*. *timeout* counts from when the job first came here; None is for ever.
        *metadata* is any JSON value for those who are to answer. Meanwhile the run takes no slot.
        SignalMismatchError when what came is no *output*.
        """
        return await self._wait_for(
            wait, output, timeout=timeout, metadata=metadata, topic=topic, key=key
        )

    @overload
    async def call(
        self,
        name: str,
        job: JobDefinition[In, T],
        input: In | Mapping[str, Any] = NOT_GIVEN,
        *,
        on_cancel: OnCancel = "cancel",
        **options: Unpack[TriggerArguments],
    ) -> T: ...
    @overload
    async def call(
        self,
        name: str,
        job: str,
        input: Any = NOT_GIVEN,
        *,
        on_cancel: OnCancel = "cancel",
        **options: Unpack[TriggerArguments],
    ) -> Any: ...
    async def call(
        self,
        name: str,
        job: JobDefinition[Any, Any] | str,
        input: Any = NOT_GIVEN,
        *,
        on_cancel: OnCancel = "cancel",
        **options: Unpack[TriggerArguments],
    ) -> Any:
        """Make a run of a registered *job*, once, and return its output when it completed.

        *name* is unique within the run. Meanwhile this run takes no slot. RunFailedError or
        RunCancelledError as the called run ended. When this run is cancelled the called one is as
        well, unless *on_cancel* is "leave". The other options are those of TriggerOptions.
        """
        return await self._call_job(name, job, input, on_cancel, options)

    @overload
    async def map(
        self,
        name: str,
        fn: JobDefinition[In, T],
        items: Iterable[In],
        *,
        concurrency: int = _BRANCHES,
        retry: Retry | None = None,
        timeout: timedelta | float | None = None,
        output: Any = UNTYPED,
    ) -> list[T]: ...
    @overload
    async def map(
        self,
        name: str,
        fn: Callable[[In], Awaitable[T]],
        items: Iterable[In],
        *,
        concurrency: int = _BRANCHES,
        retry: Retry | None = None,
        timeout: timedelta | float | None = None,
        output: Any = UNTYPED,
    ) -> list[T]: ...
    @overload
    async def map(
        self,
        name: str,
        fn: Callable[[In], T],
        items: Iterable[In],
        *,
        concurrency: int = _BRANCHES,
        retry: Retry | None = None,
        timeout: timedelta | float | None = None,
        output: Any = UNTYPED,
    ) -> list[T]: ...
    async def map(
        self,
        name: str,
        fn: Any,
        items: Iterable[Any],
        *,
        concurrency: int = _BRANCHES,
        retry: Retry | None = None,
        timeout: timedelta | float | None = None,
        output: Any = UNTYPED,
    ) -> list[Any]:
        """Do *fn*, a function or a registered job, for each item; return the results in order.

        Each is a step, or a called run, named "name[index]"; at most *concurrency* are at work at
        a time. All of them settle first: then the error of the lowest index is raised, and what
        the others saved stays. The items must be the same each time the job comes here.
        """
        checked_whole("concurrency", concurrency, least=1)
        branches: list[Callable[[], Coroutine[Any, Any, Any]]] = []
        for number, item in enumerate(checked_items(f"the items of {name!r}", items)):
            one = f"{name}[{number}]"
            if isinstance(fn, JobDefinition):
                branches.append(functools.partial(self.call, one, fn, item))
            else:
                branches.append(
                    functools.partial(
                        self.run, one, fn, item, retry=retry, timeout=timeout, output=output
                    )
                )
        return await settle(branches, concurrency=concurrency)

    async def all(self, branches: Mapping[str, Callable[[], Any]]) -> dict[str, Any]:
        """Do several steps beside each other, each under its name; return the results by name.

        All of them settle first: then the error of the first by order is raised, and what the
        others saved stays.
        """
        if not isinstance(branches, collections.abc.Mapping):
            refuse("branches", "a mapping of names to functions", branches)
        steps = [functools.partial(self.run, name, fn) for name, fn in branches.items()]
        return dict(zip(branches, await settle(steps, concurrency=None), strict=True))

    async def keep_file(self, source: FileSource, *, name: str = "", media_type: str = "") -> Blob:
        """Keep bytes or the file at a path beside the runs; return the reference.

        For results that are too large for JSON: return the Blob from the step, or as part of what
        it returns. A full disk is waited out (law 9).
        """
        return await self._keep(source, name, media_type)

    @gate
    async def _call(
        self, call: StepCall, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[str, Any]:
        what, value = f"step {call.name!r}", None
        with OwnCode(what, lambda: self.cancelled):
            if starts_at_once(fn):
                value = self._execution.call(fn, *args, **kwargs)
            elif IN_BROWSER:
                with without_loop():
                    value = self._execution.call(fn, *args, **kwargs)
                refuse_task(what, value)
            else:
                value = await self._within(call, self._in_thread(call, fn, args, kwargs))
            if inspect.isawaitable(value):
                value = await self._within(call, value)
            return call.settle(value)

    async def _in_thread(
        self, call: StepCall, fn: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> T:
        task = asyncio.current_task()
        cancels = task.cancelling() if task else 0

        def begin() -> T:
            if task and task.cancelling() > cancels:  # while it waited for a thread
                raise Cancelled
            self.raise_if_cancelled()
            with OwnCode(f"step {call.name!r}"):  # on the thread: a GeneratorExit closes who waits
                return contained(fn, *args, **kwargs)

        return await self._execution.in_thread(begin)

    @gate
    async def _within(self, call: StepCall, work: Awaitable[T]) -> T:
        """Await *work*, at most as long as the step may take; what overruns is stopped first."""
        if call.timeout is None:
            return await work

        async def contained_work() -> T:
            with OwnCode(f"step {call.name!r}", lambda: self.cancelled):
                return await work

        task = asyncio.ensure_future(contained_work())
        sleeper = asyncio.ensure_future(self._execution.services.clock.sleep(call.timeout))
        try:
            await asyncio.wait({task, sleeper}, return_when=asyncio.FIRST_COMPLETED)
            call.timed_out = not task.done()
        finally:
            sleeper.cancel()
            task.cancel()
            await ended(task)
        if call.timed_out:
            raise StepTimeoutError(call.name, call.timeout.total_seconds())
        return task.result()


class SyncStep(_Context):
    """The step object of a sync job: ``run`` returns the value itself."""

    def __init__(self, execution: Execution) -> None:
        super().__init__(execution)
        self._await = self._drive if IN_BROWSER else self._await_on_loop

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
        if starts_at_once(fn):
            msg = f"step {name!r} of a sync job has an async function; make the job async"
            raise ValidationError(msg)
        call = self._open(name, fn, retry, None, output)
        if call.is_saved:
            return self._await(call.replay())  # type: ignore[no-any-return]
        while True:
            if not call.begin_unseen():
                self._await(call.begin())
            try:
                settled = call.context().run(self._call, call, fn, args, kwargs)
                result = self._await(call.succeed(*settled))
            except BaseException as error:  # noqa: BLE001 - fail() raises all that is not retried
                self._await(call.fail(error))
            else:
                return result  # type: ignore[no-any-return]

    @gate
    def _call(
        self, call: StepCall, fn: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[str, Any]:
        what = f"step {call.name!r}"
        with OwnCode(what):
            value = fn(*args, **kwargs)
            if inspect.isawaitable(
                value
            ):  # a wrapper's, which might have run it to its end as well
                if inspect.iscoroutine(value):
                    value.close()
                msg = f"{what} of a sync job returned what is to be awaited; make the job async"
                raise ValidationError(msg)
            return call.settle(value)

    def sleep(self, name: str, duration: timedelta | float) -> None:
        """Go on after *duration* (timedelta or seconds); see Step.sleep()."""
        self._await(waits.sleep(self._execution, name, duration))

    def sleep_until(self, name: str, moment: datetime) -> None:
        """Go on at *moment*; see Step.sleep_until()."""
        check_aware(f"the end of sleep {name!r}", moment)
        self._await(waits.sleep_until(self._execution, name, moment))

    def prepare_wait(
        self,
        name: str,
        *,
        timeout: timedelta | float | None = None,
        metadata: Any = None,
        topic: str | None = None,
        key: str | None = None,
    ) -> Wait:
        """Make a wait before it is waited for; see Step.prepare_wait()."""
        work = waits.prepare(
            self._execution, name, timeout=timeout, metadata=metadata, topic=topic, key=key
        )
        return self._await(work)  # type: ignore[no-any-return]

    def wait_for(
        self,
        wait: Wait | str,
        output: Any = UNTYPED,
        *,
        timeout: timedelta | float | None = None,
        metadata: Any = None,
        topic: str | None = None,
        key: str | None = None,
    ) -> Any:
        """Wait until somebody tells this run something; see Step.wait_for()."""
        return self._await(
            self._wait_for(wait, output, timeout=timeout, metadata=metadata, topic=topic, key=key)
        )

    def call(
        self,
        name: str,
        job: JobDefinition[Any, T] | str,
        input: Any = NOT_GIVEN,
        *,
        on_cancel: OnCancel = "cancel",
        **options: Unpack[TriggerArguments],
    ) -> T:
        """Make a run of a registered *job*, once, and return its output; see Step.call()."""
        return self._await(  # type: ignore[no-any-return]
            self._call_job(name, job, input, on_cancel, options)
        )

    def keep_file(self, source: FileSource, *, name: str = "", media_type: str = "") -> Blob:
        """Keep bytes or the file at a path beside the runs; return the reference.

        A full disk is waited out (law 9).
        """
        return self._await(self._keep(source, name, media_type))  # type: ignore[no-any-return]

    def _await_on_loop(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._execution.loop).result()

    def _drive(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Finish *work* on the loop's own thread; where it would have to wait, suspend the run."""
        with with_loop(self._execution.loop):  # it was hidden from the job's code
            try:
                work.send(None)
            except StopIteration as done:
                return done.value
            work.close()
        reason = "storage"
        raise Suspended(reason)


def _number(name: str, value: Any) -> float:
    """Return a number of step.progress(); ValidationError when JSON has no such number."""
    number: float | None = None
    if not isinstance(value, bool):
        with contextlib.suppress(TypeError, ValueError, OverflowError):
            if isinstance(value, numbers.Real) and not isinstance(value, numbers.Integral):
                number = float(value)  # NumPy's numbers are registered as such
            else:
                number = operator.index(value)
    if number is None or not abs(number) <= sys.float_info.max:
        msg = f"{name} of step.progress() must be a finite number, not {value!r}"
        raise ValidationError(msg)
    return number
