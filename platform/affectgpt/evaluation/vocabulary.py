"""The emotion vocabulary that comes along: which words, English and Chinese, name which emotion.

Its rows are in ``wheels/emotions.tsv``. A label is found as it stands, by English morphology, or, where it has several
words, by the last of them that names an emotion and is not denied.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final, Literal

from affectgpt.annotate.signal.lexicon import simplified_characters
from affectgpt.evaluation.label_lists import clean_label
from affectgpt.evaluation.morphology import base_words
from affectgpt.evaluation.text_language import holds_chinese

Sentiment = Literal["positive", "neutral", "negative"]

WHEEL_NAMES: Final = ("plutchik", "willcox", "parrott", "geneva")

_SENTIMENTS: Final[Mapping[str, Sentiment]] = {"+": "positive", "0": "neutral", "-": "negative"}
_CHINESE_ENDING: Final = re.compile(r"(?<=.)(?:的|地|感|情绪|心情|状态|之情|的?情感|的?感觉|的?态度)$")
_NOT_A_WORD: Final = re.compile(r"[^\w']+")
_DENIALS: Final = re.compile(r"\b(?:not|no|non|un|never|without|lack(?:s|ing)?|loss|low|less|hardly|\w+n't)\b")
_ASIDE: Final = re.compile(r"\([^()]*\)|（[^（）]*）")
_CHINESE_DENIALS: Final = re.compile(
    r"(?:不|没|无|非|缺乏|未|没有|不是|不再)(?:太|很|怎么|那么|这么|十分|特别|非常|够)?$"
)
_LOOKALIKES: Final = frozenset({"witness", "witnesses", "likely", "chilling", "chills", "伤感情", "开心果"})
"""What morphology or a part of the word would take for an emotion."""


@dataclass(frozen=True, slots=True)
class Emotion:
    """One emotion of the vocabulary.

    Attributes:
        name: an English adjective.
        sentiment: whether it is pleasant.
        places: for each wheel that has a place for it, the word of the middle ring.
    """

    name: str
    sentiment: Sentiment
    places: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Word:
    """A base word of the vocabulary.

    Attributes:
        base: the word, which stands for all its forms.
        emotion: the emotion that it names.
        ambiguous: whether it mostly means something else in running text, so that it counts as a label only.
    """

    base: str
    emotion: Emotion
    ambiguous: bool


@cache
def english_words() -> Mapping[str, Word]:
    """Every listed English form, in lower case with single spaces and without hyphens."""
    return dict(_forms(english=True))


@cache
def chinese_words() -> Mapping[str, Word]:
    """Every listed Chinese form, in simplified characters."""
    return dict(_forms(english=False))


@cache
def emotions() -> tuple[Emotion, ...]:
    """The emotions, in the order of the file."""
    return tuple(emotion for emotion, _, _ in _rows())


@lru_cache(maxsize=1 << 16)
def find_label(label: str) -> Word | None:
    """Find the word that an open-vocabulary label stands for, or None where it names no emotion that is known.

    Args:
        label: English or Chinese; of several words the last that names an emotion counts ("pleasantly
            surprised"), and none counts that is denied ("not happy", "lack of confidence").
    """
    label = clean_label(label)
    label = _ASIDE.sub(" ", label).strip() or label
    if label in _LOOKALIKES:
        return None
    if holds_chinese(label):
        return _find_chinese(label)
    words = [word for word in _NOT_A_WORD.split(label.replace("’", "'")) if word]
    return find_english(" ".join(words)) or _last_named(words)


@lru_cache(maxsize=1 << 16)
def find_english(phrase: str) -> Word | None:
    """Find an English word or phrase by itself or by its inflection; lower case, words separated by single spaces."""
    known = english_words()
    if phrase in _LOOKALIKES:
        return None
    if " " in phrase:
        return known.get(phrase)
    return next((known[base] for base in base_words(phrase) if base in known), None)


def named_in(words: Sequence[str]) -> Iterator[tuple[int, int, Word]]:
    """Find the emotions that a sequence of English words names: first word, word behind the last, what they name.

    At each place the longest phrase counts, and what it covers is not looked at again.
    """
    at = 0
    while at < len(words):
        length = min(_phrase_lengths().get(words[at], 1), len(words) - at)
        for end in range(at + length, at, -1):
            found = find_english(" ".join(words[at:end]))
            if found is not None:
                yield at, end, found
                break
        at = end


@cache
def _phrase_lengths() -> Mapping[str, int]:
    """How many words the longest phrase has that begins with a word."""
    lengths: dict[str, int] = {}
    for form in english_words():
        first, *others = form.split(" ")
        lengths[first] = max(lengths.get(first, 1), 1 + len(others))
    return lengths


def _last_named(words: Sequence[str]) -> Word | None:
    # In "fear of failure" the fear counts, in "sense of humor" the humor.
    head = words.index("of") if "of" in words else len(words)
    named = list(named_in(words[:head])) or list(named_in(words))
    if not named:
        return None
    start, _, word = named[-1]
    return None if _DENIALS.search(" ".join(words[:start])) else word


def _find_chinese(label: str) -> Word | None:
    known = chinese_words()
    label = label.translate(dict(simplified_characters()))
    if label not in known:
        label = _CHINESE_ENDING.sub("", label)
    if label in known:
        return known[label]
    # A single character is a label by itself, but inside a longer one mostly a part of another word.
    for end in range(len(label), 1, -1):
        for start in range(max(0, end - _longest_chinese()), end - 1):
            if label[start:end] in known:
                return None if _CHINESE_DENIALS.search(label[:start]) else known[label[start:end]]
    return None


@cache
def _longest_chinese() -> int:
    return max(map(len, chinese_words()))


def _forms(english: bool) -> Iterator[tuple[str, Word]]:
    for emotion, english_column, chinese_column in _rows():
        for family in (english_column if english else chinese_column).split(", "):
            written = family.split("/")
            base = written[0].removesuffix("*")
            for form in written:
                yield _plain(form), Word(base, emotion, ambiguous=form.endswith("*"))


def _plain(form: str) -> str:
    return form.removesuffix("*").replace("-", " ")


@cache
def _rows() -> tuple[tuple[Emotion, str, str], ...]:
    rows = []
    for name, sign, *places, english, chinese in table_rows("emotions.tsv"):
        placed = {wheel: place for wheel, place in zip(WHEEL_NAMES, places, strict=True) if place != "-"}
        rows.append((Emotion(name, _SENTIMENTS[sign], placed), english, chinese))
    return tuple(rows)


def table_rows(name: str) -> Iterator[list[str]]:
    """The rows of a file in the folder ``wheels`` as columns, without its comments."""
    text = (files(__package__) / "wheels" / name).read_text(encoding="utf-8")
    return (line.split("\t") for line in text.splitlines() if not line.startswith("#"))
