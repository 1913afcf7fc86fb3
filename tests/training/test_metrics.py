import json
import math
import signal
import struct
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pyarrow.fs as pafs
import pytest
from tensorboardX.proto.event_pb2 import Event

from affectgpt.dataset.ledger import Folder
from affectgpt.errors import JobError
from affectgpt.training.metrics import METRICS_FILE, MetricsLog, MetricsRow, TrainRow, ValidationRow, read_metrics

TRAINED = TrainRow("coarse", 10, 0.5, 320, 1.25, 1e-3, 0.7, 400.0, 60_000.0, 4.2)
VALIDATED = ValidationRow("coarse", 10, 64, 1.5, 0.4)


@pytest.fixture(params=["local", "object store"])
def output(request: pytest.FixtureRequest, tmp_path: Path) -> Folder:
    """A folder on a file system that appends, and on one that is only given whole files."""
    if request.param == "local":
        return Folder(pafs.LocalFileSystem(), str(tmp_path / "run"))
    return Folder(pafs.SubTreeFileSystem(str(tmp_path), pafs.LocalFileSystem()), "run")


def trained(step: int, loss: float | None = 1.0, stage: str = "coarse") -> TrainRow:
    return replace(TRAINED, stage=stage, step=step, loss=loss)


def write(output: Folder, *rows: MetricsRow, stage: str = "coarse", step: int = 0) -> None:
    with MetricsLog(output, stage, step) as log:
        for row in rows:
            log.write(row)


def events(output: Folder, stage: str) -> list[Event]:
    """Read TensorBoard's records: length, checksum, event, checksum."""
    found = []
    folder = output / "tensorboard" / stage
    for info in folder.files():
        with folder.filesystem.open_input_stream(info.path) as stream:
            content = bytes(stream.read())
        while content:
            (length,) = struct.unpack_from("<Q", content)
            found.append(Event.FromString(content[12 : 12 + length]))
            content = content[16 + length :]
    return found


def scalars(output: Folder, stage: str = "coarse") -> dict[tuple[str, int], float]:
    return {
        (value.tag, event.step): value.simple_value for event in events(output, stage) for value in event.summary.value
    }


def test_what_is_written_is_read(output: Folder) -> None:
    assert read_metrics(output) == []
    write(output, TRAINED, VALIDATED)
    write(output, trained(5, stage="fine"), stage="fine")
    assert read_metrics(output) == [TRAINED, VALIDATED, trained(5, stage="fine")]
    lines = [json.loads(line) for line in output.read_text(METRICS_FILE).splitlines()]
    assert lines[1] == {
        "kind": "train",
        "stage": "coarse",
        "step": 10,
        "epoch": 0.5,
        "samples": 320,
        "loss": 1.25,
        "learning_rate": 1e-3,
        "gradient_norm": 0.7,
        "samples_per_s": 400.0,
        "tokens_per_s": 60_000.0,
        "seconds": 4.2,
    }
    assert lines[2] == {
        "kind": "validation",
        "stage": "coarse",
        "step": 10,
        "samples": 64,
        "loss": 1.5,
        "per_token_accuracy": 0.4,
    }


def test_rows_after_the_checkpoint_that_training_went_back_to_are_superseded(output: Folder) -> None:
    write(output, trained(10), VALIDATED, trained(20, 0.9), trained(30, 0.8), replace(VALIDATED, step=30))
    write(output, trained(17, 0.91), trained(20, 0.89), step=10)
    assert read_metrics(output) == [trained(10), VALIDATED, trained(17, 0.91), trained(20, 0.89)]


def test_a_stage_begun_anew_keeps_the_rows_of_the_other(output: Folder) -> None:
    write(output, trained(10), trained(20))
    write(output, trained(10, stage="fine"), stage="fine")
    write(output, trained(10, 0.5))
    assert read_metrics(output) == [trained(10, 0.5), trained(10, stage="fine")]


def test_the_newest_of_two_rows_of_one_step_counts(output: Folder) -> None:
    write(output, replace(VALIDATED, step=0, loss=5.0), trained(10))
    write(output, replace(VALIDATED, step=0, loss=4.0))
    assert read_metrics(output) == [replace(VALIDATED, step=0, loss=4.0)]


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_not_finite_are_null_and_marked(output: Folder, number: float) -> None:
    write(output, replace(TRAINED, loss=number), replace(VALIDATED, per_token_accuracy=None))
    assert read_metrics(output) == [
        replace(TRAINED, loss=None, not_finite=True),
        replace(VALIDATED, per_token_accuracy=None),
    ]
    lines = [json.loads(line) for line in output.read_text(METRICS_FILE).splitlines()]
    assert lines[1]["loss"] is None and lines[1]["not_finite"] is True and "not_finite" not in lines[2]
    assert "NaN" not in output.read_text(METRICS_FILE) and "Infinity" not in output.read_text(METRICS_FILE)
    assert ("train/loss", 10) not in scalars(output)


def test_half_a_line_is_taken_off(output: Folder) -> None:
    write(output, trained(10), trained(20))
    whole = output.read_text(METRICS_FILE)
    output.write_text(METRICS_FILE, whole + '{"kind": "train", "stage": "co')
    assert [row.step for row in read_metrics(output)] == [10, 20]
    write(output, trained(30), step=20)
    assert [row.step for row in read_metrics(output)] == [10, 20, 30]


@pytest.mark.parametrize(
    "line", ["not json", "[1, 2]", '{"stage": "coarse"}', '{"kind": "other"}', '{"kind": "train", "stage": "coarse"}']
)
def test_a_damaged_line_is_an_error_that_names_it(output: Folder, line: str) -> None:
    write(output, trained(10))
    output.write_text(METRICS_FILE, output.read_text(METRICS_FILE) + line + "\n")
    with pytest.raises(JobError, match=r"metrics\.jsonl, line 3 is damaged"):
        read_metrics(output)


def test_a_row_of_another_stage_is_refused(output: Folder) -> None:
    with (
        MetricsLog(output, "coarse") as log,
        pytest.raises(ValueError, match="'fine' in the metrics of stage 'coarse'"),
    ):
        log.write(trained(10, stage="fine"))


def test_flushed_rows_are_there_before_the_log_is_closed(output: Folder) -> None:
    with MetricsLog(output, "coarse") as log:
        log.write(TRAINED)
        log.flush()
        assert read_metrics(output) == [TRAINED]


def test_tensorboard_shows_each_figure_of_each_stage(output: Folder) -> None:
    write(output, TRAINED, VALIDATED)
    write(output, trained(10, 0.25, stage="fine"), stage="fine")
    shown = scalars(output)
    assert shown["train/loss", 10] == 1.25 and shown["validation/loss", 10] == 1.5
    assert shown["train/tokens_per_s", 10] == 60_000 and shown["train/learning_rate", 10] == pytest.approx(1e-3)
    assert ("train/step", 10) not in shown and ("train/stage", 10) not in shown
    assert scalars(output, "fine")["train/loss", 10] == 0.25


def test_tensorboard_forgets_what_is_superseded(output: Folder) -> None:
    write(output, trained(10), trained(20))
    write(output, trained(20), step=10)
    assert len((output / "tensorboard" / "coarse").files()) == 2
    starts = [event.step for event in events(output, "coarse") if event.HasField("session_log")]
    assert sorted(starts) == [1, 11], "TensorBoard hides what earlier files hold of these steps and later ones"


def test_on_a_local_disk_each_row_survives_a_kill(tmp_path: Path) -> None:
    program = (
        "import os, signal\n"
        "from affectgpt.dataset.ledger import Folder\n"
        "from affectgpt.training.metrics import MetricsLog, ValidationRow\n"
        f"log = MetricsLog(Folder.at({str(tmp_path / 'run')!r}), 'coarse')\n"
        "for step in (1, 2, 3):\n"
        "    log.write(ValidationRow('coarse', step, 64, 1.5, None))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    run = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True)
    assert run.returncode == -signal.SIGKILL, run.stderr
    assert [row.step for row in read_metrics(Folder.at(str(tmp_path / "run")))] == [1, 2, 3]


def test_reading_needs_neither_torch_nor_tensorboard() -> None:
    program = "import sys, affectgpt.training.metrics; print(*sys.modules)"
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not {"torch", "tensorboardX", "ray"} & set(shown.stdout.split())
