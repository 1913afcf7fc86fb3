"""A sample: a clip on its way through the annotation steps, with what each step has found so far."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from affectgpt.clips.clip import Clip
from affectgpt.clips.media import Media


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing that speaks for an emotion.

    Attributes:
        emotion: a key of ``affectgpt.annotate.signal.emotions.EMOTIONS``.
        strength: how strongly, in (0, 1].
        because_en: the observation it rests on, as an English noun phrase ("a high, wide-ranging pitch").
        because_zh: the same in Chinese.
    """

    emotion: str
    strength: float
    because_en: str
    because_zh: str


@dataclass(frozen=True, slots=True)
class Clue:
    """What one modality shows.

    Attributes:
        text_en: the clue in English; this is what the data set publishes.
        text_zh: the clue in Chinese, or "" where the engine gives none.
        evidence: what the clue says about emotions, for engines that know; empty for engines that only write text.
        measurements: the numbers behind the text, by name with its unit (``pitch_median_hz``).
    """

    text_en: str
    text_zh: str = ""
    evidence: tuple[Evidence, ...] = ()
    measurements: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Label:
    """One open-vocabulary label, and the clues that it rests on ("visual", "acoustic", "textual")."""

    name: str
    clues: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Decoded:
    """What decoding a clip found, kept when frames and sound are gone; fields as in ``Media``."""

    duration_s: float
    has_video: bool
    has_audio: bool
    frames_expected: int
    frames_got: int


@dataclass(frozen=True, slots=True)
class Tokens:
    """How many tokens a model read and wrote for one clip, all attempts together."""

    prompt: int
    completion: int


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A clip and everything that is known of it so far; steps return changed copies (``dataclasses.replace``).

    Attributes:
        clip: the clip.
        media: frames and sound; None once no later step needs them.
        decoded: what decoding found; None where no step needs media and nothing was decoded.
        voice_reference: the speaker's usual measurements by name, or None where the speaker is not known.
        visual: what the picture shows, or None (no video, or not yet looked at).
        acoustic: what the voice shows, or None.
        textual: what the words say, or None; made in the merge step, never before.
        description_en: the merged description in English.
        description_zh: the same in Chinese.
        labels: the open-vocabulary labels, strongest first.
        subtitle_confidence: of speech to text, in [0, 1]; None where the subtitle is not machine-made.
        scores: what the quality measures say, by their names in ``affectgpt.annotate.quality.measures``.
        fingerprint: of picture and sound, in hexadecimal, for finding near duplicates; None where it is not taken.
        values: what each step found, by the step's name, as ``affectgpt.annotate.findings`` writes it; a step that has
            its value from an earlier run is not run again.
        seconds: time spent per step, by the step's name.
        tokens: what each model read and wrote, by the step's name.
    """

    clip: Clip
    media: Media | None = None
    decoded: Decoded | None = None
    voice_reference: Mapping[str, float] | None = None
    visual: Clue | None = None
    acoustic: Clue | None = None
    textual: Clue | None = None
    description_en: str | None = None
    description_zh: str | None = None
    labels: tuple[Label, ...] = ()
    subtitle_confidence: float | None = None
    scores: Mapping[str, float] = field(default_factory=dict)
    fingerprint: str | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    tokens: Mapping[str, Tokens] = field(default_factory=dict)
