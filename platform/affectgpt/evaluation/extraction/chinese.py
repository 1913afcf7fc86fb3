"""Reads Chinese descriptions with the emotion vocabulary."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Final

from affectgpt.annotate.signal.lexicon import simplified_characters
from affectgpt.evaluation.extraction.mentions import Mention, Standing
from affectgpt.evaluation.extraction.phrases import phrase_pattern, phrases
from affectgpt.evaluation.vocabulary import Word, chinese_words

_CLAUSE: Final = re.compile(r"[^，。；：！？,.;:!?\n]+")
_QUOTED: Final = re.compile(r'"[^"\n]*"|“[^”\n]*”|‘[^’\n]*’|「[^」\n]*」|『[^』\n]*』')
_CLAUSE_CHARACTERS: Final = 60
"""How far back of a word its clause is looked at; more would make long clauses slow."""
_DENIAL_REACH: Final = 12
_MASK: Final = "~"

_DENIALS: Final = phrase_pattern("zh:denials")
_NO_DENIALS: Final = phrase_pattern("zh:no denials")
_TURNS: Final = phrase_pattern("zh:turns")
_NOT_BEHIND: Final = "".join(f"(?<!{word})" for word in phrases("zh:prepositions"))
_OTHERS: Final = re.compile(f"{_NOT_BEHIND}{phrase_pattern('zh:others').pattern}的?")
_GENERALITIES: Final = phrase_pattern("zh:generalities")
_BETWEEN: Final = re.compile(r"(?:感到|觉得|变得|的|很|也|更|有些|非常|感觉)*")


def read_chinese(text: str) -> list[Mention]:
    """Find the emotion words of a Chinese description, simplified or traditional, in its order; linear in its length.

    The rules are those of ``read_english``; words of a single character are passed over, since they are mostly parts of
    other words.
    """
    # Character by character, so that places stay what they are.
    text = text.translate(dict(simplified_characters()))
    mentions = []
    for clause in _CLAUSE.finditer(_QUOTED.sub(lambda match: " " * len(match.group()), text)):
        # What stands before a word is read without the other words of emotion: the 不 in 不安 denies nothing.
        around = _pattern().sub(lambda match: _MASK * len(match.group()), clause.group())
        for start, end, word in _named(clause.group()):
            standing = _standing(around[max(0, start - _CLAUSE_CHARACTERS) : start])
            mentions.append(Mention(clause.start() + start, clause.start() + end, word, standing))
    for quote in _QUOTED.finditer(text):
        for start, end, word in _named(quote.group()):
            mentions.append(Mention(quote.start() + start, quote.start() + end, word, "quoted"))
    return sorted(mentions, key=lambda mention: mention.start)


@cache
def _pattern() -> re.Pattern[str]:
    forms = sorted((form for form in chinese_words() if len(form) > 1), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, forms)))


def _named(clause: str) -> Iterator[tuple[int, int, Word]]:
    for match in _pattern().finditer(clause):
        word = chinese_words()[match.group()]
        if not word.ambiguous:
            yield *match.span(), word


def _standing(before: str) -> Standing:
    turns = [match.end() for match in _TURNS.finditer(before)]
    near = before[max(turns, default=0) :]
    if _DENIALS.search(_NO_DENIALS.sub(_MASK, near[-_DENIAL_REACH:])):
        return "denied"
    others = list(_OTHERS.finditer(near))
    if others and _BETWEEN.fullmatch(near[others[-1].end() :]):
        return "of another"
    if _GENERALITIES.search(near):
        return "in general"
    return "held"
