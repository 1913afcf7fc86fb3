"""Movement of drawn faces whose movement is known, to a few thousandths of the face's width."""

import cv2
import numpy as np
import pytest

from affectgpt.annotate.signal.faces import Face, Grey
from affectgpt.annotate.signal.motion import FaceMotion, face_motion

SIZE = 100
TIMES = np.arange(20) * 0.4


def drawn(x: float = 0.0, y: float = 0.0, mouth: float = 4.0, seed: int = 0) -> Grey:
    """A picture with a face in the middle, moved by (x, y) pixels, with a mouth open by so many pixels."""
    picture = np.full((224, 280), 90, np.uint8)
    cv2.ellipse(picture, (140, 112), (42, 56), 0, 0, 360, 190, -1, cv2.LINE_AA)
    for side in (-1, 1):
        cv2.ellipse(picture, (140 + side * 18, 95), (9, 5), 0, 0, 360, 60, -1, cv2.LINE_AA)
        cv2.line(picture, (140 + side * 28, 80), (140 + side * 10, 82), 70, 3, cv2.LINE_AA)
    cv2.line(picture, (140, 95), (136, 118), 150, 2, cv2.LINE_AA)
    cv2.ellipse(picture, (140, 140), (16, round(mouth)), 0, 0, 360, 50, -1, cv2.LINE_AA)
    moved = cv2.warpAffine(picture, np.array([[1, 0, x], [0, 1, y]]), (280, 224), borderMode=cv2.BORDER_REPLICATE)
    noise = np.random.default_rng(seed).normal(0, 2, moved.shape)
    return np.clip(moved + noise, 0, 255).astype(np.uint8)


def box(x: float = 0.0, y: float = 0.0) -> Face:
    return Face(90.0 + x, 62.0 + y, SIZE, SIZE)


def measured(frames: list[Grey], faces: list[Face | None], cuts: list[bool] | None = None) -> FaceMotion:
    motion = face_motion(frames, faces, TIMES[: len(frames)], cuts or [False] * (len(frames) - 1))
    assert motion is not None
    return motion


def test_a_still_face_is_still_although_its_box_trembles() -> None:
    trembling = np.random.default_rng(1).uniform(-5, 5, (8, 2))
    motion = measured([drawn(seed=i) for i in range(8)], [box(*shift) for shift in trembling])
    assert motion.range_x < 0.01
    assert motion.range_y < 0.01
    assert motion.speed == pytest.approx(0.0, abs=0.01)
    assert motion.mouth == pytest.approx(0.0, abs=0.02)


def test_travel_is_measured_below_a_pixel_and_keeps_its_direction() -> None:
    shifts = [0.0, 6.5, 13.0, 6.5, 0.0, -6.5]
    sideways = measured([drawn(x=x, seed=i) for i, x in enumerate(shifts)], [box(x=round(x)) for x in shifts])
    assert sideways.range_x == pytest.approx(0.195, abs=0.005)
    assert sideways.range_y < 0.01
    assert sideways.speed == pytest.approx(0.065 / 0.4, abs=0.01)
    assert sideways.mouth == pytest.approx(0.0, abs=0.015)
    nodding = measured([drawn(y=y, seed=i) for i, y in enumerate(shifts)], [box(y=round(y)) for y in shifts])
    assert nodding.range_y == pytest.approx(0.195, abs=0.005)
    assert nodding.range_x < 0.01


def test_a_talking_mouth_is_told_from_a_still_one_also_while_the_head_moves() -> None:
    openings = [2, 10, 4, 12, 2, 8]
    talking = measured([drawn(mouth=m, seed=i) for i, m in enumerate(openings)], [box()] * 6)
    moving = measured(
        [drawn(x=5.3 * i, mouth=m, seed=i) for i, m in enumerate(openings)], [box(x=5.3 * i) for i in range(6)]
    )
    slightly = measured([drawn(mouth=m, seed=i) for i, m in enumerate([3, 5, 3, 5, 3, 5])], [box()] * 6)
    assert talking.mouth is not None
    assert slightly.mouth is not None
    assert talking.mouth > 0.15
    assert moving.mouth == pytest.approx(talking.mouth, rel=0.15)
    assert 0.02 < slightly.mouth < 0.5 * talking.mouth


def test_nothing_is_measured_across_a_cut_or_between_different_faces() -> None:
    frames = [drawn(), drawn(), drawn(x=60), drawn(x=60)]
    faces: list[Face | None] = [box(), box(), box(x=60), box(x=60)]
    assert measured(frames, faces).range_x == pytest.approx(0.6, abs=0.02)
    assert measured(frames, faces, [False, True, False]).range_x < 0.01
    far: list[Face | None] = [box(), box(), box(x=110), box(x=110)]
    assert measured([drawn(), drawn(), drawn(x=110), drawn(x=110)], far).range_x < 0.01


def test_a_face_that_cannot_be_aligned_moves_with_its_box_and_its_mouth_is_not_measured() -> None:
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 256, (224, 280), dtype=np.uint8) for _ in range(3)]
    motion = measured(noise, [box(), box(x=20), box()])
    assert motion.range_x == pytest.approx(0.2)
    assert motion.mouth is None


def test_without_two_frames_in_a_row_nothing_is_measured() -> None:
    assert face_motion([drawn()], [box()], TIMES[:1], []) is None
    assert face_motion([drawn()] * 3, [box(), None, box()], TIMES[:3], [False, False]) is None
    assert face_motion([drawn()] * 2, [box(), box()], TIMES[:2], [True]) is None
    assert face_motion([drawn()] * 2, [None, None], TIMES[:2], [False]) is None


def test_without_time_there_is_no_speed() -> None:
    motion = face_motion([drawn(), drawn(x=9)], [box(), box(x=9)], np.zeros(2), [False])
    assert motion is not None
    assert motion.speed is None
    assert motion.range_x == pytest.approx(0.09, abs=0.01)
