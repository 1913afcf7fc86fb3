"""Seconds from the command ``train`` to its first step, laptop recipe: from nothing, and with cached features."""

import time
from pathlib import Path

from affectgpt.training.metrics import METRICS_FILE
from benchmarks.figures import show
from benchmarks.training.runs import run_train

SETTINGS = {"report.log_every_steps": 1, "stages.coarse.epochs": None, "stages.coarse.steps": 2}
MARK = '"kind": "train"'


def run(data: Path, work: Path) -> None:
    """Start twice; the second run has another output and finds the features of the first."""
    cached = {"features.cache": str(work / "features")}
    first = _seconds_to_first_step(data, work / "first", SETTINGS | cached)
    again = _seconds_to_first_step(data, work / "again", SETTINGS | cached)
    show("training: from the command to the first step", first, "s", at_most=45)
    show("training: the same with the features cached", again, "s", at_most=45)


def _seconds_to_first_step(data: Path, output: Path, settings: dict[str, object]) -> float:
    metrics = output / METRICS_FILE
    seconds: list[float] = []
    began = time.perf_counter()

    def watch() -> None:
        if not seconds and metrics.exists() and MARK in metrics.read_text(encoding="utf-8"):
            seconds.append(time.perf_counter() - began)

    run_train(data, output, settings, watch)
    return seconds[0]
