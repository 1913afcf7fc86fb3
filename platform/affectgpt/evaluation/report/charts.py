"""The evaluation report's charts beside the wheels, as inline SVG.

As in the build report, everything is placed by percentages across and pixels down, so that a chart fills whatever
width the page gives it while its text keeps its size; only the curves, which have no text, are stretched.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from affectgpt.dataset.report import text

_PLOT_HEIGHT = 400
_LINE_HEIGHT = 17
_MOST_NAMES = 8
_LONGEST_NAME = 28
# How much of a plot's width such a name takes at most, in percent.
_NAME_SHARE = 32.0
_CURVE_POINTS = 60


@dataclass(frozen=True, slots=True)
class Point:
    """One prediction in the plane of recall and precision, all in [0, 1].

    Attributes:
        number: its place in the comparison table, from 1.
        name: its name, as given.
        precision: mean precision over the clips.
        recall: mean recall over the clips.
        precision_interval: low and high end, or None.
        recall_interval: low and high end, or None.
    """

    number: int
    name: str
    precision: float
    recall: float
    precision_interval: tuple[float, float] | None
    recall_interval: tuple[float, float] | None


def tenths_around(values: Sequence[float]) -> tuple[float, float]:
    """Find the tenths around all values, at least two of them, in [0, 1]; all of it where there are no values."""
    if not values:
        return 0.0, 1.0
    low, high = math.floor(10 * (min(values) - 0.02)), math.ceil(10 * (max(values) + 0.02))
    low, high = max(low, 0), min(high, 10)
    if high - low < 2:
        low, high = max(high - 2, 0), max(high, 2)
    return low / 10, high / 10


def interval(value: float, ends: tuple[float, float], limits: tuple[float, float]) -> Markup:
    """Draw a value and its interval on a line between two limits; the numbers stand beside it as text."""
    low, high = (min(max(_across(end, *limits), 0.0), 100.0) for end in ends)
    return Markup(
        '<svg class="interval" width="100%" height="12" aria-hidden="true">'
        '<line class="axis" x1="0" x2="100%" y1="6" y2="6"/>'
        '<line class="whisker" x1="{:.2f}%" x2="{:.2f}%" y1="6" y2="6"/>'
        '<circle class="point" cx="{:.2f}%" cy="6" r="4"/></svg>'
    ).format(low, high, min(max(_across(value, *limits), 0.0), 100.0))


def scatter(points: Sequence[Point]) -> Markup:
    """Draw predictions by recall (across) and precision (up), with lines of equal F and their intervals.

    Both axes span the same range, in tenths, around all points. Up to 8 points carry their names; more than that carry
    their numbers alone.
    """
    low, high = _limits(points)
    spoken = "; ".join(
        f"{text.printable(point.name[:_LONGEST_NAME])}: recall {point.recall:.1%}, precision {point.precision:.1%}"
        for point in points
    )
    return Markup('<svg class="scatter" width="100%" height="{}" role="img" aria-label="{}">{}{}{}{}{}</svg>').format(
        _PLOT_HEIGHT,
        f"Recall and precision of each prediction. {spoken}",
        _grid(low, high),
        _curves(low, high),
        _join(_whiskers(point, low, high) for point in points),
        _names(points, low, high) if len(points) <= _MOST_NAMES else "",
        _join(_mark(point, low, high) for point in points),
    )


def _limits(points: Sequence[Point]) -> tuple[float, float]:
    values = [value for point in points for value in (point.precision, point.recall)]
    values += [end for point in points for end in (point.precision_interval or ())]
    values += [end for point in points for end in (point.recall_interval or ())]
    return tenths_around(values)


def _grid(low: float, high: float) -> Markup:
    step = 0.2 if high - low > 0.6 else 0.1
    ticks = np.arange(math.ceil(low / step - 1e-6), math.floor(high / step + 1e-6) + 1) * step
    return Markup('<rect class="plot" width="100%" height="{}"/>').format(_PLOT_HEIGHT) + _join(
        Markup(
            '<text class="tick" x="{across:.2f}%" y="{below}" text-anchor="middle">{label:.0f}</text>'
            '<text class="tick" x="-8" y="{down:.1f}" dy="0.35em" text-anchor="end">{label:.0f}</text>'
        ).format(
            across=_across(tick, low, high), below=_PLOT_HEIGHT + 18, down=_down(tick, low, high), label=100 * tick
        )
        for tick in ticks
    )


def _curves(low: float, high: float) -> Markup:
    """Draw lines of equal F = 2PR / (P + R), that is P = FR / (2R - F), where they pass the plot."""
    per_unit = 20 if high - low <= 0.3 else 10
    values = [count / per_unit for count in range(1, per_unit) if low < count / per_unit < high]
    paths = _join(Markup('<path d="M{}"/>').format(" ".join(_curve(f, low, high))) for f in values)
    labels = _join(_curve_label(f, low, high) for f in values)
    drawing = Markup(
        '<svg class="curves" width="100%" height="{}" viewBox="0 0 1000 1000" preserveAspectRatio="none">{}</svg>'
    )
    return drawing.format(_PLOT_HEIGHT, paths) + labels


def _curve(f: float, low: float, high: float) -> Iterator[str]:
    first = max(low, f * high / (2 * high - f))
    last = high if low <= 0 or 2 * low <= f else min(high, f * low / (2 * low - f))
    for recall in np.linspace(first, last, _CURVE_POINTS):
        precision = f * recall / (2 * recall - f)
        yield f"{1000 * (recall - low) / (high - low):.1f} {1000 * (high - precision) / (high - low):.1f}"


def _curve_label(f: float, low: float, high: float) -> Markup:
    """Name a line of equal F where it leaves the plot: beside it, or on the axis below."""
    at_side = f * high / (2 * high - f)
    if at_side >= low:
        place = (100.0, 8, _down(at_side, low, high) + 4)
    else:
        place = (_across(f * low / (2 * low - f), low, high), 4, _PLOT_HEIGHT - 6.0)
    return Markup('<text class="equal" x="{:.2f}%" dx="{}" y="{:.1f}">F {:.0f}</text>').format(*place, 100 * f)


def _whiskers(point: Point, low: float, high: float) -> Markup:
    x, y = _across(point.recall, low, high), _down(point.precision, low, high)
    drawn = Markup("")
    if point.recall_interval:
        ends = [_across(end, low, high) for end in point.recall_interval]
        drawn += Markup('<line class="whisker" x1="{:.2f}%" x2="{:.2f}%" y1="{:.1f}" y2="{:.1f}"/>').format(*ends, y, y)
    if point.precision_interval:
        ends = [_down(end, low, high) for end in point.precision_interval]
        drawn += Markup('<line class="whisker" x1="{:.2f}%" x2="{:.2f}%" y1="{:.1f}" y2="{:.1f}"/>').format(x, x, *ends)
    return drawn


def _mark(point: Point, low: float, high: float) -> Markup:
    return Markup(
        '<g class="prediction"><title>{}: recall {:.1f} %, precision {:.1f} %</title>'
        '<circle class="point" cx="{x:.2f}%" cy="{y:.1f}" r="10"/>'
        '<text class="inside" x="{x:.2f}%" y="{y:.1f}" dy="0.35em" text-anchor="middle">{number}</text></g>'
    ).format(
        text.printable(point.name[:200]),
        100 * point.recall,
        100 * point.precision,
        x=_across(point.recall, low, high),
        y=_down(point.precision, low, high),
        number=point.number,
    )


def _names(points: Sequence[Point], low: float, high: float) -> Markup:
    """Write each point's number and name beside it, lower where another name is in the way."""
    written = Markup("")
    ordered = sorted(points, key=lambda point: -point.precision)
    lines = _apart([_down(point.precision, low, high) for point in ordered])
    places = [(_across(point.recall, low, high), _down(point.precision, low, high)) for point in ordered]
    for point, place, line in zip(ordered, places, lines, strict=True):
        x, leftwards = place[0], _leftwards(place, places)
        written += Markup(
            '<text class="name" x="{:.2f}%" y="{:.1f}" dx="{}" dy="{}" text-anchor="{}">{}</text>'
        ).format(
            x,
            line,
            -15 if leftwards else 15,
            "-0.4em",
            "end" if leftwards else "start",
            f"{point.number} {_short(point.name)}",
        )
    return written


def _leftwards(place: tuple[float, float], places: Sequence[tuple[float, float]]) -> bool:
    """Choose the side for a name: towards the middle of the plot, unless only there another point is in the way."""
    x, y = place
    near = [across - x for across, down in places if (across, down) != place and abs(down - y) < 1.5 * _LINE_HEIGHT]
    on_left = any(-_NAME_SHARE < distance <= 0 for distance in near) or x < _NAME_SHARE
    on_right = any(0 <= distance < _NAME_SHARE for distance in near) or x > 100 - _NAME_SHARE
    return x > 50 if on_left == on_right else on_right


def _apart(heights: Sequence[float]) -> list[float]:
    """Move lines of text down, and up again from the bottom, until none lies on another. ``heights`` ascend."""
    lines = list(heights)
    for index in range(1, len(lines)):
        lines[index] = max(lines[index], lines[index - 1] + _LINE_HEIGHT)
    lines[-1] = min(lines[-1], _PLOT_HEIGHT - 4.0)
    for index in range(len(lines) - 2, -1, -1):
        lines[index] = min(lines[index], lines[index + 1] - _LINE_HEIGHT)
    return lines


def _short(name: str) -> str:
    shown = text.printable(name)
    return shown if len(shown) <= _LONGEST_NAME else shown[: _LONGEST_NAME - 1] + "…"


def _across(value: float, low: float, high: float) -> float:
    return 100 * (value - low) / (high - low)


def _down(value: float, low: float, high: float) -> float:
    return _PLOT_HEIGHT * (high - value) / (high - low)


def _join(parts: Iterator[Markup]) -> Markup:
    return Markup("").join(parts)
