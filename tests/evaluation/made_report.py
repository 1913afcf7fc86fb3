"""The content of report.json after an evaluation of made label sets, and examples of its clips."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from affectgpt.evaluation.report.examples import Chip, ClipExample, Segment

BASIC_WHEEL = {
    "joy": ["happy", "content", "proud", "amused", "relieved"],
    "trust": ["accepting", "caring", "respectful"],
    "fear": ["anxious", "scared", "insecure", "overwhelmed"],
    "surprise": ["astonished", "confused", "startled"],
    "sadness": ["disappointed", "lonely", "hurt", "hopeless", "ashamed"],
    "disgust": ["contemptuous", "repelled", "bitter"],
    "anger": ["annoyed", "furious", "frustrated", "indignant", "impatient"],
    "anticipation": ["curious", "hopeful", "eager"],
}
SIX_WHEEL = {
    "happy": ["joyful", "interested", "accepted", "peaceful"],
    "surprised": ["startled", "amazed", "confused"],
    "bad": ["bored", "stressed", "tired"],
    "fearful": ["scared", "anxious", "insecure"],
    "angry": ["mad", "frustrated", "critical"],
    "sad": ["lonely", "hurt", "guilty"],
}
TRUTH_DESCRIPTION = (
    Segment(
        "The man frowns and his voice becomes louder towards the end of the sentence, which shows that he is ", None, ""
    ),
    Segment("angry", "hit", ""),
    Segment(". At the same time his shoulders drop; he seems ", None, ""),
    Segment("disappointed", "missed", ""),
    Segment(" by the answer and is not ", None, ""),
    Segment("happy", "ignored", "denied"),
    Segment(" at all.", None, ""),
)
PREDICTED_DESCRIPTION = (
    Segment("His loud voice suggests that the speaker is ", None, ""),
    Segment("annoyed", "hit", "anger"),
    Segment(", perhaps ", None, ""),
    Segment("anxious", "wrong", ""),
    Segment(" or ", None, ""),
    Segment("hangry", "unknown", ""),
    Segment(".", None, ""),
)


def wheel(name: str, sectors: dict[str, list[str]]) -> dict[str, Any]:
    return {"name": name, "sectors": [{"name": sector, "middle": middle} for sector, middle in sectors.items()]}


def wheel_of_size(name: str, sectors: int, words: int) -> dict[str, Any]:
    """Make a wheel of so many sectors with so many words of the middle ring in all."""
    parts = np.array_split(np.arange(words), sectors)
    return wheel(name, {f"emotion {n}": [f"word number {k}" for k in part] for n, part in enumerate(parts)})


def made_report(
    names: Sequence[str] = ("AffectGPT, stage 2", "Chat-UniVi", "Qwen-Audio"),
    wheels: Sequence[dict[str, Any]] = (wheel("Plutchik 1980", BASIC_WHEEL), wheel("Willcox 1982", SIX_WHEEL)),
    clips: int = 332,
) -> dict[str, Any]:
    """Make a report whose figures are in the range of published ones and agree with each other where it shows."""
    predictions = [_prediction(name, wheels, clips, place) for place, name in enumerate(names)]
    first = predictions[0]
    return {
        "created": "2026-05-03T14:05:11+00:00",
        "pipeline_version": "0.1.0",
        "command": f"evaluate --references truth.csv --predictions {' '.join(names)} --output compared",
        "references": {
            "source": "s3://emer/fine/v2_bilingual.csv",
            "kind": "descriptions",
            "languages": {"en": clips},
            "clips": clips,
            "sha256": "5d" * 32,
        },
        "split": {"source": "emer-fine-split.csv", "part": "test", "seed": 0, "fingerprint": "c4" * 32},
        "clips_sha256": "e1" * 32,
        "same_clips": True,
        "wheels": {
            "source": "the project’s own wheels",
            "sizes": {"wheel_words": 253, "with_synonyms": 1255, "surface_forms": 7386},
            "wheels": list(wheels),
        },
        "grouping": "wheel",
        "headline": "level1",
        "extractor": "lexicon",
        "resamples": 1000,
        "seed": 0,
        "confidence": 0.95,
        **{key: first[key] for key in ("n", "accuracy_s", "recall_s", "avg", "precision_s", "f_s")},
        "predictions": predictions,
        "comparisons": [_comparison(first, other) for other in predictions[1:]],
        "versions": {"affectgpt": "0.1.0", "python": "3.11.9", "numpy": "2.3.1"},
    }


def _comparison(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    difference = one["f_s"] - other["f_s"]
    return {
        "one": one["name"],
        "other": other["name"],
        "n": one["n"],
        "metric": "f_s",
        "difference": difference,
        "interval": [difference - 0.03, difference + 0.03],
        "p": 0.002,
        "sentence": f"{one['name']} is ahead of {other['name']} by {100 * difference:.1f} points of F.",
    }


def figures(precision: float, recall: float, n: int) -> dict[str, Any]:
    f = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    average = (precision + recall) / 2
    values = {"accuracy_s": precision, "recall_s": recall, "avg": average, "precision_s": precision, "f_s": f}
    intervals = {key: [max(value - 0.035, 0.0), min(value + 0.032, 1.0)] for key, value in values.items()}
    return {"n": n, **values, "intervals": intervals, "hit_rate": 0.71}


def _prediction(name: str, wheels: Sequence[dict[str, Any]], clips: int, place: int) -> dict[str, Any]:
    rng = np.random.default_rng(place)
    precision, recall = 0.61 - 0.045 * (place % 9), 0.63 - 0.062 * (place % 8)
    headline = figures(precision, recall, clips - min(4, clips - 1))
    titles = {"exact": ("as written", 0.35), "m1": ("M1: inflected forms", 0.52), "m2": ("M2: and synonyms", 0.6)}
    for level, factor in (("level1", 1.0), ("level2", 0.8)):
        titles[level] = (f"level {level[-1]}, mean of the wheels", factor)
        titles |= {f"{level}.{one['name']}": (f"level {level[-1]}, {one['name']}", factor) for one in wheels}
    middle = {one["name"]: [word for sector in one["sectors"] for word in sector["middle"]] for one in wheels}
    sectors = {one["name"]: [sector["name"] for sector in one["sectors"]] for one in wheels}
    words = list(dict.fromkeys(word for of_wheel in middle.values() for word in of_wheel))
    frequent = Counter({word: int(clips / (2 + rank)) for rank, word in enumerate(words)})
    predicted = Counter({word: int(count * rng.uniform(0.3, 1.6)) for word, count in frequent.items()})
    per_label = {"m2": _per_label(words, clips, rng)}
    for one in wheels:
        per_label[f"level1.{one['name']}"] = _per_label(sectors[one["name"]], clips, rng)
        per_label[f"level2.{one['name']}"] = _per_label(middle[one["name"]], clips, rng)[:-2]
    return {
        "name": name,
        "source": f"/results/{name}.csv",
        "kind": "labels",
        "languages": {"en": clips},
        "sha256": f"{place % 10}a" * 32,
        **headline,
        "sentiment": {
            "n": clips,
            "weighted_f1": 0.78 - 0.03 * place % 0.7,
            "interval": [0.70, 0.82],
            "truth": "labels",
            "classes": [
                {"name": kind, "references": 90, "predictions": 84, "precision": 0.8, "recall": 0.74, "f": 0.769}
                for kind in ("positive", "negative", "neutral")
            ],
        },
        "left_out": [
            {
                "reason": "no-prediction",
                "explanation": "The prediction has no row for the clip.",
                "count": 34,
                "clips": [f"sample_{number:08}" for number in range(20)],
            },
        ],
        "groupings": {
            key: {
                "title": title,
                **figures(precision * factor, recall * factor, clips - min(4, clips - 1)),
                "macro": None
                if key in ("level1", "level2")
                else {"precision": 0.3, "recall": 0.2, "f": 0.25, "labels": 40},
                "out_of_vocabulary": {"references": 0.03, "predictions": 0.004},
                "skipped": 4 if key.startswith("level") else 0,
            }
            for key, (title, factor) in titles.items()
        },
        "per_label": per_label,
        "confusion": {wheel_name: _confusion(per_label[f"level1.{wheel_name}"], rng) for wheel_name in sectors},
        "label_frequencies": {
            "references": [list(entry) for entry in frequent.most_common(100)],
            "predictions": [list(entry) for entry in predicted.most_common(100)],
        },
    }


def _per_label(labels: Sequence[str], clips: int, rng: np.random.Generator) -> list[dict[str, Any]]:
    table = []
    for rank, label in enumerate(labels):
        references, predictions = clips // (2 + rank // 2), int(clips * rng.uniform(0.05, 0.4))
        hits = int(min(references, predictions) * rng.uniform(0.15, 1.0))
        precision, recall = hits / max(predictions, 1), hits / max(references, 1)
        f = 2 * hits / max(references + predictions, 1)
        table.append(
            {
                "label": label,
                "references": references,
                "predictions": predictions,
                "hits": hits,
                "precision": precision if predictions else None,
                "recall": recall if references else None,
                "f": f if references + predictions else None,
            }
        )
    return table


def _confusion(sectors: Sequence[dict[str, Any]], rng: np.random.Generator) -> dict[str, Any]:
    """Make confusions that are strong for a few pairs and weak for the others, as real ones are."""
    size = len(sectors)
    shares = rng.dirichlet(np.full(size + 1, 0.35), size)
    shares[np.arange(size), np.arange(size)] = 0.0
    shares /= shares.sum(axis=1, keepdims=True)
    return {
        "sectors": [sector["label"] for sector in sectors],
        "matrix": shares.tolist(),
        "counts": [sector["references"] for sector in sectors],
        "missed": [1 - (sector["recall"] or 0) for sector in sectors],
    }


def made_example(**changes: Any) -> ClipExample:
    values: dict[str, Any] = {
        "prediction": "AffectGPT, stage 2",
        "choice": "worst",
        "clip_id": "sample_00000342",
        "references": [
            Chip("Angry", "hit", "anger"),
            Chip("disappointed", "missed", "sadness"),
            Chip("self-deprecating", "unknown", None),
        ],
        "predictions": [
            Chip("annoyed", "hit", "anger"),
            Chip("anxious", "wrong", "fear"),
            Chip("hangry", "unknown", None),
        ],
        "reference_description": TRUTH_DESCRIPTION,
        "predicted_description": PREDICTED_DESCRIPTION,
        "precision": 0.5,
        "recall": 0.5,
    }
    return ClipExample(**{**values, **changes})


# A wheel that fits a page of a test, and what a confusion looks like where there is none.
FOUR = wheel("four", {"joy": ["happy", "proud"], "fear": ["scared"], "anger": ["mad", "bitter"], "grief": []})
NO_CONFUSION: dict[str, Any] = {
    "sectors": ["joy", "fear", "anger", "grief"],
    "matrix": np.zeros((4, 5)).tolist(),
    "counts": [10, 20, 30, 0],
    "missed": [0.0, 0.0, 0.0, 0.0],
}
