"""Picks the clips on which two data sets disagree most, to be shown side by side."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from affectgpt.evaluation.agreement.annotated import TEXTS, AnnotatedDataset
from affectgpt.evaluation.agreement.measuring import Measured
from affectgpt.evaluation.report.examples import Chip, Segment
from affectgpt.evaluation.shown_clips import Meeting, segments

_HEADLINE = "level1"


@dataclass(frozen=True, slots=True)
class ClipSide:
    """What one data set says of a clip.

    Attributes:
        name: of the data set.
        labels: its labels; ``hit`` for one that meets a label of the other side, ``missed`` for one that this side
            alone has, ``unknown`` for a word without a group.
        texts: each text by the name of its column, empty where there is none.
    """

    name: str
    labels: Sequence[Chip]
    texts: dict[str, Sequence[Segment]]


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One clip as two data sets have it.

    Attributes:
        clip_id: the clip.
        distance: of the two label sets, in [0, 1].
        similarity: of the two descriptions, in [0, 1]; None where one is missing.
        sides: the first and the second.
    """

    clip_id: str
    distance: float
    similarity: float | None
    sides: tuple[ClipSide, ClipSide]


def disagreements(measured: Measured, count: int) -> list[Disagreement]:
    """Show the clips whose label sets are furthest apart; of equal ones, those of opposite sentiment first.

    Of clips that are still equal, those come first whose descriptions share the fewest words. A clip on which the data
    sets agree is never shown.
    """
    similarity = measured.overlaps["description_en"].f1
    opposite = np.array(
        [{one, other} == {"positive", "negative"} for one, other in zip(*measured.sentiments, strict=True)]
    )
    order = np.lexsort([np.nan_to_num(similarity, nan=2.0), ~opposite, -np.nan_to_num(measured.distances)])
    apart = order[np.nan_to_num(measured.distances)[order] > 0]
    return [_shown(measured, row, similarity[row]) for row in apart[:count].tolist()]


def _shown(measured: Measured, row: int, similarity: float) -> Disagreement:
    labels = [side.clips.labels[rows[row]] for side, rows in measured.pair.sides]
    first, second = (
        _side(side, rows[row], own, Meeting(measured.scored, _HEADLINE, row, others))
        for (side, rows), own, others in zip(measured.pair.sides, labels, labels[::-1], strict=True)
    )
    clip_id = measured.pair.comparison.clip_ids[row]
    known = float(similarity) if np.isfinite(similarity) else None
    return Disagreement(clip_id, float(measured.distances[row]), known, (first, second))


def _side(dataset: AnnotatedDataset, row: int, labels: Sequence[str], meeting: Meeting) -> ClipSide:
    texts = {name: dataset.rows[name][row].as_py() or "" for name in TEXTS}
    shown: dict[str, Sequence[Segment]] = {
        name: [Segment(text, None, "")] if text else [] for name, text in texts.items()
    }
    shown["description_en"] = list(segments(texts["description_en"], meeting, "missed"))
    return ClipSide(dataset.name, [meeting.chip(label, "missed") for label in dict.fromkeys(labels)], shown)
