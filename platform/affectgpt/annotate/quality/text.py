"""Measures of what was written about a clip: how long it is, how much of it is emotion, and whether clues agree."""

import re
from typing import Final

from affectgpt.annotate.sample import Clue, Sample
from affectgpt.annotate.signal.chinese import read_chinese
from affectgpt.annotate.signal.emotions import EMOTIONS
from affectgpt.annotate.signal.english import read_english
from affectgpt.annotate.signal.mentions import Mention
from affectgpt.annotate.signal.textual import polarity

CHARACTERS_PER_WORD: Final = 1.5
"""Chinese characters per English word: the median of the 332 bilingual descriptions of EMER-Fine."""

_WORD: Final = re.compile(r"[^\W\d_\u3400-\u9fff\uf900-\ufaff]+(?:['’-][^\W\d_]+)*|\d+")
_HAN: Final = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")


def description_words(sample: Sample) -> float | None:
    """How many words the description has; None where there is none.

    The English description counts. Where there is only a Chinese one, ``CHARACTERS_PER_WORD`` characters are a word.
    """
    if sample.description_en:
        return float(len(_WORD.findall(sample.description_en)))
    if sample.description_zh:
        return len(_HAN.findall(sample.description_zh)) / CHARACTERS_PER_WORD
    return None


def emotion_words(sample: Sample) -> float | None:
    """How many different emotion words of the lexica the description affirms; None where there is no description.

    Words for calm, and words that are denied, do not count: a neutral description has 0.
    """
    if sample.description_en:
        return _count(read_english(sample.description_en))
    if sample.description_zh:
        return _count(read_chinese(sample.description_zh))
    return None


def clue_agreement(sample: Sample) -> float | None:
    """How far the visual and the acoustic clue agree in sentiment, in [-1, 1]; None where one of them is missing.

    It is 1 less the distance of their sentiments, each in [-1, 1]: 1 where both are the same, 0 where one is neutral
    and the other extreme, -1 for opposite extremes. Of a clue with measured evidence, the sentiment is the valence of
    what it speaks for, times its strength; of one that a model wrote, it is VADER's compound score of the English text.
    """
    if sample.visual is None or sample.acoustic is None:
        return None
    return 1 - abs(_sentiment(sample.visual) - _sentiment(sample.acoustic))


def _sentiment(clue: Clue) -> float:
    if not clue.evidence and not clue.measurements:
        return polarity(clue.text_en)
    valence = sum(item.strength * EMOTIONS[item.emotion].valence for item in clue.evidence)
    return max(-1.0, min(1.0, valence))


def _count(mentions: tuple[Mention, ...]) -> float:
    affirmed = (mention for mention in mentions if not mention.denied and mention.entry.emotion != "neutral")
    return float(len({mention.entry.lemma for mention in affirmed}))
