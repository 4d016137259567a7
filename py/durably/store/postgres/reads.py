"""What is shown of runs in PostgreSQL, as far as it can be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from durably.runs import MAX_LISTED, MAX_LISTED_VALUE
from durably.store.postgres import sql
from durably.store.rows import PAYLOADS, to_listed_run

if TYPE_CHECKING:
    from durably.runs import Run, RunFilter
    from durably.store.postgres.connections import Connections


async def get_run(db: Connections, run_id: str) -> Run | None:
    """Return a run as far as it can be read, or None."""
    rows = await db.execute(sql.RUN, {"id": run_id})
    return to_listed_run(rows[0]) if rows else None


async def get_runs(db: Connections, chosen: RunFilter) -> list[Run]:
    """Return one page; the law stands at Store.get_runs."""
    labels = list(chosen.labels.items())
    if len(labels) > 1:  # from the rarest on
        counts = [
            (await db.execute(sql.FEW, {"key": key, "value": value}))[0] for key, value in labels
        ]
        labels = [labels[n] for n in sorted(range(len(labels)), key=counts.__getitem__)]
    text, values = sql.page(chosen, labels)
    room = MAX_LISTED
    runs = []
    for *sizes, row in (
        (first, second, list(shown))
        for first, second, *shown in await db.execute(text, values | {"most": MAX_LISTED_VALUE})
    ):
        omitted = []
        for (name, place), size in zip(PAYLOADS.items(), sizes, strict=True):
            if (size or 0) > min(MAX_LISTED_VALUE, room):
                omitted.append(name)
                row[place] = "null"
            else:
                room -= size or 0
        runs.append(to_listed_run(tuple(row), omitted))
    return runs
