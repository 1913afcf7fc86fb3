"""Reads Chinese text with the emotion lexicon: longest match, negators, degree words, and whose feeling it is.

Chinese writes no spaces between words, so that words are found by longest match and what precedes a word is read
backwards from it, as far as its clause and a few characters go.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final

from affectgpt.annotate.signal.lexicon import (
    INNOCENT,
    Entry,
    chinese_forms,
    emoji_forms,
    simplified_characters,
    word_classes,
)
from affectgpt.annotate.signal.mentions import Holder, Mention

_REACH: Final = 12
"""How many characters back of a word its clause is looked at."""
_STOPS: Final = frozenset('。，！？；：、…,.!?;: "“”「」『』（）()《》—')

_CLASSES: Final = word_classes("zh_grammar.tsv")
_PRECEDING: Final = sorted(
    (
        (word, title)
        for title in ("dampeners", "prohibitions", "negators", "intensifiers", "fillers")
        for word in _CLASSES[title]
    ),
    key=lambda item: len(item[0]),
    reverse=True,
)
"""What may stand between a negator and the word that it denies, longest first."""
_PRONOUNS: Final[Mapping[str, Holder]] = {
    **dict.fromkeys(_CLASSES["speaker"], "speaker"),
    **dict.fromkeys(_CLASSES["other"], "other"),
}

_STRENGTHEN, _WEAKEN, _HEDGE, _QUESTION = 1.25, 0.6, 0.6, 0.8
_DENIED_EXTREME: Final = 0.8
_PER_EXCLAMATION: Final = 0.08


def read_chinese(text: str) -> tuple[Mention, ...]:
    """Find what a Chinese text says about feelings, in the order of the text; linear in its length.

    Args:
        text: cleaned text, simplified or traditional.
    """
    plain = text.translate(dict(simplified_characters()))
    mentions: list[Mention] = []
    at = 0
    while at < len(plain):
        entry = _match(plain, at)
        if entry is None:
            at += 1
            continue
        end = at + len(entry.lemma)
        if entry.emotion != INNOCENT:
            mentions.append(_mention(text, plain, at, end, entry))
        at = end
    return tuple(mentions)


@cache
def _forms() -> tuple[Mapping[str, Entry], Mapping[str, Sequence[int]]]:
    """The lexicon, and the lengths of its forms, longest first, by their first character."""
    forms = {**chinese_forms(), **emoji_forms()}
    lengths: dict[str, set[int]] = {}
    for form in forms:
        lengths.setdefault(form[0], set()).add(len(form))
    return forms, {first: sorted(found, reverse=True) for first, found in lengths.items()}


def _match(text: str, at: int) -> Entry | None:
    forms, lengths = _forms()
    for length in lengths.get(text[at], ()):
        entry = forms.get(text[at : at + length])
        if entry is not None:
            return entry
    return None


def _mention(text: str, plain: str, begin: int, end: int, entry: Entry) -> Mention:
    clause = _clause_before(plain, begin)
    negators, prohibited, degree, factor = _preceding(clause)
    trailing = next((word for word in _CLASSES["trailing"] if plain.startswith(word, end)), "")
    if trailing:
        degree, factor = trailing, factor * _STRENGTHEN
    denied, softened = negators % 2 == 1, factor < 1
    if denied and factor > 1:
        factor = _DENIED_EXTREME
    final, exclamations = _sentence_end(plain, end)
    hedged = any(hedge in clause for hedge in _CLASSES["hedges"])
    factor *= _HEDGE if hedged else 1.0
    factor *= _QUESTION if final in "?？吗" and final and entry.part != "x" else 1.0
    factor *= 1 + _PER_EXCLAMATION * exclamations
    factor *= _WEAKEN if negators and negators % 2 == 0 else 1.0
    holder = "other" if prohibited else _holder(plain, begin, end, clause, entry)
    strength = min(1.0, entry.strength * factor)
    return Mention(entry, text[begin:end], strength, holder, denied, degree, softened, hedged)


def _clause_before(plain: str, begin: int) -> str:
    first = begin
    while first > 0 and begin - first < _REACH and plain[first - 1] not in _STOPS:
        first -= 1
    return plain[first:begin]


def _preceding(clause: str) -> tuple[int, bool, str, float]:
    """What stands right before a word: how many negators, whether a prohibition, the degree word and its factor."""
    negators, prohibited, degree, factor = 0, False, "", 1.0
    rest = clause
    while found := next((item for item in _PRECEDING if rest.endswith(item[0])), None):
        word, title = found
        rest = rest.removesuffix(word)
        negators += title == "negators"
        prohibited = prohibited or title == "prohibitions"
        if title in ("intensifiers", "dampeners") and not degree:
            degree, factor = word, _STRENGTHEN if title == "intensifiers" else _WEAKEN
    return negators, prohibited, degree, factor


def _holder(plain: str, begin: int, end: int, clause: str, entry: Entry) -> Holder:
    if entry.part in ("q", "n"):
        return "speaker"
    if entry.part == "c":
        after = plain[end : end + 3].lstrip("了到着过")
        return _PRONOUNS.get(after[:1], "thing")
    nearest = next((_PRONOUNS[character] for character in reversed(clause) if character in _PRONOUNS), None)
    if entry.part == "x":
        return "other" if nearest == "other" and clause[-1:] in "他她" else "speaker"
    return nearest or "speaker"


def _sentence_end(plain: str, end: int) -> tuple[str, int]:
    """The mark or question particle that ends the sentence, and how many exclamation marks there are, at most 3."""
    for at in range(end, min(end + 24, len(plain))):
        if plain[at] in "。！？!?…":
            run = plain[at : at + 4]
            exclamations = min(3, sum(mark in "!！" for mark in run))
            question = "？" in run or "?" in run or plain[at - 1] == "吗"
            return ("?" if question else plain[at]), exclamations
    return ("?" if plain.endswith("吗") and len(plain) - end < 24 else ""), 0
