"""Store.get_runs: one page, newest first, whatever the filter."""

from __future__ import annotations

import pytest

from durably import RunFilter, RunStatus
from durably.runs import NO_NOTES
from durably.store.protocol import Store
from kit.stores import COMPLETED, SECOND, T0, put, run, taken


async def ids(store: Store, **chosen: object) -> list[str]:
    """Return the ids of one page."""
    return [found.id for found in await store.get_runs(RunFilter(**chosen))]  # type: ignore[arg-type]


@pytest.fixture
async def filled(store: Store) -> Store:
    """Return a store with six runs: two jobs, three statuses, labels."""
    await put(store, run("a1"), run("a2", labels={"env": "prod", "team": "x"}))
    await put(store, run("b1", job="other", labels={"env": "prod"}), now=T0 + SECOND)
    await put(store, run("b2", job="other", labels={"env": "dev"}), now=T0 + SECOND)
    await put(store, run("c1", job="third"), run("c2", job="third"), now=T0 + 2 * SECOND)
    held = await taken(store, now=T0)  # a1
    await store.finish(held.lease, COMPLETED, notes=NO_NOTES, now=T0)
    await taken(store, now=T0)  # a2
    return store


async def test_the_newest_run_comes_first(filled: Store) -> None:
    """By the time it was made, then by id: stable inside one millisecond (B12)."""
    assert await ids(filled) == ["c2", "c1", "b2", "b1", "a2", "a1"]


@pytest.mark.parametrize(
    ("chosen", "found"),
    [
        ({"job_names": ["other"]}, ["b2", "b1"]),
        ({"job_names": ["job", "third"]}, ["c2", "c1", "a2", "a1"]),
        ({"job_names": ["none"]}, []),
        ({"job_names": "other"}, ["b2", "b1"]),
        ({"statuses": RunStatus.COMPLETED}, ["a1"]),
        ({"job_names": []}, ["c2", "c1", "b2", "b1", "a2", "a1"]),
        ({"statuses": [RunStatus.COMPLETED]}, ["a1"]),
        ({"statuses": [RunStatus.COMPLETED, RunStatus.LEASED]}, ["a2", "a1"]),
        ({"statuses": []}, ["c2", "c1", "b2", "b1", "a2", "a1"]),
        ({"labels": {"env": "prod"}}, ["b1", "a2"]),
        ({"labels": {"env": "prod", "team": "x"}}, ["a2"]),
        ({"labels": {"env": "prod", "team": "y"}}, []),
        ({"labels": {"team": "prod"}}, []),
        (
            {"job_names": ["other"], "statuses": [RunStatus.PENDING], "labels": {"env": "prod"}},
            ["b1"],
        ),
    ],
)
async def test_every_given_filter_must_match(
    filled: Store, chosen: dict[str, object], found: list[str]
) -> None:
    """An empty list does not filter; several values of one field are alternatives."""
    assert await ids(filled, **chosen) == found


async def test_pages_neither_overlap_nor_leave_a_gap(store: Store) -> None:
    """B12: 25 runs of one millisecond come out in pages of ten, each of them once."""
    await put(store, *(run(f"r{n:02}") for n in range(25)))

    pages = [await ids(store, limit=10, offset=offset) for offset in (0, 10, 20, 30)]

    assert [len(page) for page in pages] == [10, 10, 5, 0]
    assert [id for page in pages for id in page] == [f"r{n:02}" for n in reversed(range(25))]


async def test_a_page_of_a_filter_is_cut_after_the_filter(store: Store) -> None:
    """Limit and offset count what matches, labels included."""
    await put(store, *(run(f"r{n}", labels={"even": str(n % 2 == 0)}) for n in range(10)))

    assert await ids(store, labels={"even": "True"}, limit=2, offset=1) == ["r6", "r4"]


async def test_a_label_is_a_value_not_a_pattern(store: Store) -> None:
    """Keys and values are compared as they are, whatever characters they hold."""
    await put(store, run("r1", labels={"a.b/c_d-e": "50% é'\"_"}), run("r2", labels={"a": "x"}))

    assert await ids(store, labels={"a.b/c_d-e": "50% é'\"_"}) == ["r1"]
    assert await ids(store, labels={"a": "%"}) == []
