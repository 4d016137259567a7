"""Reports, written one part after another."""

import asyncio

from pydantic import BaseModel, Field

from durably import Step, job


class ReportInput(BaseModel):
    """What a report is about."""

    month: str = Field(pattern=r"^\d{4}-\d{2}$", description="Such as 2026-11.")
    parts: int = Field(default=6, ge=1, le=50)


class Report(BaseModel):
    """A report that is done."""

    month: str
    lines: list[str]


@job
async def monthly_report(step: Step, input: ReportInput) -> Report:
    """Write the report of one month.

    Each part is a step: after a reload the report goes on with the part that was not done yet.
    """
    lines: list[str] = []
    for number in range(1, input.parts + 1):
        lines.append(await step.run(f"part-{number}", write_part, input.month, number))
        step.progress(number, input.parts)
    return Report(month=input.month, lines=lines)


async def write_part(month: str, number: int) -> str:
    """Write one part; it takes its time."""
    await asyncio.sleep(0.5)
    return f"{month}, part {number}"
