"""Say what most cells are: in files of real life one cell of a thousand is something else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Literal

from demo_jobs.summary import Kind, Rank, classify

Family = Literal["number", "date", "text"]


def family_of(kind: Kind) -> Family:
    """Return with what a value of *kind* can be compared."""
    if kind in {"int", "float"}:
        return "number"
    return "date" if kind == "date" else "text"


def main_family(cells: Iterable[str]) -> Family:
    """Return what more than half of the *cells* that are not empty are; text if nothing is."""
    counted = Counter(family_of(classify(cell)[0]) for cell in cells if cell.strip())
    found: tuple[Family, ...] = ("number", "date")
    return next((one for one in found if counted[one] * 2 > counted.total()), "text")


def is_of(cell: str, family: Family) -> bool:
    """Tell whether *cell* can be compared with others of *family*; as a text it always can."""
    return family == "text" or family_of(classify(cell)[0]) == family


def rank_of(cell: str, family: Family) -> Rank:
    """Return what sorts *cell* among others of *family*."""
    return cell.casefold() if family == "text" else classify(cell)[1]
