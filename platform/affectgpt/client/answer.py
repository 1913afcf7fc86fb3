"""What a service answers, as it writes it; what a newer one adds is kept as it is."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from affectgpt.evaluation.text_language import Language


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow")


class Clue(_Part):
    """A part of the description that says what an emotion is read from.

    Attributes:
        text: it.
        start: its first character in the description.
        end: the character behind its last.
        sense: where it is from.
    """

    text: str
    start: int
    end: int
    sense: Literal["picture", "voice", "words"]


class Label(_Part):
    """An emotion that the speaker is said to have, with the clues that the description rests it on, if it says so."""

    label: str
    clues: tuple[Clue, ...]


class FoundClip(_Part):
    """What the service found in the clip.

    Attributes:
        duration_s: its length.
        has_video: whether there are pictures.
        has_audio: whether there is sound.
        seen: whether the model saw frames.
        heard: whether the model heard the sound.
        frame_times_s: the moments of the frames that were used.
        subtitle: what the model read as said in the clip, or None.
    """

    duration_s: float
    has_video: bool
    has_audio: bool
    seen: bool
    heard: bool
    frame_times_s: tuple[float, ...]
    subtitle: str | None


class ServedModel(_Part):
    """The model that answered.

    Attributes:
        name: what the service calls it.
        fingerprint: tells it from another of the same name.
        trained_on: fingerprints of the data sets that it learnt from, by name; empty where its files do not say.
    """

    name: str
    fingerprint: str
    trained_on: dict[str, str] = Field(default_factory=dict)


class Tokens(_Part):
    """How many tokens were read and written."""

    prompt: int
    description: int


class Answer(_Part):
    """A description.

    Attributes:
        description: the clues and the emotions that they support.
        language: that of the description.
        labels: the emotions that it names.
        clip: what was found in the clip.
        model: which model it was.
        complete: whether the text ended by itself, before ``max_tokens``.
        tokens: how much was read and written.
        seconds: how long each step took, by its name; ``total`` is all of them.
        request_id: under which the service's log tells of it.
    """

    description: str
    language: Language
    labels: tuple[Label, ...]
    clip: FoundClip
    model: ServedModel
    complete: bool
    tokens: Tokens
    seconds: dict[str, float]
    request_id: str
