"""The training report's charts, as inline SVG.

As in the other reports, everything is placed by percentages across and pixels down, so that a chart fills whatever
width the page gives it while its text keeps its size; only the curves, which have no text, are stretched.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from affectgpt.dataset.report import text
from affectgpt.training.metrics import MetricsRow, TrainRow, ValidationRow

_LOSS_HEIGHT = 260
_SMALL_HEIGHT = 110
# A loss that falls by this factor or more is drawn on a logarithmic axis, which keeps its slow end in sight.
_LOG_FROM = 5.0
_POINTS_DRAWN = 300
_MARKS_DRAWN = 60
_SMOOTHED_FROM = 40
_UNIT_TICKS = (1.0, 2.0, 2.5, 5.0, 10.0)
_LEAST_SPAN = 1e-3

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Scale:
    """An axis from ``low`` to ``high``, both above 0 where it is logarithmic."""

    low: float
    high: float
    is_log: bool = False

    def share(self, value: float) -> float:
        """Say how far up the axis a value lies: 0 at its low end, 1 at its high end."""
        low, high, value = (math.log(part) if self.is_log else part for part in (self.low, self.high, value))
        return (value - low) / (high - low)

    def ticks(self, most: int = 6) -> list[float]:
        """Choose round values within the axis, about ``most`` at the most."""
        if not self.is_log:
            return self._linear_ticks(most)
        decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        for digits in ((1, 2, 3, 4, 5, 6, 7, 8, 9), (1, 2, 3, 5), (1, 2, 5), (1, 3), (1,)):
            ticks = [tick for power in decades for digit in digits if self._holds(tick := digit * 10.0**power)]
            if len(ticks) <= most:
                return ticks if len(ticks) > 1 else self._linear_ticks(most)
        return ticks[:: math.ceil(len(ticks) / most)]

    def _linear_ticks(self, most: int) -> list[float]:
        rough = (self.high - self.low) / max(most - 1, 1)
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(unit * power for unit in _UNIT_TICKS if unit * power >= rough * 0.999)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [round(place * step, 12) for place in range(first, last + 1)]

    def _holds(self, value: float) -> bool:
        return self.low * (1 - 1e-9) <= value <= self.high * (1 + 1e-9)


def loss_scale(losses: Sequence[float]) -> Scale:
    """Choose the axis that shows losses best, with a little room around them; there must be one at least."""
    low, high = min(losses), max(losses)
    if low > 0 and high / low >= _LOG_FROM:
        room = (high / low) ** 0.04
        return Scale(low / room, high * room, is_log=True)
    room = max(0.05 * (high - low), 0.02 * abs(high), _LEAST_SPAN)
    return Scale(max(low - room, 0.0) if low >= 0 else low - room, high + room)


def loss_chart(
    stage: str, train: Sequence[TrainRow], validation: Sequence[ValidationRow], chosen_step: int | None
) -> Markup:
    """Draw a stage's loss over its steps: training as a line, validation as points, the chosen checkpoint marked.

    Many training losses are drawn faintly, with their running mean on top. The axis is logarithmic where the loss falls
    far. A loss that was not finite is marked on the upper edge.

    Raises:
        ValueError: there is no finite loss at all.
    """
    losses = [(float(row.step), row.loss) for row in train if row.loss is not None]
    held_out = [(float(row.step), row.loss) for row in validation if row.loss is not None]
    if not losses and not held_out:
        raise ValueError(f"stage {stage}: no loss to draw")
    down = loss_scale([loss for _, loss in (*losses, *held_out)])
    rows: list[MetricsRow] = [*train, *validation]
    across = _steps_scale([row.step for row in rows])
    lost = [row.step for row in rows if row.loss is None]
    return _svg(
        "plot loss",
        _LOSS_HEIGHT,
        _spoken_loss(stage, losses, held_out, chosen_step),
        (
            _grid(across, down, _LOSS_HEIGHT),
            _chosen(across, chosen_step, _LOSS_HEIGHT) if chosen_step is not None else Markup(""),
            _curves([*_training_paths(losses), ("validation", _thinned(held_out))], across, down, _LOSS_HEIGHT),
            _validation_points(held_out, across, down, chosen_step),
            *(_not_finite(step, across) for step in dict.fromkeys(lost)),
        ),
    )


def line_chart(title: str, points: Points) -> Markup:
    """Draw one figure over a stage's steps, from 0 up; ``title`` is what a screen reader calls it.

    Args:
        title: name and unit.
        points: (step, value), by step; one at least.
    """
    highest = max(value for _, value in points)
    down, across = Scale(0.0, 1.08 * highest if highest > 0 else 1.0), _steps_scale([int(step) for step, _ in points])
    values = np.array([value for _, value in points])
    spoken = (
        f"{title} over {points[-1][0]:,.0f} steps: {written(values[0])} at first, {written(values[-1])} at the end, "
        f"{written(values.min())} at the least, {written(values.max())} at the most"
    )
    return _svg(
        "plot small",
        _SMALL_HEIGHT,
        spoken,
        (
            _grid(across, down, _SMALL_HEIGHT, most=4),
            _curves([("training", _thinned(points))], across, down, _SMALL_HEIGHT),
        ),
    )


def written(value: float) -> str:
    """Write a figure of any size in three digits: ``2.5e-5``, ``0.0125``, ``3.14``, ``1,250``, ``12.5k``."""
    if value != 0 and abs(value) < 0.01:
        digits, power = f"{value:.2e}".split("e")
        return f"{digits.rstrip('0').rstrip('.')}e{int(power)}"
    if abs(value) >= 10_000:
        return f"{value / 1000:,.4g}k" if abs(value) < 1_000_000 else f"{value / 1_000_000:,.4g}M"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _steps_scale(steps: Sequence[int]) -> Scale:
    return Scale(0.0, float(max(*steps, 1)))


def _svg(kind: str, height: int, spoken: str, parts: Iterable[Markup]) -> Markup:
    return Markup('<svg class="{}" width="100%" height="{}" role="img" aria-label="{}">{}</svg>').format(
        kind, height, text.printable(spoken), Markup("").join(parts)
    )


def _grid(across: Scale, down: Scale, height: int, most: int = 6) -> Markup:
    rows = Markup("").join(
        Markup(
            '<line class="grid" x1="0" x2="100%" y1="{y:.1f}" y2="{y:.1f}"/>'
            '<text class="tick" x="-8" y="{y:.1f}" dy="0.35em" text-anchor="end">{label}</text>'
        ).format(y=_y(value, down, height), label=written(value))
        for value in down.ticks(most)
    )
    steps = [step for step in across.ticks(5) if step == int(step)]
    columns = Markup("").join(
        Markup('<text class="tick" x="{:.2f}%" y="{}" text-anchor="{}">{}</text>').format(
            100 * across.share(step), height + 17, _anchor(across.share(step)), f"{int(step):,}"
        )
        for step in steps
    )
    base = Markup('<line class="axis" x1="0" x2="100%" y1="{}" y2="{}"/>').format(height, height)
    return rows + base + columns


def _anchor(share: float) -> str:
    return "start" if share < 0.01 else "end" if share > 0.99 else "middle"


def _training_paths(losses: Points) -> list[tuple[str, Points]]:
    if len(losses) < _SMOOTHED_FROM:
        return [("training", losses)]
    return [("raw", _thinned(losses)), ("training", _running_mean(losses))]


def _running_mean(points: Points) -> Points:
    """Average each value with its neighbours on both sides, a thirtieth of all of them together."""
    steps, values = _columns(points)
    window = np.ones(len(points) // 30 | 1)
    means = np.convolve(values, window, "same") / np.convolve(np.ones_like(values), window, "same")
    every = math.ceil(len(points) / _POINTS_DRAWN)
    kept = sorted({*range(0, len(points), every), len(points) - 1})
    return list(zip(steps[kept].tolist(), means[kept].tolist(), strict=True))


def _thinned(points: Points) -> Points:
    """Keep the lowest and the highest of neighbouring points where there are too many, so that no spike is lost."""
    if len(points) <= _POINTS_DRAWN:
        return points
    _, values = _columns(points)
    kept = {0, len(points) - 1}
    for part in np.array_split(np.arange(len(points)), _POINTS_DRAWN // 2):
        kept |= {int(part[values[part].argmin()]), int(part[values[part].argmax()])}
    return [points[index] for index in sorted(kept)]


def _columns(points: Points) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    table = np.array(points, np.float64)
    return table[:, 0], table[:, 1]


def _curves(paths: Sequence[tuple[str, Points]], across: Scale, down: Scale, height: int) -> Markup:
    drawn = Markup("").join(
        Markup('<path class="{}" d="M{}"/>').format(
            name,
            "L".join(f"{1000 * across.share(step):.1f} {1000 * (1 - down.share(value)):.1f}" for step, value in points),
        )
        for name, points in paths
        if len(points) > 1
    )
    dots = Markup("").join(
        Markup('<circle class="{}" cx="{:.2f}%" cy="{:.1f}" r="3"/>').format(
            name, 100 * across.share(points[0][0]), _y(points[0][1], down, height)
        )
        for name, points in paths
        if len(points) == 1 and name != "validation"
    )
    return (
        Markup(
            '<svg class="curves" width="100%" height="{}" viewBox="0 0 1000 1000" preserveAspectRatio="none">'
        ).format(height)
        + drawn
        + Markup("</svg>")
        + dots
    )


def _validation_points(points: Points, across: Scale, down: Scale, chosen_step: int | None) -> Markup:
    """Mark the points of validation, the chosen one on top; where there are many, that one alone."""
    shown = points if len(points) <= _MARKS_DRAWN else [point for point in points if point[0] == chosen_step]
    return Markup("").join(
        Markup(
            '<circle class="{}" cx="{:.2f}%" cy="{:.1f}" r="{}">'
            "<title>step {:,.0f}: validation loss {}</title></circle>"
        ).format(
            "validation chosen" if step == chosen_step else "validation",
            100 * across.share(step),
            _y(loss, down, _LOSS_HEIGHT),
            6 if step == chosen_step else 3.5,
            step,
            written(loss),
        )
        for step, loss in sorted(shown, key=lambda point: point[0] == chosen_step)
    )


def _chosen(across: Scale, step: int, height: int) -> Markup:
    share = across.share(step)
    is_right = share > 0.5
    return Markup(
        '<line class="chosen" x1="{x:.2f}%" x2="{x:.2f}%" y1="0" y2="{height}"/>'
        '<text class="chosen" x="{x:.2f}%" dx="{gap}" y="13" text-anchor="{anchor}">chosen: step {step}</text>'
    ).format(
        x=100 * share, height=height, gap=-7 if is_right else 7, anchor="end" if is_right else "start", step=f"{step:,}"
    )


def _not_finite(step: int, across: Scale) -> Markup:
    return Markup(
        '<text class="not-finite" x="{:.2f}%" y="12" text-anchor="middle">×<title>step {}: the loss was not finite'
        "</title></text>"
    ).format(100 * across.share(step), f"{step:,}")


def _spoken_loss(stage: str, losses: Points, held_out: Points, chosen_step: int | None) -> str:
    said = [
        f"{name} loss from {written(points[0][1])} at step {points[0][0]:,.0f} to {written(points[-1][1])} at step "
        f"{points[-1][0]:,.0f}, lowest {written(min(loss for _, loss in points))}"
        for name, points in (("training", losses), ("validation", held_out))
        if points
    ]
    if chosen_step is not None:
        said.append(f"the checkpoint of step {chosen_step:,} was chosen")
    return f"Stage {stage}: {'; '.join(said)}"


def _y(value: float, down: Scale, height: int) -> float:
    return height * (1 - down.share(value))
