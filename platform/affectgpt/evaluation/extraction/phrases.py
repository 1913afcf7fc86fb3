"""The function words and phrases that decide what a word of emotion says, from ``phrases.tsv``."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files


def alternatives(title: str) -> str:
    """Give one class of phrases as the alternatives of a regular expression, in the file's order."""
    return "|".join(_classes()[title])


@cache
def _classes() -> Mapping[str, tuple[str, ...]]:
    text = (files(__package__) / "phrases.tsv").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in text.splitlines() if not line.startswith("#"))
    return {title: tuple(phrases.split(" | ")) for title, phrases in rows}
