"""Light, colour, motion and cuts of the picture as a whole."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

THUMBNAIL = (40, 32)
"""Width and height of the pictures that are compared with each other: small enough to lose noise and compression."""
BINS = 8
"""Bins per colour channel of the histograms that cuts are seen in."""
CUT_HISTOGRAM = 0.2
"""Share of the picture's colour that has changed from which a cut is possible."""
CUT_CORRELATION = 0.8
"""Correlation of brightness, place by place, below which two pictures are of different views."""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """What was measured of N frames as whole pictures.

    Attributes:
        brightness: mean luma, 0 black to 1 white.
        contrast: standard deviation of luma within a frame, mean over frames; 0.5 at most.
        colourfulness: M of D. Hasler and S. Süsstrunk, "Measuring colorfulness in natural images" (2003), mean over
            frames: 0 grey, about 15 slight, 33 moderate, 59 quite, 82 high, from 109 extreme.
        motion: mean absolute change of luma from frame to frame within a shot, in [0, 1]; None with fewer than two
            frames of one shot.
        cuts: for each of the N - 1 pairs of neighbouring frames, whether the picture jumps between them.
    """

    brightness: float
    contrast: float
    colourfulness: float
    motion: float | None
    cuts: tuple[bool, ...]


def measure_picture(frames: NDArray[np.uint8]) -> Picture:
    """Measure whole pictures.

    Args:
        frames: uint8 RGB of shape (N, H, W, 3) with N of at least 1.
    """
    thumbnails = [cv2.resize(frame, THUMBNAIL, interpolation=cv2.INTER_AREA) for frame in frames]
    luma = np.stack([cv2.cvtColor(thumbnail, cv2.COLOR_RGB2GRAY) for thumbnail in thumbnails]).astype(np.float32) / 255
    histograms = np.stack([_histogram(thumbnail) for thumbnail in thumbnails])
    changes = np.abs(np.diff(luma, axis=0)).mean(axis=(1, 2))
    recoloured = 0.5 * np.abs(np.diff(histograms, axis=0)).sum(axis=1) > CUT_HISTOGRAM
    cuts = tuple(
        bool(recoloured[i]) and _correlation(luma[i], luma[i + 1]) < CUT_CORRELATION for i in range(len(frames) - 1)
    )
    within = changes[~np.array(cuts, dtype=bool)]
    return Picture(
        brightness=float(luma.mean()),
        contrast=float(luma.std(axis=(1, 2)).mean()),
        colourfulness=float(np.mean([_colourfulness(thumbnail) for thumbnail in thumbnails])),
        motion=float(within.mean()) if within.size else None,
        cuts=cuts,
    )


def _histogram(thumbnail: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Joint colour histogram of shape (BINS ** 3,) that sums to 1."""
    counts = cv2.calcHist([thumbnail], [0, 1, 2], None, [BINS] * 3, [0, 256] * 3)
    return np.asarray(counts.ravel() / counts.sum(), dtype=np.float32)


def _correlation(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Pearson correlation of two pictures; 0 where one of them is flat."""
    a, b = first - first.mean(), second - second.mean()
    norm = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / norm if norm > 1e-6 else 0.0


def _colourfulness(thumbnail: NDArray[np.uint8]) -> float:
    red, green, blue = (thumbnail[..., channel].astype(np.float32) for channel in range(3))
    red_green, yellow_blue = red - green, (red + green) / 2 - blue
    spread = np.hypot(red_green.std(), yellow_blue.std())
    return float(spread + 0.3 * np.hypot(red_green.mean(), yellow_blue.mean()))
