"""What is said while a stage trains."""

import threading
from pathlib import Path

import pytest

from affectgpt.dataset.ledger import Folder
from affectgpt.training import progress
from affectgpt.training.metrics import MetricsLog, TrainRow, ValidationRow


def _row(step: int) -> TrainRow:
    return TrainRow("fine", step, step / 10, 8 * step, 2.5, 1e-3, 1.0, 16.0, 900.0, float(step))


def test_lines_say_how_far_a_stage_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "EVERY_S", 0.01)
    lines: list[str] = []
    said = threading.Event()

    def say(line: str) -> None:
        lines.append(line)
        if "step 20" in line:
            said.set()

    folder = Folder.at(str(tmp_path))
    with progress.stage_progress(folder, "fine", 40, say), MetricsLog(folder, "fine") as log:
        log.write(ValidationRow("fine", 0, 4, 3.0, None))
        log.write(_row(20))
        assert said.wait(30)
    assert lines[-1] == (
        "stage fine: step 20 of 40, loss 2.500, validation loss 3.000 at step 0, 16 samples/s, about 10 s left"
    )
    assert len(lines) == len(set(lines))


def test_nothing_is_known_before_the_workers_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "EVERY_S", 0.01)
    heard: list[str] = []
    said = threading.Event()

    def say(line: str) -> None:
        heard.append(line)
        said.set()

    with progress.stage_progress(Folder.at(str(tmp_path)), "coarse", 40, say):
        assert said.wait(30)
    assert heard == ["stage coarse: the workers are starting"]
