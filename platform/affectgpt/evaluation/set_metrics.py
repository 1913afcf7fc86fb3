"""Set-level precision and recall of open-vocabulary labels.

Per clip, with G mapping each label to its group, Y the truth and Y' the prediction: P = |G(Y) & G(Y')| / |G(Y')| and
R = |G(Y) & G(Y')| / |G(Y)|. Accuracy_s and Recall_s are their means over the clips and Avg the mean of both (arXiv
2407.07653, section 4); Precision_s is Accuracy_s by its later name, and F_s the harmonic mean of the two means (arXiv
2501.16566). An empty prediction has P = R = 0; a clip whose truth is empty after grouping is left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from affectgpt.evaluation.label_sets import Indices

Floats = NDArray[np.float64]
Integers = NDArray[np.integer]

FIGURES = ("accuracy_s", "recall_s", "avg", "precision_s", "f_s")


@dataclass(frozen=True, eq=False)
class GroupedSets:
    """The groups of truth and prediction of N clips, each (clip, group) once, as clip * len(groups) + group, ascending.

    Attributes:
        clips: how many clips there are, N.
        groups: the names of the groups.
        references: the pairs of the truth.
        predictions: the pairs of the prediction.
        common: the pairs that both have.
    """

    clips: int
    groups: Sequence[str]
    references: Integers
    predictions: Integers
    common: Integers

    @cached_property
    def counted(self) -> NDArray[np.bool_]:
        """Which clips count: those whose truth is not empty; of shape (N,)."""
        return self.per_clip(self.references) > 0

    @cached_property
    def precision(self) -> Floats:
        """P of each clip, 0 where nothing is predicted; of shape (N,)."""
        return _share(self.per_clip(self.common), self.per_clip(self.predictions))

    @cached_property
    def recall(self) -> Floats:
        """R of each clip, 0 where the truth is empty; of shape (N,)."""
        return _share(self.per_clip(self.common), self.per_clip(self.references))

    def per_clip(self, pairs: Integers) -> Integers:
        """Count pairs by clip; of shape (N,)."""
        return np.bincount(pairs // max(len(self.groups), 1), minlength=self.clips)

    def per_group(self, pairs: Integers) -> Integers:
        """Count pairs by group; of shape (len(groups),)."""
        return np.bincount(pairs % max(len(self.groups), 1), minlength=len(self.groups))

    def membership(self, pairs: Integers) -> NDArray[np.bool_]:
        """Spread pairs over a table of shape (N, len(groups))."""
        table = np.zeros(self.clips * len(self.groups), bool)
        table[pairs] = True
        return table.reshape(self.clips, len(self.groups))


def _share(part: Integers, whole: Integers) -> Floats:
    share: Floats = part / np.maximum(whole, 1)
    return share


def match_sets(
    clips: int, groups: Sequence[str], references: tuple[Indices, Indices], predictions: tuple[Indices, Indices]
) -> GroupedSets:
    """Match the groups of truth and prediction.

    Args:
        clips: how many clips there are.
        groups: the names of the groups.
        references: the clip and the group of each label of the truth, -1 for a label of no group.
        predictions: likewise of the prediction.
    """
    # Twice the pair, and one more on the prediction's side; four bytes where that has room in them.
    room = np.int32 if 2 * clips * len(groups) < np.iinfo(np.int32).max else np.int64
    sides = []
    for side, (of_clip, group) in enumerate((references, predictions)):
        pairs = np.multiply(of_clip, 2 * len(groups), dtype=room)
        pairs += 2 * group + side
        sides.append(pairs[group >= 0])
    # One sort brings equal pairs together, the truth's before the prediction's. Labels come clip by clip: nearly sorted
    # runs, which a stable sort merges.
    both = np.sort(np.concatenate(sides), kind="stable")
    both = both[~_repeats(both)]
    pairs, is_prediction = both >> 1, (both & 1).astype(bool)
    return GroupedSets(clips, groups, pairs[~is_prediction], pairs[is_prediction], pairs[_repeats(pairs)])


def _repeats(ascending: Integers) -> NDArray[np.bool_]:
    repeats = np.zeros(len(ascending), bool)
    np.equal(ascending[1:], ascending[:-1], out=repeats[1:])
    return repeats


def f_score(precision: Floats, recall: Floats) -> Floats:
    """The harmonic mean, 0 where both are 0; of the shape of its arguments."""
    total = precision + recall
    return np.divide(2 * precision * recall, total, out=np.zeros_like(total), where=total > 0)


def figures(precision: Floats, recall: Floats) -> dict[str, Floats]:
    """Give the five figures by name, from means over clips.

    Args:
        precision: of shape (..., W); the last axis are the wheels that are averaged, of size 1 for a single grouping.
            F_s is the mean of the wheels' F_s, not the F of their means.
        recall: likewise.
    """
    mean_precision, mean_recall = precision.mean(axis=-1), recall.mean(axis=-1)
    return {
        "accuracy_s": mean_precision,
        "recall_s": mean_recall,
        "avg": (mean_precision + mean_recall) / 2,
        "precision_s": mean_precision,
        "f_s": f_score(precision, recall).mean(axis=-1),
    }
