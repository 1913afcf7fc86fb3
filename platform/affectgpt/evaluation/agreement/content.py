"""The content of comparison.json."""

import datetime
import platform
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any, Final

import numpy as np
import pyarrow as pa

import affectgpt
from affectgpt.evaluation.agreement.annotated import TEXTS, AnnotatedDataset
from affectgpt.evaluation.agreement.measuring import BLOCKS, Measured
from affectgpt.evaluation.agreement.pairing import Alone
from affectgpt.evaluation.agreement.provenance import differences, made_by, sentence
from affectgpt.evaluation.emotion_wheels import EmotionWheels
from affectgpt.evaluation.recipe import Recipe
from affectgpt.evaluation.sentiment import CLASSES

_NAMED: Final = 20


def comparison_content(
    datasets: Sequence[AnnotatedDataset], pairs: Sequence[Measured], recipe: Recipe, wheels: EmotionWheels
) -> dict[str, Any]:
    """Give what a comparison found, ready to be written as JSON.

    Args:
        datasets: the data sets.
        pairs: what was measured of every two.
        recipe: the settings.
        wheels: the wheels.
    """
    return {
        "job": "compare-datasets",
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "pipeline_version": affectgpt.__version__,
        "datasets": [_dataset(one) for one in datasets],
        "pairs": [_pair(one) for one in pairs],
        "wheels": {"source": wheels.source, "names": [wheel.name for wheel in wheels.wheels]},
        "resamples": recipe.bootstrap.resamples,
        "seed": recipe.bootstrap.seed,
        "confidence": recipe.bootstrap.confidence,
        "notes": [f"{one.source}: {note}" for one in datasets for note in one.notes],
        "recipe": recipe.model_dump(),
        "versions": {
            "affectgpt": affectgpt.__version__,
            "python": platform.python_version(),
            "numpy": np.__version__,
            "pyarrow": pa.__version__,
        },
    }


def _dataset(dataset: AnnotatedDataset) -> dict[str, Any]:
    clips = dataset.clips
    return {
        "name": dataset.name,
        "source": dataset.source,
        "clips": len(clips.labels),
        "left_out": dataset.outcomes,
        "labels_per_clip": float(np.mean([len(labels) for labels in clips.labels])),
        "languages": dict(clips.languages),
        "sha256": clips.table.sha256,
        "steps": made_by(dataset.rows),
    }


def _pair(measured: Measured) -> dict[str, Any]:
    pair, scored = measured.pair, measured.scored
    differing = differences(pair)
    unknown = [scored.unknown[name] for name in scored.members("level1")]
    return {
        "first": pair.first.name,
        "second": pair.second.name,
        "clips": len(pair.comparison.clip_ids),
        "with_groups": int(np.isfinite(measured.distances).sum()),
        "labels": {block: _estimates(measured, block) for block in BLOCKS},
        "alpha": _estimates(measured, "alpha")["level1"],
        "labels_per_clip": {
            "first": float(np.mean([len(labels) for labels in pair.comparison.truth()])),
            "second": float(np.mean([len(labels) for labels in pair.comparison.predicted()])),
        },
        "out_of_vocabulary": {
            "first": float(np.mean([one.references for one in unknown])),
            "second": float(np.mean([one.predictions for one in unknown])),
        },
        "sentiment": _sentiment(measured),
        "texts": {name: _text(measured, name) for name in TEXTS},
        "differences": differing,
        "differ": sentence(differing),
        "not_compared": _not_compared(pair.alone),
    }


def _estimates(measured: Measured, of: str) -> dict[str, Any]:
    return {name: asdict(one) for (whole, name), one in measured.estimates.items() if whole == of}


def _sentiment(measured: Measured) -> dict[str, Any]:
    return {
        "clips": int(measured.sentiment_table.sum()),
        **_estimates(measured, "sentiment"),
        "classes": list(CLASSES),
        "table": measured.sentiment_table.astype(int).reshape(len(CLASSES), len(CLASSES)).tolist(),
    }


def _text(measured: Measured, name: str) -> dict[str, Any]:
    overlap = measured.overlaps[name]
    known = np.isfinite(overlap.f1)
    return {
        "clips": int(known.sum()),
        "only_first": int(((overlap.first > 0) & (overlap.second == 0)).sum()),
        "only_second": int(((overlap.first == 0) & (overlap.second > 0)).sum()),
        **_estimates(measured, name),
        "unrelated": measured.unrelated[name],
        "words": {
            "first": float(overlap.first[known].mean()) if known.any() else None,
            "second": float(overlap.second[known].mean()) if known.any() else None,
        },
    }


def _not_compared(alone: Iterable[Alone]) -> list[dict[str, Any]]:
    """Count the clips that are not compared by who holds them and how they ended in the other, most frequent first."""
    ids: defaultdict[tuple[str, str, str, str], list[str]] = defaultdict(list)
    for one in alone:
        ids[one.holder, one.other.outcome, one.other.stage, one.other.error].append(one.clip_id)
    return [
        {
            "holder": holder,
            "outcome": outcome,
            "stage": stage,
            "error": error,
            "count": len(of_kind),
            "clips": of_kind[:_NAMED],
        }
        for (holder, outcome, stage, error), of_kind in sorted(ids.items(), key=lambda entry: -len(entry[1]))
    ]
