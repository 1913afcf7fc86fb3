"""Scores the arms with ``affectgpt.evaluation``, and compares them clip by clip."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from affectgpt.annotate.signal.emotions import EMOTIONS
from affectgpt.evaluation.api import Request, evaluate
from affectgpt.evaluation.bootstrap import interval, p_value, resampled_sums
from affectgpt.evaluation.emotion_wheels import Ring, shipped_wheels
from affectgpt.evaluation.scoring import Scored, clip_columns, mean_figures
from affectgpt.evaluation.vocabulary import find_label

Floats = NDArray[np.float64]

_RESAMPLES: Final = 2000
_CONFIDENCE: Final = 0.95
_BLOCK: Final = "level1"
_RINGS: Final[tuple[Ring, ...]] = ("level1", "level2")


@dataclass(frozen=True, slots=True)
class Prediction:
    """What one arm says of one fold's clips with one seed."""

    arm: str
    fold: int
    seed: int
    clip_ids: Sequence[str]
    descriptions: Sequence[str] | None
    labels: Sequence[Sequence[str]] | None

    def to_json(self) -> str:
        """Write it as one line."""
        return json.dumps({name: getattr(self, name) for name in self.__dataclass_fields__}, ensure_ascii=False)

    @staticmethod
    def from_json(line: str) -> "Prediction":
        """Read what ``to_json`` wrote."""
        return Prediction(**json.loads(line))


@dataclass(frozen=True, slots=True, eq=False)
class ArmScores:
    """One arm on all clips that it was run on.

    Attributes:
        clip_ids: these.
        seeds: how many seeds each clip was run with, at least.
        correct: (N,), how often the first label is right, a mean over seeds.
        sets: (N, W, 3), precision, recall and 1 on each of W wheels, means over seeds.
    """

    clip_ids: Sequence[str]
    seeds: int
    correct: Floats
    sets: Floats


@dataclass(frozen=True, slots=True)
class Difference:
    """By how much one arm is ahead of another, with 95 % intervals over clips and over speakers, and p over clips."""

    one: str
    other: str
    metric: str
    clips: int
    difference: float
    over_clips: tuple[float, float]
    over_speakers: tuple[float, float]
    p: float


def score_arms(predictions: Sequence[Prediction], truth: Mapping[str, str], folder: Path) -> dict[str, ArmScores]:
    """Write each arm's predictions as tables, one for each seed, and score them with ``evaluate``.

    Args:
        predictions: of all arms.
        truth: the emotion of each clip.
        folder: where the tables go.
    """
    folder.mkdir(parents=True, exist_ok=True)
    references = folder / "references.parquet"
    pq.write_table(pa.table({"clip_id": list(truth), "labels": [[emotion] for emotion in truth.values()]}), references)
    scores = {}
    for arm in dict.fromkeys(one.arm for one in predictions):
        of_seeds = []
        for seed in sorted({one.seed for one in predictions if one.arm == arm}):
            runs = [one for one in predictions if one.arm == arm and one.seed == seed]
            table = folder / f"{''.join(c if c.isalnum() else '-' for c in arm)}-seed-{seed}.parquet"
            pq.write_table(_table(runs), table)
            (scored,) = evaluate(Request(str(references), [str(table)])).scored.values()
            of_seeds.append(scored)
        scores[arm] = _mean_over_seeds(of_seeds, truth)
    return scores


def _table(runs: Sequence[Prediction]) -> pa.Table:
    columns: dict[str, Any] = {"clip_id": [clip for run in runs for clip in run.clip_ids]}
    if runs[0].descriptions is not None:
        columns["description_en"] = [text for run in runs for text in run.descriptions or ()]
    else:
        columns["labels"] = [list(labels) for run in runs for labels in run.labels or ()]
    return pa.table(columns)


def _mean_over_seeds(of_seeds: Sequence[Scored], truth: Mapping[str, str]) -> ArmScores:
    classes = tuple(sorted(set(truth.values())))
    correct: dict[str, list[float]] = {}
    sets: dict[str, list[Floats]] = {}
    for scored in of_seeds:
        columns = np.stack([clip_columns(scored.sets[name]) for name in scored.members(_BLOCK)], axis=1)
        compared = zip(scored.comparison.clip_ids, scored.comparison.predicted(), columns, strict=True)
        for clip, labels, of_clip in compared:
            right = bool(labels) and class_of(labels[0], classes) == truth[clip]
            correct.setdefault(clip, []).append(float(right))
            sets.setdefault(clip, []).append(of_clip)
    ids = [clip for clip in truth if clip in correct]
    return ArmScores(
        ids,
        min(len(correct[clip]) for clip in ids),
        np.array([np.mean(correct[clip]) for clip in ids]),
        np.array([np.mean(sets[clip], axis=0) for clip in ids]),
    )


@lru_cache(maxsize=4096)
def class_of(label: str, classes: tuple[str, ...]) -> str | None:
    """Tell which of the corpus's emotions an open-vocabulary label stands for.

    Args:
        label: any label.
        classes: the corpus's emotions, by the names that the vocabulary has for them.

    Returns:
        The label's own emotion where the corpus has it; else that of which the signal engine has the label as a fainter
        or stronger word ("calm" for neutral, "weary" for bored); else the one that shares most places with it on the
        rings of the wheels, the first by name among equals; None where there is none.
    """
    word = find_label(label)
    if word is None:
        return None
    for own in (word.emotion.name, _family(label)):
        if own in classes:
            return own
    places = _places(word.emotion.name)
    shared = {name: sum(map(_same, _places(name), places)) for name in classes}
    best = max(classes, key=shared.__getitem__)
    return best if shared[best] else None


def _family(label: str) -> str | None:
    for emotion in EMOTIONS.values():
        if label in (emotion.faint_en, emotion.plain_en, emotion.strong_en):
            plain = find_label(emotion.plain_en)
            return None if plain is None else plain.emotion.name
    return None


def _same(one: str | None, other: str | None) -> bool:
    return one is not None and one == other


def _places(emotion: str) -> tuple[str | None, ...]:
    return tuple(wheel.places[ring].get(emotion) for wheel in shipped_wheels().wheels for ring in _RINGS)


def figures(scores: ArmScores, truth: Mapping[str, str]) -> dict[str, float]:
    """Give an arm's figures: accuracy and macro recall of the first label, and the set-level ones of level 1."""
    of_clip = np.array([truth[clip] for clip in scores.clip_ids])
    recalls = [scores.correct[of_clip == emotion].mean() for emotion in sorted(set(of_clip))]
    sets = mean_figures(scores.sets.sum(axis=0))
    low, high = interval(_resampled(scores.correct[:, None])[:, 0], _CONFIDENCE)
    return {
        "clips": len(of_clip),
        "seeds": scores.seeds,
        "accuracy": float(scores.correct.mean()),
        "accuracy_low": low,
        "accuracy_high": high,
        "macro_recall": float(np.mean(recalls)),
        **{name: float(sets[name]) for name in ("accuracy_s", "recall_s", "f_s")},
    }


def compare(
    names: tuple[str, str],
    scores: Mapping[str, ArmScores],
    speaker_of: Mapping[str, str],
    metric: str,
    among: Collection[str] | None = None,
) -> Difference:
    """Compare two arms on the clips that both were run on.

    Args:
        names: the arm that is thought to be ahead, and the other.
        scores: of all arms.
        speaker_of: the speaker of each clip; clips of one speaker are more alike than others.
        metric: ``accuracy`` of the first label, or ``f_s``.
        among: the clips that are looked at, or None for all.
    """
    others = set(scores[names[1]].clip_ids).intersection(speaker_of if among is None else among)
    common = [clip for clip in scores[names[0]].clip_ids if clip in others]
    sides = []
    for name in names:
        row_of = {clip: row for row, clip in enumerate(scores[name].clip_ids)}
        rows = [row_of[clip] for clip in common]
        side = scores[name].correct[:, None] if metric == "accuracy" else scores[name].sets.reshape(len(row_of), -1)
        sides.append(side[rows])
    both = np.hstack([*sides, np.ones((len(common), 1))])
    speakers, of_speaker = np.unique([speaker_of[clip] for clip in common], return_inverse=True)
    by_speaker = np.array([both[of_speaker == number].sum(axis=0) for number in range(len(speakers))])
    differences = _difference(resampled_sums(both, _RESAMPLES, 0), metric)
    return Difference(
        *names,
        metric,
        len(common),
        float(_difference(both.sum(axis=0), metric)),
        interval(differences, _CONFIDENCE),
        interval(_difference(resampled_sums(by_speaker, _RESAMPLES, 0), metric), _CONFIDENCE),
        p_value(differences),
    )


def _difference(sums: Floats, metric: str) -> Floats:
    """The first side's figure less the other's, from sums (..., 2 * C + 1), the last of which is the count of clips."""
    width = (sums.shape[-1] - 1) // 2
    one, other, count = sums[..., :width], sums[..., width:-1], sums[..., -1]
    if metric == "accuracy":
        return np.asarray((one - other)[..., 0] / count)
    sides = [mean_figures(side.reshape(*side.shape[:-1], -1, 3))["f_s"] for side in (one, other)]
    return np.asarray(sides[0] - sides[1])


def _resampled(values: Floats) -> Floats:
    return resampled_sums(values, _RESAMPLES, 0) / len(values)
