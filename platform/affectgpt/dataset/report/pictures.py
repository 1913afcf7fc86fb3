"""A clip's frames as small pictures that travel inside the page."""

import base64
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

_STRIP_FRAMES = 4
_HEIGHT = 160
_WIDTH = 284
_LARGEST_BYTES = 12_000
_QUALITIES = (82, 70, 55, 40, 25, 10)


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """One small picture: a data URI, its size in pixels, and its place (from 1) among the clip's frames."""

    uri: str
    width: int
    height: int
    place: int


def film_strip(frames: NDArray[np.uint8]) -> list[Thumbnail]:
    """Pick up to 4 frames, evenly over the clip, and make them JPEGs of at most 284 x 160 pixels and 12 KB.

    Args:
        frames: uint8 RGB of shape (N, H, W, 3); N may be 0.
    """
    total = len(frames)
    picked = sorted({round(place) for place in np.linspace(0, total - 1, min(total, _STRIP_FRAMES))})
    return [_thumbnail(frames[index], index + 1) for index in picked]


def _thumbnail(frame: NDArray[np.uint8], place: int) -> Thumbnail:
    height, width = frame.shape[:2]
    scale = min(1.0, _HEIGHT / height, _WIDTH / width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR), size, interpolation=cv2.INTER_AREA)
    encoded = base64.b64encode(_jpeg(np.asarray(small, np.uint8))).decode("ascii")
    return Thumbnail(f"data:image/jpeg;base64,{encoded}", *size, place)


def _jpeg(picture: NDArray[np.uint8]) -> bytes:
    """Encode a BGR picture, at the best quality that stays small."""
    for quality in _QUALITIES:
        _, encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_OPTIMIZE, 1])
        if len(encoded) <= _LARGEST_BYTES:
            break
    return bytes(encoded)
