"""Draw a chart as SVG: bars for categories, a line for dates.

Texts and axes have the colour of the text around, and the fill is one that stands out from white
and from black, so that a chart can be read in the light and in the dark. It says in words what it
shows to those who do not see it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

#: More bars cannot be told apart.
MOST_BARS: Final = 30
#: More points are drawn as a line only.
MOST_DOTS: Final = 100

_WIDTH: Final = 720
_FILL: Final = "#3b82c4"
_MARGIN: Final = 16
_BAR: Final = 26
_LABELS: Final = 190
_VALUES: Final = 90
_PLOT_HEIGHT: Final = 260
_LEFT: Final = 80
_LONGEST_LABEL: Final = 26
_TITLE_SPACE: Final = 40
#: As `html.escape` has it, without the table of all entities that comes with that module.
_ESCAPED: Final = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"}
)
#: Characters that no XML holds.
_NO_XML: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One category and its value."""

    label: str
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """One moment and its value."""

    moment: datetime
    label: str
    value: float


def bar_chart(bars: Sequence[Bar], *, title: str, measure: str, key: str) -> str:
    """Return a chart with one bar below the other; *key* makes its ids unique on a page."""
    shown = bars[:MOST_BARS]
    if not shown:
        return _nothing(title, key)
    low, high = min(0.0, *(bar.value for bar in shown)), max(0.0, *(bar.value for bar in shown))
    span = (high - low) or 1.0
    plot = _WIDTH - 2 * _MARGIN - _LABELS - 2 * _VALUES if low < 0 else None
    start = _MARGIN + _LABELS + (_VALUES if low < 0 else 0)
    width = plot if plot is not None else _WIDTH - 2 * _MARGIN - _LABELS - _VALUES
    zero = start - low / span * width

    def drawn() -> Iterator[str]:
        for number, bar in enumerate(shown):
            top = _TITLE_SPACE + number * _BAR
            end = start + (bar.value - low) / span * width
            left, right = min(zero, end), max(zero, end)
            middle = top + _BAR / 2
            yield f"<g><title>{_text(bar.label)}: {number_text(bar.value)}</title>"
            yield _words(_MARGIN + _LABELS - 8, middle, _cut(bar.label), anchor="end")
            yield (
                f'<rect x="{left:.1f}" y="{top + 4}" width="{max(right - left, 1):.1f}"'
                f' height="{_BAR - 8}" rx="2" fill="{_FILL}"/>'
            )
            is_left = bar.value < 0
            at, anchor = (left - 6, "end") if is_left else (right + 6, "start")
            yield _words(at, middle, number_text(bar.value), anchor=anchor)
            yield "</g>"
        bottom = _TITLE_SPACE + len(shown) * _BAR
        yield _line(zero, _TITLE_SPACE, zero, bottom)

    most, least = max(shown, key=_value), min(shown, key=_value)
    more = f" {len(bars) - len(shown):,} more are not drawn." if len(bars) > len(shown) else ""
    told = (
        f"Bar chart of {measure} for {len(shown):,} "
        f"{'category' if len(shown) == 1 else 'categories'}. "
        f"The largest is {most.label or '(empty)'} with {number_text(most.value)}, "
        f"the smallest {least.label or '(empty)'} with {number_text(least.value)}.{more}"
    )
    height = _TITLE_SPACE + len(shown) * _BAR + _MARGIN
    return _svg(drawn(), height=height, title=title, told=told, key=key)


def line_chart(dots: Sequence[Dot], *, title: str, measure: str, key: str) -> str:
    """Return a chart of values over time, with moments as far apart as they are."""
    if not dots:
        return _nothing(title, key)
    dots = sorted(dots, key=lambda dot: dot.moment)
    steps = _steps(min(dot.value for dot in dots), max(dot.value for dot in dots))
    low, high = steps[0], steps[-1]
    first, last = dots[0].moment.timestamp(), dots[-1].moment.timestamp()
    width = _WIDTH - _LEFT - 2 * _MARGIN
    bottom = _TITLE_SPACE + _PLOT_HEIGHT

    def x(dot: Dot) -> float:
        share = 0.5 if first == last else (dot.moment.timestamp() - first) / (last - first)
        return _LEFT + share * width

    def y(value: float) -> float:
        return bottom - (value - low) / ((high - low) or 1.0) * _PLOT_HEIGHT

    def drawn() -> Iterator[str]:
        for step in steps:
            yield _line(_LEFT, y(step), _LEFT + width, y(step), opacity=0.25)
            yield _words(_LEFT - 8, y(step), number_text(step), anchor="end")
        points = " ".join(f"{x(dot):.1f},{y(dot.value):.1f}" for dot in dots)
        yield (
            f'<polyline points="{points}" fill="none" stroke="{_FILL}" stroke-width="2"'
            ' stroke-linejoin="round"/>'
        )
        for dot in dots if len(dots) <= MOST_DOTS else ():
            yield (
                f'<circle cx="{x(dot):.1f}" cy="{y(dot.value):.1f}" r="3" fill="{_FILL}">'
                f"<title>{_text(dot.label)}: {number_text(dot.value)}</title></circle>"
            )
        yield _line(_LEFT, bottom, _LEFT + width, bottom)
        yield _words(_LEFT, bottom + 18, dots[0].label, anchor="start")
        if len(dots) > 1:
            yield _words(_LEFT + width, bottom + 18, dots[-1].label, anchor="end")

    most, least = max(dots, key=_value), min(dots, key=_value)
    told = (
        f"Line chart of {measure} at {len(dots):,} {'date' if len(dots) == 1 else 'dates'} from "
        f"{dots[0].label} to {dots[-1].label}. The highest is {number_text(most.value)} on "
        f"{most.label}, the lowest {number_text(least.value)} on {least.label}."
    )
    return _svg(drawn(), height=bottom + 36, title=title, told=told, key=key)


def number_text(value: float) -> str:
    """Return *value* as short as it can be read."""
    if value == 0 or 0.001 <= abs(value) < 1e15:
        decimals = 0 if abs(value) >= 10_000 or value == int(value) else 2
        text = f"{value:,.{decimals}f}" if abs(value) >= 0.1 or value == 0 else f"{value:.4f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return f"{value:.3g}"


def _value(point: Bar | Dot) -> float:
    return point.value


def _steps(low: float, high: float) -> list[float]:
    """Return round numbers, a handful, that reach from below *low* to above *high*."""
    if low >= 0 and low < high / 2:
        low = 0.0  # a line far above zero keeps its own scale, one near it shows zero
    span = (high - low) or abs(high) or 1.0
    rough = span / 4
    power = 10 ** math.floor(math.log10(rough))
    size = next((factor * power for factor in (1, 2, 5) if factor * power >= rough), 10 * power)
    first, last = math.floor(low / size), math.ceil(high / size)
    return [number * size for number in range(first, max(last, first + 1) + 1)]


def _nothing(title: str, key: str) -> str:
    told = "There is nothing to draw: no row has a number."
    words = _words(_MARGIN, _TITLE_SPACE + 10, told, anchor="start")
    return _svg([words], height=_TITLE_SPACE + 36, title=title, told=told, key=key)


def _svg(parts: Iterator[str] | list[str], *, height: int, title: str, told: str, key: str) -> str:
    name = re.sub(r"[^A-Za-z0-9-]", "", key)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}"'
        f' width="{_WIDTH}" height="{height}" role="img" class="report-chart"'
        f' aria-labelledby="title-{name} desc-{name}" font-family="system-ui, sans-serif"'
        ' font-size="13">'
        f'<title id="title-{name}">{_text(title)}</title>'
        f'<desc id="desc-{name}">{_text(told)}</desc>'
        # A picture of its own has no text around it to take a colour from.
        "<style>@media (prefers-color-scheme: dark) {"
        " svg.report-chart:root { color: #e8e8e8 } }</style>"
        f'<text x="{_MARGIN}" y="24" font-size="15" font-weight="600" fill="currentColor">'
        f"{_text(_cut(title, 80))}</text>{''.join(parts)}</svg>\n"
    )


def _words(x: float, y: float, text: str, *, anchor: str) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" dominant-baseline="middle"'
        f' fill="currentColor">{_text(text)}</text>'
    )


def _line(x1: float, y1: float, x2: float, y2: float, opacity: float = 0.6) -> str:
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
        f' stroke="currentColor" stroke-opacity="{opacity}"/>'
    )


def _cut(text: str, longest: int = _LONGEST_LABEL) -> str:
    text = text or "(empty)"
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _text(text: str) -> str:
    return _NO_XML.sub("\ufffd", text).translate(_ESCAPED)
