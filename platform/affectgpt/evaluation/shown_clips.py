"""Picks the clips that a report shows, and says of each label and each word what became of it."""

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from affectgpt.evaluation.extraction.lexicon import read_description
from affectgpt.evaluation.report.examples import Chip, ClipExample, LabelState, Segment
from affectgpt.evaluation.scoring import Scored
from affectgpt.evaluation.set_metrics import Floats, f_score
from affectgpt.evaluation.tables import LabelTable

Descriptions = Mapping[str, str]
"""Descriptions by clip id."""

_Choice = Literal["best", "worst", "random"]
Side = Literal["missed", "wrong"]


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
    comparison = scored.comparison
    predicted = descriptions_of(comparison.predictions.table)
    examples = []
    for choice, row in _chosen(scored, f_score(precision, recall), scored.counted(headline), per_choice, seed):
        clip_id = comparison.clip_ids[row]
        true = comparison.references.labels[comparison.reference_rows[row]]
        guessed = comparison.predictions.labels[comparison.prediction_rows[row]]
        meets_guess, meets_truth = Meeting(scored, headline, row, guessed), Meeting(scored, headline, row, true)
        examples.append(
            ClipExample(
                name,
                choice,
                clip_id,
                [meets_guess.chip(label, "missed") for label in dict.fromkeys(true)],
                [meets_truth.chip(label, "wrong") for label in dict.fromkeys(guessed)],
                list(segments(truth.get(clip_id, ""), meets_guess, "missed")),
                list(segments(predicted.get(clip_id, ""), meets_truth, "wrong")),
                float(precision[row]),
                float(recall[row]),
            )
        )
    return examples


def descriptions_of(table: LabelTable) -> Descriptions:
    """Give the descriptions of a table by clip id, without those that are missing."""
    return {clip: text for clip, text in zip(table.clip_ids, table.descriptions or (), strict=False) if text}


def _chosen(
    scored: Scored, scores: Floats, counted: NDArray[np.bool_], per_choice: int, seed: int
) -> Iterator[tuple[_Choice, int]]:
    """Choose rows: of equal scores those with more labels in the truth, which say more."""
    sizes = [len(labels) for labels in scored.comparison.truth()]
    rows: list[int] = np.flatnonzero(counted).tolist()
    ranked = sorted(rows, key=lambda row: (-scores[row], -sizes[row], scored.comparison.clip_ids[row]))
    best = ranked[:per_choice]
    worst = sorted(ranked[len(best) :], key=lambda row: (scores[row], -sizes[row]))[:per_choice]
    others = sorted(set(ranked) - set(best) - set(worst))
    drawn = random.Random(seed).sample(others, min(per_choice, len(others)))
    yield from (("best", row) for row in best)
    yield from (("worst", row) for row in worst)
    yield from (("random", row) for row in drawn)


class Meeting:
    """Tells of single labels whether they meet one of the other side's, on most of the wheels that know them."""

    def __init__(self, scored: Scored, headline: str, row: int, others: Sequence[str]) -> None:
        groupings = [scored.groupings[key] for key in scored.members(headline)]
        self._row = row
        self._sides = [(grouping, set(grouping.of_clip(row, others)) - {None}) for grouping in groupings]

    def chip(self, label: str, side: Side) -> Chip:
        """Show a label with its group on the first wheel that knows it, and what became of it."""
        own = [(grouping.of_clip(self._row, [label])[0], others) for grouping, others in self._sides]
        known = [(group, others) for group, others in own if group is not None]
        if not known:
            return Chip(label, "unknown", None)
        met = sum(group in others for group, others in known)
        return Chip(label, "hit" if 2 * met >= len(known) else side, known[0][0])


def segments(text: str, meeting: Meeting, side: Side) -> Iterator[Segment]:
    """Cut a description at the emotions that it names, and tell of each what became of it."""
    at = 0
    for mention in read_description(text):
        if mention.start > at:
            yield Segment(text[at : mention.start], None, "")
        words = text[mention.start : mention.end]
        if mention.standing == "held":
            names = (mention.word.base, mention.word.emotion.name)
            states = (meeting.chip(name, side).state for name in names)
            # Wheels of English words alone know a Chinese word by the name of its emotion.
            known: LabelState = next((state for state in states if state != "unknown"), "unknown")
            yield Segment(words, known, mention.word.emotion.name)
        else:
            yield Segment(words, "ignored", mention.standing)
        at = mention.end
    if at < len(text):
        yield Segment(text[at:], None, "")
