"""Bootstrap confidence intervals and paired tests: how far a figure would move with other clips of the same kind."""

from typing import Final

import numpy as np

from affectgpt.evaluation.set_metrics import Floats

_BATCH: Final = 64


def resampled_sums(columns: Floats, resamples: int, seed: int) -> Floats:
    """Sum columns over clips that are drawn with replacement, as many as there are.

    The same seed and number of clips draw the same clips, so that figures of several predictions stay paired.

    Args:
        columns: one row per clip, of shape (N, C).
        resamples: how often to draw, B.
        seed: of the random generator.

    Returns:
        The sums, of shape (B, C).
    """
    clips = len(columns)
    generator = np.random.default_rng(seed)
    sums = np.empty((resamples, columns.shape[1]))
    for start in range(0, resamples, _BATCH):
        size = min(_BATCH, resamples - start)
        drawn = np.stack([np.bincount(generator.integers(clips, size=clips), minlength=clips) for _ in range(size)])
        sums[start : start + size] = drawn.astype(np.float64) @ columns
    return sums


def interval(values: Floats, confidence: float) -> tuple[float, float]:
    """The percentile interval (Efron & Tibshirani 1993, chapter 13) of resampled values, of shape (B,)."""
    low, high = np.quantile(values, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def p_value(differences: Floats) -> float:
    """The two-sided p value that a difference is none, from its resampled values, of shape (B,).

    Twice the smaller share of resamples on one side of zero, with one added to both counts so that it is never 0
    (Davison & Hinkley 1997, section 4.2).
    """
    below, above = np.count_nonzero(differences <= 0), np.count_nonzero(differences >= 0)
    return min(1.0, 2 * (min(below, above) + 1) / (len(differences) + 1))
