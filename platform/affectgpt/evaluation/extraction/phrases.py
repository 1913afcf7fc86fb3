"""The function words and phrases that decide what a word of emotion says, from ``phrases.tsv``."""

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files


def phrase_pattern(title: str) -> re.Pattern[str]:
    """Give the pattern of one class of phrases, English ones as whole words, the first of the file's order winning."""
    alternatives = "|".join(phrases(title))
    return re.compile(rf"\b(?:{alternatives})\b" if title.startswith("en:") else f"(?:{alternatives})")


def phrases(title: str) -> tuple[str, ...]:
    """Give the regular expressions of one class of phrases."""
    return _classes()[title]


@cache
def _classes() -> Mapping[str, tuple[str, ...]]:
    text = (files(__package__) / "phrases.tsv").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in text.splitlines() if not line.startswith("#"))
    return {title: tuple(expressions.split(" | ")) for title, expressions in rows}
