"""The emotion lexica: which words and phrases speak for which emotion, and how English inflects them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final, Literal

from affectgpt.annotate.signal.emotions import EMOTIONS

Part = Literal["a", "q", "n", "v", "c", "x"]
"""What an entry is: the state of a feeler, the quality of a thing, a noun, a verb whose subject feels, a verb whose
object feels, or an expression that is taken as it stands."""

INNOCENT: Final = "-"
"""The emotion of entries that contain an emotion word but say nothing about a feeling ("good morning")."""

_VOWELS: Final = frozenset("aeiou")


@dataclass(frozen=True, slots=True)
class Entry:
    """One word or phrase of a lexicon.

    Attributes:
        lemma: its basic form.
        emotion: the key of the emotion that it speaks for, or ``INNOCENT``.
        strength: how strongly the bare word does, in (0, 1]; 0 for an innocent one.
        part: what it is.
        gloss: its meaning in the other language (Chinese for English entries and the reverse), or "".
    """

    lemma: str
    emotion: str
    strength: float
    part: Part
    gloss: str = ""


@cache
def english_forms() -> Mapping[str, Entry]:
    """Every English surface form, in lower case with single spaces, and the entry that it belongs to."""
    forms: dict[str, Entry] = {}
    for entry, irregular in _read("en.tsv"):
        forms.setdefault(entry.lemma, entry)
        for form in irregular:
            forms.setdefault(form, entry)
    for entry, _ in _read("en.tsv"):
        for form in inflections(entry.lemma, entry.part):
            forms.setdefault(form, entry)
    return forms


@cache
def chinese_forms() -> Mapping[str, Entry]:
    """Every Chinese form, in simplified characters, and its entry."""
    forms: dict[str, Entry] = {}
    for entry, _ in _read("zh.tsv"):
        forms.setdefault(entry.lemma, entry)
    return forms


@cache
def emoji_forms() -> Mapping[str, Entry]:
    """Every emoji, without variation selectors, and its entry."""
    return {entry.lemma: entry for entry, _ in _read("emoji.tsv")}


def word_classes(name: str) -> Mapping[str, tuple[str, ...]]:
    """The classes of function words in a file of the folder ``lexica``, each in the file's order."""
    return {title: tuple(words.split()) for title, words in _rows(name)}


@cache
def simplified_characters() -> Mapping[int, str]:
    """The traditional characters of the lexicon's words and their simplified forms, for ``str.translate``."""
    pairs = [pair for (line,) in _rows("traditional.txt") for pair in line.split()]
    return {ord(pair[0]): pair[1] for pair in pairs}


def inflections(lemma: str, part: Part) -> tuple[str, ...]:
    """The regular English inflections of a single word; none for phrases and expressions.

    Args:
        lemma: the basic form in lower case.
        part: decides which inflections there are.
    """
    if not lemma.isalpha() or part == "x":
        return ()
    if part == "n":
        return (_with_s(lemma),)
    if part in ("v", "c"):
        return (_with_s(lemma), _with_ed(lemma), _with_ing(lemma))
    if lemma.endswith(("ed", "ing")):
        return (lemma + "ly",)
    compared = (_with_er(lemma), _with_er(lemma)[:-1] + "st") if len(lemma) <= 6 else ()
    return (_adverb(lemma), *compared)


def _read(name: str) -> Iterator[tuple[Entry, tuple[str, ...]]]:
    """The entries of a lexicon file with their irregular forms; see the head of ``lexica/en.tsv`` for the columns."""
    for emotion, strength, part, entries in _rows(name):
        assert emotion in EMOTIONS or emotion == INNOCENT, f"{name}: {emotion}"
        for item in entries.split(", "):
            word, _, gloss = item.partition("=")
            lemma, *irregular = word.split("/")
            yield Entry(lemma, emotion, float(strength), part, gloss), tuple(irregular)  # type: ignore[arg-type]


def _rows(name: str) -> Iterator[list[str]]:
    """The rows of a file in the folder ``lexica`` as columns, without its comments."""
    text = (files(__package__) / "lexica" / name).read_text(encoding="utf-8")
    return (line.split("\t") for line in text.splitlines() if not line.startswith("#"))


def _consonant_y(word: str) -> bool:
    return word.endswith("y") and word[-2] not in _VOWELS


def _doubles(word: str) -> bool:
    """Whether the last consonant doubles before an ending: one short vowel between two consonants (hug, sob)."""
    vowels = [letter in _VOWELS for letter in word]
    return len(word) > 2 and vowels[-3:] == [False, True, False] and sum(vowels) == 1 and word[-1] not in "wxy"


def _with_s(word: str) -> str:
    if _consonant_y(word):
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(("s", "x", "z", "ch", "sh")) else "s")


def _with_ed(word: str) -> str:
    if _consonant_y(word):
        return word[:-1] + "ied"
    if word.endswith("e"):
        return word + "d"
    return word + (word[-1] if _doubles(word) else "") + "ed"


def _with_ing(word: str) -> str:
    if word.endswith("e") and not word.endswith(("ee", "ye", "oe")):
        return word[:-1] + "ing"
    return word + (word[-1] if _doubles(word) else "") + "ing"


def _with_er(word: str) -> str:
    if _consonant_y(word):
        return word[:-1] + "ier"
    if word.endswith("e"):
        return word + "r"
    return word + (word[-1] if _doubles(word) else "") + "er"


def _adverb(word: str) -> str:
    if _consonant_y(word):
        return word[:-1] + "ily"
    if word.endswith("le"):
        return word[:-1] + "y"
    if word.endswith("ic"):
        return word + "ally"
    return word + ("y" if word.endswith("ll") else "ly")
