"""What an engine says of itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from durably.engine.faults import Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The state of an engine; *fault* is what it waits out when it is degraded."""

    state: Literal["ok", "degraded", "stopped"]
    fault: Fault | None
    worker_id: str
    active_runs: tuple[str, ...]
    #: Jobs with pending runs that are not registered here.
    parked_jobs: tuple[str, ...]
    #: Whether the database tells of runs that other processes trigger; None where it cannot.
    hears: bool | None = None
