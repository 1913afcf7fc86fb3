"""Engines that do nothing, to measure what the pipeline around them costs."""

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from affectgpt.annotate.sample import Label, Sample
from affectgpt.annotate.step import Step, StepProvenance


class _Nothing(Step):
    def annotate(self, samples: Sequence[Sample]) -> Sequence[Sample]:
        return samples

    def provenance(self) -> StepProvenance:
        return StepProvenance("noop", "nothing", "1")


class VisualClue(_Nothing):
    name: ClassVar[str] = "visual_clue"


class AcousticClue(_Nothing):
    name: ClassVar[str] = "acoustic_clue"


class Merge(_Nothing):
    name: ClassVar[str] = "merge"

    def annotate(self, samples: Sequence[Sample]) -> Sequence[Sample]:
        return [replace(sample, description_en="nothing", description_zh="无") for sample in samples]


class Translate(_Nothing):
    name: ClassVar[str] = "translate"


class Labels(_Nothing):
    name: ClassVar[str] = "labels"

    def annotate(self, samples: Sequence[Sample]) -> Sequence[Sample]:
        return [replace(sample, labels=(Label("neutral"),)) for sample in samples]


SETTINGS = [
    f"steps.{step}.engine=benchmarks.noop:{name}"
    for step, name in (
        ("visual_clue", "VisualClue"),
        ("acoustic_clue", "AcousticClue"),
        ("merge", "Merge"),
        ("translate", "Translate"),
        ("labels", "Labels"),
    )
]
"""Settings of ``build-dataset`` that put these engines in."""

OVERRIDES = [word for setting in SETTINGS for word in ("--set", setting)]
"""The same as options of the command line."""
