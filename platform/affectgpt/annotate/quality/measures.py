"""The quality measures of a clip, by name. Annotation measures; only publishing judges by thresholds."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from affectgpt.annotate.quality.faces import face_in_view, mouth_movement
from affectgpt.annotate.quality.subtitle import subtitle_confidence
from affectgpt.annotate.quality.text import clue_agreement, description_words, emotion_words
from affectgpt.annotate.sample import Sample


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure of a clip.

    Attributes:
        name: what scores and filters call it.
        score: gives the score of a sample, or None where it cannot be measured.
        needs_media: whether it looks at frames or sound; else it is taken once the clip is annotated.
    """

    name: str
    score: Callable[[Sample], float | None]
    needs_media: bool = False


MEASURES: Final[Mapping[str, Measure]] = MappingProxyType(
    {
        measure.name: measure
        for measure in (
            Measure("description_words", description_words),
            Measure("emotion_words", emotion_words),
            Measure("clue_agreement", clue_agreement),
            Measure("face_in_view", face_in_view, needs_media=True),
            Measure("mouth_movement", mouth_movement, needs_media=True),
            Measure("subtitle_confidence", subtitle_confidence),
        )
    }
)
"""All measures that give a score; ``fingerprint.fingerprint`` gives bytes and stands beside them."""


def measure(sample: Sample, names: Collection[str]) -> dict[str, float]:
    """Measure a sample; what cannot be measured is absent.

    Args:
        sample: with its media, where one of the measures needs them.
        names: of ``MEASURES``.

    Raises:
        KeyError: there is no measure of such a name.
    """
    scores = {name: MEASURES[name].score(sample) for name in names}
    return {name: score for name, score in scores.items() if score is not None}
