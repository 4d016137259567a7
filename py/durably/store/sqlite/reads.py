"""What is shown of runs, as far as it can be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from durably.runs import MAX_LISTED, MAX_LISTED_VALUE
from durably.store.rows import PAYLOADS, to_listed_run
from durably.store.sqlite import sql

if TYPE_CHECKING:
    import sqlite3

    from durably.runs import Run, RunFilter


def get_run(db: sqlite3.Connection, run_id: str) -> Run | None:
    """Return a run as far as it can be read, or None."""
    row = db.execute(sql.RUN, (run_id,)).fetchone()
    return None if row is None else to_listed_run(row)


def get_runs(db: sqlite3.Connection, chosen: RunFilter) -> list[Run]:
    """Return one page; the law stands at Store.get_runs."""
    labels = list(chosen.labels.items())
    if len(labels) > 1:  # from the rarest on
        labels.sort(key=lambda label: db.execute(sql.FEW, label).fetchone())
    room = MAX_LISTED
    runs = []
    for row in db.execute(*sql.page(chosen, labels)):
        omitted = []
        shown = list(row)
        for name, place in PAYLOADS.items():
            size = len(row[place] or "")
            if size > MAX_LISTED_VALUE or size > room:
                omitted.append(name)
                shown[place] = "null"
            else:
                room -= size
        runs.append(to_listed_run(tuple(shown), omitted))
    return runs
