"""From a clip to what encoders take in: decoded in a child process, preprocessed in this one."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from affectgpt.clips.clip import Clip
from affectgpt.clips.decoding import decode
from affectgpt.clips.isolation import IsolatedProcess
from affectgpt.clips.media import SAMPLE_RATE
from affectgpt.errors import ClipError
from affectgpt.training.features.settings import PreparationSettings

# What the decoder says of a clip without sound when it is asked for no frames.
_NOTHING_BUT_FRAMES = ("zero-duration", "span-out-of-range")


@dataclass(frozen=True, slots=True, eq=False)
class Preprocessed:
    """A clip as encoders take it in.

    Attributes:
        pixel_values: float32 of shape (F, C, H, W), or None where the clip shows nothing or the model sees nothing.
        sound_inputs: what the feature extractor gives for one clip, unpadded; None as above.
    """

    pixel_values: NDArray[np.float32] | None
    sound_inputs: NDArray[np.float32] | None


def preprocess(clip: Clip, settings: PreparationSettings) -> Preprocessed:
    """Decode a clip and preprocess what the model perceives of it.

    Raises:
        ClipError: it cannot be decoded, see ``affectgpt.clips.decoding.decode`` and ``IsolatedProcess.call``.
    """
    frames, sound = _perceived(clip, settings)
    processor = settings.processor()
    return Preprocessed(
        processor.preprocess_frames(frames) if len(frames) else None,
        processor.preprocess_sound(sound) if len(sound) else None,
    )


def streams(clip: Clip, settings: PreparationSettings) -> tuple[bool, bool]:
    """Decode a clip and say whether the model sees and hears anything of it.

    Raises:
        ClipError: as in ``preprocess``.
    """
    frames, sound = _perceived(clip, settings)
    return len(frames) > 0, len(sound) > 0


def _perceived(clip: Clip, settings: PreparationSettings) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Decode the frames and the sound of a clip, each empty where there is none or the model lacks the sense."""
    audio = settings.model.audio
    longest = 0 if audio is None else round(audio.longest_s * SAMPLE_RATE)
    try:
        media = _isolated(settings).call(decode, clip, settings.decode_settings())
    except ClipError as error:
        if settings.model.vision is None and error.reason in _NOTHING_BUT_FRAMES:
            return np.zeros((0, 0, 0, 3), np.uint8), np.zeros(0, np.float32)
        raise
    return media.frames, media.sound[:longest]


@lru_cache(maxsize=4)
def _isolated(settings: PreparationSettings) -> IsolatedProcess:
    """Return this process's decoder process; it starts with its first call."""
    return IsolatedProcess(settings.features.timeout_s, settings.features.memory_gib)
