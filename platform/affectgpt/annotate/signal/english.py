"""Reads English text with the emotion lexicon: negation, degree, hedges, emphasis, and whose feeling it is.

The rules are those of lexicon-based sentiment analysis: C. J. Hutto & E. Gilbert, "VADER" (ICWSM 2014) for degree
words, capitals and punctuation; M. Taboada et al., "Lexicon-based methods for sentiment analysis", Computational
Linguistics 37 (2011) for the scope of negation and for conditions. The nearest pronoun of the clause tells whose
feeling it is.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from affectgpt.annotate.signal.lexicon import INNOCENT, Entry, emoji_forms, english_forms, word_classes
from affectgpt.annotate.signal.mentions import Holder, Mention

_TOKEN: Final = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*|\d+|[^\w\s]|_")
_ELONGATED: Final = re.compile(r"(.)\1{2,}")
_REACH: Final = 8
"""How many words back of a word its clause is looked at."""
_NEGATION_REACH: Final = 5

_STOPS: Final = frozenset('.,!?;:…()[]"“”—–')
_CLASSES: Final = {title: frozenset(words) for title, words in word_classes("en_grammar.tsv").items()}
_BREAKS: Final = _CLASSES["breaks"]
_SPEAKER: Final = _CLASSES["speaker"]
_OTHER: Final = _CLASSES["other"]
_NEGATORS: Final = _CLASSES["negators"]
_INTENSIFIERS: Final = _CLASSES["intensifiers"]
_DAMPENERS: Final = _CLASSES["dampeners"]
_FILLERS: Final = _CLASSES["fillers"] | _INTENSIFIERS | _DAMPENERS | _NEGATORS
_WITH_ARTICLE: Final = frozenset({"bit", "little"})
_DAMPENING_PAIRS: Final = frozenset({("kind", "of"), ("sort", "of")})
_NEGATING_TURNS: Final = frozenset({("anything", "but"), ("far", "from")})
_TRAILING_DEGREE: Final = (("so", "much"), ("very", "much"), ("a", "lot"), ("to", "death"), ("as", "hell"))

_STRENGTHEN, _WEAKEN, _HEDGE, _PAST_FACTOR, _THING_FACTOR, _QUESTION, _CAPITALS = 1.25, 0.6, 0.6, 0.7, 0.8, 0.8, 1.15
_DENIED_EXTREME: Final = 0.8
_PER_EXCLAMATION: Final = 0.08


@dataclass(frozen=True, slots=True)
class _Token:
    word: str
    start: int
    end: int
    capitals: bool


def read_english(text: str) -> tuple[Mention, ...]:
    """Find what an English text says about feelings, in the order of the text; linear in its length.

    Args:
        text: cleaned text, as ``wording.clean`` gives it.
    """
    tokens = _tokens(text)
    mentions: list[Mention] = []
    at = 0
    while at < len(tokens):
        entry, length = _match(tokens, at)
        if entry is not None and entry.emotion != INNOCENT:
            mentions.append(_mention(text, tokens, at, at + length, entry))
        at += length
    return tuple(mentions)


def _tokens(text: str) -> list[_Token]:
    all_capitals = text.isupper()
    known = _known_words()
    tokens = []
    for match in _TOKEN.finditer(text.replace("’", "'")):
        raw = match.group()
        word = raw.lower()
        if word not in known:
            word = next((short for short in _shortened(word) if short in known), word)
        tokens.append(_Token(word, *match.span(), len(raw) > 1 and raw.isupper() and not all_capitals))
    return tokens


def _shortened(word: str) -> tuple[str, ...]:
    """``soooo`` as ``soo`` and ``so``."""
    return (_ELONGATED.sub(r"\1\1", word), _ELONGATED.sub(r"\1", word)) if _ELONGATED.search(word) else ()


@cache
def _index() -> Mapping[str, Sequence[tuple[tuple[str, ...], Entry]]]:
    """The lexicon's forms as tuples of tokens by their first token, longest first."""
    index: dict[str, list[tuple[tuple[str, ...], Entry]]] = {}
    for form, entry in {**english_forms(), **emoji_forms()}.items():
        words = tuple(_TOKEN.findall(form))
        index.setdefault(words[0], []).append((words, entry))
    for forms in index.values():
        forms.sort(key=lambda item: len(item[0]), reverse=True)
    return index


@cache
def _known_words() -> frozenset[str]:
    lexical = {word for forms in _index().values() for words, _ in forms for word in words}
    return frozenset(lexical | _SPEAKER | _OTHER | _CLASSES["thing"] | _FILLERS | _BREAKS | _CLASSES["hedges"])


def _match(tokens: Sequence[_Token], at: int) -> tuple[Entry | None, int]:
    """The longest form of the lexicon that begins at a token, and how many tokens it takes (1 where there is none)."""
    for words, entry in _index().get(tokens[at].word, ()):
        if all(token.word == word for token, word in zip(tokens[at : at + len(words)], words, strict=False)) and (
            at + len(words) <= len(tokens)
        ):
            return entry, len(words)
    return None, 1


def _mention(text: str, tokens: Sequence[_Token], begin: int, end: int, entry: Entry) -> Mention:
    before = _clause_before(tokens, begin)
    following = [token.word for token in tokens[end : end + 3]]
    final, exclamations = _sentence_end(tokens, end)
    holder = _holder(tokens, begin, before, following, entry)
    denied, litotes = _negation(before, begin, tokens, final == "?")
    degree, factor = _degree(before, following)
    softened = factor < 1
    if denied and factor > 1:
        factor = _DENIED_EXTREME
    hedged = any(word in _CLASSES["hedges"] for word in before) or (
        begin > len(before) and tokens[begin - len(before) - 1].word == "if"
    )
    factor *= _HEDGE if hedged else 1.0
    factor *= _PAST_FACTOR if not _CLASSES["past"].isdisjoint(before) else 1.0
    factor *= _THING_FACTOR if holder == "thing" else 1.0
    factor *= _QUESTION if final == "?" and entry.part != "x" else 1.0
    factor *= _WEAKEN if litotes else 1.0
    factor *= _CAPITALS if any(token.capitals for token in tokens[begin:end]) else 1.0
    factor *= 1 + _PER_EXCLAMATION * exclamations
    words = text[tokens[begin].start : tokens[end - 1].end]
    return Mention(entry, words, min(1.0, entry.strength * factor), holder, denied, degree, softened, hedged)


def _clause_before(tokens: Sequence[_Token], begin: int) -> list[str]:
    """The words of the same clause before a word, in order, at most ``_REACH``."""
    words: list[str] = []
    for at in range(begin - 1, max(-1, begin - 1 - _REACH), -1):
        word = tokens[at].word
        joins_clauses = word in _CLASSES["joiners"] and bool(words) and _stem(words[-1]) in _SPEAKER | _OTHER
        if word in _STOPS or word in _BREAKS or joins_clauses:
            break
        words.append(word)
    return words[::-1]


def _stem(word: str) -> str:
    """``i'm`` as ``i``, ``you're`` as ``you``."""
    return word.partition("'")[0]


def _pronoun(word: str) -> Holder | None:
    stem = _stem(word)
    if stem in _SPEAKER:
        return "speaker"
    if stem in _OTHER:
        return "other"
    return "thing" if stem in _CLASSES["thing"] else None


def _holder(
    tokens: Sequence[_Token], begin: int, before: Sequence[str], following: Sequence[str], entry: Entry
) -> Holder:
    """Whose feeling a word tells of."""
    after = following[0] if following else ""
    first = tokens[begin].word
    match entry.part:
        case "q":
            return "speaker"
        case "n":
            return "speaker" if _CLASSES["others_possessive"].isdisjoint(before[-2:]) else "other"
        case "x":
            told_of_another = _nearest(before[-2:]) == "other" and _pronoun(first) is None
            return "other" if told_of_another else "speaker"
        case "c":
            return _object_holder(entry, after)
        case "a" if first.endswith("ed") and after in _CLASSES["speaker_object"] | _CLASSES["other_object"]:
            return _object_holder(entry, after)
    return _subject_holder(before, entry)


def _object_holder(entry: Entry, after: str) -> Holder:
    """Whom a verb makes feel: the object within its phrase or after it."""
    if after in _CLASSES["speaker_object"] or not _CLASSES["speaker_object"].isdisjoint(entry.lemma.split()):
        return "speaker"
    return "other" if after in _CLASSES["other_object"] else "thing"


def _subject_holder(before: Sequence[str], entry: Entry) -> Holder:
    """Who feels, by the nearest pronoun; without any, a clause that begins with the word is the speaker's own."""
    nearest = _nearest(before)
    if nearest is not None:
        return "other" if nearest == "thing" and entry.part == "v" else nearest
    if before and (before[0] in _CLASSES["imperatives"] or before[:2] == ["do", "not"]):
        return "other"
    if all(word in _FILLERS for word in before):
        return "speaker"
    return "thing" if entry.part == "a" else "other"


def _nearest(before: Sequence[str]) -> Holder | None:
    return next((holder for word in reversed(before) if (holder := _pronoun(word))), None)


def _is_negator(word: str) -> bool:
    return word in _NEGATORS or word.endswith("n't")


def _negation(before: Sequence[str], begin: int, tokens: Sequence[_Token], question: bool) -> tuple[bool, bool]:
    """Whether a word is denied, and whether two negators cancel each other ("not without joy")."""
    count = int((tokens[begin - 2].word, tokens[begin - 1].word) in _NEGATING_TURNS) if begin >= 2 else 0
    past_subject = False
    for distance, word in enumerate(reversed(before[-_NEGATION_REACH:]), start=1):
        if past_subject and word not in _CLASSES["neg_raising"] and word != "that" and not _is_negator(word):
            break
        asks = question and distance == len(before) and word.endswith("n't")
        adds = word == "not" and before[-distance:][1:2] == ["only"]
        if _is_negator(word) and not asks and not adds and (word not in _CLASSES["short_negators"] or distance <= 2):
            count += 1
        past_subject = past_subject or (
            _pronoun(word) in ("speaker", "other") and word not in _CLASSES["speaker_object"]
        )
    return count % 2 == 1, count > 0 and count % 2 == 0


def _degree(before: Sequence[str], following: Sequence[str]) -> tuple[str, float]:
    """The degree word of a word and its factor; ("", 1.0) where there is none."""
    if tuple(before[-2:]) in _DAMPENING_PAIRS:
        return " ".join(before[-2:]), _WEAKEN
    for word in reversed(before[-2:]):
        if word in _DAMPENERS:
            return (f"a {word}" if "a" in before[-3:] and word in _WITH_ARTICLE else word), _WEAKEN
        if word in _INTENSIFIERS:
            return word, _STRENGTHEN
    pair = tuple(following[:2])
    if pair in _TRAILING_DEGREE:
        return " ".join(pair), _STRENGTHEN
    third = tuple(following[1:3])
    return (" ".join(third), _STRENGTHEN) if third in _TRAILING_DEGREE else ("", 1.0)


def _sentence_end(tokens: Sequence[_Token], end: int) -> tuple[str, int]:
    """The mark that ends the sentence, looked for in the next 24 tokens, and how many exclamation marks there are."""
    for at in range(end, min(end + 24, len(tokens))):
        if tokens[at].word in "!?.…":
            marks = [token.word for token in tokens[at : at + 4]]
            run = next((i for i, mark in enumerate(marks) if mark not in "!?.…"), len(marks))
            return ("?" if "?" in marks[:run] else marks[0]), min(3, marks[:run].count("!"))
    return "", 0
