"""The visual step on real talking heads and on made frames of every awkward kind."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from affectgpt.annotate.sample import Clue, Sample
from affectgpt.annotate.signal.visual import VisualClue
from affectgpt.clips.clip import Clip
from affectgpt.clips.decoding import DecodeSettings, decode
from affectgpt.clips.media import Media

Frames = NDArray[np.uint8]


@pytest.fixture(scope="module")
def step() -> VisualClue:
    step = VisualClue()
    step.set_up()
    return step


def sample(frames: Frames, duration_s: float = 3.0) -> Sample:
    count = len(frames)
    media = Media(
        frames=frames,
        frame_times_s=(np.arange(count) + 0.5) * duration_s / max(count, 1),
        frames_expected=8,
        sound=np.zeros(0, np.float32),
        duration_s=duration_s,
        has_video=count > 0,
        has_audio=False,
    )
    return Sample(Clip("clip", "clip.mp4"), media)


def clue(step: VisualClue, frames: Frames) -> Clue:
    [seen] = step.annotate([sample(frames)])
    assert isinstance(seen, Sample)
    assert seen.visual is not None
    return seen.visual


@pytest.fixture(scope="module")
def talking_heads(shared_media: Path) -> dict[str, Frames]:
    heads = {
        path.name: decode(Clip(path.stem, str(path)), DecodeSettings()).frames
        for path in sorted((shared_media / "grid").glob("*.mpg"))
    }
    assert heads, "the folder with talking heads is empty"
    return heads


def test_real_talking_heads(step: VisualClue, talking_heads: dict[str, Frames]) -> None:
    for name, frames in talking_heads.items():
        seen = clue(step, frames)
        measured = seen.measurements
        assert measured["faces_count"] == 1, name
        assert measured["face_view_share"] >= 0.75, name
        assert 0.35 < measured["face_height_share"] < 0.7, name
        assert measured["head_range_x_faces"] < 0.1, name
        assert measured["mouth_movement_share"] > 0.03, name
        assert measured["cuts_count"] == 0, name
        assert "One face, in view" in seen.text_en, name
        assert "一张脸" in seen.text_zh, name
        assert "the head is still" in seen.text_en, name
        assert max(evidence.strength for evidence in seen.evidence) <= 0.5, name


def test_a_frozen_talking_head_moves_nothing(step: VisualClue, talking_heads: dict[str, Frames]) -> None:
    rng = np.random.default_rng(0)
    for name, frames in talking_heads.items():
        noise = rng.normal(0, 2, (8, *frames.shape[1:]))
        seen = clue(step, np.clip(frames[:1] + noise, 0, 255).astype(np.uint8))
        assert "The mouth hardly moves; the head is still." in seen.text_en, f"{name}: {seen.text_en}"


def test_a_swaying_picture_moves_the_head_and_not_the_mouth(step: VisualClue, talking_heads: dict[str, Frames]) -> None:
    frame = next(iter(talking_heads.values()))[0]
    shifts = (0, 12, 24, 36, 30, 18, 6, 0)
    swaying = np.stack(
        [
            cv2.warpAffine(frame, np.float64([[1, 0, x], [0, 1, 0]]), (280, 224), borderMode=cv2.BORDER_REPLICATE)
            for x in shifts
        ]
    )
    seen = clue(step, swaying)
    assert "The mouth hardly moves; the head moves from side to side." in seen.text_en
    assert {evidence.emotion for evidence in seen.evidence} == {"excitement", "anger"}


def test_a_cut_between_two_people(step: VisualClue, talking_heads: dict[str, Frames]) -> None:
    first, second = talking_heads["bbaf2n.mpg"], talking_heads["lwbsza.mpg"]
    seen = clue(step, np.concatenate([first[:4], second[4:]]))
    assert seen.measurements["cuts_count"] == 1
    assert seen.measurements["head_range_x_faces"] < 0.1
    assert "one cut is seen" in seen.text_en


def test_two_people(step: VisualClue, talking_heads: dict[str, Frames]) -> None:
    first, second = list(talking_heads.values())[:2]
    assert clue(step, np.concatenate([first, second], axis=2)).text_en.startswith("Two faces, the main one")


def test_a_face_seen_in_half_of_the_frames(step: VisualClue, talking_heads: dict[str, Frames]) -> None:
    frames = next(iter(talking_heads.values())).copy()
    frames[4:] = 128
    seen = clue(step, frames)
    assert seen.measurements["face_view_share"] == 0.5
    assert "in view about half of the time" in seen.text_en


def test_one_frame_of_a_talking_head(step: VisualClue, talking_heads: dict[str, Frames]) -> None:
    seen = clue(step, next(iter(talking_heads.values()))[:1])
    assert seen.text_en.startswith("One face in the one frame looked at")
    assert not {name for name in seen.measurements if name.startswith(("head", "mouth", "cuts", "picture_motion"))}
    assert seen.evidence == ()


def moving_shapes() -> Frames:
    frames = np.full((8, 224, 280, 3), 40, np.uint8)
    for i, frame in enumerate(frames):
        cv2.rectangle(frame, (20 * i, 40), (20 * i + 60, 120), (220, 60, 60), -1)
        cv2.circle(frame, (240 - 20 * i, 160), 30, (60, 200, 90), -1)
    return frames


MADE = {
    "noise": np.random.default_rng(0).integers(0, 256, (8, 224, 280, 3), dtype=np.uint8),
    "black": np.zeros((8, 224, 280, 3), np.uint8),
    "flat": np.full((8, 224, 280, 3), 180, np.uint8),
    "shapes": moving_shapes(),
    "one pixel": np.full((8, 1, 1, 3), 90, np.uint8),
    "two pixels wide": np.random.default_rng(0).integers(0, 256, (8, 224, 2, 3), dtype=np.uint8),
    "two pixels high": np.random.default_rng(0).integers(0, 256, (2, 2, 400, 3), dtype=np.uint8),
    "single": np.full((1, 224, 280, 3), 90, np.uint8),
}


@pytest.mark.parametrize("kind", MADE)
def test_made_frames_show_no_face_and_say_so(step: VisualClue, kind: str) -> None:
    seen = clue(step, MADE[kind])
    assert seen.text_en.startswith("No face is found in the ")
    assert "没有找到人脸" in seen.text_zh
    assert seen.evidence == ()
    assert all(np.isfinite(value) for value in seen.measurements.values())
    assert "mouth" not in seen.text_en


def test_made_frames_are_described_by_what_they_are(step: VisualClue) -> None:
    texts = {kind: clue(step, frames).text_en for kind, frames in MADE.items()}
    assert "The picture is black and steady" in texts["black"]
    assert "The picture is one plain tone and steady" in texts["flat"]
    assert "in some motion" in texts["shapes"]
    assert "steady" not in texts["single"]
    assert "cut" not in texts["single"]


def test_large_frames_give_the_same_picture_as_small_ones(step: VisualClue, talking_heads: dict[str, Frames]) -> None:
    frames = next(iter(talking_heads.values()))[:2]
    large = np.stack([cv2.resize(frame, (2100, 1680)) for frame in frames])
    small, big = clue(step, frames).measurements, clue(step, large).measurements
    for name in ("face_height_share", "face_x_share", "face_y_share", "brightness_share"):
        assert big[name] == pytest.approx(small[name], abs=0.05), name


def test_without_frames_there_is_no_visual_clue(step: VisualClue) -> None:
    [seen] = step.annotate([sample(np.zeros((0, 224, 280, 3), np.uint8))])
    assert isinstance(seen, Sample)
    assert seen.visual is None


def test_a_batch_keeps_its_order_and_its_samples_apart(step: VisualClue) -> None:
    kinds = ["black", "flat", "shapes", "black"]
    alone = [clue(step, MADE[kind]) for kind in kinds]
    together = step.annotate([sample(MADE[kind]) for kind in kinds])
    assert [seen.visual for seen in together if isinstance(seen, Sample)] == alone


def test_provenance(step: VisualClue) -> None:
    said = step.provenance()
    assert (said.engine, said.model, said.revision, said.prompt_sha256) == ("signal", "faces-and-motion", "1", None)
    assert (step.name, step.needs_media, step.needs_voice_reference) == ("visual_clue", True, False)
