"""What a run would take, told from a sample of it: all steps run, and nothing is left of them but the figures."""

import json
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from affectgpt.dataset.ledger import Folder
from affectgpt.dataset.recipe import load_recipe
from affectgpt.dataset.versions import begin
from affectgpt.exit_status import DONE, REFUSED, STOPPED
from tests.annotate.generated.good_model import PROMPTED, answer_well, step_of
from tests.annotate.language_model.chat_server import serve
from tests.integration.conftest import PROJECT, run_job
from tests.integration.made import write_clips

CLIPS = 12
SAMPLE = ["--dry-run", "--sample"]


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_clips(tmp_path_factory.mktemp("clips"), CLIPS)
    (folder / "notes.mp4").write_text("no film")
    return folder


def figures(stdout: str) -> dict[str, list[float]]:
    """Read the numbers of each line of the table, by the line's title."""
    lines = re.findall(r"^  (\S.*?|  start-up, h)  +([\d.,]+.*)$", stdout, re.MULTILINE)
    return {
        title.strip(): [float(one.replace(",", "")) for one in re.findall(r"[\d.,]+", text)] for title, text in lines
    }


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_sample_goes_through_all_steps_and_leaves_nothing(clips: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    begin(Folder.at(str(output)), load_recipe("laptop"))
    before = contents(tmp_path)
    prices = ["--price-per-cpu-hour", "1000", "--price-per-gpu-hour", 2]
    done = run_job("--input", clips, "--output", output, *SAMPLE, 6, *prices)
    assert done.returncode == DONE, done.stderr
    assert contents(tmp_path) == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]

    assert f"sample: 6 of {CLIPS + 1} sources; 6 clips = " in done.stdout
    found = figures(done.stdout)
    assert found["clips"] == [CLIPS + 1] * 3
    wall, low, high = found["wall clock, h"]
    assert 0 < found["start-up, h"][0] <= wall and low <= wall <= high
    assert found["GPU-hours"] == [0, 0, 0]
    assert found["cost"][0] == pytest.approx(1000 * found["CPU-hours"][0], abs=0.06)
    assert found["output, MiB"][0] > 0.1
    assert {"inspect", "decode", "visual_clue", "acoustic_clue", "merge", "translate", "labels"} <= set(found)
    assert "note: " in done.stdout


def test_models_are_asked_once_and_their_tokens_counted(clips: Path, tmp_path: Path) -> None:
    model = {"engine": "openai", "model": "tiny", "max_retries": 0}
    with serve(answer_well) as server:
        settings = [f"models.big={json.dumps(model | {'base_url': server.base_url})}"]
        settings += [f"steps.{step}={{model: big}}" for step in PROMPTED]
        options = [word for setting in settings for word in ("--set", setting)]
        done = run_job("--input", clips / "0000*.mp4", "--output", tmp_path / "out", *SAMPLE, 3, *options)
        asked = Counter(step_of(body) for body in server.asked)
    assert done.returncode == DONE, done.stderr
    assert asked == dict.fromkeys(PROMPTED, 3)
    found = figures(done.stdout)
    for step in PROMPTED:
        assert found[step][1:] == [10 * 7, 10 * 3]
    assert "merge: its" in done.stdout and "the whole run may be faster" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_sample_that_is_stopped_leaves_nothing(clips: Path, tmp_path: Path) -> None:
    job = [sys.executable, PROJECT / "jobs" / "build_dataset.py", "--input", clips, "--output", tmp_path / "out"]
    run = subprocess.Popen([*map(str, [*job, *SAMPLE, 8])], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not list(tmp_path.glob("out.sample-*/ledger/clips-done/*.parquet")):
        assert run.poll() is None, run.communicate()[1]
        time.sleep(0.05)
    run.send_signal(signal.SIGTERM)
    _, errors = run.communicate(timeout=100)
    assert run.returncode == STOPPED, errors
    assert "nothing is kept of the sample" in errors
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--sample", 6], "give --dry-run with it"),
        (["--dry-run", "--sample", 1], "give 2 or more"),
        (["--dry-run", "--price-per-gpu-hour", 2], "give --dry-run --sample N"),
        (["--dry-run", "--sample", 6, "--price-per-cpu-hour", -1], "-1 is no price"),
        (["--dry-run", "--sample", 6, "--limit", 1], "the input has one source"),
    ],
)
def test_what_makes_no_forecast_is_refused(clips: Path, tmp_path: Path, options: list[object], said: str) -> None:
    refused = run_job("--input", clips, "--output", tmp_path / "out", *options)
    assert refused.returncode == REFUSED
    assert said in refused.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_empty_input_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    refused = run_job("--input", tmp_path / "in", "--output", tmp_path / "out", *SAMPLE, 6)
    assert refused.returncode == REFUSED
    assert "nothing to read in" in refused.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
