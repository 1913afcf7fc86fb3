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
# The plot is at least so wide where the style sheet shows names; on a wider one, points only lie further apart.
_NARROWEST_PLOT = 760
_MOST_NAMES = 8
_LONGEST_NAME = 24
_LINE_HEIGHT = 18
_CHARACTER = 8.5
# A name begins so far from the middle of its own point, and no part of it is nearer to another point than that.
_TO_OWN_POINT = 15
_TO_OTHER_POINTS = 25
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


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a name stands, in pixels of the narrowest plot: from ``left`` to ``right`` and upwards from ``bottom``."""

    left: float
    right: float
    bottom: float

    def distance(self, x: float, y: float) -> float:
        across = max(self.left - x, x - self.right, 0.0)
        return math.hypot(across, max(self.bottom - _LINE_HEIGHT - y, y - self.bottom, 0.0))

    def meets(self, other: "_Place") -> bool:
        is_beside = self.right + _CHARACTER < other.left or other.right + _CHARACTER < self.left
        return not is_beside and abs(self.bottom - other.bottom) < _LINE_HEIGHT


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

    Both axes span the same range, in tenths, around all points. Up to 8 points carry their names, as far as each name
    is clearly nearer to its own point than to any other; the rest carry their numbers alone.
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
    """Write numbers and names beside their points, on the side where neither a point nor a name is near, if any."""
    middles = [
        (_NARROWEST_PLOT * _across(point.recall, low, high) / 100, _down(point.precision, low, high))
        for point in points
    ]
    taken: list[_Place] = []
    written = Markup("")
    for index, (point, (x, y)) in enumerate(zip(points, middles, strict=True)):
        others = middles[:index] + middles[index + 1 :]
        sides = sorted(_beside(_label(point), x, y), key=lambda place: abs(place.left + place.right - _NARROWEST_PLOT))
        place = next((place for place in sides if _is_free(place, others, taken)), None)
        if place is None:
            continue
        taken.append(place)
        gap, anchor = (-_TO_OWN_POINT, "end") if place.right < x else (_TO_OWN_POINT, "start")
        written += Markup(
            '<text class="name" x="{:.2f}%" y="{:.1f}" dx="{}" dy="-0.4em" text-anchor="{}">{}</text>'
        ).format(_across(point.recall, low, high), y, gap, anchor, _label(point))
    return written


def _beside(label: str, x: float, y: float) -> tuple[_Place, _Place]:
    """Find the places on the left and on the right of a point; Chinese, Japanese and Korean are of double width."""
    width = sum(_CHARACTER * (2 if ord(character) >= 0x2E80 else 1) for character in label)
    left, right = x - _TO_OWN_POINT, x + _TO_OWN_POINT
    return _Place(left - width, left, y), _Place(right, right + width, y)


def _is_free(place: _Place, others: Sequence[tuple[float, float]], taken: Sequence[_Place]) -> bool:
    is_within = place.left >= 0 and place.right <= _NARROWEST_PLOT
    is_apart = all(place.distance(*other) >= _TO_OTHER_POINTS for other in others)
    return is_within and is_apart and not any(place.meets(name) for name in taken)


def _label(point: Point) -> str:
    return f"{point.number} {_short(point.name)}"


def _short(name: str) -> str:
    shown = text.printable(name)
    return shown if len(shown) <= _LONGEST_NAME else shown[: _LONGEST_NAME - 1] + "…"


def _across(value: float, low: float, high: float) -> float:
    return 100 * (value - low) / (high - low)


def _down(value: float, low: float, high: float) -> float:
    return _PLOT_HEIGHT * (high - value) / (high - low)


def _join(parts: Iterator[Markup]) -> Markup:
    return Markup("").join(parts)
