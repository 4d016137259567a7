"""What is stored of a schedule. Frozen values: no clock, no store, no I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleState:
    """A schedule as it stands: when it is due next, and when it was last met."""

    #: The job's name, with a number behind it where the job has several schedules.
    name: str
    job_name: str
    #: What the schedule says, as text; one that says something else counts anew.
    spec: str
    #: None when it is never due again.
    next_at: datetime | None
    last_at: datetime | None = None
    paused: bool = False
