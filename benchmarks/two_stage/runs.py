"""Runs folds in processes of their own, and keeps what each arm predicts in a file as soon as it has ended."""

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

import torch

from affectgpt.errors import RequestError
from benchmarks.two_stage.arms import Arm, Fold, FoldRun
from benchmarks.two_stage.corpus import Corpus
from benchmarks.two_stage.scoring import Prediction


def check_settings(output: Path, settings: Mapping[str, object]) -> None:
    """See that runs in a folder that a command goes on with were made with its settings.

    Raises:
        RequestError: they were made with others.
    """
    path = output / "settings.json"
    written = json.dumps(settings, indent=1, sort_keys=True)
    if path.is_file() and path.read_text(encoding="utf-8") != written:
        raise RequestError(f"{output} holds runs with other clips or settings; name another --output, or empty it")
    path.write_text(written, encoding="utf-8")


def run_all(corpus: Corpus, planned: Sequence[Arm], folds: Sequence[Fold], output: Path, processes: int) -> None:
    """Run the arms on folds, side by side in processes of their own with one core each."""
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        running = [pool.submit(_run_fold, corpus, planned, fold, output) for fold in folds]
        for done in as_completed(running):
            print(done.result(), flush=True)


def _run_fold(corpus: Corpus, planned: Sequence[Arm], fold: Fold, output: Path) -> str:
    """Run the arms that the fold's file does not hold yet, each of which is written as it ends."""
    torch.set_num_threads(1)
    path = output / f"runs-seed-{fold.seed}-fold-{fold.number}.jsonl"
    kept = _predictions(path)
    # A last line that was cut off when an earlier run was stopped is written anew.
    path.write_text("".join(prediction.to_json() + "\n" for prediction in kept), encoding="utf-8")
    done = {prediction.arm for prediction in kept}
    run = FoldRun(corpus, fold)
    with path.open("a", encoding="utf-8") as lines:
        for prediction in run.run_baselines():
            if prediction.arm not in done:
                lines.write(prediction.to_json() + "\n")
        for arm in planned:
            if arm.key not in done:
                lines.write(run.run(arm).to_json() + "\n")
                lines.flush()
    return f"seed {fold.seed}, fold {fold.number}: done"


def read_runs(output: Path) -> list[Prediction]:
    """Read what all runs so far have predicted."""
    return [one for path in sorted(output.glob("runs-*.jsonl")) for one in _predictions(path)]


def _predictions(path: Path) -> list[Prediction]:
    """Read the whole lines of a file."""
    if not path.is_file():
        return []
    whole, _, _ = path.read_text(encoding="utf-8").rpartition("\n")
    return [Prediction.from_json(line) for line in whole.splitlines()]
