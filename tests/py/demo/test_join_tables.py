"""Rows with the same key become one, and what matched no other is told."""

from __future__ import annotations

import secrets
from collections import Counter
from typing import Any

import pytest
from demo.desk import Desk, refusal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from demo_jobs import joining
from demo_jobs.joining import joined_columns
from demo_jobs.matches import key_of
from demo_jobs.tables import opened

CUSTOMERS = [["1", "Zoë", "Köln"], ["2", "李娜", "東京"], [" 3", "Ann", "Köln"], ["", "nobody", ""]]
ORDERS = [["2", "10", "x"], ["1 ", "20", "y"], ["2", "30", "z"], ["9", "40", "w"], ["", "0", "v"]]


def people_and_orders(desk: Desk, **options: Any) -> dict[str, Any]:
    """Make two tables and the input that joins them."""
    desk.table("people", ["id", "name", "city"], CUSTOMERS)
    desk.table("orders", ["customer", "sum", "Name"], ORDERS)
    keys = {"leftKeys": ["id"], "rightKeys": ["customer"]}
    return {"left": "people", "right": "orders", **keys, **options}


PAIRS = [
    ("1", "Zoë", "Köln", "20", "y"),
    ("2", "李娜", "東京", "10", "x"),
    ("2", "李娜", "東京", "30", "z"),
]


async def test_rows_with_equal_keys_are_joined(desk: Desk) -> None:
    """The report counts both sides; a name that both have gets a number; empty keys match none."""
    result = await desk.run("join-tables", people_and_orders(desk))

    assert desk.cells(result.table.id) == PAIRS
    assert result.table.column_names == ["id", "name", "city", "sum", "Name_2"]
    assert (result.table.name, result.table.origin) == ("people + orders", "joined")
    assert (result.pairs, result.matched_left, result.matched_right) == (3, 2, 3)
    assert (result.unmatched_left, result.unmatched_right) == (2, 2)
    assert (result.repeated_left, result.repeated_right) == (0, 1)
    assert [one.model_dump() for one in result.repeated] == [{"key": "2", "left": 1, "right": 2}]
    assert desk.leftovers() == []


async def test_rows_that_match_none_stay_when_asked_for(desk: Desk) -> None:
    """Those of the right table have their keys in the columns of the left one's."""
    left = await desk.run("join-tables", people_and_orders(desk, kind="left"))
    outer = await desk.run("join-tables", people_and_orders(desk, kind="outer", name="all"))

    of_left = [*PAIRS, (" 3", "Ann", "Köln", "", ""), ("", "nobody", "", "", "")]
    assert desk.cells(left.table.id) == of_left
    assert desk.cells(outer.table.id) == [
        *of_left,
        ("9", "", "", "40", "w"),
        ("", "", "", "0", "v"),
    ]
    assert outer.table.name == "all"


async def test_keys_of_several_columns_are_compared_one_by_one(desk: Desk) -> None:
    """What is cut differently is no match, and case may be left out of it beyond ASCII, too."""
    desk.table("a", ["x", "y"], [["1", "23"], ["ÄRGER", "b"]])
    desk.table("b", ["x", "y", "z"], [["12", "3", "no"], ["ärger", "B", "yes"]])
    keys = {"leftKeys": ["x", "y"], "rightKeys": ["x", "y"]}

    exact = await desk.run("join-tables", {"left": "a", "right": "b", **keys})
    loose = await desk.run("join-tables", {"left": "a", "right": "b", **keys, "ignoreCase": True})

    assert exact.pairs == 0
    assert desk.cells(loose.table.id) == [("ÄRGER", "b", "yes")]


async def test_a_table_can_be_joined_with_itself(desk: Desk) -> None:
    """Both sides are read apart."""
    desk.table("a", ["id", "boss"], [["1", ""], ["2", "1"], ["3", "1"]])
    keys = {"leftKeys": ["boss"], "rightKeys": ["id"]}

    result = await desk.run("join-tables", {"left": "a", "right": "a", **keys})

    assert desk.cells(result.table.id) == [("2", "1", ""), ("3", "1", "")]


async def test_too_many_rows_are_refused_before_one_is_made(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sentence names the key that is none, and nothing is left; again when it is resumed."""
    monkeypatch.setattr(joining, "MOST_ROWS", 99)
    desk.table("a", ["k"], [["same"]] * 10)
    keys = {"leftKeys": ["k"], "rightKeys": ["k"]}

    async with desk.engine() as app:
        made = await app.trigger("join-tables", {"left": "a", "right": "a", **keys})
        for _ in range(2):
            with refusal("too_many_matches", "“same” alone is in 10 rows"):
                await app.wait_for_run(made.id)
            await app.resume(made.id)

    assert desk.leftovers() == []
    with opened(desk.database) as tables:
        assert tables.columns(made.id) is None


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"rightKeys": ["customer", "sum"]}, "wrong_keys"),
        ({"leftKeys": ["nothing"]}, "no_column"),
        ({"right": "nothing"}, "no_table"),
    ],
)
async def test_what_cannot_be_joined_is_refused(
    desk: Desk, changes: dict[str, Any], code: str
) -> None:
    """Before anything is made."""
    with refusal(code):
        await desk.run("join-tables", {**people_and_orders(desk), **changes})


def test_a_column_never_takes_the_name_of_another() -> None:
    """Names are compared as SQLite does, without case."""
    assert joined_columns(["a", "b"], ["B", "b_2", "_row"]) == ["a", "b", "B_3", "b_2", "_row_2"]


KEY = st.sampled_from(["", " ", "a", "A", "a ", "b", "ß", "SS", '"', "a,b"])
ROWS = st.lists(st.tuples(KEY, KEY), max_size=12)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(left=ROWS, right=ROWS, kind=st.sampled_from(["inner", "left", "outer"]), case=st.booleans())
async def test_a_join_is_what_two_loops_would_make(
    desk: Desk,
    left: list[tuple[str, str]],
    right: list[tuple[str, str]],
    kind: str,
    case: bool,
) -> None:
    """Law of the job: the rows, in order, of the plainest program there is."""
    mark = secrets.token_hex(8)
    a, b = f"a{mark}", f"b{mark}"
    desk.table(a, ["k", "l", "n"], [[*keys, str(n)] for n, keys in enumerate(left)])
    desk.table(b, ["k", "l", "m"], [[*keys, str(n)] for n, keys in enumerate(right)])
    keys = {"leftKeys": ["k", "l"], "rightKeys": ["k", "l"]}

    result = await desk.run(
        "join-tables", {"left": a, "right": b, **keys, "kind": kind, "ignoreCase": case}
    )

    of_left = [key_of(cells, ignore_case=case) for cells in left]
    of_right = [key_of(cells, ignore_case=case) for cells in right]
    expected = []
    for n, (cells, key) in enumerate(zip(left, of_left, strict=True)):
        found = [m for m, other in enumerate(of_right) if other is not None and other == key]
        expected += [(*cells, str(n), str(m)) for m in found]
        expected += [(*cells, str(n), "")] if not found and kind != "inner" else []
    lonely = [m for m, key in enumerate(of_right) if key is None or key not in of_left]
    expected += [(*right[m], "", str(m)) for m in lonely] if kind == "outer" else []
    assert desk.cells(result.table.id) == expected
    counted = Counter(key for key in of_left if key is not None)
    assert result.repeated_left == sum(times > 1 for times in counted.values())


@pytest.mark.slow
@pytest.mark.parametrize("write", range(1, 20))
async def test_a_death_at_any_write_changes_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, write: int
) -> None:
    """Law 1: also where a step ended in the middle of the pairs of one row."""
    monkeypatch.setattr(joining, "JOINED", 70)
    desk.table("a", ["k"], [[str(n % 5)] for n in range(15)])
    desk.table("b", ["k", "m"], [[str(n % 6), str(n)] for n in range(120)])
    keys = {"leftKeys": ["k"], "rightKeys": ["k"], "kind": "outer"}

    result, ran = await desk.run_dying("join-tables", {"left": "a", "right": "b", **keys}, write)

    pairs = [(str(n % 5), str(m)) for n in range(15) for m in range(n % 5, 120, 6)]
    assert result.pairs == len(pairs) == 300
    assert desk.cells(result.table.id) == pairs + [("5", str(m)) for m in range(5, 120, 6)]
    steps = [f"rows-{number}" for number in range(1, 6)]
    assert sorted(set(ran)) == ["lonely-1", *steps]
    assert len(ran) <= 7
    assert desk.leftovers() == []


def test_pairs_are_read_in_order_without_sorting(desk: Desk) -> None:
    """Otherwise each of a thousand batches would sort all pairs there are."""
    from demo_jobs.matches import Pair, Selection, index_keys, make_keys, matching_rows  # noqa: PLC0415

    desk.table("a", ["k"], [["1"]])
    with opened(desk.database) as tables:
        make_keys(tables, "r")
        index_keys(tables, "r")
        said: list[str] = []
        tables.connection.set_trace_callback(said.append)
        chosen = Selection(left="a", right="a", left_columns=["k"], right_columns=["k"])
        for keep_left in (False, True):
            matching_rows(tables, "r", chosen, after=Pair(left=1), keep_left=keep_left, limit=9)
        tables.connection.set_trace_callback(None)
        plans = [
            tables.connection.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall()
            for statement in said
        ]

    assert len(plans) == 4
    assert "TEMP B-TREE" not in str(plans)
    assert "USING AUTOMATIC" not in str(plans)
    assert "SCAN r" not in str(plans)
