"""The subtitle as a model writes it that listens, for clips of which nobody knows what is said."""

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Final

from affectgpt.annotate.generated.generation import AGAIN_SEED, AGAIN_TEMPERATURE, SAMPLING
from affectgpt.annotate.generated.judging import is_loop
from affectgpt.annotate.language_model.models import ModelSection
from affectgpt.annotate.sample import Sample
from affectgpt.annotate.speech_to_text.engine import Speech, SpeechEngine, Transcript
from affectgpt.annotate.speech_to_text.models import speech_engine_of
from affectgpt.annotate.step import Step, StepProvenance
from affectgpt.clips.clip import SubtitleSource

MADE_BY_MACHINE: Final[SubtitleSource] = "speech-to-text"
UNCLEAR: Final[SubtitleSource] = "speech-unclear"


class Subtitle(Step):
    """Writes down what is said in clips that have sound and no subtitle, and marks it as machine-made.

    A transcript that is caught in a loop is asked for once more, sampled; one that is so again is not used, and the
    clip goes on without subtitle, marked as unclear.
    """

    name: ClassVar[str] = "subtitle"
    needs_media: ClassVar[bool] = True

    def __init__(self, model: ModelSection) -> None:
        """Make the step; the model's engine is made in ``set_up``."""
        self._model = model
        self._engine: SpeechEngine | None = None

    def set_up(self) -> None:
        """Make the engine.

        Raises:
            RequestError: it cannot be made.
        """
        self._engine = speech_engine_of(self._model)

    def annotate(self, samples: Sequence[Sample]) -> list[Sample]:
        """Let the model listen to the samples that have no subtitle, and leave the others as they are.

        Raises:
            RequestError: the engine cannot be used as it was asked for.
            JobError: the engine failed on the way.
        """
        assert self._engine is not None, "set_up comes before annotate"
        asked = {place: _speech(sample) for place, sample in enumerate(samples) if _wants_subtitle(sample)}
        heard = dict(zip(asked, self._engine.transcribe(list(asked.values())), strict=True))
        again = {
            place: replace(asked[place], temperature=AGAIN_TEMPERATURE, seed=AGAIN_SEED)
            for place, transcript in heard.items()
            if is_loop(transcript.text)
        }
        heard |= dict(zip(again, self._engine.transcribe(list(again.values())), strict=True))
        return [
            _with_transcript(sample, heard[place]) if place in heard else sample for place, sample in enumerate(samples)
        ]

    def provenance(self) -> StepProvenance:
        """Name the model and the sampling."""
        return StepProvenance(
            engine=self._model.engine,
            model=self._model.model,
            revision=self._model.revision or "unknown",
            sampling=SAMPLING,
        )


def _wants_subtitle(sample: Sample) -> bool:
    assert sample.media is not None, "speech to text needs the decoded sound"
    return sample.clip.subtitle is None and len(sample.media.sound) > 0


def _speech(sample: Sample) -> Speech:
    assert sample.media is not None, "speech to text needs the decoded sound"
    return Speech(sample.media.sound, sample.clip.language)


def _with_transcript(sample: Sample, transcript: Transcript) -> Sample:
    if is_loop(transcript.text):
        return replace(sample, clip=replace(sample.clip, subtitle_source=UNCLEAR))
    if not transcript.text:
        return sample
    clip = replace(
        sample.clip,
        subtitle=transcript.text,
        subtitle_source=MADE_BY_MACHINE,
        language=sample.clip.language or transcript.language,
    )
    return replace(sample, clip=clip, subtitle_confidence=transcript.confidence)
