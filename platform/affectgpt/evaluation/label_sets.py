"""Label sets of many clips as two flat arrays, so that a label is looked up once however often it occurs."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, count

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int32]
"""Clips, labels and groups by number; four bytes each, since moving them is most of the work."""


class Codebook:
    """The distinct labels of references and predictions together, numbered in the order of their appearance."""

    def __init__(self, labels: Iterable[str] = ()) -> None:
        self._codes: defaultdict[str, int] = defaultdict(count().__next__)
        self.code_of: Callable[[str], int] = self._codes.__getitem__
        """Gives the number of a label, a new one where it is new."""
        for label in labels:
            self.code_of(label)

    @property
    def labels(self) -> list[str]:
        """The labels in the order of their numbers."""
        return list(self._codes)

    def encode(self, label_lists: Sequence[Sequence[str]]) -> "LabelSets":
        """Number the labels of each clip."""
        sizes = np.fromiter(map(len, label_lists), np.int64, len(label_lists))
        labels = chain.from_iterable(label_lists)
        return LabelSets(
            np.repeat(np.arange(len(label_lists), dtype=np.int32), sizes),
            np.fromiter(map(self.code_of, labels), np.int32, int(sizes.sum())),
        )


@dataclass(frozen=True, slots=True, eq=False)
class LabelSets:
    """The labels of many clips.

    Attributes:
        clips: the clip of each label, of shape (K,), ascending.
        codes: its number in the codebook, of shape (K,).
    """

    clips: Indices
    codes: Indices
