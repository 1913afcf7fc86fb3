"""What a reader finds in a description: words that name an emotion, and whether the speaker is said to have it."""

from dataclasses import dataclass
from typing import Literal

from affectgpt.evaluation.vocabulary import Word

Standing = Literal["held", "denied", "quoted", "of another", "in general"]
"""Whether the speaker is said to have the emotion, surely or possibly (held), or to lack it (denied); whether the word
is part of what is said in the clip (quoted), tells of somebody else (of another), or says what a sign means as a rule
(in general)."""


@dataclass(frozen=True, slots=True)
class Mention:
    """One word or phrase of a description that names an emotion.

    Attributes:
        start: its first character.
        end: the character behind its last.
        word: the word of the vocabulary.
        standing: whether the speaker is said to have the emotion.
    """

    start: int
    end: int
    word: Word
    standing: Standing
