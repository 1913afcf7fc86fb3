"""Finds near duplicates among very many fingerprints without comparing all pairs.

Fingerprints are sorted by some of their bytes, in another random order of bytes each time, and each is compared with
its neighbours: two that are nearly equal agree in the leading bytes of some order. This is the search by sorted
permutations of M. S. Charikar, "Similarity estimation techniques from rounding algorithms" (STOC 2002), section 3.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from affectgpt.annotate.quality.fingerprint import FINGERPRINT_BYTES, difference

ORDERS: Final = 48
"""How many times everything is sorted."""
NEIGHBOURS: Final = 8
"""With how many that follow in an order each fingerprint is compared."""
_KEY_BYTES: Final = 8
_ROWS_AT_A_TIME: Final = 1 << 15
_SEED: Final = 2407

Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class NearDuplicates:
    """Fingerprints that nearly equal one that comes before them; all arrays have the shape (D,).

    Attributes:
        place: where each of them is, ascending.
        original: where one is that comes before it and stays, and that it nearly equals.
        difference: how much they differ, in [0, 1].
    """

    place: Places
    original: Places
    difference: NDArray[np.float64]


def near_duplicates(fingerprints: NDArray[np.uint8], most_difference: float) -> NearDuplicates:
    """Find what nearly equals an earlier fingerprint that stays.

    No pair is found that differs more than is allowed. Of those that differ by a third, one or two in a hundred are
    missed in a million fingerprints, and fewer where they differ less. The answer is the same in every run.

    Args:
        fingerprints: uint8 of shape (N, FINGERPRINT_BYTES), those first that are to stay.
        most_difference: up to which ``fingerprint.difference`` two are near duplicates.
    """
    rng = np.random.default_rng(_SEED)
    words = fingerprints.view(np.uint64)
    everything = np.arange(len(fingerprints))
    originals = everything.copy()
    for _ in range(ORDERS):
        leading = rng.permutation(FINGERPRINT_BYTES)[:_KEY_BYTES]
        places = np.flatnonzero(originals == everything)
        keys = np.ascontiguousarray(fingerprints[np.ix_(places, leading)]).view(np.uint64).ravel()
        pairs = _near_neighbours(words, places[np.argsort(keys, kind="stable")], most_difference)
        for later, first in pairs.tolist():
            if originals[later] == later and originals[first] == first:
                originals[later] = first
        _follow(originals, words, most_difference)
    place = np.flatnonzero(originals != everything)
    return NearDuplicates(place, originals[place], difference(words[place], words[originals[place]]))


def _follow(originals: Places, words: NDArray[np.uint64], most_difference: float) -> None:
    """Let what lost its original have that one's original, or stay where it differs too much from it."""
    lost = np.flatnonzero(originals[originals] != originals)
    onward = originals[originals[lost]]
    near = difference(words[lost], words[onward]) <= most_difference
    originals[lost] = np.where(near, onward, lost)


def _near_neighbours(words: NDArray[np.uint64], order: Places, most_difference: float) -> Places:
    """Pairs of places (later, first), sorted, that are neighbours in an order and differ at most so much."""
    words = words[order]
    pairs = [np.empty((0, 2), np.int64)]
    for start in range(0, len(order), _ROWS_AT_A_TIME):
        for distance in range(1, NEIGHBOURS + 1):
            following = words[start + distance : start + distance + _ROWS_AT_A_TIME]
            block = words[start : start + len(following)]
            near = start + np.flatnonzero(difference(block, following) <= most_difference)
            one, other = order[near], order[near + distance]
            pairs.append(np.stack([np.maximum(one, other), np.minimum(one, other)], axis=1))
    return np.unique(np.concatenate(pairs), axis=0)
