"""What decoding a clip gives: a few frames and the sound, as arrays."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 16_000


@dataclass(frozen=True, slots=True, eq=False)
class Media:
    """The decoded content of one clip.

    Attributes:
        frames: uint8 RGB of shape (N, H, W, 3); N is 0 where the clip has no video.
        frame_times_s: float64 of shape (N,), seconds after the beginning of the span.
        frames_expected: how many frames were asked for; N is lower where the span holds fewer.
        sound: float32 mono of shape (S,) at ``SAMPLE_RATE`` Hz in [-1, 1]; S is 0 where the clip has no sound.
        duration_s: length of the span in seconds, as decoded.
        has_video: whether the source has a video stream (cover art does not count).
        has_audio: whether the source has a sound stream.
    """

    frames: NDArray[np.uint8]
    frame_times_s: NDArray[np.float64]
    frames_expected: int
    sound: NDArray[np.float32]
    duration_s: float
    has_video: bool
    has_audio: bool

    @property
    def frames_got(self) -> int:
        """How many frames were decoded."""
        return int(self.frames.shape[0])
