"""Where a model is right and wrong: precision and recall of each group, and what is predicted in its stead."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from affectgpt.evaluation.set_metrics import Floats, GroupedSets, Integers, f_score


@dataclass(frozen=True, slots=True)
class GroupScore:
    """How well one group is found.

    Attributes:
        label: the group.
        references: in how many clips the truth has it.
        predictions: in how many the prediction has it.
        hits: in how many both have it.
        precision: hits / predictions, 0 where it is never predicted.
        recall: hits / references, 0 where the truth never has it.
        f: the harmonic mean of both.
    """

    label: str
    references: int
    predictions: int
    hits: int
    precision: float
    recall: float
    f: float


def group_scores(sets: GroupedSets) -> list[GroupScore]:
    """Score each group that occurs, most frequent in the truth first; clips whose truth is empty are left out."""
    counts = [sets.per_group(_of_counted(sets, pairs)) for pairs in (sets.references, sets.predictions, sets.common)]
    references, predictions, hits = counts
    precision, recall = hits / np.maximum(predictions, 1), hits / np.maximum(references, 1)
    scores = [
        GroupScore(*row)
        for row in zip(
            sets.groups,
            *(
                column.tolist()
                for column in (references, predictions, hits, precision, recall, f_score(precision, recall))
            ),
            strict=True,
        )
    ]
    present = [score for score in scores if score.references or score.predictions]
    return sorted(present, key=lambda score: (-score.references, -score.predictions, score.label))


def macro_average(scores: Sequence[GroupScore]) -> dict[str, float] | None:
    """Average precision, recall and F over the groups that the truth has; None where it has none."""
    known = [score for score in scores if score.references]
    if not known:
        return None
    means = {name: sum(getattr(score, name) for score in known) / len(known) for name in ("precision", "recall", "f")}
    return {**means, "labels": len(known)}


@dataclass(frozen=True, slots=True, eq=False)
class Confusion:
    """What is predicted where a sector of the truth is missed.

    Attributes:
        sectors: their names, of length S.
        counts: in how many clips the truth has the sector, of shape (S,).
        missed: the share of these whose prediction has it not, of shape (S,).
        matrix: of shape (S, S + 1); among the clips that miss sector i, the mean share that sector j has of the
            prediction; in the last column the share of clips in which nothing on the wheel is predicted.
    """

    sectors: Sequence[str]
    counts: Integers
    missed: Floats
    matrix: Floats


def confusion(sets: GroupedSets) -> Confusion:
    """Tell what is predicted in the stead of each group of a wheel."""
    truth, predicted = sets.membership(sets.references), sets.membership(sets.predictions)
    missing = (truth & ~predicted).astype(np.float64)
    sizes = predicted.sum(axis=1, keepdims=True)
    shares = np.hstack([predicted / np.maximum(sizes, 1), sizes == 0])
    counts, missed = truth.sum(axis=0), missing.sum(axis=0)
    matrix = missing.T @ shares / np.maximum(missed, 1)[:, None]
    return Confusion(sets.groups, counts, missed / np.maximum(counts, 1), matrix)


def hit_rate(sets: GroupedSets) -> float | None:
    """The share of clips whose one basic label is among the predicted groups; None where no basic label has a group.

    The hit rate of arXiv 2501.16566, section 4.

    Args:
        sets: with the basic labels alone as the truth.
    """
    return float(sets.recall[sets.counted].mean()) if sets.counted.any() else None


def _of_counted(sets: GroupedSets, pairs: Integers) -> Integers:
    return pairs[sets.counted[pairs // max(len(sets.groups), 1)]]
