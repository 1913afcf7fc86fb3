"""Paired bootstrap tests: does one prediction beat another on the clips that both have?"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from affectgpt.evaluation.bootstrap import interval, p_value, resampled_sums
from affectgpt.evaluation.recipe import BootstrapSection
from affectgpt.evaluation.scoring import Scored, clip_columns, mean_figures
from affectgpt.evaluation.set_metrics import Floats

_METRIC: Final = "f_s"
_CHANCE: Final = 0.05


@dataclass(frozen=True, slots=True)
class PairedTest:
    """Two predictions compared on the clips that both have.

    Attributes:
        one: the one that is ahead.
        other: the one behind.
        n: how many clips both have.
        metric: the figure that is compared, on the headline's grouping.
        difference: by how much the first is ahead, a fraction.
        interval: the bootstrap interval of the difference.
        p: the two-sided p value.
        sentence: the same in words.
    """

    one: str
    other: str
    n: int
    metric: str
    difference: float
    interval: tuple[float, float]
    p: float
    sentence: str


def paired_test(
    names: tuple[str, str], pair: tuple[Scored, Scored], headline: str, bootstrap: BootstrapSection
) -> PairedTest | None:
    """Compare the F_s of two predictions of the same references; None where they share no clip.

    Args:
        names: what the predictions are called.
        pair: their scores.
        headline: the block that is compared.
        bootstrap: how to draw.
    """
    rows = [{clip: row for row, clip in enumerate(scored.comparison.clip_ids)} for scored in pair]
    common = [clip for clip in rows[0] if clip in rows[1]]
    if not common:
        return None
    columns = [
        _columns(scored, headline, [row_of[clip] for clip in common]) for scored, row_of in zip(pair, rows, strict=True)
    ]
    one, other = (float(_f_s(each.sum(axis=0))) for each in columns)
    if one < other:
        names, columns, one, other = (names[1], names[0]), columns[::-1], other, one
    width = columns[0].shape[1]
    sums = resampled_sums(np.hstack(columns), bootstrap.resamples, bootstrap.seed)
    differences = _f_s(sums[:, :width]) - _f_s(sums[:, width:])
    low_high, p = interval(differences, bootstrap.confidence), p_value(differences)
    sentence = _sentence(names, len(common), one - other, differences, p)
    return PairedTest(names[0], names[1], len(common), _METRIC, one - other, low_high, p, sentence)


def _columns(scored: Scored, headline: str, rows: list[int]) -> Floats:
    return np.hstack([clip_columns(scored.sets[name])[rows] for name in scored.members(headline)])


def _f_s(sums: Floats) -> Floats:
    return mean_figures(sums.reshape(*sums.shape[:-1], -1, 3))[_METRIC]


def _sentence(names: tuple[str, str], clips: int, difference: float, differences: Floats, p: float) -> str:
    smallest = 2 / (len(differences) + 1)
    shown_p = f"p < {smallest:.2g}" if p <= smallest else f"p = {p:.2g}"
    if not differences.any():
        return f"{names[0]} and {names[1]} do not differ in F_s on {clips:,} clips"
    by = f"by {100 * difference:.1f} ± {100 * differences.std():.1f} points of F_s, {shown_p}, on {clips:,} clips"
    if p < _CHANCE:
        return f"{names[0]} beats {names[1]} {by}"
    return f"{names[0]} is ahead of {names[1]} {by}, which may be chance"
