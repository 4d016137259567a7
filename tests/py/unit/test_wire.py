"""What goes over the wire is what the golden files hold; what comes in is checked."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from durably import RunFilter, RunStatus, ValidationError, wire
from durably.events import EVENT_TYPES, WorkerError
from durably.runs import MAX_PAGE
from kit.golden import FIELDS, FOLDER, NOW, golden, run, text_of

GOLDEN = golden()


@pytest.mark.parametrize("name", GOLDEN)
def test_the_wire_is_as_the_golden_file_holds_it(name: str) -> None:
    """Law 11: a change of any shape is seen, and the other side is to follow it."""
    kept = (FOLDER / f"{name}.json").read_text(encoding="utf-8")

    assert text_of(GOLDEN[name]) == kept


def test_every_golden_file_is_made_here() -> None:
    """None is left over from what is no more."""
    assert {path.stem for path in FOLDER.glob("*.json")} == set(GOLDEN)


def test_every_field_of_every_event_has_a_golden_value() -> None:
    """A new event or field is not done before the golden files show it."""
    known = set(FIELDS) | {"timestamp", "sequence"}

    for kind in EVENT_TYPES.values():
        assert {field.name for field in dataclasses.fields(kind)} <= known


def test_an_event_of_the_engine_alone_names_no_run() -> None:
    """A fault need not belong to a run."""
    event = WorkerError(timestamp=NOW, sequence=1, error="e", code="c", context="claim")

    assert "runId" not in wire.event_json(event)


def test_times_are_utc_whatever_they_were() -> None:
    """ISO 8601 with milliseconds and Z."""
    east = datetime(2026, 1, 1, 2, 0, 0, 999_999, tzinfo=timezone(timedelta(hours=2)))

    assert wire.client_run(run(created_at=east))["createdAt"] == "2026-01-01T00:00:00.999Z"


def test_a_filter_is_read() -> None:
    """One or many, nothing for nothing."""
    assert wire.read_filter({}) == RunFilter()
    assert wire.read_filter(
        {
            "jobName": "a",
            "status": ["pending", "leased"],
            "labels": {"k": "v"},
            "limit": 5,
            "offset": 10,
        }
    ) == RunFilter(
        job_names=("a",),
        statuses=(RunStatus.PENDING, RunStatus.LEASED),
        labels={"k": "v"},
        limit=5,
        offset=10,
    )
    assert wire.read_filter({"jobName": None, "status": [], "labels": None}) == RunFilter()


def test_one_name_alone_is_one_name() -> None:
    """Text is a sequence of letters, and no job is called by each of them."""
    assert RunFilter(job_names="import") == RunFilter(job_names=("import",))
    assert RunFilter(statuses=RunStatus.PENDING) == RunFilter(statuses=(RunStatus.PENDING,))


class _Mute(Exception):
    def __str__(self) -> str:
        raise ZeroDivisionError


def test_an_error_that_cannot_say_anything_is_written_all_the_same() -> None:
    """Else what it is the answer to would never be answered."""
    assert wire.error_json(_Mute()) == {
        "code": "internal",
        "message": "_Mute: its message could not be made (ZeroDivisionError)",
    }


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"status": "x"}, "status must be one of cancelled, completed, failed, leased, pending"),
        ({"status": [None]}, "status must be text or a list of texts"),
        ({"jobName": {}}, "jobName must be text or a list of texts"),
        ({"labels": {"a": None}}, "labels must be an object of texts"),
        ({"limit": "1"}, "limit must be a whole number"),
        ({"offset": False}, "offset must be a whole number"),
        ({"limit": MAX_PAGE + 1}, "limit must be a whole number from 1 to 1000"),
        ({"offset": -1}, "offset must be a whole number from 0"),
        ({"offset": 2**63}, "offset must be a whole number from 0 to 9223372036854775807, not"),
    ],
)
def test_a_filter_that_cannot_be_is_refused(given: dict[str, Any], message: str) -> None:
    """By the name of its field, on the wire's terms."""
    with pytest.raises(ValidationError, match=message):
        wire.read_filter(given)


def test_a_time_must_be_a_time() -> None:
    """ISO 8601, with an offset or in UTC."""
    assert wire.read_time({"t": "2026-01-01T01:00:00+01:00"}, "t") == datetime(
        2026, 1, 1, tzinfo=UTC
    )
    assert wire.read_time({"t": "2026-01-01"}, "t") == datetime(2026, 1, 1, tzinfo=UTC)
    for bad in ({}, {"t": 5}, {"t": ""}, {"t": "soon"}):
        with pytest.raises(ValidationError, match=r"^t must be"):
            wire.read_time(bad, "t")


@pytest.mark.parametrize(
    ("snake", "camel"), [("run_id", "runId"), ("a_b_c", "aBC"), ("status", "status")]
)
def test_names_are_camel_case_on_the_wire(snake: str, camel: str) -> None:
    """Same words on both sides."""
    assert wire.camel(snake) == camel
