"""From rows of work to samples, and from what the steps made of them to rows of outcomes."""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import pyarrow as pa

from affectgpt import __version__
from affectgpt.annotate.annotator import Failure
from affectgpt.annotate.findings import with_findings
from affectgpt.annotate.sample import Clue, Sample
from affectgpt.clips.clip import Clip
from affectgpt.dataset.recipe import Recipe
from affectgpt.dataset.reuse import keys_of
from affectgpt.dataset.schema import OUTCOMES, VALUES
from affectgpt.errors import FilteredClipError

Row = Mapping[str, Any]


def clip_of(row: Row) -> Clip:
    """Read a clip from a row of WORK or CLIPS."""
    return Clip(
        clip_id=row["clip_id"],
        uri=row["uri"],
        start_s=row["start_s"],
        end_s=row["end_s"],
        subtitle=row["subtitle"],
        subtitle_source=row["subtitle_source"],
        language=row["language"],
        speaker=row["speaker"],
        source_version=row["source_version"],
    )


def sample_of(row: Row, recipe: Recipe) -> Sample:
    """Make a sample of a row of WORK, with what earlier runs know of it."""
    reference = json.loads(row["voice_reference"]) if row["voice_reference"] else None
    sample = Sample(clip_of(row), voice_reference=reference)
    for name, value in _known(row).items():
        sample = with_findings(sample, name, value)
    return sample


def _known(row: Row) -> dict[str, str]:
    known = row["known"] or {}
    return {name: known[name] for name in VALUES if known.get(name) is not None}


def outcomes_of(rows: Sequence[Row], items: Sequence[Sample | Failure], recipe: Recipe) -> pa.Table:
    """Give a table of OUTCOMES: how each of these rows of WORK ended."""
    ended = [_outcome(row, item, recipe) for row, item in zip(rows, items, strict=True)]
    return pa.Table.from_pylist(ended, OUTCOMES)


def _outcome(row: Row, item: Sample | Failure, recipe: Recipe) -> dict[str, Any]:
    outcome = {name: row[name] for name in ("work_id", "clip_id", "uri", "content_sha256", "attempts", "run_id")}
    outcome |= {
        "scores": [],
        "seconds": list(item.seconds.items()),
        "prompt_tokens": [(name, spent.prompt) for name, spent in item.tokens.items()],
        "completion_tokens": [(name, spent.completion) for name, spent in item.tokens.items()],
        "keys": keys_of(row, recipe),
        "values": item.values,
        "reused": [name for name, value in _known(row).items() if item.values.get(name) == value],
    }
    return outcome | (_failed(item) if isinstance(item, Failure) else _annotated(row, item, recipe))


def _failed(failure: Failure) -> dict[str, Any]:
    return {
        "outcome": "filtered" if isinstance(failure.error, FilteredClipError) else "rejected",
        "stage": failure.stage,
        "error": failure.error.reason,
        "message": failure.error.message,
    }


def _annotated(row: Row, sample: Sample, recipe: Recipe) -> dict[str, Any]:
    known = sample.decoded
    return {
        "outcome": "annotated",
        "duration_s": known.duration_s if known else row["duration_s"],
        "has_video": known.has_video if known else row["has_video"],
        "has_audio": known.has_audio if known else row["has_audio"],
        "subtitle": sample.clip.subtitle,
        "language": sample.clip.language,
        "visual_clue": _text(sample.visual),
        "acoustic_clue": _text(sample.acoustic),
        "description_en": sample.description_en,
        "description_zh": sample.description_zh,
        "labels": [label.name for label in sample.labels],
        "scores": list(sample.scores.items()),
        "fingerprint": None if sample.fingerprint is None else bytes.fromhex(sample.fingerprint),
        "provenance": {
            "pipeline_version": __version__,
            "source": _source_facts(sample),
            **_step_provenances(recipe),
            "label_clues": [{"label": label.name, "clues": list(label.clues)} for label in sample.labels],
        },
    }


def _text(clue: Clue | None) -> str | None:
    return clue.text_en if clue else None


def _source_facts(sample: Sample) -> dict[str, Any]:
    clip, known = sample.clip, sample.decoded
    return {
        "start_s": clip.start_s,
        "end_s": clip.end_s,
        "subtitle_source": clip.subtitle_source,
        "subtitle_confidence": sample.subtitle_confidence,
        "frames_expected": known.frames_expected if known else None,
        "frames_got": known.frames_got if known else None,
    }


@lru_cache(maxsize=8)
def _step_provenances(recipe: Recipe) -> dict[str, dict[str, str | None]]:
    found = {name: recipe.make_step(name).provenance() for name in recipe.step_names()}
    return {
        name: {
            "engine": one.engine,
            "model": one.model,
            "revision": one.revision,
            "prompt_sha256": one.prompt_sha256,
            "sampling": one.sampling,
        }
        for name, one in found.items()
    }
