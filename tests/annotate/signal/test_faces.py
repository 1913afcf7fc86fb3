"""Faces are found in real talking heads, and nowhere in pictures that hold none."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from affectgpt.annotate.signal.faces import Face, FaceFinder, Grey, rescaled
from affectgpt.clips.clip import Clip
from affectgpt.clips.decoding import DecodeSettings, decode


@pytest.fixture(scope="module")
def finder() -> FaceFinder:
    return FaceFinder()


def grey_frames(path: Path) -> list[Grey]:
    frames = decode(Clip(path.stem, str(path)), DecodeSettings()).frames
    return [np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), dtype=np.uint8) for frame in frames]


@pytest.fixture(scope="module")
def talking_heads(shared_media: Path) -> dict[str, list[Grey]]:
    heads = {path.name: grey_frames(path) for path in sorted((shared_media / "grid").glob("*.mpg"))}
    assert heads, "the folder with talking heads is empty"
    return heads


def test_every_talking_head_has_exactly_one_face(finder: FaceFinder, talking_heads: dict[str, list[Grey]]) -> None:
    for name, frames in talking_heads.items():
        counts = [len(faces) for faces in finder.find(frames)]
        assert max(counts) == 1, f"{name}: {counts}"
        assert np.mean(counts) >= 0.75, f"{name}: {counts}"


def test_the_size_of_a_face_does_not_drift_when_it_is_found_again(
    finder: FaceFinder, talking_heads: dict[str, list[Grey]]
) -> None:
    for name, frames in talking_heads.items():
        widths = [faces[0].width for faces in finder.find([frames[0]] * 16)]
        assert max(widths) < 1.15 * min(widths), f"{name}: {widths}"


def test_a_moved_head_is_found_where_it_is(finder: FaceFinder, talking_heads: dict[str, list[Grey]]) -> None:
    frame = next(iter(talking_heads.values()))[0]
    moved = [cv2.warpAffine(frame, np.float64([[1, 0, 12 * i], [0, 1, 0]]), (280, 224)) for i in range(4)]
    centres = [faces[0].centre[0] for faces in finder.find(moved)]
    assert np.diff(centres) == pytest.approx([12, 12, 12], abs=5)


def test_two_faces_are_told_apart_and_a_third_that_comes_later_is_seen(
    finder: FaceFinder, talking_heads: dict[str, list[Grey]]
) -> None:
    first, second, third = (frames[0] for frames in list(talking_heads.values())[:3])
    two, three = np.hstack([first, second, np.zeros_like(third)]), np.hstack([first, second, third])
    counts = [len(faces) for faces in finder.find([two] * 4 + [three] * 4)]
    assert counts == [2] * 4 + [3] * 4


def test_a_face_that_leaves_is_lost(finder: FaceFinder, talking_heads: dict[str, list[Grey]]) -> None:
    frame = next(iter(talking_heads.values()))[0]
    wall = np.full_like(frame, 128)
    assert [len(faces) for faces in finder.find([frame, frame, wall, wall, frame])] == [1, 1, 0, 0, 1]


def test_talking_is_not_taken_for_smiling(finder: FaceFinder, talking_heads: dict[str, list[Grey]]) -> None:
    for name, frames in talking_heads.items():
        smiles = [finder.smiles(frame, faces[0]) for frame, faces in zip(frames, finder.find(frames), strict=True)]
        assert sum(smiles) <= 1, f"{name}: {smiles}"


@pytest.mark.parametrize("shape", [(224, 280), (1, 1), (224, 2), (2, 224), (20, 20), (21, 300)])
def test_nothing_is_found_in_noise_and_in_the_dark(finder: FaceFinder, shape: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (4, *shape), dtype=np.uint8)
    assert finder.find(list(noise)) == [[]] * 4
    assert finder.find(list(np.zeros_like(noise))) == [[]] * 4


def test_a_smile_is_not_looked_for_outside_the_picture(finder: FaceFinder) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (100, 100), dtype=np.uint8)
    assert not finder.smiles(picture, Face(-50.0, 90.0, 60.0, 60.0))
    assert not finder.smiles(picture, Face(200.0, 200.0, 60.0, 60.0))


def test_overlap_is_the_share_of_the_union() -> None:
    face = Face(0.0, 0.0, 10.0, 10.0)
    assert face.overlap(face) == 1.0
    assert face.overlap(face.moved(5.0, 0.0)) == pytest.approx(1 / 3)
    assert face.overlap(face.moved(10.0, 0.0)) == 0.0
    assert face.overlap(face.scaled(2.0)) == pytest.approx(0.25)


def test_rescaling_keeps_the_aspect() -> None:
    assert rescaled(np.zeros((100, 60), np.uint8), 0.5).shape == (50, 30)
