"""Groupings: which labels mean the same, for all clips alike or clip by clip."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from affectgpt.evaluation.emotion_wheels import EmotionWheels, Ring, Wheel
from affectgpt.evaluation.label_lists import clean_label
from affectgpt.evaluation.label_sets import Codebook, Indices, LabelSets
from affectgpt.evaluation.set_metrics import GroupedSets, match_sets

Groups = Sequence[Sequence[str]]
"""Labels of the same meaning, of one clip."""


class Grouping(Protocol):
    """Maps the labels of clips to groups."""

    @property
    def key(self) -> str:
        """Its key in the report."""

    @property
    def title(self) -> str:
        """What it is called."""

    def group(self, codebook: Codebook, *sets: LabelSets) -> tuple[list[str], list[Indices]]:
        """Give the names of the groups, and for each of the sets the group of every label, -1 for none."""

    def of_clip(self, clip: int, labels: Sequence[str]) -> list[str | None]:
        """Give the group of each label of one clip, None where it has none."""


@dataclass(frozen=True, slots=True)
class GlobalGrouping:
    """A grouping that is the same for every clip.

    Attributes:
        key: its key in the report.
        title: what it is called.
        group_of: the group of a clean label, or None where the label is out of vocabulary.
        order: groups that come first, in this order, whether they occur or not.
    """

    key: str
    title: str
    group_of: Callable[[str], str | None]
    order: tuple[str, ...] = ()

    def group(self, codebook: Codebook, *sets: LabelSets) -> tuple[list[str], list[Indices]]:
        """See ``Grouping``."""
        # A wheel may have a place in two sectors; each is numbered once.
        numbers = {name: number for number, name in enumerate(dict.fromkeys(self.order))}
        labels = codebook.labels
        of_label = np.full(len(labels), -1, np.int32)
        for code, group in enumerate(map(self.group_of, labels)):
            if group is not None:
                of_label[code] = numbers.setdefault(group, len(numbers))
        return list(numbers), [of_label[of_clips.codes] for of_clips in sets]

    def of_clip(self, clip: int, labels: Sequence[str]) -> list[str | None]:
        """See ``Grouping``."""
        return [self.group_of(label) for label in labels]


@dataclass(frozen=True, slots=True)
class ClipGrouping:
    """A grouping clip by clip, as a language model makes it: a label in no group of its clip stays itself.

    Each label maps to the first member of its group (arXiv 2407.07653); of several groups with it the last counts, as
    in the field's own scoring.

    Attributes:
        key: its key in the report.
        title: what it is called.
        groups: the groups of each clip, by the clip's place in the label sets.
    """

    key: str
    title: str
    groups: Sequence[Groups]

    def group(self, codebook: Codebook, *sets: LabelSets) -> tuple[list[str], list[Indices]]:
        """See ``Grouping``."""
        labels = [clean_label(label) for label in codebook.labels]
        names = Codebook(labels)
        firsts = [_first_members(groups) for groups in self.groups]
        grouped = []
        for of_clips in sets:
            pairs = zip(of_clips.clips.tolist(), of_clips.codes.tolist(), strict=True)
            own = (names.code_of(firsts[clip].get(labels[code], labels[code])) for clip, code in pairs)
            grouped.append(np.fromiter(own, np.int32, len(of_clips.codes)))
        return names.labels, grouped

    def of_clip(self, clip: int, labels: Sequence[str]) -> list[str | None]:
        """See ``Grouping``."""
        first = _first_members(self.groups[clip])
        return [first.get(label, label) for label in map(clean_label, labels)]


def _first_members(groups: Groups) -> Mapping[str, str]:
    return {clean_label(label): clean_label(members[0]) for members in groups for label in members}


def exact_grouping() -> GlobalGrouping:
    """Each label is a group of its own."""
    return GlobalGrouping("exact", "exact match", clean_label)


def wheel_groupings(wheels: EmotionWheels) -> list[GlobalGrouping]:
    """The groupings of the wheels: M1, M2, then level 1 and level 2 of every wheel."""
    found = [
        GlobalGrouping("m1", "M1: base words", wheels.base),
        GlobalGrouping("m2", "M2: wheel words and their synonyms", wheels.word),
    ]
    for wheel in wheels.wheels:
        found.append(_ring(wheels, wheel, "level1", tuple(wheel.sectors)))
    for wheel in wheels.wheels:
        middle = tuple(word for words in wheel.sectors.values() for word in words)
        found.append(_ring(wheels, wheel, "level2", middle))
    return found


def _ring(wheels: EmotionWheels, wheel: Wheel, ring: Ring, order: tuple[str, ...]) -> GlobalGrouping:
    title = f"{wheel.name}, {'sectors' if ring == 'level1' else 'middle ring'}"
    return GlobalGrouping(f"{ring}.{wheel.name}", title, lambda label: wheels.place(label, wheel, ring), order)


def grouped_sets(
    grouping: Grouping, codebook: Codebook, clips: int, references: LabelSets, predictions: LabelSets
) -> tuple[GroupedSets, "OutOfVocabulary"]:
    """Group the labels of N clips.

    Args:
        grouping: the grouping.
        codebook: the labels of both sides.
        clips: N.
        references: the truth.
        predictions: the prediction.
    """
    names, (truth, predicted) = grouping.group(codebook, references, predictions)
    sets = match_sets(clips, names, (references.clips, truth), (predictions.clips, predicted))
    return sets, OutOfVocabulary(*_unknown(references, truth), *_unknown(predictions, predicted))


@dataclass(frozen=True, slots=True)
class OutOfVocabulary:
    """The shares of labels without a group: of all their occurrences, and of the distinct ones."""

    references: float
    distinct_references: float
    predictions: float
    distinct_predictions: float


def _unknown(labels: LabelSets, groups: Indices) -> tuple[float, float]:
    if not len(groups):
        return 0.0, 0.0
    unknown = groups < 0
    occurs = np.bincount(labels.codes) > 0
    lacks = np.bincount(labels.codes[unknown], minlength=len(occurs)) > 0
    return float(unknown.mean()), float(lacks.sum() / occurs.sum())
