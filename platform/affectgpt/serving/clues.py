"""Which words of a description a label rests on: the part of it that names the emotion and something perceived."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from affectgpt.evaluation.extraction.lexicon import read_description
from affectgpt.evaluation.text_language import Language

Sense = Literal["picture", "voice", "words"]

_SENTENCE: Final = re.compile(r"[^.!?。！？\n]+(?:\.\d[^.!?。！？\n]*)*[.!?。！？]?")
_PART: Final = re.compile(r"[^;；:：]+")
_EN: Final[Mapping[Sense, str]] = {
    "picture": "face|faces|facial|frames?|picture|video|eyes?|eyebrows?|brows?|mouth|lips?|head|smil\\w+|frown\\w*|"
    "gaze|looks?|gestures?|posture|shoulders|hands?|tears?|seen",
    "voice": "voice|vocal\\w*|tone|pitch|ear|sounds?|loud\\w*|volume|speech|pauses?|syllables|timbre|intonation|"
    "whisper\\w*|shout\\w*|sighs?|heard",
    "words": "subtitle|words?|text|says|said|sentence|phrase",
}
_ZH: Final[Mapping[Sense, str]] = {
    "picture": "画面|视频|脸|面部|表情|眼|眉|嘴|头部|动作|手势|姿|微笑|皱",
    "voice": "声音|语气|语调|音高|音色|音量|语速|听起来|停顿|音节|嗓|叹",
    "words": "字幕|话语|台词|文字|说的|内容",
}
_QUOTE: Final = r"[“\"「『][^”\"」』]+[”\"」』]"


def _pattern(language: Language) -> re.Pattern[str]:
    words = _ZH if language == "zh" else _EN
    edge = "" if language == "zh" else r"\b"
    groups = [f"(?P<{sense}>{edge}(?:{forms}){edge})" for sense, forms in words.items()]
    return re.compile("|".join([*groups, f"(?P<quote>{_QUOTE})"]), re.IGNORECASE)


_PATTERNS: Final[Mapping[Language, re.Pattern[str]]] = {"en": _pattern("en"), "zh": _pattern("zh")}


@dataclass(frozen=True, slots=True)
class Clue:
    """A part of a description that says what an emotion is read from.

    Attributes:
        text: the part.
        start: its first character in the description.
        end: the character behind its last.
        sense: what is perceived there, where several are, the first.
    """

    text: str
    start: int
    end: int
    sense: Sense


def clues_of(description: str, labels: Sequence[str], language: Language) -> dict[str, list[Clue]]:
    """Find the clues of each label in the order of the text; a label whose clue cannot be told has none.

    Args:
        description: the text.
        labels: the base words of the emotions that it says the speaker has.
        language: that of the text.
    """
    found: dict[str, list[Clue]] = {label: [] for label in labels}
    for mention in read_description(description, language):
        if mention.standing != "held" or mention.word.base not in found:
            continue
        clue = _clue_at(description, mention.start, language)
        if clue is not None and clue not in found[mention.word.base]:
            found[mention.word.base].append(clue)
    return found


def _clue_at(description: str, place: int, language: Language) -> Clue | None:
    """Give the smallest part around a place, of the sentence between semicolons or whole, that names a sense."""
    for start, end in _around(description, place):
        text = description[start:end]
        match = _PATTERNS[language].search(text)
        if match is not None:
            sense: Sense = "words" if match.lastgroup == "quote" else match.lastgroup  # type: ignore[assignment]
            lead = len(text) - len(text.lstrip())
            return Clue(text.strip(), start + lead, start + lead + len(text.strip()), sense)
    return None


def _around(description: str, place: int) -> Iterator[tuple[int, int]]:
    for sentence in _SENTENCE.finditer(description):
        if sentence.start() <= place < sentence.end():
            for part in _PART.finditer(sentence.group()):
                if sentence.start() + part.start() <= place < sentence.start() + part.end():
                    yield sentence.start() + part.start(), sentence.start() + part.end()
            yield sentence.span()
