"""The words follow the measurements, in both languages, and say nothing that was not measured."""

import pytest

from affectgpt.annotate.signal.emotions import EMOTIONS
from affectgpt.annotate.signal.visual_wording import describe_visual, visual_evidence

PICTURE = {"frames_count": 8, "faces_count": 0, "brightness_share": 0.7, "contrast_share": 0.15, "colourfulness": 40.0}
STEADY = PICTURE | {"cuts_count": 0, "picture_motion_share": 0.004}
FACE = {
    "faces_count": 1,
    "face_view_share": 1.0,
    "face_height_share": 0.5,
    "face_x_share": 0.5,
    "face_y_share": 0.5,
    "face_profile_share": 0.0,
    "smile_share": 0.0,
}
STILL = {"head_range_x_faces": 0.02, "head_range_y_faces": 0.03, "head_speed_faces_per_s": 0.02}
TALKING = STEADY | FACE | STILL | {"mouth_movement_share": 0.3}


def test_a_talking_head_in_words() -> None:
    assert describe_visual(TALKING) == (
        "One face, in view all the time, filling about half of the picture's height, near the centre. "
        "The mouth moves a lot; the head is still. The picture is bright and steady; no cuts are seen.",
        "画面中有一张脸，始终可见，约占画面高度的一半，位于中央。嘴部动作很多；头部静止。画面明亮、稳定；没有看到镜头切换。",
    )


@pytest.mark.parametrize(
    ("change", "english", "chinese"),
    [
        ({"face_view_share": 0.5}, "in view about half of the time", "约一半时间可见"),
        ({"face_height_share": 0.25}, "filling about a quarter of", "四分之一"),
        ({"face_x_share": 0.2}, "on the left", "位于左侧"),
        ({"face_x_share": 0.8}, "on the right", "位于右侧"),
        ({"face_profile_share": 1.0}, "seen from the side", "从侧面看到"),
        ({"faces_count": 2}, "Two faces, the main one in view", "两张脸，其中主要的一张"),
        ({"faces_count": 7}, "Many faces, the main one in view", "许多张脸"),
        ({"mouth_movement_share": 0.0}, "The mouth hardly moves", "嘴几乎不动"),
        ({"head_range_x_faces": 0.6}, "the head moves a lot from side to side", "头部移动很大，以左右方向为主"),
        ({"head_range_y_faces": 0.1}, "the head moves a little up and down", "头部略有移动，以上下方向为主"),
        ({"smile_share": 0.4}, "There is a smile in some of the frames.", "部分画面中的微笑"),
        ({"smile_share": 0.9}, "There is a smile in most of the frames.", "多数画面中的微笑"),
        ({"brightness_share": 0.1}, "The picture is dark and steady", "画面昏暗"),
        ({"contrast_share": 0.03}, "low in contrast", "对比度低"),
        ({"colourfulness": 0.0}, "without colour", "没有色彩"),
        ({"colourfulness": 120.0}, "strongly coloured", "色彩鲜艳"),
        ({"picture_motion_share": 0.1}, "full of motion", "充满运动"),
        ({"cuts_count": 1}, "one cut is seen", "看到1次镜头切换"),
        ({"cuts_count": 3}, "3 cuts are seen", "看到3次镜头切换"),
    ],
)
def test_each_measurement_has_its_words(change: dict[str, float], english: str, chinese: str) -> None:
    text_en, text_zh = describe_visual(TALKING | change)
    assert english in text_en
    assert chinese in text_zh


def test_black_and_plain_pictures() -> None:
    dark = {"contrast_share": 0.0, "brightness_share": 0.0, "colourfulness": 0.0}
    assert describe_visual(STEADY | dark)[0] == (
        "No face is found in the 8 frames looked at. The picture is black and steady; no cuts are seen."
    )
    assert "one plain tone" in describe_visual(STEADY | dark | {"brightness_share": 0.5})[0]


def test_one_frame_says_nothing_about_time() -> None:
    text_en, text_zh = describe_visual(PICTURE | FACE | {"frames_count": 1, "smile_share": 1.0})
    assert text_en == (
        "One face in the one frame looked at, filling about half of the picture's height, near the centre. "
        "There is a smile. The picture is bright."
    )
    assert text_zh == "所看的一帧画面中有一张脸，约占画面高度的一半，位于中央。可以看到微笑。画面明亮。"


def test_a_mouth_that_was_not_measured_is_not_mentioned() -> None:
    text_en, text_zh = describe_visual(STEADY | FACE | STILL)
    assert "The head is still." in text_en
    assert "mouth" not in text_en
    assert "嘴" not in text_zh


def test_no_face_no_evidence() -> None:
    assert visual_evidence(STEADY | {"picture_motion_share": 0.5, "cuts_count": 5}) == ()


def test_evidence_is_weak_but_for_a_lasting_smile() -> None:
    lively = TALKING | {"head_range_x_faces": 2.0, "picture_motion_share": 0.3}
    still = TALKING | {"mouth_movement_share": 0.0}
    for measured in (TALKING, lively, still, TALKING | {"smile_share": 0.4}):
        evidence = visual_evidence(measured)
        assert evidence
        assert all(0 < one.strength <= 0.5 for one in evidence)
        assert {one.emotion for one in evidence} <= EMOTIONS.keys()
    assert {one.emotion for one in visual_evidence(lively)} == {"excitement", "anger"}
    assert {one.emotion for one in visual_evidence(still)} == {"neutral", "sadness"}
    smiling = visual_evidence(TALKING | {"smile_share": 1.0})[0]
    assert (smiling.emotion, smiling.because_en, smiling.because_zh) == (
        "happiness",
        "a smile in most of the frames",
        "多数画面中的微笑",
    )
    assert smiling.strength == pytest.approx(0.7)


def test_a_frame_or_two_of_smile_among_many_is_no_evidence() -> None:
    assert "happiness" not in {one.emotion for one in visual_evidence(TALKING | {"smile_share": 0.25})}
