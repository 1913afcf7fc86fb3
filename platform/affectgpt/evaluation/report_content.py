"""The content of report.json."""

import datetime
import hashlib
import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import combinations
from typing import Any, Final

import numpy as np

import affectgpt
from affectgpt.evaluation import language_model
from affectgpt.evaluation.comparing import Comparison
from affectgpt.evaluation.emotion_wheels import EmotionWheels
from affectgpt.evaluation.labelled_clips import LabelledClips
from affectgpt.evaluation.paired import paired_test
from affectgpt.evaluation.recipe import Recipe
from affectgpt.evaluation.scoring import Scored, blocks, confusions, per_label
from affectgpt.evaluation.sentiment import score_sentiment, sentiment_of_labels
from affectgpt.evaluation.set_metrics import FIGURES
from affectgpt.evaluation.vocabulary import find_label

_LABELS_COUNTED: Final = 100
_MOST_PAIRS: Final = 6


def report_content(
    recipe: Recipe, wheels: EmotionWheels, headline: str, references: LabelledClips, scored: Mapping[str, Scored]
) -> dict[str, Any]:
    """Give what an evaluation found, ready to be written as JSON.

    Args:
        recipe: the settings.
        wheels: the wheels.
        headline: the block whose figures stand at the top.
        references: the truth.
        scored: the scores of each prediction by its name; what the first comes to stands at the top too.
    """
    predictions = [_prediction(name, one, headline, recipe, wheels) for name, one in scored.items()]
    sets = {frozenset(one.comparison.clip_ids) for one in scored.values()}
    compared = sorted({clip_id for one in scored.values() for clip_id in one.comparison.clip_ids})
    return {
        "job": "evaluate",
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "pipeline_version": affectgpt.__version__,
        "references": _side(references),
        "clips_sha256": hashlib.sha256("\n".join(compared).encode()).hexdigest(),
        "same_clips": len(sets) == 1,
        "wheels": _wheels(wheels),
        "grouping": recipe.grouping,
        "headline": headline,
        "extractor": _extractor(recipe, references, scored),
        "prompts_sha256": _prompts(recipe),
        "resamples": recipe.bootstrap.resamples,
        "seed": recipe.bootstrap.seed,
        "confidence": recipe.bootstrap.confidence,
        **{name: predictions[0][name] for name in ("n", *FIGURES, "left_out", "groupings")},
        "predictions": predictions,
        "comparisons": _paired(predictions, scored, headline, recipe),
        "recipe": recipe.model_dump(),
        "versions": {"affectgpt": affectgpt.__version__, "python": platform.python_version(), "numpy": np.__version__},
    }


def _wheels(wheels: EmotionWheels) -> dict[str, Any]:
    drawn = [
        {
            "name": wheel.name,
            "sectors": [{"name": name, "middle": list(words)} for name, words in wheel.sectors.items()],
        }
        for wheel in wheels.wheels
    ]
    return {"source": wheels.source, "sizes": dict(wheels.sizes), "wheels": drawn}


def _prediction(name: str, scored: Scored, headline: str, recipe: Recipe, wheels: EmotionWheels) -> dict[str, Any]:
    comparison = scored.comparison
    groupings = blocks(scored, recipe.bootstrap)
    return {
        "name": name,
        **_side(comparison.predictions),
        "n": len(comparison.clip_ids),
        **{figure: groupings[headline][figure] for figure in FIGURES},
        "intervals": groupings[headline]["intervals"],
        "hit_rate": groupings[headline]["hit_rate"],
        "sentiment": _sentiment(comparison, recipe),
        "left_out": [asdict(left) for left in comparison.left_out],
        "groupings": groupings,
        "per_label": per_label(scored),
        "confusion": confusions(scored),
        "label_frequencies": {
            "references": _frequencies(comparison.truth(), wheels),
            "predictions": _frequencies(comparison.predicted(), wheels),
        },
    }


def _side(side: LabelledClips) -> dict[str, Any]:
    table = side.table
    return {
        "source": table.source,
        "kind": side.kind,
        "languages": dict(side.languages),
        "clips": len(table.clip_ids),
        "sha256": table.sha256,
    }


def _sentiment(comparison: Comparison, recipe: Recipe) -> dict[str, Any] | None:
    column = comparison.references.sentiments
    if column is None:
        truth = [sentiment_of_labels(labels, find_label) for labels in comparison.truth()]
    else:
        truth = [column[row] for row in comparison.reference_rows]
    predicted = [sentiment_of_labels(labels, find_label) for labels in comparison.predicted()]
    drawn = recipe.bootstrap
    found = score_sentiment(truth, predicted, drawn.resamples, drawn.seed, drawn.confidence)
    if found is None:
        return None
    return {**asdict(found), "truth": "labels" if column is None else "column"}


def _frequencies(label_lists: Sequence[Sequence[str]], wheels: EmotionWheels) -> list[tuple[str, int]]:
    """Count in how many clips each wheel word is named, in any of its forms, or a label that no wheel knows."""
    word_of = {label: wheels.word(label) or label for label in {label for labels in label_lists for label in labels}}
    counts = Counter(word for labels in label_lists for word in {word_of[label] for label in labels})
    return sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))[:_LABELS_COUNTED]


def _extractor(recipe: Recipe, references: LabelledClips, scored: Mapping[str, Scored]) -> str | None:
    kinds = {references.kind, *(one.comparison.predictions.kind for one in scored.values())}
    return recipe.extraction.engine if "descriptions" in kinds else None


def _prompts(recipe: Recipe) -> dict[str, str]:
    asked = {"group_labels": recipe.grouping == "llm", "extract_labels": recipe.extraction.engine == "llm"}
    return {name: language_model.prompt_sha256(name) for name, is_asked in asked.items() if is_asked}


def _paired(
    predictions: Sequence[Mapping[str, Any]], scored: Mapping[str, Scored], headline: str, recipe: Recipe
) -> list[dict[str, Any]]:
    """Test every pair of predictions, or, where there are many, the best against each of the others."""
    ranked = [one["name"] for one in sorted(predictions, key=lambda one: -one["f_s"])]
    pairs = combinations(ranked, 2) if len(ranked) <= _MOST_PAIRS else ((ranked[0], other) for other in ranked[1:])
    tests = (paired_test(pair, (scored[pair[0]], scored[pair[1]]), headline, recipe.bootstrap) for pair in pairs)
    return [asdict(test) for test in tests if test is not None]
