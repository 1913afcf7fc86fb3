"""Scores one prediction on every grouping: the figures, their intervals, and what lies behind them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from affectgpt.evaluation.bootstrap import interval, resampled_sums
from affectgpt.evaluation.comparing import Comparison
from affectgpt.evaluation.grouping import Grouping, OutOfVocabulary, grouped_sets
from affectgpt.evaluation.label_sets import Codebook, LabelSets
from affectgpt.evaluation.per_group import confusion, group_scores, hit_rate, macro_average
from affectgpt.evaluation.recipe import BootstrapSection
from affectgpt.evaluation.set_metrics import Floats, GroupedSets, figures

_MEANS: Final = {"level1": "level 1, mean of the wheels", "level2": "level 2, mean of the wheels"}
_CLIP_BY_CLIP: Final = ("llm", "stored")


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """One prediction on every grouping.

    Attributes:
        comparison: the compared clips.
        groupings: the groupings by key.
        sets: the grouped sets of truth and prediction by key.
        unknown: the shares out of vocabulary by key.
        basic: the grouped sets with the basic labels as the truth, by key; empty where there are none.
    """

    comparison: Comparison
    groupings: dict[str, Grouping]
    sets: dict[str, GroupedSets]
    unknown: dict[str, OutOfVocabulary]
    basic: dict[str, GroupedSets] = field(default_factory=dict)

    def members(self, key: str) -> list[str]:
        """The keys that a block is the mean of: the wheels of a level, or the key itself."""
        return [name for name in self.sets if name.startswith(f"{key}.")] if key in _MEANS else [key]

    def counted(self, key: str) -> NDArray[np.bool_]:
        """Which clips count in a block: on one of its wheels at least; of shape (N,)."""
        counted: NDArray[np.bool_] = np.any([self.sets[name].counted for name in self.members(key)], axis=0)
        return counted

    def precision_recall(self, key: str) -> tuple[Floats, Floats]:
        """Precision and recall of each clip in a block, of shape (N,); means over the wheels that count the clip."""
        members = [self.sets[name] for name in self.members(key)]
        counted = np.array([sets.counted for sets in members])
        wheels = np.maximum(counted.sum(axis=0), 1)
        precision = np.array([sets.precision for sets in members])
        recall = np.array([sets.recall for sets in members])
        return (precision * counted).sum(axis=0) / wheels, (recall * counted).sum(axis=0) / wheels


def score(comparison: Comparison, groupings: Sequence[Grouping]) -> Scored:
    """Group and match the labels of one prediction on every grouping."""
    codebook = Codebook()
    truth, predicted = codebook.encode(comparison.truth()), codebook.encode(comparison.predicted())
    basic = _basic_labels(comparison, codebook)
    scored = Scored(comparison, {grouping.key: grouping for grouping in groupings}, {}, {})
    clips = len(comparison.clip_ids)
    for grouping in groupings:
        scored.sets[grouping.key], scored.unknown[grouping.key] = grouped_sets(
            grouping, codebook, clips, truth, predicted
        )
        if basic is not None:
            scored.basic[grouping.key], _ = grouped_sets(grouping, codebook, clips, basic, predicted)
    return scored


def blocks(scored: Scored, bootstrap: BootstrapSection) -> dict[str, dict[str, Any]]:
    """Give the report's block of every grouping, the means of the wheels before the wheels."""
    names = list(scored.sets)
    columns = np.hstack([clip_columns(scored.sets[name]) for name in names])
    totals = columns.sum(axis=0)
    spread = resampled_sums(columns, bootstrap.resamples, bootstrap.seed)
    place = {name: slice(3 * at, 3 * at + 3) for at, name in enumerate(names)}
    found: dict[str, dict[str, Any]] = {}
    for key in _block_keys(names):
        members = scored.members(key)
        spreads = mean_figures(np.stack([spread[:, place[name]] for name in members], axis=1))
        values = mean_figures(np.stack([totals[place[name]] for name in members]))
        found[key] = {
            "title": _MEANS.get(key) or scored.groupings[key].title,
            **_counts(scored, key),
            **{name: float(value) for name, value in values.items()},
            "intervals": {name: interval(values, bootstrap.confidence) for name, values in spreads.items()},
            "hit_rate": _mean([hit_rate(scored.basic[name]) for name in members if name in scored.basic]),
            "macro": None if key in (*_MEANS, *_CLIP_BY_CLIP) else macro_average(group_scores(scored.sets[key])),
            "out_of_vocabulary": _mean_unknown([scored.unknown[name] for name in members]),
        }
    return found


def clip_columns(sets: GroupedSets) -> Floats:
    """Precision, recall and one for each clip that counts, zeros for the others; of shape (N, 3)."""
    return np.stack([sets.precision, sets.recall, np.ones(sets.clips)], axis=1) * sets.counted[:, None]


def mean_figures(sums: Floats) -> dict[str, Floats]:
    """Give the figures from sums of ``clip_columns`` of shape (..., W, 3), averaged over the W wheels."""
    clips = np.maximum(sums[..., 2], 1)
    return figures(sums[..., 0] / clips, sums[..., 1] / clips)


def per_label(scored: Scored) -> dict[str, list[dict[str, Any]]]:
    """Give precision and recall of each wheel word, of each sector and of each word of the middle ring."""
    keys = [key for key in scored.sets if key == "m2" or key.partition(".")[0] in _MEANS]
    return {key: [asdict(one) for one in group_scores(scored.sets[key])] for key in keys}


def confusions(scored: Scored) -> dict[str, dict[str, Any]]:
    """Give what is predicted in the stead of each sector, by wheel."""
    found = {}
    for key in scored.members("level1"):
        of_wheel = confusion(scored.sets[key])
        found[key.partition(".")[2]] = {
            "sectors": list(of_wheel.sectors),
            "counts": of_wheel.counts.tolist(),
            "missed": of_wheel.missed.tolist(),
            "matrix": of_wheel.matrix.tolist(),
        }
    return found


def _basic_labels(comparison: Comparison, codebook: Codebook) -> LabelSets | None:
    column = comparison.references.table.basic
    if column is None:
        return None
    basic = [column[row] for row in comparison.reference_rows]
    return codebook.encode([[] if label is None else [label.lower().strip()] for label in basic])


def _block_keys(names: Sequence[str]) -> list[str]:
    keys: list[str] = []
    for name in names:
        level = name.partition(".")[0]
        if level in _MEANS and level not in keys:
            keys.append(level)
        keys.append(name)
    return keys


def _counts(scored: Scored, key: str) -> dict[str, int]:
    """How many clips a block compares, and how many are skipped because their truth has no group in it."""
    counted = int(scored.counted(key).sum())
    return {"n": counted, "skipped": len(scored.comparison.clip_ids) - counted}


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _mean_unknown(shares: Sequence[OutOfVocabulary]) -> dict[str, float]:
    every = [asdict(share) for share in shares]
    return {name: sum(share[name] for share in every) / len(every) for name in every[0]}
