"""Near duplicates among made fingerprints, whose differences are known."""

import numpy as np
import pytest
from numpy.typing import NDArray

from affectgpt.annotate.quality.fingerprint import FINGERPRINT_BYTES, difference
from affectgpt.annotate.quality.near_duplicates import near_duplicates

Fingerprints = NDArray[np.uint8]


def made(count: int, seed: int = 0) -> Fingerprints:
    return np.random.default_rng(seed).integers(0, 256, (count, FINGERPRINT_BYTES), dtype=np.uint8)


def changed(fingerprints: Fingerprints, share: float, seed: int = 1) -> Fingerprints:
    """The same with so large a share of the bits flipped."""
    flipped = np.random.default_rng(seed).random((len(fingerprints), 8 * FINGERPRINT_BYTES)) < share
    return fingerprints ^ np.packbits(flipped, axis=1)


def test_copies_are_found_with_their_originals_and_nothing_else_is() -> None:
    originals = made(20_000)
    copied = np.arange(100, 300)
    everything = np.concatenate([originals, changed(originals[copied], 0.12)])
    found = near_duplicates(everything, 0.35)
    assert found.place.tolist() == list(range(20_000, 20_200))
    assert found.original.tolist() == copied.tolist()
    assert 0.1 < found.difference.min() < found.difference.max() < 0.35


@pytest.mark.parametrize("share", [0.0, 0.02])
def test_of_a_large_group_only_the_first_stays(share: float) -> None:
    group = changed(np.repeat(made(1), 3_000, axis=0), share)
    found = near_duplicates(np.concatenate([made(50, seed=2), group]), 0.35)
    assert found.place.tolist() == list(range(51, 3_050))
    assert set(found.original.tolist()) == {50}


def test_each_original_stays_and_is_as_near_as_is_allowed() -> None:
    drifting = [made(1)]
    for seed in range(40):
        drifting.append(changed(drifting[-1], 0.03, seed))
    chain = np.concatenate(drifting)
    found = near_duplicates(chain, 0.2)
    assert 0 < len(found.place) < 40
    assert not set(found.place.tolist()) & set(found.original.tolist())
    assert (found.original < found.place).all()
    words = chain.view(np.uint64)
    assert found.difference.tolist() == difference(words[found.place], words[found.original]).tolist()
    assert found.difference.max() <= 0.2


def test_the_whole_range_of_the_threshold_works() -> None:
    twins = np.repeat(made(3), 2, axis=0)
    assert near_duplicates(twins, 0.0).place.tolist() == [1, 3, 5]
    assert near_duplicates(twins, 0.99).place.tolist() == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("count", [0, 1])
def test_where_there_is_no_pair_there_is_no_duplicate(count: int) -> None:
    found = near_duplicates(made(count), 0.35)
    assert (len(found.place), len(found.original), len(found.difference)) == (0, 0, 0)
