"""What a second training worker brings where each has one CPU: samples per second of two beside those of one.

The batches are the same; two workers share them, and their gradients, out.
"""

from pathlib import Path
from statistics import mean

from benchmarks.figures import show
from benchmarks.training.runs import run_train, samples_per_s

ROUNDS = 2
WARM_UP = 2
SETTINGS = {
    "model.language_model.hidden_size": 256,
    "model.language_model.layers": 4,
    "data.validation_clips": 1,
    "report.log_every_steps": 1,
    "stages.coarse.epochs": None,
    "stages.coarse.steps": 12,
    "stages.coarse.batch_size": 32,
    "stages.coarse.micro_batch_size": 8,
    "checkpoints.every_steps": 1000,
}


def run(data: Path, work: Path) -> None:
    """Run both a few times, in turns."""
    speeds: dict[int, list[float]] = {1: [], 2: []}
    for number in range(ROUNDS):
        for workers, measured in speeds.items():
            output = work / f"{workers}-{number}"
            settings = SETTINGS | {"workers.count": workers, "features.cache": str(work / "features")}
            run_train(data, output, settings)
            measured.append(samples_per_s(output, WARM_UP))
    one, two = mean(speeds[1]), mean(speeds[2])
    print(f"{one:.1f} samples a second with one worker, {two:.1f} with two", flush=True)
    show("training: samples per second of two workers, times one", two / one, "", at_least=1.6)
