"""The order in which samples are learnt: seeded, the same for any number of workers, and known for every step ahead."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

_BUCKET_BATCHES = 32

Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """The samples of one optimizer step.

    Attributes:
        step: number of the step, from 0.
        epoch: number of the pass over the leading data set, from 0.
        samples: int64 of shape (B,), places in the table of samples; the last batch of an epoch may be smaller.
    """

    step: int
    epoch: int
    samples: Indices


class SampleOrder:
    """Says which samples each step learns.

    An epoch is over when the data set with the largest share has been seen once, each sample exactly once. The others
    are drawn beside it by their shares, each going through all of its samples before it begins again, across epochs.
    Within an epoch samples of like length are put together: a stretch of 32 batches is sorted by length, cut into
    batches, and these are shuffled. Which worker takes which part of a batch is another matter: see ``share_out``.
    """

    def __init__(
        self,
        places: Mapping[str, Sequence[int] | Indices],
        lengths: Sequence[int] | Indices,
        shares: Mapping[str, float],
        batch_size: int,
        seed: int,
    ) -> None:
        """Set the order.

        Args:
            places: where the samples of each data set are in the table.
            lengths: of shape (N,), how many tokens each sample of the table has.
            shares: how large a part of the samples each data set gives; relative to each other.
            batch_size: samples of a step.
            seed: another one gives another order.

        Raises:
            ValueError: a data set of ``shares`` has no samples.
        """
        empty = [name for name in shares if not len(places.get(name, ()))]
        if empty:
            raise ValueError(f"there are no samples of {', '.join(empty)}")
        self._names = sorted(shares)
        self._places = {name: np.asarray(places[name], np.int64) for name in self._names}
        self._lengths = np.asarray(lengths, np.int64)
        self._batch_size = batch_size
        self._seed = seed
        leading = max(self._names, key=lambda name: shares[name])
        size = len(self._places[leading])
        self._drawn = {
            name: size if name == leading else max(1, round(size * shares[name] / shares[leading]))
            for name in self._names
        }
        self._ordered = lru_cache(maxsize=2)(self._order_epoch)
        self._shuffled = lru_cache(maxsize=2 * len(self._names))(self._shuffle)

    @property
    def samples_per_epoch(self) -> int:
        """How many samples an epoch has."""
        return sum(self._drawn.values())

    @property
    def steps_per_epoch(self) -> int:
        """How many steps an epoch takes."""
        return math.ceil(self.samples_per_epoch / self._batch_size)

    def batch(self, step: int) -> Batch:
        """Give the samples of a step."""
        epoch, number = divmod(step, self.steps_per_epoch)
        first = number * self._batch_size
        return Batch(step, epoch, self._ordered(epoch)[first : first + self._batch_size])

    def batches(self, begin: int, end: int) -> Iterator[Batch]:
        """Give the batches of the steps from ``begin`` up to but not with ``end``."""
        return (self.batch(step) for step in range(begin, end))

    def _order_epoch(self, epoch: int) -> Indices:
        rng = np.random.default_rng((self._seed, epoch))
        drawn = np.concatenate([self._draw(name, epoch) for name in self._names])
        drawn = drawn[rng.permutation(len(drawn))]
        stretch = _BUCKET_BATCHES * self._batch_size
        return np.concatenate(
            [self._bucketed(drawn[first : first + stretch], rng) for first in range(0, len(drawn), stretch)]
        )

    def _bucketed(self, samples: Indices, rng: np.random.Generator) -> Indices:
        """Put samples of like length into one batch; a remainder that fills no batch stays last."""
        by_length = samples[np.argsort(self._lengths[samples], kind="stable")]
        whole = len(samples) // self._batch_size
        # Which samples are left over is chance, so that no length is always learnt in the small batch.
        kept = np.sort(rng.permutation(len(samples))[: whole * self._batch_size])
        batches = by_length[kept].reshape(whole, self._batch_size)[rng.permutation(whole)]
        return np.concatenate([batches.reshape(-1), np.delete(by_length, kept)])

    def _draw(self, name: str, epoch: int) -> Indices:
        """Draw the samples of one data set for an epoch, going on where the epoch before it ended."""
        size, count = len(self._places[name]), self._drawn[name]
        first = epoch * count
        parts = []
        while count:
            number, offset = divmod(first, size)
            taken = min(count, size - offset)
            parts.append(self._shuffled(name, number)[offset : offset + taken])
            first, count = first + taken, count - taken
        return np.concatenate(parts)

    def _shuffle(self, name: str, cycle: int) -> Indices:
        """Order all samples of one data set for its pass of that number."""
        places = self._places[name]
        rng = np.random.default_rng((self._seed, self._names.index(name), cycle))
        return places[rng.permutation(len(places))]


@dataclass(frozen=True, slots=True, eq=False)
class MicroBatch:
    """What one worker runs through the model at once.

    Attributes:
        samples: int64 of shape (M,), places in the table of samples.
        counts: bool of shape (M,); a sample that does not count fills a worker's share up and has no weight.
    """

    samples: Indices
    counts: NDArray[np.bool_]


def micro_steps(samples: int, workers: int, micro_batch_size: int) -> int:
    """How many micro-batches each worker runs for a batch of so many samples."""
    return max(1, math.ceil(samples / (workers * micro_batch_size)))


def share_out(samples: Indices, rank: int, workers: int, micro_batch_size: int, steps: int) -> list[MicroBatch]:
    """Give one worker's part of a batch, as ``steps`` micro-batches of equal size.

    Over all workers every sample counts exactly once, whatever their number; where the samples do not fill all
    micro-batches, the first sample stands in, without weight.

    Args:
        samples: int64 of shape (B,), the batch.
        rank: the worker's number, from 0.
        workers: how many there are.
        micro_batch_size: samples of a micro-batch.
        steps: micro-batches of each worker; at least ``micro_steps``.
    """
    slots = np.full(steps * workers * micro_batch_size, samples[0])
    slots[: len(samples)] = samples
    counts = np.arange(len(slots)) < len(samples)
    # Neighbours in a batch are of like length: workers that run at the same time take neighbours.
    shape = (steps, workers, micro_batch_size)
    own, own_counts = slots.reshape(shape)[:, rank], counts.reshape(shape)[:, rank]
    return [MicroBatch(samples, counts) for samples, counts in zip(own, own_counts, strict=True)]
