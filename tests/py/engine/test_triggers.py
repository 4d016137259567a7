"""Triggers are checked before anything is written; handles keep a job's types."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, cast

import pytest
from pydantic import BaseModel, Field, SecretStr, StringConstraints

from durably import (
    Call,
    ConflictError,
    Disposition,
    JobDefinition,
    RunFilter,
    RunStatus,
    Step,
    UnknownJobError,
    ValidationError,
    define_job,
    job,
    query,
)
from kit.engines import Workshop, names, record


class Order(BaseModel):
    """An input with a default, a rule and a date."""

    id: int = Field(ge=1)
    day: date = date(2026, 1, 1)
    tags: list[str] = []


class Labels(BaseModel):
    """The labels that every trigger must bring."""

    tenant: str
    env: str = "prod"
    note: str | None = None


@job(name="order")
async def order(step: Step, input: Order) -> Order:
    """Return what came."""
    assert isinstance(input, Order)
    return input


@job
async def other(step: Step, input: Any) -> Any:
    """Return what came."""
    return input


async def test_an_input_is_parsed_by_its_schema(shop: Workshop) -> None:
    """Defaults and coercions apply, and the job gets the model."""
    app = await shop.engine(order)

    made = await app.jobs.order.trigger({"id": "7"})
    await shop.drain(app)

    assert made.run.input == {"id": 7, "day": "2026-01-01", "tags": []}
    assert (await app.jobs.order.result_of(made)).output == Order(id=7)


async def test_an_input_that_breaks_its_schema_makes_nothing(shop: Workshop) -> None:
    """The error names each field's path."""
    app = await shop.engine(order)

    with pytest.raises(ValidationError) as caught:
        await app.trigger(order, {"id": 0, "day": "tomorrow", "tags": ["a", 1]})

    assert caught.value.code == "validation"
    assert [problem.path for problem in caught.value.problems] == [("id",), ("day",), ("tags", 1)]
    assert "tags.1:" in str(caught.value)
    assert await app.get_runs() == []


@pytest.mark.parametrize("bad", [{1, 2}, object(), float("inf")])
async def test_an_untyped_input_must_be_plain_json(shop: Workshop, bad: object) -> None:
    """What cannot be kept is refused at the trigger."""
    app = await shop.engine(other)

    with pytest.raises(ValidationError, match="input of job 'other'"):
        await app.trigger(other, bad)

    assert await app.get_runs() == []


class Login(BaseModel):
    """An input whose JSON does not say all of it."""

    name: str
    token: SecretStr = SecretStr("")
    password: str = Field("", exclude=True)


@pytest.mark.parametrize("secret", [{"token": "t"}, {"password": "p"}])
async def test_an_input_that_would_lose_a_part_is_refused(
    shop: Workshop, secret: dict[str, str]
) -> None:
    """An acknowledged run would read another value than the one that was given."""

    @job
    async def log_in(step: Step, input: Login) -> str:
        return input.password

    app = await shop.engine(log_in)

    with pytest.raises(ValidationError, match="input of job 'log-in' is not valid") as caught:
        await app.trigger(log_in, {"name": "ada"} | secret)

    assert caught.value.problems[0].path == tuple(secret)
    assert "hidden or changed" in caught.value.problems[0].message
    assert await app.get_runs() == []
    assert (await app.trigger(log_in, {"name": "ada"})).run.input["name"] == "ada"


async def test_an_unknown_job_is_named_with_those_that_are_known(shop: Workshop) -> None:
    """For triggers and handles alike; get_job() answers None."""
    app = await shop.engine(order, other)

    with pytest.raises(UnknownJobError, match=r"'oder' \(registered: order, other\)"):
        await app.trigger("oder", {})
    with pytest.raises(UnknownJobError):
        app.jobs["oder"]
    with pytest.raises(AttributeError, match="'oder'"):
        _ = app.jobs.oder
    with pytest.raises(AttributeError):
        _ = app.jobs._private
    assert app.get_job("oder") is None
    handle = app.get_job("order")
    assert handle is not None
    assert handle.name == "order"
    assert list(app.jobs) == ["order", "other"]
    assert "order" in app.jobs


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"coalesce": "skip"}, "needs a concurrency_key"),
        ({"coalesce": "queue", "concurrency_key": "c"}, "coalesce must be 'skip'"),
        ({"idempotency_key": ""}, "idempotency_key must be text"),
        ({"concurrency_key": 5}, "concurrency_key must be text"),
        ({"run_id": "not-a-ulid"}, "a run id is a ULID"),
        ({"labels": {"bad key": "x"}}, "label's key"),
        ({"labels": {"": "x"}}, "label's key"),
        ({"labels": {"k": 5}}, "must be text"),
        ({"labels": {"k": "\ud800"}}, "the label 'k' must be text without NUL and lone surrogates"),
        ({"labels": "ab"}, "labels must be a mapping"),
        ({"labels": 5}, "labels must be a mapping"),
        ({"idempotency_key": "\ud800"}, "idempotency_key must be text"),
        ({"concurrency_key": "\ud800"}, "concurrency_key must be text"),
        ({"colour": "red"}, "unknown trigger option"),
    ],
)
async def test_a_bad_option_is_refused_by_name(
    shop: Workshop, options: dict[str, Any], message: str
) -> None:
    """Nothing is written."""
    app = await shop.engine(other)

    with pytest.raises(ValidationError, match=message):
        await app.trigger(other, 1, **options)

    assert await app.get_runs() == []


async def test_labels_are_checked_by_the_labels_model(shop: Workshop) -> None:
    """Its defaults apply, what it leaves out is left out, and it holds also without any given."""
    app = await shop.engine(other, labels=Labels)

    made = await app.trigger(other, 1, labels={"tenant": "a"})

    assert made.run.labels == {"tenant": "a", "env": "prod"}
    for labels in (None, {"env": "dev"}):
        with pytest.raises(ValidationError, match="labels are not valid: tenant") as caught:
            await app.trigger(other, 1, labels=labels)
        assert caught.value.problems[0].path == ("tenant",)


async def test_dispositions_and_their_events(shop: Workshop) -> None:
    """No event for an idempotent hit; a coalesced one carries what was skipped."""
    app = await shop.engine(other)
    events: list[Any] = record(app)
    first = await app.trigger(other, 1, idempotency_key="i", concurrency_key="c")

    again = await app.trigger(other, 2, idempotency_key="i")
    skipped = await app.trigger(other, 3, concurrency_key="c", coalesce="skip", labels={"a": "b"})

    assert [one.disposition for one in (first, again, skipped)] == list(Disposition)
    assert {one.id for one in (first, again, skipped)} == {first.id}
    assert names(events) == ["run:trigger", "run:coalesced"]
    assert (events[1].skipped_input, events[1].skipped_labels) == (3, {"a": "b"})
    with pytest.raises(ConflictError):
        await app.trigger(other, 4, concurrency_key="c")


async def test_a_skipped_input_is_told_as_it_would_have_been_stored(shop: Workshop) -> None:
    """A date is text in an event, or the event could not be written."""
    app = await shop.engine(order, labels=Labels)
    events: list[Any] = record(app, "run:coalesced")
    labels = {"tenant": "a"}

    for day in (1, 2):
        given = Order(id=day, day=date(2026, 1, day))
        await app.trigger(order, given, concurrency_key="c", coalesce="skip", labels=labels)

    assert events[0].skipped_input == {"id": 2, "day": "2026-01-02", "tags": []}
    assert events[0].skipped_labels == {"tenant": "a", "env": "prod"}


async def test_a_repeated_call_is_told_once(shop: Workshop) -> None:
    """Law 8: the second call with one id is the same run, and no second event."""
    app = await shop.engine(other)
    events = record(app)
    id = app.new_id()

    first = await app.trigger(other, 1, run_id=id)
    second = await app.trigger(other, 1, run_id=id)

    assert (first.id, second.id) == (id, id)
    assert (first.disposition, second.disposition) == (Disposition.CREATED, Disposition.CREATED)
    assert names(events) == ["run:trigger"]


async def test_a_batch_is_checked_as_a_whole(shop: Workshop) -> None:
    """All inputs first; the error names the index, and no run is made."""
    app = await shop.engine(order)

    with pytest.raises(ValidationError, match="run 1 of the batch") as caught:
        await app.jobs.order.batch_trigger([{"id": 1}, {"id": 0}, {"id": 2}])

    assert caught.value.problems[0].path == ("id",)
    assert await app.get_runs() == []


async def test_a_batch_makes_its_runs_in_order(shop: Workshop) -> None:
    """An item is an input, or a Call of it with options; nothing in, nothing out."""
    app = await shop.engine(order)

    made = await app.jobs.order.batch_trigger(
        [Order(id=1), Call({"id": 2}, labels={"a": "b"}, concurrency_key="c")]
    )

    assert [one.run.input["id"] for one in made] == [1, 2]
    assert (made[1].run.labels, made[1].run.concurrency_key) == ({"a": "b"}, "c")
    assert await app.jobs.order.batch_trigger([]) == []
    with pytest.raises(ConflictError):
        await app.jobs.order.batch_trigger([{"id": 3}, Call({"id": 4}, concurrency_key="c")])
    assert len(await app.get_runs()) == 2
    with pytest.raises(ValidationError, match="option"):
        await app.jobs.order.batch_trigger([Call({"id": 5}, colour="red")])  # type: ignore[call-arg]


async def test_a_handle_sees_its_own_runs(shop: Workshop) -> None:
    """Another job's run is None there, and its pages are of its job only."""
    app = await shop.engine(order, other)
    mine, foreign = await app.jobs.order.trigger({"id": 1}), await app.trigger(other, 1)

    assert (await app.jobs.order.get_run(mine.id)) == mine.run
    assert await app.jobs.order.get_run(foreign.id) is None
    assert await app.jobs.order.get_run("none") is None
    assert [run.id for run in await app.jobs.order.get_runs()] == [mine.id]
    leased = RunFilter(statuses=[RunStatus.LEASED])
    assert await app.jobs.order.get_runs(leased) == []


async def test_trigger_and_wait_returns_the_typed_output(shop: Workshop) -> None:
    """With the run's id and its disposition."""
    app = await shop.engine(order)
    await app.start()

    ended = await app.jobs.order.trigger_and_wait({"id": 3}, labels={"a": "b"})

    assert ended.output == Order(id=3)
    assert ended.disposition is Disposition.CREATED
    assert (await shop.get(ended.id)).labels == {"a": "b"}


async def test_the_validated_output_is_what_is_stored(shop: Workshop) -> None:
    """A dict that fits the output's model gets its defaults; one that does not fails the run."""

    async def work(step: Step, input: dict[str, Any]) -> Any:
        return input

    definition = define_job("d", work, output=Order)

    good = await shop.run(definition, {"id": "4"})
    bad = await shop.run(definition, {"id": 0})

    assert good.output == {"id": 4, "day": "2026-01-01", "tags": []}
    assert bad.status is RunStatus.FAILED
    assert "job 'd' returned dict" in (bad.error or "")


async def test_an_output_is_stored_as_its_type_makes_it(shop: Workshop) -> None:
    """Law 2: whoever reads the run sees what trigger_and_wait() returns."""

    @job
    async def shout(step: Step) -> Annotated[str, StringConstraints(to_upper=True)]:
        return "abc"

    app = await shop.engine(shout)
    events: list[Any] = record(app, "run:complete")
    made = await app.jobs.shout.trigger()
    await shop.drain(app)

    assert (await shop.get(made.id)).output == "ABC"
    assert (await app.jobs.shout.result_of(made)).output == "ABC"
    assert events[0].output == "ABC"


async def test_a_stored_input_that_no_longer_fits_fails_its_run(shop: Workshop) -> None:
    """A job whose schema changed says which field, instead of running on something else."""

    @job(name="order")
    async def newer(step: Step, input: dict[str, int]) -> None:
        pass

    made = await (await shop.engine(order)).trigger(order, {"id": 1})
    await shop.drain(await shop.engine(newer))

    run = await shop.get(made.id)
    assert run.status is RunStatus.FAILED
    assert "the stored input of job 'order'" in (run.error or "")


async def test_a_retrigger_is_checked_by_todays_schema(shop: Workshop) -> None:
    """An old input that breaks it makes no run."""

    @job(name="order")
    async def newer(step: Step, input: dict[str, int]) -> None:
        pass

    app = await shop.engine(order)
    made = await app.trigger(order, {"id": 1})
    await shop.drain(app)

    with pytest.raises(ValidationError, match="input of job 'order'"):
        await (await shop.engine(newer)).retrigger(made.id)


async def test_registering_twice_is_fine_and_two_of_a_name_is_not(shop: Workshop) -> None:
    """Jobs and queries; anything else is refused."""

    @job(name="order")
    async def impostor(step: Step) -> None:
        pass

    @query(name="q")
    def first() -> None:
        pass

    @query(name="q")
    def second() -> None:
        pass

    app = await shop.engine(order, first)
    app.register(order, first)

    with pytest.raises(ConflictError, match="'order'"):
        app.register(impostor)
    with pytest.raises(ConflictError, match="'q'"):
        app.register(second)
    with pytest.raises(ValidationError, match="only jobs and queries"):
        app.register(print)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: define_job("", other.function), "name must be text that is not empty"),
        (lambda: define_job(" x", other.function), "without spaces around it"),
        (lambda: define_job("x", lambda: None), r"not \(nothing\)"),
        (lambda: define_job("x", lambda a, b, c: None), r"not \(a, b, c\)"),
        (lambda: define_job("x", lambda a, b: None, input=print), "cannot be used as a type"),
        (lambda: define_job("x", other.function, timeout=-1), "timeout of job 'x' must"),
        (
            lambda: define_job("x", other.function, retry=cast("Any", 3)),
            "retry of job 'x' must be a Retry",
        ),
        (lambda: query(name="x")(lambda a, b: None), "not 2 parameters"),
    ],
)
def test_a_definition_that_cannot_be_is_refused(make: Any, message: str) -> None:
    """When it is made, not when it runs."""
    with pytest.raises(ValidationError, match=message):
        make()


def test_a_job_is_named_after_its_function() -> None:
    """With dashes, unless a name is given."""

    @job
    async def import_csv(step: Step) -> None:
        pass

    @job()
    async def export_csv(step: Step) -> None:
        pass

    assert isinstance(import_csv, JobDefinition)
    assert (import_csv.name, export_csv.name, order.name) == ("import-csv", "export-csv", "order")


async def test_the_log_plugin_stores_lines(shop: Workshop) -> None:
    """Without it lines are events only."""
    from durably import log_persistence  # noqa: PLC0415 - what a program would import

    @job
    async def talk(step: Step) -> None:
        step.log.info("a line")

    silent, loud = await shop.engine(talk), await shop.engine(talk)
    loud.use(log_persistence())
    kept = []
    for app in (silent, loud):
        made = await app.trigger(talk)
        await shop.drain(app)
        kept.append(len(await app.get_logs(made.id)))

    assert kept == [0, 1]


async def test_data_of_a_log_line_must_be_json(shop: Workshop) -> None:
    """The error is raised where the line is written."""

    @job
    async def talk(step: Step) -> None:
        step.log.info("odd", {1, 2})

    run = await shop.run(talk)

    assert "the data of a log line returned set" in (run.error or "")
