"""Which lexicon, if any, can read a text: told by the clip's language and by the script that the text is written in."""

import re
from typing import Final, Literal

from affectgpt.annotate.signal.lexicon import word_classes

Lexicon = Literal["en", "zh"]

_ENGLISH_TAGS: Final = frozenset({"en", "eng", "english"})
_CHINESE_TAGS: Final = frozenset({"zh", "cmn", "yue", "zho", "chi", "chinese"})
_UNKNOWN_TAGS: Final = frozenset({"", "und", "mul", "zxx"})
_HAN: Final = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_KANA_OR_HANGUL: Final = re.compile(r"[\u3040-\u30ff\uac00-\ud7af]")
_LAST_LATIN: Final = "\u024f"
_LETTER: Final = re.compile(r"[^\W\d_]")
_LATIN_WORD: Final = re.compile(r"[a-z\u00c0-\u024f]+(?:'[a-z]+)?")
_ENGLISH_LETTERS: Final = re.compile(r"[a-zéï'’]+")

_WORDS: Final = {title: frozenset(words) for title, words in word_classes("languages.tsv").items()}

LANGUAGE_NAMES: Final = {
    "de": ("German", "德语"),
    "fr": ("French", "法语"),
    "es": ("Spanish", "西班牙语"),
    "it": ("Italian", "意大利语"),
    "pt": ("Portuguese", "葡萄牙语"),
    "nl": ("Dutch", "荷兰语"),
    "pl": ("Polish", "波兰语"),
    "ru": ("Russian", "俄语"),
    "ja": ("Japanese", "日语"),
    "ko": ("Korean", "韩语"),
    "ar": ("Arabic", "阿拉伯语"),
    "hi": ("Hindi", "印地语"),
    "tr": ("Turkish", "土耳其语"),
}
"""English and Chinese names of languages that have no lexicon here, by primary subtag."""


def primary_subtag(tag: str | None) -> str:
    """``de-AT`` as ``de``; "" where the language is not known."""
    subtag = re.split(r"[-_]", (tag or "").strip().lower(), maxsplit=1)[0]
    return "" if subtag in _UNKNOWN_TAGS else subtag


def lexicon_for(text: str, tag: str | None) -> Lexicon | None:
    """The lexicon that can read a text, or None.

    The clip's language decides; where the text is plainly in another script (subtitles may be translations), or no
    language is given, the script does. Latin script without a language is taken for English unless common words or
    letters of other languages outnumber the English ones.

    Args:
        text: cleaned text.
        tag: BCP 47 tag of the spoken language, or None.
    """
    subtag = primary_subtag(tag)
    if subtag in _CHINESE_TAGS and _HAN.search(text):
        return "zh"
    if subtag not in _CHINESE_TAGS | _ENGLISH_TAGS | {""}:
        return None
    if _is_chinese(text):
        return "zh"
    if subtag in _ENGLISH_TAGS:
        return "en" if _is_latin(text) else None
    return "en" if _reads_as_english(text) else None


def _is_chinese(text: str) -> bool:
    """Whether at least a quarter of the letters are Chinese characters and none is Japanese or Korean only."""
    return 4 * len(_HAN.findall(text)) > len(_LETTER.findall(text)) and not _KANA_OR_HANGUL.search(text)


def _is_latin(text: str) -> bool:
    letters: list[str] = _LETTER.findall(text)
    return 2 * sum(letter <= _LAST_LATIN for letter in letters) >= len(letters)


def _reads_as_english(text: str) -> bool:
    lowered = text.lower().replace("’", "'")
    if not _is_latin(lowered):
        return False
    words = _LATIN_WORD.findall(lowered)
    english = sum(word.partition("'")[0] in _WORDS["english"] for word in words)
    foreign = sum(word in _WORDS["foreign"] or not _ENGLISH_LETTERS.fullmatch(word) for word in words)
    return foreign <= english
