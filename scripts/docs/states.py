"""The table of the moves that a run may make."""

from __future__ import annotations

from durably.runs import MOVES, RunStatus
from scripts.docs.markdown import table

P, L, W, C, F, X = RunStatus

#: When each move is made. A move that is missing here, or is one too many, fails the generation.
_WHEN = {
    (P, L): "a worker claims it",
    (P, X): "`cancel()`",
    (L, L): "its lease ran out, and a worker claims it again",
    (L, P): "it gives its slot back: a backoff, a stop, storage trouble",
    (L, W): "it sleeps, or waits for somebody or for a run that it called",
    (L, C): "the job returned",
    (L, F): "the job raised, or killed its worker `max_recoveries` times",
    (L, X): "`cancel()`, or the job raised `Cancelled`",
    (W, L): "its time or its answer came, and a worker claims it",
    (W, X): "`cancel()`, also of the run that called it",
    (F, P): "`resume()`",
    (X, P): "`resume()`",
}


def moves() -> str:
    """Return one row for each allowed move."""
    allowed = [(here, there) for here in RunStatus for there in RunStatus if there in MOVES[here]]
    if set(allowed) != set(_WHEN):
        msg = f"the moves and their words differ: {set(allowed) ^ set(_WHEN)}"
        raise ValueError(msg)
    rows = [(f"`{here}`", f"`{there}`", _WHEN[here, there]) for here, there in allowed]
    rows += [(f"`{here}`", "—", "it stays so") for here in RunStatus if not MOVES[here]]
    return table(("from", "to", "when"), rows)


PARTS = {"moves": moves}
