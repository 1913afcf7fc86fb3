"""Figures with their bootstrap intervals, all of them from one drawing of clips."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from affectgpt.evaluation.bootstrap import interval, resampled_sums
from affectgpt.evaluation.recipe import BootstrapSection
from affectgpt.evaluation.set_metrics import Floats

Name = TypeVar("Name")


@dataclass(frozen=True, slots=True, eq=False)
class Measure:
    """A figure that depends on sums over the clips alone.

    Attributes:
        columns: what is summed, of shape (N, C), one row per clip.
        figure: gives the figure, of shape (...), from sums of shape (..., C); NaN where it is not defined.
    """

    columns: Floats
    figure: Callable[[Floats], Floats]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure, None where it is not defined, and its interval."""

    value: float | None
    interval: tuple[float, float] | None


def estimate(measures: Mapping[Name, Measure], bootstrap: BootstrapSection) -> dict[Name, Estimate]:
    """Give every figure with its interval; they are drawn together, so that they stay paired.

    Resamples in which a figure is not defined are left out of its interval. Columns that several measures share, being
    one array, are summed once.
    """
    arrays = {id(measure.columns): measure.columns for measure in measures.values()}
    starts = dict(zip(arrays, np.cumsum([0, *(array.shape[1] for array in arrays.values())]).tolist(), strict=False))
    columns = np.hstack(list(arrays.values()))
    totals, spread = columns.sum(axis=0), resampled_sums(columns, bootstrap.resamples, bootstrap.seed)
    found: dict[Name, Estimate] = {}
    for name, measure in measures.items():
        start = starts[id(measure.columns)]
        place = slice(start, start + measure.columns.shape[1])
        with np.errstate(divide="ignore", invalid="ignore"):
            value, values = float(measure.figure(totals[place])), measure.figure(spread[:, place])
        known = values[np.isfinite(values)]
        is_known = np.isfinite(value) and len(known) > 0
        found[name] = Estimate(value, interval(known, bootstrap.confidence)) if is_known else Estimate(None, None)
    return found


def mean_of(values: Floats) -> Measure:
    """The mean of one value per clip, of shape (N,), over the clips where it is not NaN."""
    known = np.isfinite(values)
    return Measure(np.stack([np.where(known, values, 0.0), known], axis=1), lambda sums: sums[..., 0] / sums[..., 1])
