"""From what a sample took to what the whole takes: arithmetic alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

SEED = 0
DRAWS = 2000
INTERVAL = (2.5, 97.5)

Figure = NDArray[np.float64]


@dataclass(frozen=True)
class Pool:
    """Workers that share some stages of the annotation.

    Attributes:
        stages: the stages that they do.
        workers: how many of them work at a time.
        num_cpus: CPUs that each holds.
        num_gpus: GPUs that each holds.
        stays: whether they hold them all the time, as actors do, or only while they work.
    """

    stages: tuple[str, ...]
    workers: int
    num_cpus: float = 1.0
    num_gpus: float = 0.0
    stays: bool = False


@dataclass(frozen=True)
class Sample:
    """What a sample took.

    Attributes:
        spent: ``clips``, worker seconds without start-up (``seconds decode``) and tokens (``prompt_tokens merge``,
            ``completion_tokens merge``), each of shape (sources,).
        voices: how many clips were measured for the usual voices of their speakers.
        stored_bytes: size of all that was written.
        bytes_per_clip: by how much that grows with each clip.
        report: what ``report.json`` says of the build.
    """

    spent: Mapping[str, Figure]
    voices: int
    stored_bytes: int
    bytes_per_clip: float
    report: Mapping[str, Any]


@dataclass(frozen=True)
class Whole:
    """The run that is asked about.

    Attributes:
        sources: how many sources the input has.
        voices: how many clips are measured for the usual voices of their speakers.
        cpus: how many CPUs the cluster has.
        pools: who does the annotation.
        prices: of an hour, where they are known: ``cpu_h``, ``gpu_h``.
    """

    sources: int
    voices: int
    cpus: int
    pools: Sequence[Pool]
    prices: Mapping[str, float]


@dataclass(frozen=True)
class Estimate:
    """A figure, and the interval that holds it for 95 of 100 samples of this size."""

    value: float
    low: float
    high: float


def extrapolate(sample: Sample, whole: Whole) -> dict[str, Estimate]:
    """Say what the whole input takes.

    Returns:
        ``wall_h``, of which ``start_up_h``, ``cpu_h``, ``gpu_h``, ``mib`` of output; ``cost`` where there are prices;
        and whatever the sample spent.
    """
    drawn = len(sample.spent["clips"])
    spent = _totals(sample, _weights(drawn, whole.sources) * (whole.sources / drawn), whole.voices)
    by_sample = _totals(sample, np.ones((1, drawn)), sample.voices)
    (preparing, annotating), wall_of_sample = _wall_s(spent, whole), _wall_s(by_sample, whole)
    start_up = np.maximum(sample.report["wall_s"] - sum(wall_of_sample), 0)
    held = annotating + np.maximum(sample.report["annotate_s"] - wall_of_sample[1], 0)
    cpu_s, gpu_s = preparing * whole.cpus, 0 * annotating
    for pool in whole.pools:
        worker_s = held * pool.workers if pool.stays else _worker_s(spent, pool.stages)
        cpu_s, gpu_s = cpu_s + pool.num_cpus * worker_s, gpu_s + pool.num_gpus * worker_s
    figures = {
        "start_up_h": start_up / 3600,
        "wall_h": (start_up + preparing + annotating) / 3600,
        "cpu_h": cpu_s / 3600,
        "gpu_h": gpu_s / 3600,
        "mib": (sample.stored_bytes + sample.bytes_per_clip * (spent["clips"] - by_sample["clips"])) / 2**20,
    }
    if whole.prices:
        figures["cost"] = np.sum([price * figures[name] for name, price in whole.prices.items()], axis=0)
    return {name: _estimate(figure) for name, figure in (figures | spent).items()}


def _weights(drawn: int, sources: int) -> Figure:
    """Weigh the drawn sources as they are, then as in bootstrap samples, corrected for a finite population.

    Returns:
        Of shape (1 + DRAWS, drawn), 1 on average.
    """
    counts = np.random.default_rng(SEED).multinomial(drawn, np.full(drawn, 1 / drawn), DRAWS)
    spread = np.sqrt((1 - drawn / sources) * drawn / (drawn - 1))
    return np.vstack([np.ones(drawn), 1 + (counts - 1) * spread])


def _totals(sample: Sample, weights: Figure, voices: int) -> dict[str, Figure]:
    """Add up what was spent; measuring a voice takes about as long as decoding a clip and describing its sound."""
    totals = {name: weights @ spent for name, spent in sample.spent.items()}
    if voices:
        totals["seconds voices"] = voices * _worker_s(totals, ("decode", "acoustic_clue")) / totals["clips"]
    return totals


def _worker_s(totals: Mapping[str, Figure], stages: Sequence[str]) -> Figure:
    nothing = np.zeros_like(totals["clips"])
    return sum((totals.get(f"seconds {stage}", nothing) for stage in stages), nothing)


def _wall_s(totals: Mapping[str, Figure], whole: Whole) -> tuple[Figure, Figure]:
    """Seconds before annotating begins, and of annotating, in which the slowest pool keeps the others waiting."""
    pools = [_worker_s(totals, pool.stages) / pool.workers for pool in whole.pools]
    return _worker_s(totals, ("inspect", "voices")) / whole.cpus, np.max(pools, axis=0)


def _estimate(figure: Figure) -> Estimate:
    low, high = np.percentile(figure, INTERVAL)
    return Estimate(float(figure[0]), float(low), float(high))
