"""Label sets of many clips as two flat arrays, so that a label is looked up once however often it occurs."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]


@dataclass(slots=True)
class Codebook:
    """The distinct labels of references and predictions together, numbered in the order of their appearance."""

    labels: list[str] = field(default_factory=list)
    codes: dict[str, int] = field(default_factory=dict)

    def add(self, label: str) -> int:
        """Give the number of a label, a new one where it is new."""
        code = self.codes.setdefault(label, len(self.labels))
        if code == len(self.labels):
            self.labels.append(label)
        return code

    def encode(self, label_lists: Iterable[Iterable[str]]) -> "LabelSets":
        """Number the labels of each clip."""
        clips: list[int] = []
        codes: list[int] = []
        for clip, labels in enumerate(label_lists):
            for label in labels:
                clips.append(clip)
                codes.append(self.add(label))
        return LabelSets(np.array(clips, np.int64), np.array(codes, np.int64))


@dataclass(frozen=True, slots=True, eq=False)
class LabelSets:
    """The labels of many clips.

    Attributes:
        clips: the clip of each label, of shape (K,), ascending.
        codes: its number in the codebook, of shape (K,).
    """

    clips: Indices
    codes: Indices
