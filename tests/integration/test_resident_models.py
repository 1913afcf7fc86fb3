"""Data sets that models annotate which run on the cluster itself: by transformers, and by vLLM in its environment."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from affectgpt.exit_status import DONE, REFUSED
from tests.annotate.language_model.tiny_models import tiny_hearing
from tests.integration import vllm_server
from tests.integration.conftest import PROJECT
from tests.integration.made import write_clips

CLIPS = 4
STEPS = ("acoustic_clue", "merge", "translate", "labels")


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clips(tmp_path_factory.mktemp("clips"), CLIPS)


def annotate(
    python: Path | str, clips: Path, output: Path, steps: tuple[str, ...], model: dict[str, Any]
) -> subprocess.CompletedProcess[str]:
    overrides = [
        "run.rejected_budget=1.0",
        f"models.big={json.dumps(model)}",
        *(f"steps.{step}={{model: big}}" for step in steps),
    ]
    job = [python, PROJECT / "jobs" / "build_dataset.py", "--input", clips, "--output", output]
    return subprocess.run(
        [*map(str, job), *(word for override in overrides for word in ("--set", override))],
        env=os.environ | vllm_server.SETTINGS,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


def tables(output: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    annotated, rejected = (pq.read_table(output / name).to_pylist() for name in ("data", "rejected"))
    return annotated, rejected


def test_transformers_does_steps_in_a_row_with_one_model(clips: Path, tmp_path: Path) -> None:
    """A model of random weights says nothing of use, and each clip ends with the reason for that."""
    model = {"engine": "transformers", "model": str(tiny_hearing(tmp_path / "model")), "max_tokens": 24}
    run = annotate(sys.executable, clips, tmp_path / "out", STEPS, model)
    assert run.returncode == DONE, run.stderr
    annotated, rejected = tables(tmp_path / "out")
    assert len(annotated) + len(rejected) == CLIPS and rejected
    assert {row["error"].partition("-")[0] for row in rejected} == {"generation"}
    assert all(str(tmp_path / "model") in row["message"] for row in rejected)


def test_vllm_gives_labels_in_the_form_that_is_asked_for(clips: Path, tmp_path: Path) -> None:
    reason = vllm_server.missing()
    if reason is not None:
        pytest.skip(reason)
    command = [vllm_server.PYTHON, vllm_server.TINY_MODEL, tmp_path / "model"]
    subprocess.run(command, env=os.environ | vllm_server.SETTINGS, check=True, capture_output=True, timeout=900)
    model = {"engine": "vllm", "model": str(tmp_path / "model"), "dtype": "float32", "max_tokens": 2_500}
    run = annotate(vllm_server.PYTHON, clips, tmp_path / "out", ("labels",), model)
    assert run.returncode == DONE, run.stderr
    annotated, rejected = tables(tmp_path / "out")
    assert len(annotated) + len(rejected) == CLIPS
    assert {row["error"] for row in rejected} <= {"generation-repeats", "generation-truncated"}
    for row in annotated:
        assert row["labels"] and row["provenance"]["labels"]["engine"] == "vllm"


def test_a_model_that_does_not_come_up_ends_the_job_with_the_cause(clips: Path, tmp_path: Path) -> None:
    model = {"engine": "transformers", "model": str(tmp_path / "nothing")}
    run = annotate(sys.executable, clips, tmp_path / "out", ("labels",), model)
    assert run.returncode == REFUSED, run.stderr
    [said] = [line for line in run.stderr.splitlines() if line.startswith("build-dataset:")]
    assert f"model {tmp_path / 'nothing'} cannot be loaded" in said and "name a model" in said
    assert "Traceback" not in run.stderr
