"""The emotions that the signal engine can tell apart, with their words and their place in the affect plane.

Valence and arousal are coarse places in the circumplex of J. A. Russell, "A circumplex model of affect" (1980), on
[-1, 1]; they serve to compare clues with each other, not to measure a person.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Emotion:
    """One emotion: its nouns, its label words from faint to strong, its valence and its arousal."""

    noun_en: str
    noun_zh: str
    faint_en: str
    plain_en: str
    strong_en: str
    faint_zh: str
    plain_zh: str
    strong_zh: str
    valence: float
    arousal: float


EMOTIONS: dict[str, Emotion] = {
    "anger": Emotion("anger", "愤怒", "irritated", "angry", "furious", "不耐烦", "生气", "愤怒", -0.6, 0.8),
    "disgust": Emotion("disgust", "厌恶", "displeased", "disgusted", "revolted", "不满", "厌恶", "极度厌恶", -0.7, 0.3),
    "fear": Emotion("fear", "恐惧", "uneasy", "fearful", "terrified", "不安", "害怕", "恐惧", -0.7, 0.7),
    "anxiety": Emotion("anxiety", "焦虑", "nervous", "worried", "anxious", "紧张", "担心", "焦虑", -0.5, 0.5),
    "sadness": Emotion("sadness", "悲伤", "downcast", "sad", "heartbroken", "低落", "伤心", "悲痛", -0.7, -0.5),
    "boredom": Emotion("boredom", "厌倦", "indifferent", "bored", "weary", "冷淡", "无聊", "厌倦", -0.3, -0.7),
    "neutral": Emotion("calm", "平静", "calm", "neutral", "composed", "平静", "平淡", "沉着", 0.0, -0.2),
    "contentment": Emotion("contentment", "满足", "at ease", "content", "satisfied", "安心", "满足", "满意", 0.6, -0.3),
    "affection": Emotion("affection", "喜爱", "tender", "affectionate", "loving", "亲切", "喜爱", "深爱", 0.7, 0.1),
    "happiness": Emotion("happiness", "喜悦", "pleased", "happy", "delighted", "愉快", "高兴", "欣喜", 0.8, 0.5),
    "excitement": Emotion("excitement", "兴奋", "lively", "excited", "thrilled", "活跃", "兴奋", "激动", 0.6, 0.9),
    "surprise": Emotion("surprise", "惊讶", "curious", "surprised", "astonished", "好奇", "惊讶", "震惊", 0.1, 0.7),
    "confusion": Emotion("confusion", "困惑", "unsure", "confused", "bewildered", "犹豫", "困惑", "迷茫", -0.2, 0.2),
    "gratitude": Emotion(
        "gratitude", "感激", "appreciative", "grateful", "deeply grateful", "感激", "感谢", "感恩", 0.7, 0.1
    ),
    "guilt": Emotion("guilt", "内疚", "apologetic", "guilty", "remorseful", "抱歉", "内疚", "悔恨", -0.5, 0.1),
}
