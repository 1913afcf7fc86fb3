"""Reads English descriptions with the emotion vocabulary."""

import re
from collections.abc import Iterator
from typing import Final

from affectgpt.evaluation.extraction.mentions import Mention, Standing
from affectgpt.evaluation.extraction.phrases import phrase_pattern
from affectgpt.evaluation.vocabulary import Word, named_in

_WORD: Final = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")
_SENTENCE: Final = re.compile(r"[^.!?;:\n]+")
_INNER_APOSTROPHE: Final = r"(?:[^'\n]|(?<=\w)'(?=\w))*'(?!\w)"
_QUOTED: Final = re.compile(rf"\"[^\"\n]*\"|“[^”\n]*”|«[^»\n]*»|(?<!\w)['‘]{_INNER_APOSTROPHE}")
_CLAUSE_CHARACTERS: Final = 240
"""How far back of a word its clause is looked at; more would make long sentences slow."""
_DENIAL_REACH: Final = 8
_HOLDER_REACH: Final = 4
_MASK: Final = "~"

_DENIALS: Final = phrase_pattern("en:denials")
_DENYING_PHRASES: Final = phrase_pattern("en:denying phrases")
_DENIED_BEHIND: Final = phrase_pattern("en:denied behind")
_NO_DENIALS: Final = phrase_pattern("en:no denials")
_ENUMERATION: Final = re.compile(rf"(?:[\s,{_MASK}]|{phrase_pattern('en:enumerating').pattern})*")
_NEW_STATEMENT: Final = re.compile(
    rf"\b(?:and|or)\s+(?:{phrase_pattern('en:subjects').pattern}|{phrase_pattern('en:predicates').pattern})"
)
_SUBJECTS: Final = phrase_pattern("en:subjects")
_ASSERTING: Final = phrase_pattern("en:asserting")
_TURNS: Final = phrase_pattern("en:turns")
_OTHERS: Final = phrase_pattern("en:others")
_PREPOSITIONS: Final = phrase_pattern("en:prepositions")
_GENERALITIES: Final = phrase_pattern("en:generalities")


def read_english(text: str) -> list[Mention]:
    """Find the emotion words of an English description, in its order; linear in its length.

    A possibility counts ("may be sad"), a denial does not ("no sign of fear"), nor does what is told of somebody else
    ("the other person's anger"), what a sign means in general ("which usually expresses fear"), or what is quoted.
    """
    lowered = text.lower().replace("’", "'")
    unquoted = _QUOTED.sub(lambda match: " " * len(match.group()), lowered)
    mentions = []
    for sentence in _SENTENCE.finditer(unquoted):
        for start, end, word, standing in _read_sentence(sentence.group()):
            mentions.append(Mention(sentence.start() + start, sentence.start() + end, word, standing))
    for quote in _QUOTED.finditer(lowered):
        for start, end, word in _named(quote.group()):
            mentions.append(Mention(quote.start() + start, quote.start() + end, word, "quoted"))
    return sorted(mentions, key=lambda mention: mention.start)


def _named(sentence: str) -> Iterator[tuple[int, int, Word]]:
    """The places of a sentence that name an emotion, without words that mostly mean something else in running text."""
    words = list(_WORD.finditer(sentence))
    for first, behind, word in named_in([match.group() for match in words]):
        if not word.ambiguous:
            yield words[first].start(), words[behind - 1].end(), word


def _read_sentence(sentence: str) -> Iterator[tuple[int, int, Word, Standing]]:
    named = list(_named(sentence))
    # What stands around a word is read without the other words of emotion: their own letters deny nothing.
    masked = list(sentence)
    for start, end, _ in named:
        masked[start:end] = _MASK * (end - start)
    around = "".join(masked)
    for start, end, word in named:
        before = around[max(0, start - _CLAUSE_CHARACTERS) : start]
        behind = around[end : end + _CLAUSE_CHARACTERS]
        yield start, end, word, _standing(before, sentence[start:end], behind)


def _standing(before: str, phrase: str, behind: str) -> Standing:
    turns = [match.end() for match in _TURNS.finditer(before)]
    clause = before[max(turns, default=0) :]
    if _is_denied(clause) or _DENIED_BEHIND.match(behind.lstrip()):
        return "denied"
    if _is_of_another(clause, phrase):
        return "of another"
    if _GENERALITIES.search(clause):
        return "in general"
    return "held"


def _is_denied(clause: str) -> bool:
    near = _NO_DENIALS.sub(" ", _last_words(clause, _DENIAL_REACH))
    denials = [match.end() for match in _DENIALS.finditer(near)]
    if denials and _reaches(near[denials[-1] :]):
        return True
    phrases = [match.end() for match in _DENYING_PHRASES.finditer(near)]
    if not phrases:
        return False
    # What a phrase denies ends with what is said of it: "instead of joy there is grief", "lack of joy shows sadness".
    behind = near[phrases[-1] :]
    return _reaches(behind) and not _SUBJECTS.search(behind) and not _ASSERTING.search(behind)


def _reaches(behind: str) -> bool:
    """Whether a denial still holds after what stands behind it: a comma ends it, unless an enumeration goes on."""
    _, comma, rest = behind.partition(",")
    if comma and not _ENUMERATION.fullmatch(rest):
        return False
    return not _NEW_STATEMENT.search(behind)


def _is_of_another(clause: str, phrase: str) -> bool:
    """Whether somebody else is the nearest possible feeler: shortly before, no comma or preposition between."""
    if phrase.endswith("ly"):
        return False
    near = _last_words(clause, _HOLDER_REACH + 3)
    holders = [match.end() for match in _OTHERS.finditer(near)]
    if not holders:
        return False
    between = near[holders[-1] :]
    return "," not in between and len(_WORD.findall(between)) <= _HOLDER_REACH and not _PREPOSITIONS.search(between)


def _last_words(text: str, count: int) -> str:
    starts = [match.start() for match in _WORD.finditer(text)]
    return text[starts[-count] :] if len(starts) > count else text
