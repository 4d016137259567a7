"""Every public argument is checked where it is given, in words that name it."""

from __future__ import annotations

import inspect
import io
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from durably import (
    Event,
    RunFilter,
    RunStatus,
    Step,
    TriggerOptions,
    ValidationError,
    define_job,
    job,
    log_persistence,
    query,
)
from durably.clock import to_iso
from kit.engines import Workshop

NAIVE = datetime(2026, 1, 1)  # noqa: DTZ001 - what must be refused


@job(name="example")
async def example(step: Step, n: int = 0) -> int:
    """Return the input."""
    return n


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("statuses", "complete"),
        ("statuses", ["pending", "done"]),
        ("statuses", 3),
        ("statuses", {"pending": 1}),
        ("statuses", [RunStatus.PENDING, 3]),
        ("job_names", 3),
        ("job_names", [3]),
        ("job_names", b"x"),
        ("labels", ["a"]),
        ("labels", {"a": 1}),
        ("labels", {1: "a"}),
        ("labels", "a"),
        ("limit", 10.5),
        ("limit", "10"),
        ("limit", True),
        ("limit", 0),
        ("limit", 1001),
        ("limit", None),
        ("offset", -1),
        ("offset", 1.0),
    ],
)
def test_a_filter_names_the_field_that_cannot_be(field: str, value: Any) -> None:
    """No page is empty because its filter was odd."""
    with pytest.raises(ValidationError, match=f"^{field} must be"):
        RunFilter(**{field: value})


def test_a_filter_takes_statuses_by_their_text() -> None:
    """One, several, or the values themselves."""
    assert RunFilter(statuses="failed").statuses == (RunStatus.FAILED,)
    assert RunFilter(statuses={"failed"}).statuses == (RunStatus.FAILED,)
    assert RunFilter(statuses=(RunStatus.PENDING,)).statuses == (RunStatus.PENDING,)
    assert RunFilter(job_names="a").job_names == ("a",)


ODD_TEXTS = ["a\0b", "\ud800", "", 3, b"x"]


@pytest.mark.parametrize("value", ODD_TEXTS)
@pytest.mark.parametrize("key", ["idempotency_key", "concurrency_key"])
async def test_a_key_is_text_that_is_compared_whole(shop: Workshop, key: str, value: Any) -> None:
    """A NUL would end it for SQLite, and it would be taken for another one."""
    app = await shop.engine(example)

    with pytest.raises(ValidationError, match=f"{key} must be text"):
        await app.trigger(example, 1, **{key: value})

    assert await app.get_runs() == []


@pytest.mark.parametrize("labels", [{"a": "x\0y"}, {"a": "\ud800"}, {"a": 1}, {"a b": "c"}, ["a"]])
async def test_a_label_is_text_that_is_compared_whole(shop: Workshop, labels: Any) -> None:
    """A page by the label would find another run."""
    app = await shop.engine(example)

    with pytest.raises(ValidationError, match="label"):
        await app.trigger(example, 1, labels=labels)


@pytest.mark.parametrize("value", ["a\0b", "\ud800", 3])
def test_a_name_is_text_that_is_compared_whole(value: Any) -> None:
    """Else the runs of a job would wait for one of another name."""
    with pytest.raises(ValidationError, match="a job's name must be text"):
        define_job(value, example.function)
    with pytest.raises(ValidationError, match="a query's name must be text"):
        query(name=value)(lambda: 1)


@pytest.mark.parametrize("value", ODD_TEXTS)
async def test_a_steps_name_is_text_that_is_compared_whole(shop: Workshop, value: Any) -> None:
    """Before its function runs."""
    ran: list[int] = []

    @job(name="named")
    async def named(step: Step) -> None:
        with pytest.raises(ValidationError, match="a step's name must be text"):
            await step.run(value, ran.append, 1)
        with pytest.raises(ValidationError, match="what step 'x' calls must be a function"):
            await step.run("x", 3)  # type: ignore[call-overload]

    run = await shop.run(named)

    assert (run.status, ran) == (RunStatus.COMPLETED, [])


@pytest.mark.parametrize("value", [NAIVE, "2026-01-01", 3, None])
async def test_a_time_says_its_zone(shop: Workshop, value: Any) -> None:
    """A naive one would be another moment on each machine: too new a run would be removed."""
    app = await shop.engine(example)
    await app.trigger(example)
    await shop.drain(app)

    with pytest.raises(ValidationError, match="older_than must be a datetime with a time zone"):
        await app.purge_runs(value)

    assert len(await app.get_runs()) == 1


def test_no_naive_time_is_written() -> None:
    """Whoever asks for it."""
    with pytest.raises(ValidationError, match="time zone"):
        to_iso(NAIVE)
    assert to_iso(NAIVE.replace(tzinfo=UTC)) == "2026-01-01T00:00:00.000Z"


UTC_DAY = datetime(2026, 1, 1, tzinfo=UTC)
NAN = float("nan")
#: A method of an engine, what it is given, and how the sentence about it begins.
OF_ENGINES: list[tuple[str, tuple[Any, ...], str]] = [
    ("get_runs", ("pending",), "chosen must be a RunFilter"),
    ("purge_runs", (UTC_DAY, 0), "limit must be a whole number"),
    ("purge_runs", (UTC_DAY, 1.5), "limit must be a whole number"),
    ("purge_runs", (UTC_DAY, True), "limit must be a whole number"),
    ("get_run", (3,), "run_id must be text"),
    ("get_steps", (None,), "run_id must be text"),
    ("get_step_attempts", (3,), "run_id must be text"),
    ("get_logs", (b"x",), "run_id must be text"),
    ("cancel", (3,), "run_id must be text"),
    ("retrigger", (3,), "run_id must be text"),
    ("resume", (None,), "run_id must be text"),
    ("delete_run", (3,), "run_id must be text"),
    ("wait_for_run", (3,), "run_id must be text"),
    ("subscribe", (3,), "run_id must be text"),
    ("trigger", (3,), "a job must be given by its name or its definition"),
    ("trigger_all", (3,), "calls must be a list"),
    ("trigger_all", ([3],), "a call must be"),
    ("trigger_all", ([("example", 1)],), "a call must be"),
    ("trigger_all", ([("example", 1, {})],), "a call must be"),
    ("trigger_all", ([(3, 1, TriggerOptions())],), "a call must be"),
    ("on", (3, print), "event must be a kind of event or its name"),
    ("on", (int, print), "event must be a kind of event or its name"),
    ("on", (Event, print), "event must be a kind of event or its name"),
    ("on", ("run:complete", 3), "a listener must be a function"),
    ("on_any", (3,), "a listener must be a function"),
    ("on_error", (3,), "an error handler must be a function"),
    ("get_job", (3,), "a job's name must be text"),
    ("get_job", ([],), "a job's name must be text"),
    ("is_registered", ([],), "a job's name must be text"),
    ("query", ([],), "a query's name must be text"),
    ("register", (3,), "only jobs and queries can be registered"),
    ("use", (3,), r"a plugin must be an object with the method install\(\)"),
    ("use", (log_persistence,), "a plugin must be"),
    ("start", (3,), "worker_id must be text"),
    ("start", ("a\0b",), "worker_id must be text"),
    ("stop", ("soon",), "timeout must be"),
    ("stop", (NAN,), "timeout must be"),
    ("stop", (True,), "timeout must be"),
    ("process_until_idle", ("many",), "max_runs must be"),
    ("process_until_idle", (-1,), "max_runs must be"),
    ("process_until_idle", (True,), "max_runs must be"),
    ("export_store", (3,), "path must be a path"),
    ("import_store", (None,), "path must be a path"),
    ("keep_blob", (b"x",), r"a file to keep must be an object with the method read\(\)"),
    ("keep_blob", (io.StringIO("x"),), "a file to keep must be opened for reading bytes"),
]


@pytest.mark.parametrize(("method", "arguments", "words"), OF_ENGINES)
async def test_an_engine_names_the_argument_that_cannot_be(
    shop: Workshop, tmp_path: Path, method: str, arguments: tuple[Any, ...], words: str
) -> None:
    """It is told as what it is, and not by what breaks inside."""
    app = await shop.engine(example, blobs=tmp_path)

    with pytest.raises(ValidationError, match=f"^{words}"):
        await _done(getattr(app, method)(*arguments))

    assert await app.get_runs() == []


@pytest.mark.parametrize(
    ("method", "named", "words"),
    [
        ("subscribe", {"types": 3}, "types must be text or several"),
        ("on_any", {"types": 3}, "types must be text or several"),
        ("wait_for_run", {"on_progress": 3}, "on_progress must be a function"),
        ("wait_for_run", {"on_log": 3}, "on_log must be a function"),
        ("wait_for_run", {"timeout": True}, "timeout must be"),
        ("start", {"owner_left": "no"}, "owner_left must be True or False"),
        ("keep_blob", {"name": 3}, "name of a file must be text"),
        ("keep_blob", {"media_type": "\ud800"}, "media_type of a file must be text"),
    ],
)
async def test_an_engine_names_the_keyword_that_cannot_be(
    shop: Workshop, tmp_path: Path, method: str, named: dict[str, Any], words: str
) -> None:
    """As any other argument."""
    app = await shop.engine(example, blobs=tmp_path)
    made = await app.trigger(example)
    first = {
        "subscribe": made.id,
        "wait_for_run": made.id,
        "on_any": print,
        "start": "worker",
        "keep_blob": io.BytesIO(b"x"),
    }

    with pytest.raises(ValidationError, match=f"^{words}"):
        await _done(getattr(app, method)(first[method], **named))


async def _done(answer: Any) -> None:
    if inspect.isawaitable(answer):
        await answer


@pytest.mark.parametrize(
    ("method", "arguments", "named", "words"),
    [
        ("batch_trigger", (3,), {}, "what to trigger must be a list"),
        ("batch_trigger", (None,), {}, "what to trigger must be a list"),
        ("batch_trigger", ("abc",), {}, "what to trigger must be a list"),
        ("batch_trigger", ({"a": 1},), {}, "what to trigger must be a list"),
        ("get_run", (3,), {}, "run_id must be text"),
        ("get_runs", (3,), {}, "chosen must be a RunFilter"),
        ("result_of", (3,), {}, "what to wait for must be a Triggered"),
        ("trigger", (1,), {"colour": "red"}, "unknown trigger option"),
        ("trigger", (1,), {"run_id": 3}, "a run id is a ULID"),
        ("trigger", (1,), {"coalesce": 3}, "coalesce must be"),
        ("trigger_and_wait", (1,), {"timeout": NAN}, "timeout must be"),
        ("trigger_and_wait", (1,), {"timeout": "soon"}, "timeout must be"),
        ("trigger_and_wait", (1,), {"on_log": 3}, "on_log must be a function"),
    ],
)
async def test_a_handle_names_the_argument_that_cannot_be(
    shop: Workshop, method: str, arguments: tuple[Any, ...], named: dict[str, Any], words: str
) -> None:
    """And nothing is triggered."""
    app = await shop.engine(example)

    with pytest.raises(ValidationError, match=f"^{words}"):
        await getattr(app.jobs.example, method)(*arguments, **named)

    assert await app.get_runs() == []
    assert [] not in app.jobs


@pytest.mark.parametrize("zone", [timezone(timedelta(hours=9)), timezone(timedelta(hours=-9))])
def test_a_time_off_the_calendar_is_refused(zone: timezone) -> None:
    """At its ends a time of some zone is none of UTC."""
    year = 1 if zone.utcoffset(None) > timedelta(0) else 9999
    edge = datetime(year, 1 if year == 1 else 12, 1 if year == 1 else 31, 12, tzinfo=zone)

    with pytest.raises(ValidationError, match="datetime with a time zone"):
        to_iso(edge.replace(hour=1 if year == 1 else 23))


def test_a_filter_has_no_more_labels_than_a_database_compares() -> None:
    """A hundred."""
    RunFilter(labels={f"k{n}": "v" for n in range(100)})
    with pytest.raises(ValidationError, match=r"number of labels must be .* 100, not 101"):
        RunFilter(labels={f"k{n}": "v" for n in range(101)})


async def test_the_files_that_a_step_keeps_are_checked(shop: Workshop, tmp_path: Path) -> None:
    """As those of an engine."""

    @job(name="keeping")
    async def keeping(step: Step) -> None:
        for bad in (3, None, io.BytesIO(b"x")):
            with pytest.raises(ValidationError, match=r"^a file to keep must be its bytes or"):
                await step.keep_file(bad)  # type: ignore[arg-type]
        with pytest.raises(ValidationError, match=r"^name of a file must be text"):
            await step.keep_file(b"x", name=3)  # type: ignore[arg-type]

    app = await shop.engine(keeping, blobs=tmp_path)
    made = await app.trigger(keeping)
    await shop.drain(app)

    assert (await shop.get(made.id)).status is RunStatus.COMPLETED


@pytest.mark.parametrize("timeout", [float("nan"), "2", -1, float("inf")])
async def test_a_wait_has_a_length(shop: Workshop, timeout: Any) -> None:
    """A number of seconds, or a timedelta."""
    app = await shop.engine(example)
    made = await app.trigger(example)

    with pytest.raises(ValidationError, match="timeout must"):
        await app.wait_for_run(made.id, timeout=timeout)


class Index:
    """A whole number of another library, as NumPy's are."""

    def __index__(self) -> int:
        """Return the number."""
        return 2


class Unwilling:
    """A number of another library that is none, as its truth values are."""

    def __index__(self) -> int:
        """Refuse."""
        msg = "only whole numbers"
        raise TypeError(msg)


async def test_progress_takes_numbers_of_other_libraries(shop: Workshop) -> None:
    """As what they are, and nothing that is no number."""

    @job(name="counting")
    async def counting(step: Step) -> None:
        step.progress(Index(), Fraction(5, 2))  # type: ignore[arg-type]
        for bad in (
            True,
            "1",
            Unwilling(),
            Fraction(10**400),
            10**400,
            Decimal(1),
            float("nan"),
            1j,
            None,
        ):
            with pytest.raises(ValidationError, match="current of step"):
                step.progress(bad)  # type: ignore[arg-type]

    run = await shop.run(counting)

    assert run.status is RunStatus.COMPLETED
    assert run.progress is not None
    assert (run.progress.current, run.progress.total) == (2, 2.5)
