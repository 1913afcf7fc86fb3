"""Tells English from Chinese, the two languages of labels and descriptions, by their letters."""

import re
from collections import Counter
from collections.abc import Iterable
from typing import Final, Literal

Language = Literal["en", "zh"]

_CHINESE: Final = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_LATIN: Final = re.compile("[A-Za-z]")
_LETTERS_OF_A_WORD: Final = 5
"""An English word has about as many letters where a Chinese one has one or two characters."""


def holds_chinese(text: str) -> bool:
    """Whether a text holds a Chinese character, as a Chinese label does."""
    return _CHINESE.search(text) is not None


def language_of(text: str) -> Language:
    """Tell the language of a description; either may quote the other."""
    return "zh" if len(_CHINESE.findall(text)) > len(_LATIN.findall(text)) / _LETTERS_OF_A_WORD else "en"


def languages_of(labels: Iterable[str]) -> Counter[str]:
    """Count labels by language: ``zh`` where one holds a Chinese character, else ``en``."""
    return Counter("zh" if holds_chinese(label) else "en" for label in labels)
