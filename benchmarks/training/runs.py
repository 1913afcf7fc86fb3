"""Runs of the command ``train`` on clips that ``build-dataset`` annotated, and what their metrics say."""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from affectgpt.dataset.ledger import Folder
from affectgpt.training.metrics import TrainRow, read_metrics
from benchmarks.many_clips import PROJECT, write_copies
from benchmarks.process_tree import Cost, measure

OWN_CLUSTER = {"RAY_ADDRESS": "local"}


def annotate_clips(folder: Path, count: int) -> Path:
    """Write clips, annotate them, and return the data set."""
    what = write_copies(folder / "clips", count)
    output = folder / "coarse"
    job = [sys.executable, str(PROJECT / "jobs" / "build_dataset.py"), "--input", str(folder / "clips")]
    measure([*job, "--output", str(output)], OWN_CLUSTER)
    print(f"{count} clips, copies of {what}", flush=True)
    return output


def run_train(
    data: Path, output: Path, settings: Mapping[str, object], watch: Callable[[], None] | None = None
) -> Cost:
    """Run the stage ``coarse`` of the laptop recipe with some settings changed."""
    overrides = [part for key, value in settings.items() for part in ("--set", f"{key}={json.dumps(value)}")]
    job = [sys.executable, str(PROJECT / "jobs" / "train.py"), "--stages", "coarse"]
    return measure([*job, "--coarse", str(data), "--output", str(output), *overrides], OWN_CLUSTER, watch)


def train_rows(output: Path) -> list[TrainRow]:
    """What training came to, by step."""
    return [row for row in read_metrics(Folder.at(str(output))) if isinstance(row, TrainRow)]


def samples_per_s(output: Path, begin: int = 1) -> float:
    """Samples that a run learnt in a second, from the row of step ``begin`` on, so without what only a start costs."""
    first, *_, last = [row for row in train_rows(output) if row.step >= begin]
    return (last.samples - first.samples) / (last.seconds - first.seconds)
