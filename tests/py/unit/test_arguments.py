"""Every public argument is checked where it is given, in words that name it."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from durably import RunFilter, RunStatus, Step, ValidationError, define_job, job, query
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
        with pytest.raises(ValidationError, match="step 'x' needs a function"):
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


@pytest.mark.parametrize(
    ("method", "arguments", "words"),
    [
        ("get_runs", ("pending",), "chosen by a RunFilter"),
        ("purge_runs", (datetime(2026, 1, 1, tzinfo=UTC), 0), "limit must be"),
        ("purge_runs", (datetime(2026, 1, 1, tzinfo=UTC), 1.5), "limit must be"),
        ("get_run", (3,), "run_id must be text"),
        ("get_steps", (None,), "run_id must be text"),
        ("get_step_attempts", (3,), "run_id must be text"),
        ("get_logs", (b"x",), "run_id must be text"),
        ("cancel", (3,), "run_id must be text"),
        ("retrigger", (3,), "run_id must be text"),
        ("resume", (None,), "run_id must be text"),
        ("delete_run", (3,), "run_id must be text"),
        ("wait_for_run", (3,), "run_id must be text"),
        ("trigger", (3,), "a job is named by"),
        ("stop", ("soon",), "timeout must be"),
        ("process_until_idle", ("many",), "max_runs must be"),
        ("process_until_idle", (-1,), "max_runs must be"),
    ],
)
async def test_an_argument_of_a_wrong_kind_is_named(
    shop: Workshop, method: str, arguments: tuple[Any, ...], words: str
) -> None:
    """It is told as what it is, and not by what breaks inside."""
    app = await shop.engine(example)

    with pytest.raises(ValidationError, match=words):
        await getattr(app, method)(*arguments)


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


async def test_progress_takes_numbers_of_other_libraries(shop: Workshop) -> None:
    """As what they are, and nothing that is no number."""

    @job(name="counting")
    async def counting(step: Step) -> None:
        step.progress(Index(), Fraction(5, 2))  # type: ignore[arg-type]
        for bad in (True, "1", Decimal(1), float("nan"), 1j, None):
            with pytest.raises(ValidationError, match="current of step"):
                step.progress(bad)  # type: ignore[arg-type]

    run = await shop.run(counting)

    assert run.status is RunStatus.COMPLETED
    assert run.progress is not None
    assert (run.progress.current, run.progress.total) == (2, 2.5)
