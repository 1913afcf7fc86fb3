"""Emotion wheels: from a label over its base word and its wheel word to a sector, level by level.

The levels are those of the wheel-based grouping of arXiv 2501.16566: M1 takes a surface form to its base word, M2 the
base word to the first wheel word that it is a synonym of, level 2 that word to the middle ring, level 1 to the inner.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from affectgpt.evaluation.vocabulary import (
    WHEEL_NAMES,
    Word,
    chinese_words,
    emotions,
    english_words,
    find_label,
    table_rows,
)

Ring = Literal["level1", "level2"]


@dataclass(frozen=True, slots=True)
class Wheel:
    """One wheel.

    Attributes:
        name: what it is called.
        sectors: the words of the middle ring by the word of the inner ring, in the order in which they are drawn.
        places: for each ring the place there of every wheel word.
    """

    name: str
    sectors: Mapping[str, Sequence[str]]
    places: Mapping[Ring, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class EmotionWheels:
    """Wheels with the vocabulary that leads to them.

    Attributes:
        source: where they come from.
        wheels: the wheels.
        find_bases: the base words that a label, in lower case, may be a form of; none where it is out of vocabulary.
        words_of: the wheel words that a base word is or is a synonym of.
        sizes: how many ``wheel_words``, base words ``with_synonyms`` and ``surface_forms`` there are.
    """

    source: str
    wheels: tuple[Wheel, ...]
    find_bases: Callable[[str], Sequence[str]]
    words_of: Callable[[str], Sequence[str]]
    sizes: Mapping[str, int]

    def base(self, label: str) -> str | None:
        """M1: the base word of a label; the first in alphabetical order where there are several."""
        return min(self.find_bases(label), default=None)

    def word(self, label: str) -> str | None:
        """M2: the first wheel word that the base word of a label belongs to."""
        base = self.base(label)
        return None if base is None else min(self.words_of(base), default=None)

    def place(self, label: str, wheel: Wheel, ring: Ring) -> str | None:
        """Levels 1 and 2: the place of a label on a wheel, by the first wheel word of any base that the wheel has."""
        places = wheel.places[ring]
        words = {word for base in self.find_bases(label) for word in self.words_of(base) if word in places}
        return places[min(words)] if words else None


@cache
def shipped_wheels() -> EmotionWheels:
    """The wheels of Plutchik, Willcox, Parrott and Geneva with the vocabulary that comes along."""
    forms = {**english_words(), **chinese_words()}
    word_of_base = {word.base: word.emotion.name for word in forms.values()}
    sectors: dict[str, dict[str, list[str]]] = {name: {} for name in WHEEL_NAMES}
    for wheel, sector, middle in table_rows("wheels.tsv"):
        sectors[wheel][sector] = middle.split(", ")
    wheels = tuple(_shipped_wheel(name, sectors[name]) for name in WHEEL_NAMES)
    drawn = {word for wheel in wheels for sector, middle in wheel.sectors.items() for word in (sector, *middle)}
    return EmotionWheels(
        source="the wheels of Plutchik, Willcox, Parrott and Geneva, with the vocabulary of affectgpt.evaluation",
        wheels=wheels,
        find_bases=lambda label: _bases(find_label(label)),
        words_of=lambda base: (word_of_base[base],),
        sizes={
            "wheel_words": len(drawn),
            "with_synonyms": len(word_of_base),
            "surface_forms": len(forms),
        },
    )


def _bases(word: Word | None) -> tuple[str, ...]:
    return () if word is None else (word.base,)


def _shipped_wheel(name: str, sectors: Mapping[str, Sequence[str]]) -> Wheel:
    sector_of = {word: sector for sector, middle in sectors.items() for word in middle}
    middle = {emotion.name: emotion.places[name] for emotion in emotions() if name in emotion.places}
    inner = {emotion: sector_of[word] for emotion, word in middle.items()}
    return Wheel(name, sectors, {"level1": inner, "level2": middle})
