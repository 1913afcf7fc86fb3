"""Descriptions of the demo's clips as a person would write them who knows what was acted: the demo's EMER-Fine."""

from dataclasses import dataclass
from typing import Literal

from affectgpt.demo.clips import Scene

Language = Literal["en", "zh"]
COLUMNS = ("name", "chinese", "english", "subtitle")
"""The columns in which EMER-Fine was released, and what is said."""


@dataclass(frozen=True, slots=True)
class _Acted:
    """How an emotion is acted, in each language."""

    face: dict[Language, str]
    voice: dict[Language, str]
    feeling: dict[Language, str]


_ACTED = {
    "anger": _Acted(
        {"en": "the brows are pulled down and together", "zh": "眉头紧锁，眉毛压低"},
        {"en": "the voice is loud and hard, with wide swings of pitch", "zh": "声音响亮而生硬，音高起伏很大"},
        {"en": "angry", "zh": "愤怒"},
    ),
    "happiness": _Acted(
        {"en": "the corners of the mouth are drawn up to a smile", "zh": "嘴角上扬，面带微笑"},
        {"en": "the voice is high and lively", "zh": "声音高而活泼"},
        {"en": "happy", "zh": "高兴"},
    ),
    "fear": _Acted(
        {"en": "the eyes are wide open and the inner brows raised", "zh": "双眼睁大，眉头上抬"},
        {"en": "the voice is very high, fast and trembling", "zh": "声音很高，语速很快，带着颤抖"},
        {"en": "afraid", "zh": "害怕"},
    ),
    "surprise": _Acted(
        {"en": "the brows are raised and the eyes wide open", "zh": "眉毛高高扬起，双眼睁大"},
        {"en": "the voice is high and rises at the end", "zh": "声音很高，句尾上扬"},
        {"en": "surprised", "zh": "惊讶"},
    ),
    "neutral": _Acted(
        {"en": "the face is at rest", "zh": "面部放松，没有明显表情"},
        {"en": "the voice is even", "zh": "声音平稳"},
        {"en": "calm", "zh": "平静"},
    ),
    "sadness": _Acted(
        {"en": "the corners of the mouth hang down", "zh": "嘴角下垂"},
        {"en": "the voice is low, soft and slow", "zh": "声音低沉、轻柔而缓慢"},
        {"en": "sad", "zh": "悲伤"},
    ),
    "boredom": _Acted(
        {"en": "the lids droop and the face hardly moves", "zh": "眼皮低垂，面部几乎不动"},
        {"en": "the voice is flat and slow", "zh": "声音平板而缓慢"},
        {"en": "bored", "zh": "无聊"},
    ),
}


def describe(scene: Scene, language: Language) -> str:
    """Describe a clip by what of it there is to see and to hear, and name the emotion that was acted."""
    acted = _ACTED[scene.emotion]
    face = acted.face[language] if scene.form != "sound" else None
    voice = acted.voice[language] if scene.form != "picture" else None
    feeling = acted.feeling[language]
    if language == "zh":
        seen = f"在视频中，{face}。" if face else ""
        heard = f"在音频中，{voice}。" if voice else ""
        return f"{seen}{heard}由此可见，说话人感到{feeling}。"
    seen = f"In the video, {face}. " if face else ""
    heard = f"In the audio, {voice}. " if voice else ""
    return f"{seen}{heard}From this, the speaker feels {feeling}."
