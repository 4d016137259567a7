"""What one engine is made of, as everything that executes its runs needs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from durably.codec import from_json
from durably.events import RunCoalesced, RunTriggered
from durably.runs import Disposition

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from durably.blobs import BlobFiles
    from durably.bus import EventBus
    from durably.clock import Clock
    from durably.engine.faults import Faults
    from durably.engine.interrupts import Interrupts
    from durably.ids import Ulids
    from durably.jobs import JobRegistry
    from durably.options import Options
    from durably.runs import NewRun, Triggered
    from durably.store.protocol import Store


@dataclass(slots=True, kw_only=True)
class Services:
    """The parts of one engine, and two settings that a host or a plugin may change."""

    store: Store
    options: Options
    clock: Clock
    bus: EventBus
    jobs: JobRegistry
    ids: Ulids
    faults: Faults
    blobs: BlobFiles
    #: Where sync code runs; None in the browser, which has no threads.
    threads: Executor | None
    #: Whether log lines are stored.
    keep_logs: bool = False
    #: How a host stops code that hangs; None where it has no way to.
    interrupts: Interrupts | None = None

    def new_id(self) -> str:
        """Return a fresh ULID, greater than every one before."""
        return self.ids.new(self.clock.now())

    def tell_made(self, made: Triggered, new: NewRun) -> None:
        """Tell what a trigger did, unless it was told before."""
        if not made.is_new:
            return
        if made.disposition is Disposition.CREATED:
            self.bus.tell(made.run, RunTriggered, input=made.run.input)
        else:
            self.bus.tell(
                made.run,
                RunCoalesced,
                skipped_input=from_json(new.input_json),
                skipped_labels=new.labels,
            )
