"""The last steps of a job that makes a table: its columns are described, it is catalogued."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from demo_jobs.batches import summarise
from demo_jobs.catalogue import Origin, TableInfo, register
from demo_jobs.summary import ColumnSummary
from durably import Step

#: Columns described by one step: each step reads the table once.
COLUMNS_PER_STEP: Final = 4


async def described(
    step: Step, database: Path, table_id: str, columns: Sequence[str]
) -> list[ColumnSummary]:
    """Describe *columns* of a table, a few in each step."""
    summaries: list[ColumnSummary] = []
    for first in range(0, len(columns), COLUMNS_PER_STEP):
        some = columns[first : first + COLUMNS_PER_STEP]
        summaries += await step.run(
            f"columns-{first + 1}-to-{first + len(some)}", summarise, database, table_id, some
        )
    return summaries


async def catalogued(
    step: Step,
    database: Path,
    *,
    name: str,
    columns: Sequence[ColumnSummary],
    origin: Origin,
) -> TableInfo:
    """Make the table of this run one that other jobs may be given."""

    def put() -> TableInfo:
        info = register(database, step.run_id, name=name, columns=columns, origin=origin)
        step.log.info(f"The table is called “{info.name}” and has {info.rows:,} rows")
        return info

    return await step.run("catalogue", put)
