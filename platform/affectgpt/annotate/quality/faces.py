"""Measures of the person in view: whether there is a face, and whether it is the one that speaks."""

from functools import cache, lru_cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from affectgpt.annotate.sample import Sample
from affectgpt.annotate.signal.faces import Face, FaceFinder, Grey, rescaled
from affectgpt.annotate.signal.motion import face_motion
from affectgpt.annotate.signal.picture import measure_picture
from affectgpt.annotate.signal.short_time import HOP_S
from affectgpt.annotate.signal.visual import GREY_SHORT_SIDE, main_face
from affectgpt.clips.media import Media

LEAST_VOICED: Final = 0.2
"""Share of the time between two frames that holds voice, from which the mouth should have moved between them."""


def face_in_view(sample: Sample) -> float | None:
    """Share of the frames in which a face is found, in [0, 1]; None where there is no picture."""
    media = _media_of(sample)
    if media.frames_got == 0:
        return None
    _, faces = _main_face(media)
    return sum(face is not None for face in faces) / len(faces)


def mouth_movement(sample: Sample) -> float | None:
    """How much the mouth of the main face moves while a voice is heard, as in ``FaceMotion.mouth``.

    Only neighbouring frames with voice between them count. About 0 means that somebody speaks who is not the person
    in view. None where there is no such pair of frames: no face, no voice, or a single frame.
    """
    media = _media_of(sample)
    if media.frames_got < 2 or media.sound.size == 0:
        return None
    grey, faces = _main_face(media)
    if not any(faces):
        return None
    silent = _voiced_shares(media) < LEAST_VOICED
    cuts = measure_picture(media.frames).cuts
    # To the measure of motion, a silence is as good as a cut: the frames beside it are not compared.
    motion = face_motion(grey, faces, media.frame_times_s, list(silent | np.array(cuts)))
    return None if motion is None else motion.mouth


def _media_of(sample: Sample) -> Media:
    assert sample.media is not None, "the measure needs a sample that still carries its media"
    return sample.media


@lru_cache(maxsize=1)
def _main_face(media: Media) -> tuple[list[Grey], list[Face | None]]:
    """The frames in grey and the main face of each; the last clip's are kept, since several measures look at them."""
    grey = [_grey(frame) for frame in media.frames]
    return grey, main_face(_finder().find(grey))


@cache
def _finder() -> FaceFinder:
    """The face cascades, once per process; OpenCV keeps to one thread, as many workers share a machine."""
    cv2.setNumThreads(1)
    return FaceFinder()


def _grey(frame: NDArray[np.uint8]) -> Grey:
    grey = np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    return rescaled(grey, min(1.0, GREY_SHORT_SIDE / min(grey.shape)))


def _voiced_shares(media: Media) -> NDArray[np.float64]:
    """Share of the time between each frame and the next that is voiced, shape (N - 1,)."""
    # It brings scipy.signal, for which commands that only read a recipe would wait a second.
    from affectgpt.annotate.quality.voice import voiced_hops

    voiced = np.concatenate([[0], np.cumsum(voiced_hops(media.sound))])
    at = np.clip(np.round(media.frame_times_s / HOP_S).astype(int), 0, len(voiced) - 1)
    return np.asarray(np.diff(voiced[at]) / np.maximum(np.diff(at), 1), np.float64)
