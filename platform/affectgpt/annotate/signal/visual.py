"""The visual clue of the signal engine: faces, their movement, and the picture as a whole, without weights."""

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from affectgpt.annotate.sample import Clue, Sample
from affectgpt.annotate.signal.faces import Face, FaceFinder, Grey, rescaled
from affectgpt.annotate.signal.motion import face_motion
from affectgpt.annotate.signal.picture import measure_picture
from affectgpt.annotate.signal.visual_wording import describe_visual, visual_evidence
from affectgpt.annotate.step import Step, StepProvenance
from affectgpt.clips.media import Media
from affectgpt.errors import ClipError

GREY_SHORT_SIDE = 240
"""Pixels of the shorter side to which larger frames are reduced before faces are looked at."""
SEEN_SHARE = 0.25
"""Share of the frames in which so many faces must be seen at once before they count: strays are seen in fewer."""


class VisualClue(Step):
    """Describes what the frames of a clip show; clips without frames stay without a visual clue."""

    name = "visual_clue"
    needs_media = True

    def set_up(self) -> None:
        """Load the face cascades and keep OpenCV to one thread, as many workers share a machine."""
        cv2.setNumThreads(1)
        self._finder = FaceFinder()

    def annotate(self, samples: Sequence[Sample]) -> Sequence[Sample | ClipError]:
        """Add the visual clue to each sample that has frames; the samples must still carry their media."""
        return [self._annotate_one(sample) for sample in samples]

    def provenance(self) -> StepProvenance:
        """Say which method, and which version of it, the clues come from."""
        return StepProvenance(engine="signal", model="faces-and-motion", revision="1")

    def _annotate_one(self, sample: Sample) -> Sample:
        assert sample.media is not None, "the visual clue needs a sample that still carries its media"
        if sample.media.frames_got == 0:
            return sample
        measured = measure_visual(sample.media, self._finder)
        text_en, text_zh = describe_visual(measured)
        return replace(sample, visual=Clue(text_en, text_zh, visual_evidence(measured), measured))


def measure_visual(media: Media, finder: FaceFinder) -> dict[str, float]:
    """Measure the frames of a clip.

    What cannot be measured is left out: nothing about movement with a single frame, nothing about a face where none
    is found.

    Args:
        media: a decoded clip with at least one frame.
        finder: finds faces and smiles.

    Returns:
        ``frames_count``, ``faces_count`` (faces seen at once), ``brightness_share``, ``contrast_share``,
        ``colourfulness``; with two frames or more ``cuts_count`` and, within a shot, ``picture_motion_share``; with a
        face ``face_view_share`` (of the frames), ``face_height_share`` (of the picture's height), ``face_x_share``
        (its centre, 0 left to 1 right), ``face_y_share`` (0 top to 1 bottom), ``face_profile_share`` and
        ``smile_share`` (of the frames with the face); with the face in neighbouring frames ``head_range_x_faces``,
        ``head_range_y_faces`` (widths of the face), ``head_speed_faces_per_s`` and ``mouth_movement_share``.
    """
    picture = measure_picture(media.frames)
    grey = [_grey(frame) for frame in media.frames]
    found = finder.find(grey)
    measured: dict[str, float] = {
        "frames_count": len(grey),
        "faces_count": _faces_at_once([len(faces) for faces in found]),
        "brightness_share": picture.brightness,
        "contrast_share": picture.contrast,
        "colourfulness": picture.colourfulness,
    }
    if len(grey) > 1:
        measured["cuts_count"] = sum(picture.cuts)
    if picture.motion is not None:
        measured["picture_motion_share"] = picture.motion
    if measured["faces_count"] == 0:
        return measured
    main = main_face(found)
    measured |= _place(main, grey[0].shape)
    smiles = [finder.smiles(frame, face) for frame, face in zip(grey, main, strict=True) if face is not None]
    measured["smile_share"] = float(np.mean(smiles))
    motion = face_motion(grey, main, media.frame_times_s, picture.cuts)
    if motion is not None:
        measured |= {"head_range_x_faces": motion.range_x, "head_range_y_faces": motion.range_y}
        if motion.speed is not None:
            measured["head_speed_faces_per_s"] = motion.speed
        if motion.mouth is not None:
            measured["mouth_movement_share"] = motion.mouth
    return measured


def main_face(found: Sequence[Sequence[Face]]) -> list[Face | None]:
    """Follow one face through the frames: the one that lies on its last place most, else the largest.

    Args:
        found: the faces of each frame, largest first.

    Returns:
        The face in each frame, or None in frames without any.
    """
    main: list[Face | None] = []
    last: Face | None = None
    for faces in found:
        face = faces[0] if faces else None
        if last is not None:
            face = max((other for other in faces if other.overlap(last) > 0.1), key=last.overlap, default=face)
        main.append(face)
        last = face or last
    return main


def _grey(frame: NDArray[np.uint8]) -> Grey:
    """A frame in grey, reduced to ``GREY_SHORT_SIDE`` where it is larger."""
    grey = np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    return rescaled(grey, min(1.0, GREY_SHORT_SIDE / min(grey.shape)))


def _faces_at_once(counts: Sequence[int]) -> int:
    """The largest number of faces that is seen at once in at least ``SEEN_SHARE`` of the frames."""
    needed = SEEN_SHARE * len(counts)
    return max(k for k in range(max(counts) + 1) if sum(count >= k for count in counts) >= needed)


def _place(main: Sequence[Face | None], shape: tuple[int, ...]) -> dict[str, float]:
    """How long, how large and where a face is in view."""
    seen = [face for face in main if face is not None]
    centres = np.array([face.centre for face in seen])
    return {
        "face_view_share": len(seen) / len(main),
        "face_height_share": float(np.median([face.height for face in seen])) / shape[0],
        "face_x_share": float(centres[:, 0].mean()) / shape[1],
        "face_y_share": float(centres[:, 1].mean()) / shape[0],
        "face_profile_share": sum(face.profile for face in seen) / len(seen),
    }
