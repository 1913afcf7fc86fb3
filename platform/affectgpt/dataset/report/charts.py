"""The report's charts, as inline SVG.

The charts carry no view box and place everything by percentages across and pixels down: they fill whatever width the
page gives them, while their text keeps its size on a phone. Colours come from the page's style sheet by class. The
page forbids style attributes, so there are none here.
"""

import math
from collections.abc import Sequence

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

_BAR_HEIGHT = 8
_SMALLEST_PART = 0.006
_PLOT_HEIGHT = 140
_HISTOGRAM_HEIGHT = _PLOT_HEIGHT + 24
_WAVEFORM_POINTS = 200
_WAVEFORM_HALF_HEIGHT = 50
_QUIETEST_PEAK = 0.01


def bar(share: float, emphasis: bool = False) -> Markup:
    """Draw one horizontal bar that fills ``share`` (0 to 1) of its width; the number stands beside it as text."""
    return Markup(
        '<svg class="bar" width="100%" height="{height}" aria-hidden="true">'
        '<rect class="track" width="100%" height="{height}" rx="{radius}"/>'
        '<rect class="{fill}" width="{width:.2f}%" height="{height}" rx="{radius}"/></svg>'
    ).format(
        height=_BAR_HEIGHT,
        radius=_BAR_HEIGHT // 2,
        fill="fill strong" if emphasis else "fill",
        width=100 * min(max(share, 0.0), 1.0),
    )


def proportions(parts: Sequence[tuple[str, int]]) -> Markup:
    """Draw the parts of a whole as one bar.

    Args:
        parts: (name, count); the name is also the class that gives the part its colour. A part that is not empty is
            always wide enough to be seen, so very unequal parts are drawn a little less unequal than they are.
    """
    present = [(name, count) for name, count in parts if count > 0]
    total = sum(count for _, count in present)
    widths = np.array([max(count / total, _SMALLEST_PART) for _, count in present])
    edges = 100 * np.concatenate([[0.0], np.cumsum(widths)]) / max(widths.sum(), 1e-9)
    segments = Markup("").join(
        Markup('<rect class="{}" x="{:.3f}%" width="{:.3f}%" height="28"><title>{}: {:,}</title></rect>').format(
            name, left, right - left, name, count
        )
        for (name, count), left, right in zip(present, edges[:-1], edges[1:], strict=True)
    )
    spoken = ", ".join(f"{count:,} {name}" for name, count in present) or "no clips"
    return Markup(
        '<svg class="proportions" width="100%" height="28" role="img" aria-label="{}">'
        '<rect class="track" width="100%" height="28"/>{}</svg>'
    ).format(spoken, segments)


def histogram(edges: Sequence[float], counts: Sequence[int], unit: str) -> Markup:
    """Draw a histogram: ``counts[i]`` values lie between ``edges[i]`` and ``edges[i + 1]``, in ``unit``."""
    bins, highest = len(counts), max(counts)
    width = 100 / bins
    bars = Markup("").join(
        _histogram_bar(index * width, width, count, highest, labelled=bins <= 12 or count == highest)
        for index, count in enumerate(counts)
        if count > 0
    )
    ticks = range(0, bins + 1, math.ceil(bins / 6))
    axis = Markup("").join(
        Markup('<text class="tick" x="{:.2f}%" y="{}" text-anchor="{}">{}{}</text>').format(
            tick * width,
            _HISTOGRAM_HEIGHT - 6,
            "start" if tick == 0 else "end" if tick == bins else "middle",
            _edge(edges[tick]),
            f" {unit}" if tick == ticks[-1] else "",
        )
        for tick in ticks
    )
    fullest = int(np.argmax(counts))
    spoken = (
        f"Histogram from {_edge(edges[0])} to {_edge(edges[-1])} {unit}; most values, {highest:,}, "
        f"lie between {_edge(edges[fullest])} and {_edge(edges[fullest + 1])} {unit}"
    )
    return Markup(
        '<svg class="histogram" width="100%" height="{}" role="img" aria-label="{}">{}'
        '<line class="axis" x1="0" x2="100%" y1="{}" y2="{}"/>{}</svg>'
    ).format(_HISTOGRAM_HEIGHT, spoken, bars, _PLOT_HEIGHT, _PLOT_HEIGHT, axis)


def _histogram_bar(left: float, width: float, count: int, highest: int, labelled: bool) -> Markup:
    # The top 20 pixels are kept for the number above the highest bar.
    height = max(1.0, (_PLOT_HEIGHT - 20) * count / highest)
    rect = Markup('<rect class="fill" x="{:.3f}%" y="{:.1f}" width="{:.3f}%" height="{:.1f}"/>').format(
        left + 0.04 * width, _PLOT_HEIGHT - height, 0.92 * width, height
    )
    if not labelled:
        return rect
    return rect + Markup('<text class="value" x="{:.3f}%" y="{:.1f}" text-anchor="middle">{}</text>').format(
        left + width / 2, _PLOT_HEIGHT - height - 6, _short(count)
    )


def _edge(value: float) -> str:
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"


def _short(count: int) -> str:
    if count < 10_000:
        return str(count)
    return f"{count / 1000:.0f}k" if count < 1_000_000 else f"{count / 1_000_000:.1f}M"


def waveform(sound: NDArray[np.float32], description: str) -> Markup:
    """Draw the envelope of a sound: lowest and highest value at each of 200 moments, scaled to the loudest.

    A sound that never passes 1 % of full scale is drawn as quiet as it is, so that silence does not look like speech.

    Args:
        sound: float32 of shape (S,), S > 0, in [-1, 1].
        description: what a screen reader says.
    """
    points = min(_WAVEFORM_POINTS, len(sound))
    starts = np.linspace(0, len(sound), points, endpoint=False).astype(np.intp)
    finite = np.nan_to_num(sound)
    high, low = np.maximum.reduceat(finite, starts), np.minimum.reduceat(finite, starts)
    scale = _WAVEFORM_HALF_HEIGHT / max(float(np.abs(finite).max()), _QUIETEST_PEAK)
    top = np.rint(_WAVEFORM_HALF_HEIGHT - high * scale).astype(int)
    bottom = np.rint(_WAVEFORM_HALF_HEIGHT - low * scale).astype(int) + 1
    outline = [f"{x} {y}" for x, y in enumerate(top)] + [f"{x} {y}" for x, y in reversed(list(enumerate(bottom)))]
    return Markup(
        '<svg class="waveform" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<path d="M{}Z"/></svg>'
    ).format(max(points - 1, 1), 2 * _WAVEFORM_HALF_HEIGHT + 1, description, "L".join(outline))
