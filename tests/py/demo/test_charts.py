"""A chart is a picture, and words for those who do not see it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest

from demo_jobs.charts import MOST_BARS, MOST_DOTS, Bar, Dot, bar_chart, line_chart, number_text

SVG = "{http://www.w3.org/2000/svg}"


def parsed(svg: str) -> ET.Element:
    """Parse a chart; the ids that name it must be there."""
    root = ET.fromstring(svg)
    ids = {element.get("id") for element in root.iter()}
    assert set(root.get("aria-labelledby", "-").split()) <= ids
    assert root.get("role") == "img"
    return root


def words(root: ET.Element) -> str:
    """Return what the description says."""
    return root.findtext(f"{SVG}desc") or ""


def test_bars_are_as_long_as_their_values() -> None:
    """From a common line, which negative ones leave to the other side."""
    bars = [Bar(label="a", value=10), Bar(label="b", value=5), Bar(label="c", value=-5)]

    root = parsed(bar_chart(bars, title="T", measure="sum of x", key="1"))

    a, b, c = (
        [float(rect.get(name, "")) for name in ("x", "width")] for rect in root.iter(f"{SVG}rect")
    )
    assert a[1] == pytest.approx(2 * b[1], abs=0.2) == pytest.approx(2 * c[1], abs=0.2)
    assert a[0] == b[0] == pytest.approx(c[0] + c[1], abs=0.2)
    assert words(root) == (
        "Bar chart of sum of x for 3 categories. The largest is a with 10, the smallest c with -5."
    )


def test_texts_of_any_kind_are_texts() -> None:
    """What looks like markup is shown, not obeyed; what XML cannot hold is replaced."""
    nasty = '<script>alert("&")</script>\x00'

    svg = bar_chart([Bar(label=nasty, value=1)], title=nasty, measure=nasty, key='"><x')
    root = parsed(svg)

    assert "<script" not in svg
    assert root.findtext(f"{SVG}title") == nasty.replace("\x00", "\ufffd")
    assert root.find(f".//{SVG}x") is None


def test_more_bars_than_can_be_told_apart_are_left_out_and_told() -> None:
    """The description says how many."""
    bars = [Bar(label=str(n), value=n) for n in range(MOST_BARS + 5)]

    root = parsed(bar_chart(bars, title="T", measure="m", key="k"))

    assert len(list(root.iter(f"{SVG}rect"))) == MOST_BARS
    assert words(root).endswith("5 more are not drawn.")


def test_moments_are_as_far_apart_as_they_are() -> None:
    """A line goes by time, not by number, whatever the order was."""
    start = datetime(2024, 1, 1, tzinfo=UTC)
    dots = [
        Dot(moment=start + timedelta(days=day), label=f"day {day}", value=day)
        for day in (30, 0, 10)
    ]

    root = parsed(line_chart(dots, title="T", measure="m", key="k"))

    line = root.find(f"{SVG}polyline")
    assert line is not None
    points = [tuple(map(float, point.split(","))) for point in line.get("points", "").split()]
    assert (points[1][0] - points[0][0]) * 3 == pytest.approx(points[2][0] - points[0][0], abs=0.3)
    assert points[0][1] > points[1][1] > points[2][1]
    assert "from day 0 to day 30" in words(root)
    assert "highest is 30 on day 30" in words(root)
    assert len(list(root.iter(f"{SVG}circle"))) == 3


def test_many_moments_are_a_line_only() -> None:
    """Dots would hide it, and the file would be large."""
    start = datetime(2024, 1, 1, tzinfo=UTC)
    dots = [
        Dot(moment=start + timedelta(days=n), label=str(n), value=0) for n in range(MOST_DOTS + 1)
    ]

    assert not list(parsed(line_chart(dots, title="T", measure="m", key="k")).iter(f"{SVG}circle"))


@pytest.mark.parametrize(
    "svg",
    [
        bar_chart([], title="T", measure="m", key="k"),
        line_chart([], title="T", measure="m", key="k"),
    ],
)
def test_nothing_to_draw_is_said(svg: str) -> None:
    """An empty picture would look like a fault."""
    assert "nothing to draw" in words(parsed(svg))


def test_colours_hold_on_light_and_on_dark() -> None:
    """Texts take the colour around them; there are no variables that a page would have to set."""
    svg = bar_chart([Bar(label="a", value=1)], title="T", measure="m", key="k")

    assert 'fill="currentColor"' in svg
    assert "var(" not in svg
    assert 'fill="black"' not in svg


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (5, "5"),
        (1234.5, "1,234.5"),
        (1234567.8, "1,234,568"),
        (0.0123, "0.0123"),
        (-2.5, "-2.5"),
        (1e20, "1e+20"),
        (1e-7, "1e-07"),
    ],
)
def test_numbers_are_short(value: float, text: str) -> None:
    """They stand beside bars."""
    assert number_text(value) == text
