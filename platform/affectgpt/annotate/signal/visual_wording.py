"""What the measurements of the picture are called, in English and Chinese, and which emotions they hint at."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from affectgpt.annotate.sample import Evidence
from affectgpt.annotate.signal.wording import join_en


class Words(NamedTuple):
    """The same words in both languages."""

    en: str
    zh: str


class Scale(NamedTuple):
    """Words for the ranges of a measurement: one more than there are limits, from low to high."""

    limits: Sequence[float]
    words: Sequence[Words]

    def level(self, value: float) -> int:
        """The range that a value lies in; a limit belongs to the range above it."""
        return bisect_right(self.limits, value)

    def say(self, value: float) -> Words:
        """The words for a value."""
        return self.words[self.level(value)]


VIEW = Scale(
    (0.4, 0.7, 0.95),
    (
        Words("in view in a few of the frames", "只在少数画面中可见"),
        Words("in view about half of the time", "约一半时间可见"),
        Words("in view most of the time", "大部分时间可见"),
        Words("in view all the time", "始终可见"),
    ),
)
SIZE = Scale(
    (0.2, 0.29, 0.42, 0.58, 0.72),
    (
        Words("filling a small part of the picture's height", "只占画面高度的一小部分"),
        Words("filling about a quarter of the picture's height", "约占画面高度的四分之一"),
        Words("filling about a third of the picture's height", "约占画面高度的三分之一"),
        Words("filling about half of the picture's height", "约占画面高度的一半"),
        Words("filling about two thirds of the picture's height", "约占画面高度的三分之二"),
        Words("filling most of the picture's height", "占据画面高度的大部分"),
    ),
)
PLACE = Scale(
    (0.36, 0.64),
    (Words("on the left", "位于左侧"), Words("near the centre", "位于中央"), Words("on the right", "位于右侧")),
)
HEAD = Scale(
    (0.08, 0.2, 0.45),
    (
        Words("the head is still", "头部静止"),
        Words("the head moves a little", "头部略有移动"),
        Words("the head moves", "头部有移动"),
        Words("the head moves a lot", "头部移动很大"),
    ),
)
MOUTH = Scale(
    (0.03, 0.09, 0.2),
    (
        Words("the mouth hardly moves", "嘴几乎不动"),
        Words("the mouth moves a little", "嘴部略有动作"),
        Words("the mouth moves", "嘴部有动作"),
        Words("the mouth moves a lot", "嘴部动作很多"),
    ),
)
SMILE_SHARE = 0.3
PARTLY_SMILING = Words("a smile in some of the frames", "部分画面中的微笑")
MOSTLY_SMILING = Words("a smile in most of the frames", "多数画面中的微笑")
BRIGHTNESS = Scale(
    (0.06, 0.25, 0.6),
    (
        Words("almost black", "几乎全黑"),
        Words("dark", "昏暗"),
        Words("of medium brightness", "亮度适中"),
        Words("bright", "明亮"),
    ),
)
CONTRAST = Scale(
    (0.06, 0.28), (Words("low in contrast", "对比度低"), Words("", ""), Words("high in contrast", "对比度高"))
)
COLOUR = Scale(
    (5.0, 82.0), (Words("without colour", "没有色彩"), Words("", ""), Words("strongly coloured", "色彩鲜艳"))
)
MOTION = Scale(
    (0.012, 0.04),
    (Words("steady", "稳定"), Words("in some motion", "有一些运动"), Words("full of motion", "充满运动")),
)
FACES = (
    Words("two", "两"),
    Words("three", "三"),
    Words("four", "四"),
    Words("five", "五"),
    Words("many", "许多"),
)
PLAIN_CONTRAST = 0.01
BLACK = 0.03


def describe_visual(measured: Mapping[str, float]) -> tuple[str, str]:
    """Put measurements into words, in English and Chinese; what was not measured is not mentioned.

    Args:
        measured: as returned by ``affectgpt.annotate.signal.visual.measure_visual``.
    """
    smile = _smile(measured)
    sentences = [
        _faces(measured),
        _movement(measured),
        smile and Words(f"there is {smile.en}", f"可以看到{smile.zh}"),
        _picture(measured),
    ]
    said = [sentence for sentence in sentences if sentence is not None]
    return " ".join(_capitalised(sentence.en) + "." for sentence in said), "".join(f"{s.zh}。" for s in said)


def visual_evidence(measured: Mapping[str, float]) -> tuple[Evidence, ...]:
    """Say what the measurements hint at; weak by design, as the geometry of a picture says little about an emotion.

    Nothing is said where no face is seen. Only a smile in most of the frames weighs more than a hint.

    Args:
        measured: as returned by ``affectgpt.annotate.signal.visual.measure_visual``.
    """
    evidence: list[Evidence] = []
    smile = _smile(measured)
    if smile:
        evidence.append(Evidence("happiness", 0.1 + 0.6 * measured["smile_share"], *smile))
    if "head_range_x_faces" not in measured:
        return tuple(evidence)
    head = HEAD.level(_head_range(measured))
    if head >= 2:
        moving = (
            Words("a head that moves a lot", "头部的大幅移动") if head == 3 else Words("a moving head", "头部的移动")
        )
        strength = 0.1 * head + 0.05 * MOTION.level(measured["picture_motion_share"])
        evidence += [Evidence("excitement", strength, *moving), Evidence("anger", strength - 0.05, *moving)]
    elif head == 0:
        evidence.append(Evidence("neutral", 0.2, "a still head", "静止的头部"))
        if MOUTH.level(measured.get("mouth_movement_share", 1.0)) == 0:
            evidence.append(
                Evidence("sadness", 0.15, "a still head and a mouth that hardly moves", "静止的头部和几乎不动的嘴")
            )
    return tuple(evidence)


def _faces(measured: Mapping[str, float]) -> Words:
    """How many faces there are, and how long, how large and where the main one is seen."""
    count, frames = int(measured["faces_count"]), int(measured["frames_count"])
    looked_at = Words("the one frame", "一帧") if frames == 1 else Words(f"the {frames} frames", f"{frames}帧")
    if count == 0:
        return Words(f"no face is found in {looked_at.en} looked at", f"所看的{looked_at.zh}画面中没有找到人脸")
    parts = [SIZE.say(measured["face_height_share"]), PLACE.say(measured["face_x_share"])]
    if frames > 1:
        parts.insert(0, VIEW.say(measured["face_view_share"]))
    if measured["face_profile_share"] >= 0.5:
        parts.append(Words("seen from the side", "从侧面看到"))
    place = Words(", ".join(part.en for part in parts), "，".join(part.zh for part in parts))
    within = Words(" in the one frame looked at", "所看的一帧画面中有") if frames == 1 else Words("", "画面中有")
    if count == 1:
        return Words(f"one face{within.en}, {place.en}", f"{within.zh}一张脸，{place.zh}")
    number = FACES[min(count - 2, len(FACES) - 1)]
    return Words(
        f"{number.en} faces{within.en}, the main one {place.en}",
        f"{within.zh}{number.zh}张脸，其中主要的一张{place.zh}",
    )


def _movement(measured: Mapping[str, float]) -> Words | None:
    """How the mouth and the head of the main face move; None where no two frames tell."""
    if "head_range_x_faces" not in measured:
        return None
    head = HEAD.say(_head_range(measured))
    x, y = measured["head_range_x_faces"], measured["head_range_y_faces"]
    if HEAD.level(max(x, y)) >= 1 and x > 2 * y:
        head = Words(f"{head.en} from side to side", f"{head.zh}，以左右方向为主")
    elif HEAD.level(max(x, y)) >= 1 and y > 2 * x:
        head = Words(f"{head.en} up and down", f"{head.zh}，以上下方向为主")
    if "mouth_movement_share" not in measured:
        return head
    mouth = MOUTH.say(measured["mouth_movement_share"])
    return Words(f"{mouth.en}; {head.en}", f"{mouth.zh}；{head.zh}")


def _head_range(measured: Mapping[str, float]) -> float:
    """How far the head travels in the direction in which it travels farthest, in widths of the face."""
    return max(measured["head_range_x_faces"], measured["head_range_y_faces"])


def _smile(measured: Mapping[str, float]) -> Words | None:
    """The smile that is seen, as a noun phrase; None where too few frames show one to be sure."""
    share = measured.get("smile_share", 0.0)
    if share < SMILE_SHARE:
        return None
    if measured["frames_count"] == 1:
        return Words("a smile", "微笑")
    return MOSTLY_SMILING if share >= 0.6 else PARTLY_SMILING


def _picture(measured: Mapping[str, float]) -> Words:
    """Light, colour, motion and cuts of the whole picture."""
    brightness, contrast = measured["brightness_share"], measured["contrast_share"]
    if contrast < PLAIN_CONTRAST:
        traits = [Words("black", "全黑") if brightness < BLACK else Words("one plain tone", "一片单色")]
    else:
        traits = [BRIGHTNESS.say(brightness), CONTRAST.say(contrast), COLOUR.say(measured["colourfulness"])]
    if "picture_motion_share" in measured:
        traits.append(MOTION.say(measured["picture_motion_share"]))
    said = [trait for trait in traits if trait.en]
    picture = Words(f"the picture is {join_en([trait.en for trait in said])}", "画面" + "、".join(t.zh for t in said))
    if "cuts_count" not in measured:
        return picture
    cuts = _cuts(int(measured["cuts_count"]))
    return Words(f"{picture.en}; {cuts.en}", f"{picture.zh}；{cuts.zh}")


def _cuts(count: int) -> Words:
    if count == 0:
        return Words("no cuts are seen", "没有看到镜头切换")
    return Words("one cut is seen" if count == 1 else f"{count} cuts are seen", f"看到{count}次镜头切换")


def _capitalised(sentence: str) -> str:
    return sentence[0].upper() + sentence[1:]
