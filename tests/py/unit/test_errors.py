"""One tree of errors with stable codes, and signals that no handler of errors stops."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import durably
from durably import (
    Cancelled,
    DurablyError,
    LeaseLost,
    RunSignal,
    StepTimeoutError,
    Suspended,
    WaitTimeoutError,
    errors,
)

CLIENT = Path(__file__).parents[3] / "web" / "core" / "errors.ts"


def tree(kind: type[DurablyError]) -> set[type[DurablyError]]:
    """Return a class and all its subclasses of errors.py."""
    found = {kind}
    for below in kind.__subclasses__():
        if below.__module__ == "durably.errors":
            found |= tree(below)
    return found


@pytest.mark.cpython_only  # inside Pyodide only the Python side is there
def test_every_code_is_known_to_the_client() -> None:
    """EngineErrorCode and ClientErrorCode of web/core/errors.ts hold every code, and no other."""
    text = CLIENT.read_text(encoding="utf-8")
    unions = dict(re.findall(r"export type (\w+ErrorCode) =\n((?:  \| '\w+'\n)+)", text))
    codes = {name: set(re.findall(r"'(\w+)'", union)) for name, union in unions.items()}

    raised = {kind.code for kind in tree(DurablyError)}
    awaited = {errors.RunFailedError.code, errors.RunCancelledError.code}

    assert raised - awaited == codes["EngineErrorCode"]
    assert awaited <= codes["ClientErrorCode"]


@pytest.mark.parametrize("kind", sorted(tree(DurablyError), key=str))
def test_every_error_has_a_code_and_says_what_it_is(kind: type[DurablyError]) -> None:
    """Codes are words of the wire."""
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", kind.code)
    assert kind.__doc__


@pytest.mark.parametrize("kind", sorted(tree(DurablyError), key=str))
def test_every_error_can_be_imported_from_the_package(kind: type[DurablyError]) -> None:
    """Whoever may meet it can catch it."""
    assert getattr(durably, kind.__name__) is kind


def test_signals_are_no_exceptions() -> None:
    """``except Exception`` in a job must not stop what ends it."""
    for signal in (Cancelled(), LeaseLost(), Suspended("drain")):
        assert isinstance(signal, RunSignal)
        assert not isinstance(signal, Exception)


def test_timeouts_are_timeouts() -> None:
    """``except TimeoutError`` catches them as it does asyncio's."""
    assert isinstance(StepTimeoutError("s", 1.5), TimeoutError)
    assert isinstance(WaitTimeoutError("r", 2), TimeoutError)
    assert "1.5 s" in str(StepTimeoutError("s", 1.5))


def test_nothing_known_is_said_as_none() -> None:
    """An engine without jobs says so."""
    assert "(registered: none)" in str(errors.UnknownJobError("x"))
    assert "(registered: none)" in str(errors.UnknownQueryError("x"))
