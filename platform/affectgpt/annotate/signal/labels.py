"""The label step of the signal engine: open-vocabulary words for what the clues say together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from affectgpt.annotate.sample import Label, Sample
from affectgpt.annotate.signal.emotions import EMOTIONS
from affectgpt.annotate.signal.mentions import Mention
from affectgpt.annotate.signal.textual import load_lexica
from affectgpt.annotate.signal.weighing import Reading, Weighed, weigh
from affectgpt.annotate.step import Step, StepProvenance
from affectgpt.errors import ClipError

MOST_LABELS: Final = 6
FAINT: Final = 0.25
"""Strength below which an emotion gets its faint word."""
STRONG: Final = 0.75
"""Strength from which an emotion gets its strong word."""

_LEAST_SHARE: Final = 0.45
_LEAST_STRENGTH: Final = 0.08


@dataclass(frozen=True, slots=True)
class LabelWord:
    """A label in both languages, with the clues that it rests on."""

    en: str
    zh: str
    clues: tuple[str, ...]


class Labels(Step):
    """Names the emotions of a clip in an open vocabulary, the main one first."""

    name: ClassVar[str] = "labels"

    def set_up(self) -> None:
        """Read the lexica."""
        load_lexica()

    def annotate(self, samples: Sequence[Sample]) -> Sequence[Sample | ClipError]:
        """Add 1 to ``MOST_LABELS`` labels to each sample that has something to judge by."""
        return [self._annotate_one(sample) for sample in samples]

    def provenance(self) -> StepProvenance:
        """Name the method."""
        return StepProvenance(engine="signal", model="emotion-words", revision="1")

    def _annotate_one(self, sample: Sample) -> Sample | ClipError:
        try:
            words = label_words(weigh(sample))
        except ClipError as error:
            return error
        return replace(sample, labels=tuple(Label(word.en, word.clues) for word in words))


def label_words(reading: Reading) -> tuple[LabelWord, ...]:
    """The labels of a reading, the main one first; none appears twice.

    An emotion that much weaker ones surround gets a word of its own strength; what the speaker says of himself in so
    many words ("relieved") is a label too, and replaces the engine's word where only the words speak for that emotion.
    Where nothing observed speaks for any emotion, the one label is ``neutral``.
    """
    if not reading.emotions:
        return (LabelWord(EMOTIONS["neutral"].plain_en, EMOTIONS["neutral"].plain_zh, reading.observed),)
    floor = max(_LEAST_STRENGTH, _LEAST_SHARE * max(weighed.strength for weighed in reading.emotions))
    kept = [weighed for place, weighed in enumerate(reading.emotions) if place == 0 or weighed.strength >= floor]
    distinct: dict[str, LabelWord] = {}
    for weighed in kept:
        for word in _words(weighed):
            distinct.setdefault(word.en, word)
    return tuple(distinct.values())[:MOST_LABELS]


def _words(weighed: Weighed) -> Iterator[LabelWord]:
    if weighed.clues != ("textual",) or not weighed.own_words:
        yield _engine_word(weighed)
    for mention in weighed.own_words:
        yield _own_word(mention)


def _engine_word(weighed: Weighed) -> LabelWord:
    emotion = EMOTIONS[weighed.emotion]
    if weighed.strength < FAINT:
        return LabelWord(emotion.faint_en, emotion.faint_zh, weighed.clues)
    if weighed.strength < STRONG:
        return LabelWord(emotion.plain_en, emotion.plain_zh, weighed.clues)
    return LabelWord(emotion.strong_en, emotion.strong_zh, weighed.clues)


def _own_word(mention: Mention) -> LabelWord:
    lemma, gloss = mention.entry.lemma, mention.entry.gloss
    return LabelWord(lemma, gloss, ("textual",)) if lemma.isascii() else LabelWord(gloss, lemma, ("textual",))
