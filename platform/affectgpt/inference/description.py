"""What a model says of a clip."""

from dataclasses import dataclass

from affectgpt.evaluation.text_language import Language


@dataclass(frozen=True, slots=True)
class Description:
    """What a model says of a clip, and what it says it from.

    Attributes:
        text: the clues and the emotions that they support.
        labels: the emotions that the text says the speaker has, by the emotion vocabulary, in its order.
        has_video: whether the model saw frames of the clip.
        has_audio: whether it heard its sound.
        subtitle: what it read, or None where nobody knows what is said.
        language: that of the text.
    """

    text: str
    labels: tuple[str, ...]
    has_video: bool
    has_audio: bool
    subtitle: str | None
    language: Language
