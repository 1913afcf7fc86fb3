"""Faces in a few frames of a clip, found with the Haar cascades that OpenCV ships.

The detectors are boosted cascades after P. Viola and M. Jones, "Rapid object detection using a boosted cascade of
simple features" (2001). They find upright faces that look at the camera or sideways, from about an eighth of the
picture's shorter side; a face that is smaller, tilted by more than some 20 degrees or half covered is not found.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import cv2.data
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]

Boxes = Sequence[Sequence[int]]

SHORT_SIDE = 160
"""Pixels of the shorter side of the picture that is searched for faces."""
MIN_FACE = 20
"""Pixels of the smallest face in that picture: the size of the cascades' window."""
FULL_SCAN_EVERY = 4
"""How often the whole picture is searched although the known faces have been found again."""
KNOWN_FACE = 52
"""Pixels that a known face is scaled to before it is searched for again."""
FLAT_STD = 2.0
"""Grey levels of standard deviation below which a picture holds nothing that could be a face."""
SMILE_WIDTH = 90
"""Pixels that the lower face is scaled to before it is searched for a smile."""
SMILE_NEIGHBOURS = 30
"""Overlapping hits that make a smile: with 15 neutral speech is taken for smiles, with 60 broad smiles are missed."""


@dataclass(frozen=True, slots=True)
class Face:
    """The box around one face, in pixels of the frame; ``profile`` tells a face seen from the side."""

    x: float
    y: float
    width: float
    height: float
    profile: bool = False

    @property
    def centre(self) -> tuple[float, float]:
        """The middle of the box, (x, y) in pixels."""
        return self.x + self.width / 2, self.y + self.height / 2

    @property
    def area(self) -> float:
        """The box's area in square pixels."""
        return self.width * self.height

    def overlap(self, other: "Face") -> float:
        """Intersection over union of two boxes, in [0, 1]."""
        width = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        height = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        shared = max(width, 0.0) * max(height, 0.0)
        return shared / (self.area + other.area - shared)

    def scaled(self, factor: float) -> "Face":
        """The same face in a picture that is ``factor`` times as large."""
        return Face(self.x * factor, self.y * factor, self.width * factor, self.height * factor, self.profile)

    def moved(self, right: float, down: float) -> "Face":
        """The same face elsewhere in the picture."""
        return Face(self.x + right, self.y + down, self.width, self.height, self.profile)


class FaceFinder:
    """Finds faces and smiles; loading the cascades takes some 50 ms and is done once, on construction."""

    def __init__(self) -> None:
        self._frontal = _cascade("haarcascade_frontalface_alt2.xml")
        self._profile = _cascade("haarcascade_profileface.xml")
        self._smile = _cascade("haarcascade_smile.xml")

    def find(self, frames: Sequence[Grey]) -> list[list[Face]]:
        """Find the faces of each frame, largest first.

        The neighbourhood of the faces of the frame before is searched first; the whole picture is searched where one
        of them is lost, and every fourth frame in any case.

        Args:
            frames: grey pictures of shape (H, W), all of one size, in order of time.

        Returns:
            One list of faces per frame, in pixels of the frames given.
        """
        found: list[list[Face]] = []
        known: list[Face] = []
        for position, frame in enumerate(frames):
            scale = min(1.0, SHORT_SIDE / min(frame.shape))
            small = rescaled(frame, scale)
            thorough = position % FULL_SCAN_EVERY == 0
            again = [face for face in (self._find_again(small, face) for face in known) if face is not None]
            if thorough or not known or len(again) < len(known):
                again = [*self._scan(small, with_profiles=thorough and not again), *again]
            known = sorted(_distinct(again), key=lambda face: -face.area)
            found.append([face.scaled(1 / scale) for face in known])
        return found

    def smiles(self, frame: Grey, face: Face) -> bool:
        """Whether the lower half of a face shows a smile; set to miss a faint smile rather than see one in speech."""
        top, bottom = int(face.y + face.height * 0.55), int(face.y + face.height)
        left, right = int(face.x), int(face.x + face.width)
        mouth = frame[max(top, 0) : bottom, max(left, 0) : right]
        if min(mouth.shape) < MIN_FACE / 2:
            return False
        mouth = rescaled(mouth, SMILE_WIDTH / mouth.shape[1])
        width = int(SMILE_WIDTH * 0.38)
        return len(self._smile.detectMultiScale(mouth, 1.2, SMILE_NEIGHBOURS, minSize=(width, width // 2))) > 0

    def _scan(self, picture: Grey, *, with_profiles: bool) -> list[Face]:
        """Search a whole picture for frontal faces, and for faces from the side only where there is no frontal one."""
        if min(picture.shape) < MIN_FACE or float(picture.std()) < FLAT_STD:
            return []
        boxes: Boxes = self._frontal.detectMultiScale(picture, 1.2, 4, minSize=(MIN_FACE, MIN_FACE))
        if len(boxes) or not with_profiles:
            return [_face(box) for box in boxes]
        return [_face(box, profile=True) for box in self._profiles(picture, (2 * MIN_FACE, 2 * MIN_FACE))]

    def _profiles(self, picture: Grey, smallest: tuple[int, int]) -> Boxes:
        """Boxes of faces that look to one side, or else of those that look to the other."""
        boxes: Boxes = self._profile.detectMultiScale(picture, 1.2, 4, minSize=smallest)
        if len(boxes):
            return boxes
        mirrored: Boxes = self._profile.detectMultiScale(cv2.flip(picture, 1), 1.2, 4, minSize=smallest)
        return [(picture.shape[1] - x - width, y, width, height) for x, y, width, height in mirrored]

    def _find_again(self, picture: Grey, face: Face) -> Face | None:
        """Search the neighbourhood of a face of the frame before for a face of about its size."""
        left, top = max(int(face.x - face.width * 0.4), 0), max(int(face.y - face.height * 0.4), 0)
        right, bottom = int(face.x + face.width * 1.4), int(face.y + face.height * 1.4)
        window = picture[top:bottom, left:right]
        if float(window.std()) < FLAT_STD:
            return None
        scale = min(1.0, KNOWN_FACE / face.width)
        window = rescaled(window, scale)
        size = face.width * scale
        smallest, largest = (int(size * 0.85),) * 2, (int(size * 1.18) + 1,) * 2
        boxes: Boxes = self._frontal.detectMultiScale(window, 1.1, 3, minSize=smallest, maxSize=largest)
        profile = not len(boxes)
        if profile:
            boxes = self._profiles(window, smallest)
        found = [_face(box, profile=profile).scaled(1 / scale).moved(left, top) for box in boxes]
        return max(found, key=face.overlap, default=None)


def rescaled(picture: Grey, scale: float) -> Grey:
    """A picture ``scale`` times as large, by averaging where it gets smaller."""
    if scale == 1.0:
        return picture
    method = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=method), dtype=np.uint8)


def _cascade(file: str) -> Any:
    """Load one of the cascades that come with OpenCV 4; OpenCV 5 ships none."""
    path = Path(cv2.data.haarcascades) / file
    cascade = cv2.CascadeClassifier(str(path))
    if cascade.empty():
        raise RuntimeError(f"OpenCV {cv2.__version__} has no usable {path}; install opencv-python-headless>=4.12,<5")
    return cascade


def _face(box: Sequence[int], *, profile: bool = False) -> Face:
    x, y, width, height = (float(value) for value in box)
    return Face(x, y, width, height, profile)


def _distinct(faces: Sequence[Face]) -> list[Face]:
    """Drop faces that lie on one that came before."""
    kept: list[Face] = []
    for face in faces:
        if all(face.overlap(other) < 0.3 for other in kept):
            kept.append(face)
    return kept
