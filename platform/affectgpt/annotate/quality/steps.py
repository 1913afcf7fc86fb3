"""Measuring as steps: of frames and sound while they are there, and of texts once the clip is annotated."""

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from affectgpt.annotate.quality.fingerprint import fingerprint
from affectgpt.annotate.quality.measures import MEASURES, measure
from affectgpt.annotate.sample import Sample
from affectgpt.annotate.step import Step, StepProvenance

REVISION = "1"
"""Of all measures and of the fingerprint: values of another one are measured again."""


class _Measuring(Step):
    def __init__(self, names: Sequence[str], with_fingerprint: bool) -> None:
        """Make the step.

        Args:
            names: of the measures that are wanted; those that are no business of this step are left to the other.
            with_fingerprint: whether fingerprints are wanted.
        """
        self._names = tuple(name for name in names if MEASURES[name].needs_media == self.needs_media)
        self._with_fingerprint = with_fingerprint and self.needs_media

    @property
    def has_work(self) -> bool:
        """Whether the step measures anything."""
        return bool(self._names) or self._with_fingerprint

    def annotate(self, samples: Sequence[Sample]) -> list[Sample]:
        """Add the scores."""
        return [self._measured(sample) for sample in samples]

    def _measured(self, sample: Sample) -> Sample:
        scores = {**sample.scores, **measure(sample, self._names)}
        taken = fingerprint(sample) if self._with_fingerprint else None
        return replace(sample, scores=scores, fingerprint=sample.fingerprint if taken is None else taken.hex())

    def provenance(self) -> StepProvenance:
        """Name what is measured."""
        names = [*self._names, *(["fingerprint"] if self._with_fingerprint else [])]
        return StepProvenance("signal", " ".join(names), REVISION)


class MediaMeasures(_Measuring):
    """Takes the measures that look at frames and sound, and the fingerprint."""

    name: ClassVar[str] = "media_measures"
    needs_media: ClassVar[bool] = True


class TextMeasures(_Measuring):
    """Takes the measures of clues, description and subtitle."""

    name: ClassVar[str] = "text_measures"
