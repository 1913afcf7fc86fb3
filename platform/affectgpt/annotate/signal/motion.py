"""How a head and a mouth move between the frames of a clip.

The box that a cascade finds trembles by some percent of the face's size, more than a calm head moves. Each face is
therefore aligned with that of the frame before by normalised cross-correlation of the upper face (J. P. Lewis, "Fast
normalized cross-correlation", 1995), to a fraction of a pixel; what still differs in the region of the mouth, beyond
what differs in the upper face, is the movement of the mouth.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from affectgpt.annotate.signal.faces import Face, Grey

FACE_SIDE = 64
"""Pixels of the square that a face is scaled to; the regions below are in these pixels."""
SEARCH = 12
"""How far, in these pixels, the upper face may lie from where the box says."""
UPPER_FACE = (slice(8, 40), slice(8, 56))
EYES_AND_NOSE = (slice(10, 32), slice(12, 52))
MOUTH = (slice(42, 62), slice(18, 46))
WHOLE_FACE = (slice(8, 60), slice(8, 56))
CALM_SHARE = 0.75
"""Share of the region of eyes and nose, the least changed part, that the mouth is compared with."""
SAME_FACE = 0.1
"""Overlap of two boxes below which they hold different faces."""
ALIGNED = 0.6
"""Correlation from which two upper faces count as the same view of the same face."""
CONTRAST_FLOOR = 4.0
"""Grey levels: the least contrast of a face that differences are measured against."""


@dataclass(frozen=True, slots=True)
class FaceMotion:
    """How one face moves; lengths are in widths of the face.

    Attributes:
        range_x: from the leftmost to the rightmost place of the face, the largest of all shots.
        range_y: from the highest to the lowest place, likewise.
        speed: mean travel in widths per second, or None where the frames carry no time.
        mouth: change in the region of the mouth beyond that of the upper face, as a share of the face's contrast, mean
            over pairs of frames; about 0 for a mouth that is held still. None where no two frames could be aligned.
    """

    range_x: float
    range_y: float
    speed: float | None
    mouth: float | None


def face_motion(
    frames: Sequence[Grey], faces: Sequence[Face | None], times_s: NDArray[np.float64], cuts: Sequence[bool]
) -> FaceMotion | None:
    """Measure the movement of one face.

    Where a face has turned or changed too much to be aligned, its travel is that of the box and its mouth is not
    measured. Nothing is measured across a cut, nor between faces that do not overlap.

    Args:
        frames: N grey pictures of shape (H, W).
        faces: where the face is in each of them, or None.
        times_s: float64 of shape (N,), seconds.
        cuts: for each of the N - 1 pairs of neighbours, whether the picture cuts between them.

    Returns:
        The movement, or None where no two neighbouring frames of one shot show the face.
    """
    size = float(np.median([face.width for face in faces if face is not None] or [0.0]))
    shots: list[list[NDArray[np.float64]]] = []
    mouth: list[float] = []
    travelled = seconds = 0.0
    going_on = False
    for i, (before, after) in enumerate(pairwise(faces)):
        if before is None or after is None or cuts[i] or before.overlap(after) < SAME_FACE:
            going_on = False
            continue
        if not going_on:
            shots.append([np.array(before.centre)])
            going_on = True
        step, change = _step(frames[i], shots[-1][-1], frames[i + 1], np.array(after.centre), size)
        shots[-1].append(shots[-1][-1] + step)
        if change is not None:
            mouth.append(change)
        travelled += float(np.hypot(*step)) / size
        seconds += float(times_s[i + 1] - times_s[i])
    if not shots:
        return None
    range_x, range_y = np.max([np.ptp(np.array(shot), axis=0) for shot in shots], axis=0) / size
    return FaceMotion(
        range_x=float(range_x),
        range_y=float(range_y),
        speed=travelled / seconds if seconds > 0 else None,
        mouth=max(float(np.mean(mouth)), 0.0) if mouth else None,
    )


def _step(
    before: Grey, centre: NDArray[np.float64], after: Grey, box_centre: NDArray[np.float64], size: float
) -> tuple[NDArray[np.float64], float | None]:
    """The travel in pixels of a face from one frame to the next, and how much its mouth changes, None if unaligned."""
    old = _square(before, centre, size, 0)
    window = _square(after, box_centre, size, SEARCH)
    scores = np.asarray(cv2.matchTemplate(window, old[UPPER_FACE], cv2.TM_CCOEFF_NORMED), dtype=np.float32)
    row, column = np.unravel_index(np.argmax(scores), scores.shape)
    if scores[row, column] < ALIGNED:
        return box_centre - centre, None
    place = np.array([column + _vertex(scores[row], column), row + _vertex(scores[:, column], row)])
    found = box_centre + (place - SEARCH - (UPPER_FACE[1].start, UPPER_FACE[0].start)) * size / FACE_SIDE
    return found - centre, _mouth_change(old, _square(after, found, size, 0))


def _square(picture: Grey, centre: NDArray[np.float64], size: float, margin: int) -> Grey:
    """The face scaled to ``FACE_SIDE`` pixels, with a margin of so many pixels on each side."""
    scale = FACE_SIDE / size
    shift = FACE_SIDE / 2 + margin - centre * scale
    transform = np.array([[scale, 0.0, shift[0]], [0.0, scale, shift[1]]])
    side = FACE_SIDE + 2 * margin
    square = cv2.warpAffine(picture, transform, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(square, dtype=np.uint8)


def _vertex(scores: NDArray[np.float32], best: np.intp) -> float:
    """How far the top of the parabola through the best score and its neighbours lies from it, in [-0.5, 0.5]."""
    if not 0 < best < len(scores) - 1:
        return 0.0
    left, top, right = (float(score) for score in scores[best - 1 : best + 2])
    bend = left - 2 * top + right
    return 0.5 * (left - right) / bend if bend < 0 else 0.0


def _mouth_change(before: Grey, after: Grey) -> float:
    """Mean difference in the region of the mouth less that in the calmer part of eyes and nose, by the face's contrast.

    The calmer part leaves out blinks and brows.
    """
    old, new = (cv2.GaussianBlur(face, (0, 0), 1.0).astype(np.float32) for face in (before, after))
    difference = np.abs(new - old)
    rest = difference[EYES_AND_NOSE]
    calm = rest[rest <= np.quantile(rest, CALM_SHARE)]
    contrast = max(float(old[WHOLE_FACE].std()), CONTRAST_FLOOR)
    return float(difference[MOUTH].mean() - calm.mean()) / contrast
