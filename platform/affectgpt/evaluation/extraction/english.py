"""Reads English descriptions with the emotion vocabulary."""

import re
from collections.abc import Iterator
from typing import Final

from affectgpt.evaluation.extraction.mentions import Mention, Standing
from affectgpt.evaluation.extraction.phrases import alternatives
from affectgpt.evaluation.vocabulary import Word, named_in

_WORD: Final = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")
_SENTENCE: Final = re.compile(r"[^.!?;:\n]+")
_QUOTED: Final = re.compile(r'"[^"\n]*"|“[^”\n]*”|«[^»\n]*»')
_COMMA: Final = re.compile(r",(?!\s*(?:or|nor|and)\b)")
_DENIAL_REACH: Final = 8
_HOLDER_REACH: Final = 4

_DENIALS: Final = re.compile(rf"\b(?:{alternatives('en:denials')})\b")
_DENYING_PREPOSITIONS: Final = re.compile(rf"\b(?:{alternatives('en:denying prepositions')})\b")
_SUBJECTS: Final = re.compile(rf"\b(?:{alternatives('en:subjects')})\b")
_NO_DENIALS: Final = re.compile(rf"\b(?:{alternatives('en:no denials')})\b")
_TURNS: Final = re.compile(rf"\b(?:{alternatives('en:turns')})\b")
_OTHERS: Final = re.compile(rf"\b(?:{alternatives('en:others')})\b")
_PREPOSITIONS: Final = re.compile(rf"\b(?:{alternatives('en:prepositions')})\b")
_GENERALITIES: Final = re.compile(rf"\b(?:{alternatives('en:generalities')})\b")


def read_english(text: str) -> list[Mention]:
    """Find the emotion words of an English description, in its order; linear in its length.

    A possibility counts ("may be sad"), a denial does not ("no sign of fear"), nor does what is told of somebody else
    ("the other person's anger"), what a sign means in general ("which usually expresses fear"), or what is quoted.
    """
    lowered = text.lower().replace("’", "'")
    quotes = [match.span() for match in _QUOTED.finditer(lowered)]
    mentions = []
    for sentence in _SENTENCE.finditer(_QUOTED.sub(lambda match: "~" * len(match.group()), lowered)):
        for start, end, word in _named(sentence.group()):
            mentions.append(
                Mention(sentence.start() + start, sentence.start() + end, word, _standing(sentence.group(), start, end))
            )
    for start, end in quotes:
        mentions += (
            Mention(start + begin, start + stop, word, "quoted") for begin, stop, word in _named(lowered[start:end])
        )
    return sorted(mentions, key=lambda mention: mention.start)


def _named(sentence: str) -> Iterator[tuple[int, int, Word]]:
    """The places of a sentence that name an emotion, without words that mostly mean something else in running text."""
    words = list(_WORD.finditer(sentence))
    for first, behind, word in named_in([match.group() for match in words]):
        if not word.ambiguous:
            yield words[first].start(), words[behind - 1].end(), word


def _standing(sentence: str, start: int, end: int) -> Standing:
    clause = _clause(sentence[:start])
    if _is_denied(clause):
        return "denied"
    if _is_of_another(clause, sentence[start:end]):
        return "of another"
    if _GENERALITIES.search(clause):
        return "in general"
    return "held"


def _clause(before: str) -> str:
    """What stands before a word in its own clause; commas in an enumeration do not end it."""
    turns = [match.end() for match in _TURNS.finditer(before)]
    return before[max(turns, default=0) :]


def _is_denied(clause: str) -> bool:
    near = _last_words(clause, _DENIAL_REACH)
    comma = [match.end() for match in _COMMA.finditer(near)]
    near = _NO_DENIALS.sub(" ", near[max(comma, default=0) :])
    if _DENIALS.search(near):
        return True
    # What a preposition denies ends where a new subject begins: "instead of joy there is grief".
    behind = _DENYING_PREPOSITIONS.split(near)
    return len(behind) > 1 and not _SUBJECTS.search(behind[-1])


def _is_of_another(clause: str, phrase: str) -> bool:
    """Whether somebody else is the nearest possible feeler: shortly before, no comma or preposition between."""
    if phrase.endswith("ly"):
        return False
    near = _last_words(clause, _HOLDER_REACH + 3)
    holders = list(_OTHERS.finditer(near))
    if not holders:
        return False
    between = near[holders[-1].end() :]
    return "," not in between and len(_WORD.findall(between)) <= _HOLDER_REACH and not _PREPOSITIONS.search(between)


def _last_words(text: str, count: int) -> str:
    starts = [match.start() for match in _WORD.finditer(text)]
    return text[starts[-count] :] if len(starts) > count else text
