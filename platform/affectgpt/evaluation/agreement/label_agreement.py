"""How far two annotations of the same clips agree in their labels.

Shares of clips whose sets of groups are equal, overlap or are disjoint; Krippendorff's alpha over sets, with the
distance MASI; F_s as ``evaluate`` has it, with either side as the truth.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from affectgpt.evaluation.agreement.estimates import Measure
from affectgpt.evaluation.grouping import OutOfVocabulary
from affectgpt.evaluation.scoring import Scored, clip_columns, mean_figures
from affectgpt.evaluation.set_metrics import Floats, GroupedSets

RELATIONS: Final = ("equal", "overlapping", "disjoint", "one-sided")
NEITHER: Final = len(RELATIONS)
"""The relation of a clip in which neither side has a group; it is counted in no share."""

_ROWS_AT_ONCE: Final = 1024


def reverse(scored: Scored) -> Scored:
    """Take the other side as the truth."""
    return replace(
        scored,
        sets={key: _reversed(sets) for key, sets in scored.sets.items()},
        unknown={
            key: OutOfVocabulary(
                unknown.predictions, unknown.distinct_predictions, unknown.references, unknown.distinct_references
            )
            for key, unknown in scored.unknown.items()
        },
    )


def label_measures(scored: Scored, key: str) -> dict[str, Measure]:
    """Give the figures of a block: F_s and what it is made of, either way, and the shares of each relation."""
    found: dict[str, Measure] = {}
    for side, one in (("", scored), ("_reversed", reverse(scored))):
        columns = np.hstack([clip_columns(one.sets[name]) for name in one.members(key)])
        found |= {f"{figure}{side}": Measure(columns, _figure(figure)) for figure in ("f_s", "accuracy_s", "recall_s")}
    kinds = np.stack([relations(scored.sets[name]) for name in scored.members(key)], axis=1)
    columns = (kinds[:, :, None] == np.arange(len(RELATIONS))).reshape(len(kinds), -1).astype(np.float64)
    return found | {relation: Measure(columns, _mean_share(place)) for place, relation in enumerate(RELATIONS)}


def alpha_measure(scored: Scored, key: str) -> Measure:
    """Krippendorff's alpha of two annotators with the distance MASI, the mean of a block's wheels.

    1 - D_o / D_e (Krippendorff, Content Analysis, 2004, chapter 11), where D_o is the mean distance of the two sets of
    a clip, and D_e that of any two sets of any clips and sides. Only clips in which both sides have a group count. As
    in the bootstrap of Hayes & Krippendorff (Communication Methods and Measures 1, 2007), D_e stays as it is when
    clips are drawn.
    """
    members = [scored.sets[name] for name in scored.members(key)]
    expected = np.array([expected_distance(sets) for sets in members])
    columns = np.stack([part for sets in members for part in _pairable_distances(sets)], axis=1)

    def figure(sums: Floats) -> Floats:
        of_wheels = sums.reshape(*sums.shape[:-1], len(members), 2)
        mean: Floats = (1 - of_wheels[..., 0] / of_wheels[..., 1] / expected)[..., expected > 0].mean(axis=-1)
        return mean

    return Measure(columns, figure if (expected > 0).any() else _undefined)


def relations(sets: GroupedSets) -> NDArray[np.intp]:
    """Tell for each clip, by its place in ``RELATIONS`` or ``NEITHER``, how its two sets of groups relate; (N,)."""
    first, second, common = _sizes(sets)
    conditions = [(first == 0) & (second == 0), (first == 0) | (second == 0), common == 0]
    equal, overlapping, disjoint, one_sided = range(len(RELATIONS))
    same = np.where((common == first) & (common == second), equal, overlapping)
    return np.select(conditions, [NEITHER, one_sided, disjoint], same)


def masi_distances(sets: GroupedSets) -> Floats:
    """The distance MASI of the two sets of each clip, 0 where both are empty; of shape (N,)."""
    return _masi(*_sizes(sets))


def mean_distances(scored: Scored, key: str) -> Floats:
    """The distance MASI of each clip, the mean of a block's wheels that know a label of it; NaN without any; (N,)."""
    members = [scored.sets[name] for name in scored.members(key)]
    known = np.stack([relations(sets) != NEITHER for sets in members])
    distances = np.stack([masi_distances(sets) for sets in members])
    with np.errstate(invalid="ignore"):
        return np.asarray((distances * known).sum(axis=0) / known.sum(axis=0), np.float64)


def expected_distance(sets: GroupedSets) -> float:
    """D_e of alpha: the mean distance of two different ones among all sets of both sides; NaN for fewer than two."""
    both = (sets.per_clip(sets.references) > 0) & (sets.per_clip(sets.predictions) > 0)
    of_clips = np.concatenate([sets.membership(side)[both] for side in (sets.references, sets.predictions)])
    packed = np.packbits(of_clips, axis=1)
    _, places, counts = np.unique(packed.view(f"V{packed.shape[1]}"), return_index=True, return_counts=True)
    total = counts.sum()
    if total < 2:
        return float("nan")
    members = of_clips[places].astype(np.float64)
    sizes = members.sum(axis=1)
    distance = 0.0
    for start in range(0, len(members), _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        apart = _masi(sizes[rows, None], sizes[None, :], members[rows] @ members.T)
        distance += float(counts[rows] @ apart @ counts)
    return distance / float(total * (total - 1))


def _figure(name: str) -> Callable[[Floats], Floats]:
    def figure(sums: Floats) -> Floats:
        of_wheels = sums.reshape(*sums.shape[:-1], -1, 3)
        return np.where(of_wheels[..., 2].any(axis=-1), mean_figures(of_wheels)[name], np.nan)

    return figure


def _mean_share(place: int) -> Callable[[Floats], Floats]:
    """The share of clips with one relation among those that have any, the mean of the wheels."""

    def figure(sums: Floats) -> Floats:
        of_wheels = sums.reshape(*sums.shape[:-1], -1, len(RELATIONS))
        mean: Floats = (of_wheels[..., place] / of_wheels.sum(axis=-1)).mean(axis=-1)
        return mean

    return figure


def _undefined(sums: Floats) -> Floats:
    return np.full(sums.shape[:-1], np.nan)


def _pairable_distances(sets: GroupedSets) -> tuple[Floats, Floats]:
    """The distance of each clip in which both sides have a group, and one there; zeros elsewhere."""
    pairable = (relations(sets) < RELATIONS.index("one-sided")).astype(np.float64)
    return masi_distances(sets) * pairable, pairable


def _masi(first: Floats, second: Floats, common: Floats) -> Floats:
    """1 - Jaccard's index times 1 for equal sets, 2/3 for a subset, 1/3 for an overlap, 0 for disjoint ones.

    From the sizes of both sets and of what they share (Passonneau, Measuring Agreement on Set-valued Items, LREC 2006).
    """
    union = np.maximum(first + second - common, 1)
    is_subset = (common == first) | (common == second)
    is_equal = (common == first) & (common == second)
    monotonicity = np.select([is_equal, common == 0, is_subset], [1.0, 0.0, 2 / 3], 1 / 3)
    jaccard = np.where(first + second == 0, 1.0, common / union)
    return np.asarray(1 - jaccard * monotonicity, np.float64)


def _sizes(sets: GroupedSets) -> tuple[Floats, Floats, Floats]:
    first, second, common = (
        sets.per_clip(pairs).astype(np.float64) for pairs in (sets.references, sets.predictions, sets.common)
    )
    return first, second, common


def _reversed(sets: GroupedSets) -> GroupedSets:
    return GroupedSets(sets.clips, sets.groups, sets.predictions, sets.references, sets.common)
