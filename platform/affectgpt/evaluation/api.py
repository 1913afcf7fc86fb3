"""Evaluation from Python: ``score_labels`` for labels in memory, ``evaluate`` for tables and their report."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from affectgpt.errors import RequestError
from affectgpt.evaluation.cells import clip_ids, label_lists
from affectgpt.evaluation.comparing import compare_clips
from affectgpt.evaluation.emotion_wheels import EmotionWheels, shipped_wheels
from affectgpt.evaluation.evaluating import Evaluation, Request, evaluate
from affectgpt.evaluation.extraction.lexicon import extract_by_lexicon
from affectgpt.evaluation.grouping import exact_grouping, wheel_groupings
from affectgpt.evaluation.labelled_clips import LabelledClips, label_clips
from affectgpt.evaluation.recipe import BootstrapSection, load_recipe
from affectgpt.evaluation.research_wheels import read_research_wheels
from affectgpt.evaluation.scoring import blocks, score
from affectgpt.evaluation.tables import ColumnNames, LabelTable
from affectgpt.evaluation.writing import write_evaluation

__all__ = [
    "Evaluation",
    "Request",
    "evaluate",
    "extract_by_lexicon",
    "load_recipe",
    "read_research_wheels",
    "score_labels",
    "write_evaluation",
]

ClipLabels = Mapping[str, Sequence[str]]
"""Labels by clip id; the text of a list, as released files have it, is one too."""


def score_labels(
    references: ClipLabels,
    predictions: ClipLabels,
    wheels: EmotionWheels | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, dict[str, Any]]:
    """Compare predicted with reference labels.

    Args:
        references: the truth; clips that only one side has, and clips without a label here, are left out.
        predictions: the prediction.
        wheels: the wheels; None takes those that come along (``read_research_wheels`` reads others).
        resamples: how often clips are drawn for the intervals.
        seed: of the drawing.

    Returns:
        One block for each grouping: ``exact``, ``m1``, ``m2``, ``level1`` and ``level2`` (means of the wheels), and
        ``level1.plutchik`` and so on. A block has ``n``, ``accuracy_s``, ``recall_s``, ``avg``, ``precision_s`` and
        ``f_s`` as fractions, and ``intervals`` of the last five.

    Raises:
        RequestError: no clip is in both, an id or a label is no text, or ``resamples`` is out of range.
    """
    comparison = compare_clips(_side("references", references), _side("predictions", predictions))
    groupings = [exact_grouping(), *wheel_groupings(wheels or shipped_wheels())]
    try:
        bootstrap = BootstrapSection(resamples=resamples, seed=seed)
    except ValidationError as error:
        raise RequestError(f"resamples={resamples}, seed={seed}: {error}") from error
    return blocks(score(comparison, groupings), bootstrap)


def _side(name: str, labels: ClipLabels) -> LabelledClips:
    ids = clip_ids(f"the ids of the {name}", list(labels))
    lists, notes = label_lists(f"the labels of the {name}", list(labels.values()), split_apostrophes=False)
    table = LabelTable(name, name, ids, lists, None, None, None, None, "", notes)
    return label_clips(table, ColumnNames(), lambda descriptions, language: [], english_only=False)
