"""Turn what a trigger was given into a checked run, before anything is written."""

from __future__ import annotations

import collections.abc
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypedDict, TypeVar, Unpack

import pydantic

from durably.arguments import checked_text, refuse
from durably.clock import check_aware, checked_duration
from durably.codec import problems_of
from durably.errors import ValidationError
from durably.ids import is_ulid
from durably.runs import NewRun

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta

    from durably.jobs import JobDefinition

In = TypeVar("In")

_LABEL_KEY = re.compile(r"[A-Za-z0-9\-_./]+")

#: Stands for "no input was given", which is not the input None.
NOT_GIVEN: Any = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerOptions:
    """What may go with an input.

    A taken *idempotency_key* gives the run that took it. Runs of one *concurrency_key* run one
    after another, with at most one pending: another trigger is ConflictError, or that run with
    *coalesce* "skip". A run is waiting until *run_at*, or for *delay* (timedelta or seconds), and
    due then. *run_id* is a ULID of the caller's, so that a repeated call is the same run.
    """

    idempotency_key: str | None = None
    concurrency_key: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    coalesce: str | None = None
    run_id: str | None = None
    run_at: datetime | None = None
    delay: timedelta | float | None = None


class TriggerArguments(TypedDict, total=False):
    """The fields of TriggerOptions, as trigger() takes them."""

    idempotency_key: str | None
    concurrency_key: str | None
    labels: Mapping[str, str] | None
    coalesce: str | None
    run_id: str | None
    run_at: datetime | None
    delay: timedelta | float | None


@dataclass(frozen=True, slots=True, init=False)
class Call(Generic[In]):
    """An input and its options, as an item of batch_trigger()."""

    input: In
    options: TriggerOptions

    def __init__(self, input: In = NOT_GIVEN, **options: Unpack[TriggerArguments]) -> None:
        object.__setattr__(self, "input", input)
        object.__setattr__(self, "options", trigger_options(options))


def trigger_options(given: Mapping[str, Any]) -> TriggerOptions:
    """Read options by name; ValidationError names one that does not exist."""
    try:
        return TriggerOptions(**{name: one for name, one in given.items() if one is not None})
    except TypeError as error:
        msg = f"unknown trigger option: {error}"
        raise ValidationError(msg) from error


def new_run(
    job: JobDefinition[Any, Any],
    input: Any,
    options: TriggerOptions,
    *,
    fresh_id: str,
    now: datetime,
    labels_model: type[pydantic.BaseModel] | None,
    from_json: bool = False,
    parent_id: str | None = None,
) -> NewRun:
    """Check an input by the job's schema, and the options; ValidationError names what is wrong."""
    if options.run_id is not None and not is_ulid(options.run_id):
        msg = f"a run id is a ULID, not {options.run_id!r}"
        raise ValidationError(msg)
    if options.coalesce is not None and options.coalesce != "skip":
        msg = f"coalesce must be 'skip' or not given, not {options.coalesce!r}"
        raise ValidationError(msg)
    if options.coalesce is not None and options.concurrency_key is None:
        msg = "coalesce needs a concurrency_key: it says which pending run may stand for this one"
        raise ValidationError(msg)
    for name in ("idempotency_key", "concurrency_key"):
        key = getattr(options, name)
        if key is not None:
            checked_text(name, key)
    return NewRun(
        id=options.run_id or fresh_id,
        job_name=job.name,
        input_json=_checked_input(job, input, from_json=from_json),
        labels=_checked_labels(options.labels, labels_model),
        idempotency_key=options.idempotency_key,
        concurrency_key=options.concurrency_key,
        coalesce=options.coalesce is not None,
        available_at=_due(options, now),
        parent_id=parent_id,
    )


def _due(options: TriggerOptions, now: datetime) -> datetime | None:
    """Return when a run is to begin; None for at once, as for a time that has passed."""
    due = options.run_at
    if due is not None:
        check_aware("run_at", due)
    if options.delay is not None:
        if due is not None:
            msg = "run_at and delay both say when to begin; give one"
            raise ValidationError(msg)
        due = now + checked_duration("delay", options.delay, may_be_zero=True)
    return due if due is not None and due > now else None


def _checked_input(job: JobDefinition[Any, Any], input: Any, *, from_json: bool) -> str:
    if job.default_json is not None and (
        input is NOT_GIVEN or (input is None and not job.takes_none)
    ):
        return job.default_json
    given = None if input is NOT_GIVEN else input
    what = f"the input of job {job.name!r} is not valid"
    if from_json:
        parsed = job.input.parse_json(what, given, is_new=True)
    else:
        parsed = job.input.parse(what, given)
    return job.input.kept_text(what, parsed)


def _checked_labels(
    labels: Mapping[str, Any], model: type[pydantic.BaseModel] | None
) -> dict[str, str]:
    if not isinstance(labels, collections.abc.Mapping):
        refuse("labels", "a mapping of texts", labels)
    checked: dict[Any, Any] = dict(labels)
    if model is not None:
        try:
            given = model.model_validate(checked).model_dump(mode="json", exclude_none=True)
        except pydantic.ValidationError as error:
            msg = "the labels are not valid"
            raise ValidationError(msg, problems_of(error)) from error
        checked = {str(key): value for key, value in given.items()}
    for key, value in checked.items():
        if not isinstance(key, str) or not _LABEL_KEY.fullmatch(key):
            msg = f"a label's key is made of A-Z a-z 0-9 - _ . /, not {key!r}"
            raise ValidationError(msg)
        checked_text(f"the label {key!r}", value, may_be_empty=True)
    return checked
