"""Picks the clips that a report shows, and says of each label and each word what became of it."""

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import numpy as np

from affectgpt.evaluation.extraction.lexicon import read_description
from affectgpt.evaluation.grouping import Grouping
from affectgpt.evaluation.report.examples import Chip, ClipExample, LabelState, Segment
from affectgpt.evaluation.scoring import Scored
from affectgpt.evaluation.set_metrics import Floats, Integers, f_score
from affectgpt.evaluation.tables import LabelTable

Descriptions = Mapping[str, str]
"""Descriptions by clip id."""

_Choice = Literal["best", "worst", "random"]
_Side = Literal["missed", "wrong"]


def shown_clips(
    name: str, scored: Scored, headline: str, per_choice: int, seed: int, truth: Descriptions
) -> list[ClipExample]:
    """Show the best, the worst and random clips of a prediction, each clip once.

    Args:
        name: what the prediction is called.
        scored: its scores.
        headline: the block by which clips are good or bad.
        per_choice: how many of each kind.
        seed: of the random choice.
        truth: descriptions of the references, where there are some.
    """
    precision, recall = scored.precision_recall(headline)
    counted = np.any([scored.sets[key].counted for key in scored.members(headline)], axis=0)
    comparison = scored.comparison
    predicted = descriptions_of(comparison.predictions.table)
    return [
        ClipExample(
            name,
            choice,
            clip_id := comparison.clip_ids[row],
            *_chips(scored, headline, row),
            list(_segments(truth.get(clip_id, ""), scored, headline, row, "missed")),
            list(_segments(predicted.get(clip_id, ""), scored, headline, row, "wrong")),
            float(precision[row]),
            float(recall[row]),
        )
        for choice, row in _chosen(scored, f_score(precision, recall), np.flatnonzero(counted), per_choice, seed)
    ]


def descriptions_of(table: LabelTable) -> Descriptions:
    """Give the descriptions of a table by clip id, without those that are missing."""
    return {clip: text for clip, text in zip(table.clip_ids, table.descriptions or (), strict=False) if text}


def _chosen(
    scored: Scored, scores: Floats, rows: Integers, per_choice: int, seed: int
) -> Iterator[tuple[_Choice, int]]:
    """Choose rows: of equal scores those with more labels in the truth, which say more."""
    sizes = [len(labels) for labels in scored.comparison.truth()]
    ranked = sorted(rows.tolist(), key=lambda row: (-scores[row], -sizes[row], scored.comparison.clip_ids[row]))
    best = ranked[:per_choice]
    worst = sorted(ranked[len(best) :], key=lambda row: (scores[row], -sizes[row]))[:per_choice]
    others = sorted(set(ranked) - set(best) - set(worst))
    drawn = random.Random(seed).sample(others, min(per_choice, len(others)))
    yield from (("best", row) for row in best)
    yield from (("worst", row) for row in worst)
    yield from (("random", row) for row in drawn)


def _chips(scored: Scored, headline: str, row: int) -> tuple[list[Chip], list[Chip]]:
    comparison = scored.comparison
    truth = comparison.references.labels[comparison.reference_rows[row]]
    predicted = comparison.predictions.labels[comparison.prediction_rows[row]]
    return (
        [_chip(label, scored, headline, row, predicted, "missed") for label in dict.fromkeys(truth)],
        [_chip(label, scored, headline, row, truth, "wrong") for label in dict.fromkeys(predicted)],
    )


def _chip(label: str, scored: Scored, headline: str, row: int, others: Sequence[str], side: _Side) -> Chip:
    """Say whether a label meets one of the other side: on most of the wheels that know it, where there are several."""
    met, known, group = 0, 0, None
    for key in scored.members(headline):
        grouping: Grouping = scored.groupings[key]
        (own,) = grouping.of_clip(row, [label])
        if own is not None:
            group = group or own
            known += 1
            met += own in grouping.of_clip(row, others)
    state: LabelState = "unknown" if not known else "hit" if 2 * met >= known else side
    return Chip(label, state, group)


def _segments(text: str, scored: Scored, headline: str, row: int, side: _Side) -> Iterator[Segment]:
    comparison = scored.comparison
    others = (
        comparison.predictions.labels[comparison.prediction_rows[row]]
        if side == "missed"
        else comparison.references.labels[comparison.reference_rows[row]]
    )
    at = 0
    for mention in read_description(text):
        if mention.start > at:
            yield Segment(text[at : mention.start], None, "")
        words = text[mention.start : mention.end]
        if mention.standing == "held":
            names = (mention.word.base, mention.word.emotion.name)
            states = (_chip(name, scored, headline, row, others, side).state for name in names)
            # Wheels of English words alone know a Chinese word by the name of its emotion.
            known: LabelState = next((state for state in states if state != "unknown"), "unknown")
            yield Segment(words, known, mention.word.emotion.name)
        else:
            yield Segment(words, "ignored", mention.standing)
        at = mention.end
    if at < len(text):
        yield Segment(text[at:], None, "")
