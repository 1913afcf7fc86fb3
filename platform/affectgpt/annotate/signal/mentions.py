"""What a reader finds in a text: words and phrases that speak for an emotion, and who is said to feel it."""

from dataclasses import dataclass
from typing import Final, Literal

from affectgpt.annotate.signal.lexicon import Entry

Holder = Literal["speaker", "thing", "other"]
"""Whose emotion a word tells of: the speaker's, the speaker's by way of judging a thing, or somebody else's."""

_DENIED: Final = {
    "happiness": "sadness",
    "excitement": "boredom",
    "contentment": "disgust",
    "affection": "disgust",
    "gratitude": "disgust",
    "anger": "neutral",
    "disgust": "neutral",
    "fear": "neutral",
    "anxiety": "neutral",
    "sadness": "neutral",
}
"""What a denied emotion leaves: a denied pleasure its opposite, denied distress a claim to be calm, others nothing."""

_OPPOSITE_SHARE: Final = 0.7
_CALM_STRENGTH: Final = 0.25


@dataclass(frozen=True, slots=True)
class Mention:
    """One word or phrase that speaks for an emotion, as it stands in a text.

    Attributes:
        entry: the lexicon's entry.
        words: the text's own spelling.
        strength: the entry's strength after intensifiers, hedges and emphasis, in (0, 1].
        holder: whose emotion it tells of.
        denied: whether it is negated.
        degree: the intensifying or weakening word as written, or "".
        softened: whether that word weakens.
        hedged: whether the clause is put as a possibility or a condition.
    """

    entry: Entry
    words: str
    strength: float
    holder: Holder
    denied: bool = False
    degree: str = ""
    softened: bool = False
    hedged: bool = False

    @property
    def speaks_for(self) -> tuple[str, float] | None:
        """The emotion that the speaker shows by it and how strongly; None where it says nothing of the speaker."""
        if self.holder == "other":
            return None
        if not self.denied:
            return self.entry.emotion, self.strength
        left = _DENIED.get(self.entry.emotion)
        if left is None:
            return None
        return left, _CALM_STRENGTH if left == "neutral" else _OPPOSITE_SHARE * self.strength

    @property
    def names_own_state(self) -> bool:
        """Whether the speaker names a state of his own by it, so that the word itself is a label."""
        return self.entry.part == "a" and self.holder == "speaker" and not self.denied and bool(self.entry.gloss)
