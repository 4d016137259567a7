"""JSON as it travels, written by the code that writes it."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

from durably import define_job, wire
from scripts.docs import examples

if TYPE_CHECKING:
    from collections.abc import Callable


def _json(value: Any) -> str:
    return f"```json\n{json.dumps(value, ensure_ascii=False, indent=2)}\n```"


def _resize(step: object, input: int) -> str:
    raise NotImplementedError


PARTS: dict[str, Callable[[], str]] = {
    name: functools.partial(_json, value)
    for name, value in {
        "run json": wire.client_run(examples.RUN),
        "step json": wire.step_json(examples.STEP),
        "attempt json": wire.attempt_json(examples.ATTEMPT),
        "schedule json": wire.schedule_json(examples.SCHEDULE),
        "wait json": wire.wait_json(examples.WAIT),
        "log json": wire.log_json(examples.LOG),
        "health json": wire.health_json(examples.HEALTH),
        "error json": wire.error_json(examples.ERROR),
        "job json": wire.job_json(define_job("resize", _resize, input=int, output=str)),
    }.items()
}
