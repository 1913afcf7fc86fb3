"""The order of samples: complete in each epoch, seeded, independent of the workers."""

from collections import Counter

import numpy as np
import pytest

from affectgpt.training.order import SampleOrder, micro_steps, share_out

LENGTHS = np.random.default_rng(0).integers(10, 200, 120)


def _order(seed: int = 0, batch_size: int = 8, size: int = 50) -> SampleOrder:
    return SampleOrder({"fine": range(size)}, LENGTHS, {"fine": 1.0}, batch_size, seed)


@pytest.mark.parametrize(("size", "batch_size"), [(50, 8), (48, 8), (3, 8), (1, 1), (113, 1), (120, 2)])
def test_each_epoch_has_each_sample_once(size: int, batch_size: int) -> None:
    order = _order(batch_size=batch_size, size=size)
    for epoch in range(3):
        first = epoch * order.steps_per_epoch
        batches = list(order.batches(first, first + order.steps_per_epoch))
        assert {batch.epoch for batch in batches} == {epoch}
        assert sorted(np.concatenate([batch.samples for batch in batches])) == list(range(size))
        assert all(len(batch.samples) == batch_size for batch in batches[:-1])


def test_epochs_and_seeds_differ_and_the_same_seed_repeats() -> None:
    def epoch(order: SampleOrder, number: int) -> list[int]:
        steps = range(number * order.steps_per_epoch, (number + 1) * order.steps_per_epoch)
        return [int(place) for step in steps for place in order.batch(step).samples]

    assert epoch(_order(), 0) == epoch(_order(), 0)
    assert epoch(_order(), 0) != epoch(_order(), 1)
    assert epoch(_order(), 0) != epoch(_order(seed=1), 0)


def test_any_step_is_known_without_those_before_it() -> None:
    one, other = _order(), _order()
    forward = [one.batch(step).samples for step in range(20)]
    for step in reversed(range(20)):
        assert (other.batch(step).samples == forward[step]).all()


def test_batches_hold_samples_of_like_length() -> None:
    order = SampleOrder({"fine": range(120)}, LENGTHS, {"fine": 1.0}, 4, 0)
    spread = [np.ptp(LENGTHS[batch.samples]) for batch in order.batches(0, order.steps_per_epoch)]
    assert np.mean(spread) < 0.2 * np.ptp(LENGTHS)


def test_shares_are_kept_and_each_data_set_goes_through_all_its_samples() -> None:
    places = {"fine": range(40), "coarse": range(40, 65)}
    order = SampleOrder(places, LENGTHS, {"fine": 0.8, "coarse": 0.2}, 5, 0)
    assert order.samples_per_epoch == 50
    steps = 5 * order.steps_per_epoch
    seen = Counter(int(place) for batch in order.batches(0, steps) for place in batch.samples)
    assert {seen[place] for place in range(40)} == {5}
    assert {seen[place] for place in range(40, 65)} == {2}


def test_a_small_data_set_is_repeated_as_its_share_wants() -> None:
    order = SampleOrder({"fine": range(3), "coarse": range(3, 43)}, LENGTHS, {"fine": 1.0, "coarse": 4.0}, 10, 0)
    seen = Counter(int(place) for batch in order.batches(0, order.steps_per_epoch) for place in batch.samples)
    assert sum(seen[place] for place in range(3)) == 10
    assert {seen[place] for place in range(3)} <= {3, 4}


def test_a_data_set_without_samples_is_refused() -> None:
    with pytest.raises(ValueError, match="coarse"):
        SampleOrder({"fine": range(3), "coarse": []}, LENGTHS, {"fine": 1.0, "coarse": 1.0}, 2, 0)


@pytest.mark.parametrize("workers", [1, 2, 3, 5])
@pytest.mark.parametrize("count", [1, 7, 12, 24])
def test_every_sample_counts_once_over_all_workers(workers: int, count: int) -> None:
    samples = np.arange(100, 100 + count)
    steps = micro_steps(count, workers, 4)
    shares = [share_out(samples, rank, workers, 4, steps) for rank in range(workers)]
    assert {len(share) for share in shares} == {steps}
    counted = [place for share in shares for micro in share for place in micro.samples[micro.counts]]
    assert sorted(counted) == list(samples)
    assert all(len(micro.samples) == 4 for share in shares for micro in share)
