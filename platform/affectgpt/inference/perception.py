"""What a trained model takes of a clip: how many frames, at which size, and how much of the sound."""

from dataclasses import dataclass

from affectgpt.clips.decoding import DecodeSettings
from affectgpt.clips.media import SAMPLE_RATE
from affectgpt.model import AffectGPTProcessor


@dataclass(frozen=True, slots=True)
class Perception:
    """What a model takes of a clip.

    Attributes:
        decoding: how many frames, and their size; no frames for a model that does not see.
        samples: the most of the sound, in samples; what lies behind is not heard. 0 for a model that does not hear.
    """

    decoding: DecodeSettings
    samples: int


def perception_of(processor: AffectGPTProcessor) -> Perception:
    """Read off a model's processor what the model was trained on, and takes."""
    decoding = DecodeSettings(frames=0)
    if processor.image_processor is not None:
        decoding = DecodeSettings(processor.frames, processor.frame_size)
    heard_s = 0.0 if processor.feature_extractor is None else processor.longest_s
    return Perception(decoding, round(heard_s * SAMPLE_RATE))
