"""What a step found, as text: a later run takes it over from there instead of running the step again."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from pydantic import TypeAdapter

from affectgpt.annotate.sample import Clue, Decoded, Label, Sample

_FIELDS: Final[Mapping[str, TypeAdapter[Any]]] = {
    "decoded": TypeAdapter(Decoded | None),
    "visual": TypeAdapter(Clue | None),
    "acoustic": TypeAdapter(Clue | None),
    "textual": TypeAdapter(Clue | None),
    "description_en": TypeAdapter(str | None),
    "description_zh": TypeAdapter(str | None),
    "labels": TypeAdapter(tuple[Label, ...]),
    "subtitle_confidence": TypeAdapter(float | None),
    "scores": TypeAdapter(dict[str, float]),
    "fingerprint": TypeAdapter(str | None),
}
"""The fields of a sample that steps fill."""

_SPOKEN: Final = ("subtitle", "subtitle_source", "language")
"""The fields of its clip that a step may fill."""


def findings(before: Sample, after: Sample) -> str:
    """Write down what a step changed, as JSON."""
    changed: dict[str, Any] = {
        name: adapter.dump_python(getattr(after, name), mode="json")
        for name, adapter in _FIELDS.items()
        if getattr(after, name) is not getattr(before, name)
    }
    if after.clip is not before.clip:
        changed["clip"] = {name: getattr(after.clip, name) for name in _SPOKEN}
    return json.dumps(changed, ensure_ascii=False)


def with_findings(sample: Sample, step: str, text: str) -> Sample:
    """Let a sample have what a step found in an earlier run, so that the step has nothing left to do.

    Raises:
        ValueError: the text is not what ``findings`` writes.
    """
    changed = json.loads(text)
    clip = replace(sample.clip, **changed.pop("clip", {}))
    fields = {name: _FIELDS[name].validate_python(value) for name, value in changed.items()}
    return replace(sample, clip=clip, values={**sample.values, step: text}, **fields)
