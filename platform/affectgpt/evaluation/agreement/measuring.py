"""Measures how far two data sets agree on the clips that both hold: labels, sentiment and texts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from affectgpt.evaluation.agreement.annotated import TEXTS
from affectgpt.evaluation.agreement.estimates import Estimate, Measure, estimate, mean_of
from affectgpt.evaluation.agreement.label_agreement import alpha_measure, label_measures, mean_distances
from affectgpt.evaluation.agreement.pairing import Pair
from affectgpt.evaluation.agreement.sentiment_agreement import sentiment_columns, sentiment_measures
from affectgpt.evaluation.agreement.text_similarity import Overlap, word_overlap
from affectgpt.evaluation.grouping import Grouping
from affectgpt.evaluation.recipe import BootstrapSection
from affectgpt.evaluation.scoring import Scored, score
from affectgpt.evaluation.sentiment import sentiment_of_labels
from affectgpt.evaluation.set_metrics import Floats
from affectgpt.evaluation.vocabulary import Sentiment, find_label

BLOCKS: Final = ("level1", "exact")
_UNRELATED_CLIPS: Final = 5000


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """Two data sets with all that was measured of them; arrays and lists have one value per compared clip.

    Attributes:
        pair: the data sets.
        scored: their grouped labels, the first on the side of the references.
        estimates: the figures, each by what it is of (a block, ``alpha``, ``sentiment`` or a text) and its name.
        distances: of the two label sets of each clip, as ``mean_distances`` gives them.
        sentiments: of the labels of the first and of the second.
        sentiment_table: how many clips have each pair of sentiments, as ``sentiment_columns`` orders them.
        overlaps: the words of each text.
        unrelated: for each text the mean F1 of the first's text with the second's text of another clip; None where
            there is no other.
    """

    pair: Pair
    scored: Scored
    estimates: Mapping[tuple[str, str], Estimate]
    distances: Floats
    sentiments: tuple[Sequence[Sentiment | None], Sequence[Sentiment | None]]
    sentiment_table: Floats
    overlaps: Mapping[str, Overlap]
    unrelated: Mapping[str, float | None]


def measure_pair(pair: Pair, groupings: Sequence[Grouping], bootstrap: BootstrapSection) -> Measured:
    """Measure how far two data sets agree.

    Args:
        pair: the data sets.
        groupings: the exact one, and level 1 of each wheel.
        bootstrap: how the intervals are drawn.
    """
    comparison = pair.comparison
    scored = score(comparison, groupings)
    first, second = (
        [sentiment_of_labels(labels, find_label) for labels in side]
        for side in (comparison.truth(), comparison.predicted())
    )
    columns = sentiment_columns(first, second)
    overlaps, unrelated = {}, {}
    some, others = _other_clips(len(comparison.clip_ids))
    for name in TEXTS:
        texts = [side.rows[name].take(rows) for side, rows in pair.sides]
        overlaps[name] = word_overlap(*texts)
        unrelated[name] = _mean(word_overlap(texts[0].take(some), texts[1].take(others)).f1)
    measures = {(block, name): one for block in BLOCKS for name, one in label_measures(scored, block).items()}
    measures["alpha", "level1"] = alpha_measure(scored, "level1")
    measures |= {("sentiment", name): one for name, one in sentiment_measures(columns).items()}
    for name, overlap in overlaps.items():
        measures[name, "similarity"] = mean_of(overlap.f1)
        measures[name, "length_ratio"] = _length_ratio(overlap)
    return Measured(
        pair,
        scored,
        estimate(measures, bootstrap),
        mean_distances(scored, "level1"),
        (first, second),
        columns.sum(axis=0),
        overlaps,
        unrelated,
    )


def _other_clips(clips: int) -> tuple[pa.Array, pa.Array]:
    """Choose clips, evenly spread, and for each another one half of the clips away; none where there is but one."""
    some = np.linspace(0, clips - 1, min(clips, _UNRELATED_CLIPS) if clips > 1 else 0).astype(np.int64)
    return pa.array(some), pa.array((some + clips // 2) % clips)


def _mean(values: Floats) -> float | None:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else None


def _length_ratio(overlap: Overlap) -> Measure:
    """How many words the second has for each of the first, over the clips of which both have a text."""
    known = np.isfinite(overlap.f1)
    lengths = np.stack([overlap.first * known, overlap.second * known], axis=1).astype(np.float64)
    return Measure(lengths, lambda sums: sums[..., 1] / sums[..., 0])
