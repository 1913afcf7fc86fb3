"""The acoustic clue of the signal engine: what the voice shows, measured and put in words."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar, Final

from affectgpt.annotate.sample import Clue, Evidence, Sample
from affectgpt.annotate.signal.prosody import measure_voice
from affectgpt.annotate.signal.voice_cues import voice_cues
from affectgpt.annotate.signal.voice_emotions import cue_contributions, emotion_strengths
from affectgpt.annotate.signal.voice_wording import (
    CUE_WORDS,
    SLIGHT,
    join_en,
    no_voice_text,
    silence_text,
    voice_text,
)
from affectgpt.annotate.step import Step, StepProvenance
from affectgpt.errors import ClipError

_MOST_EVIDENCE: Final = 4
_LEAST_STRENGTH: Final = 0.08
_HALF_SURE_S: Final = 0.3
_MOSTLY_STEADY: Final = 0.5
_MAIN_CUES: Final = ("pitch", "range", "tempo", "brightness")


class AcousticClue(Step):
    """Describes the voice of a clip and what it says about the speaker's emotions."""

    name: ClassVar[str] = "acoustic_clue"
    needs_media: ClassVar[bool] = True
    needs_voice_reference: ClassVar[bool] = True

    def annotate(self, samples: Sequence[Sample]) -> Sequence[Sample | ClipError]:
        """Add the acoustic clue; a clip without sound keeps None."""
        return [self._annotate_one(sample) for sample in samples]

    def provenance(self) -> StepProvenance:
        """Name the method."""
        return StepProvenance(engine="signal", model="prosody", revision="1")

    def _annotate_one(self, sample: Sample) -> Sample | ClipError:
        assert sample.media is not None, "the acoustic clue needs the decoded sound"
        if sample.media.sound.size == 0:
            return sample
        try:
            measured = measure_voice(sample.media.sound)
        except ValueError as error:
            return ClipError("unusable-sound", f"{sample.clip.uri}: {error}")
        return replace(sample, acoustic=acoustic_clue(measured, sample.voice_reference))


def acoustic_clue(measured: Mapping[str, float], reference: Mapping[str, float] | None) -> Clue:
    """Turn measurements into a clue.

    Args:
        measured: what ``prosody.measure_voice`` gave.
        reference: the speaker's usual voice from ``voice_reference.voice_reference``, or None where it is not known.
    """
    if "level_variation_db" not in measured:
        text_en, text_zh = silence_text(measured)
        return Clue(text_en, text_zh, measurements=measured)
    if "pitch_median_hz" not in measured or measured["steady_share"] > _MOSTLY_STEADY:
        text_en, text_zh = no_voice_text(measured)
        return Clue(text_en, text_zh, measurements=measured)
    cues = voice_cues(measured, reference)
    text_en, text_zh = voice_text(measured, cues, reference)
    return Clue(text_en, text_zh, _evidence(measured, cues), measured)


def _evidence(measured: Mapping[str, float], cues: Mapping[str, float]) -> tuple[Evidence, ...]:
    """The emotions that the cues speak for, strongest first; half as strong where only 0.3 s of voice was heard."""
    sureness = measured["voiced_s"] / (measured["voiced_s"] + _HALF_SURE_S)
    strengths = emotion_strengths(cues)
    found: list[Evidence] = []
    for emotion in sorted(strengths, key=strengths.__getitem__, reverse=True):
        because = _because(emotion, cues)
        if because is not None and sureness * strengths[emotion] >= _LEAST_STRENGTH:
            found.append(Evidence(emotion, sureness * strengths[emotion], *because))
    return tuple(found[:_MOST_EVIDENCE])


def _because(emotion: str, cues: Mapping[str, float]) -> tuple[str, str] | None:
    """Name the cues that speak for an emotion, at most three, most telling first; None where none does."""
    if emotion == "neutral":
        usual = [CUE_WORDS[cue] for cue in _MAIN_CUES if abs(cues.get(cue, SLIGHT)) < SLIGHT]
        if not usual:
            return "no clear departure towards any emotion", "没有明显偏向某种情绪的变化"
        return (
            f"the usual {join_en([words.name_en for words in usual])}",
            "、".join(words.name_zh for words in usual) + "与平常相当",
        )
    contributions = cue_contributions(emotion, cues)
    telling = [cue for cue in contributions if contributions[cue] > 0 and abs(cues[cue]) >= SLIGHT]
    telling.sort(key=contributions.__getitem__, reverse=True)
    if not telling:
        return None
    words = [(CUE_WORDS[cue], cues[cue] > 0) for cue in telling[:3]]
    return (
        join_en([phrase.more_en if more else phrase.less_en for phrase, more in words]),
        "、".join(phrase.more_zh if more else phrase.less_zh for phrase, more in words),
    )
