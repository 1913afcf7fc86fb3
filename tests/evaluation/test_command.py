"""The command as a user calls it: in a process of its own."""

import csv
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.conftest import PROJECT

LABELS = {f"clip/{number}": "['happy', 'proud']" if number % 3 else "['sad']" for number in range(30)}


def write(path: Path, rows: Mapping[str, str], columns: tuple[str, str] = ("name", "openset")) -> Path:
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([columns, *rows.items()])
    return path


def evaluate(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(PROJECT / "jobs" / "evaluate.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    return write(tmp_path / "truth.csv", LABELS)


@pytest.fixture
def guess(tmp_path: Path) -> Path:
    return write(tmp_path / "guess.csv", dict.fromkeys(LABELS, "['joyful']"))


def test_figures_on_the_screen_and_nothing_written(truth: Path, guess: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    done = evaluate("--references", truth, "--predictions", guess)
    assert done.returncode == 0, done.stderr
    heading, figures = done.stdout.splitlines()[1:3]
    assert heading.split()[:6] == ["prediction", "clips", "Accuracy_s", "Recall_s", "Avg", "F_s"]
    assert figures.split()[:3] == ["guess", "30", "66.67"]
    assert sorted(tmp_path.iterdir()) == before


def test_an_output_has_report_rows_and_recipe(truth: Path, guess: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    options = ["--output", output, "--set", "bootstrap.seed=3", "--grouping", "exact"]
    done = evaluate("--references", truth, "--predictions", guess, truth, *options)
    assert done.returncode == 0, done.stderr
    report = json.loads((output / "report.json").read_text())
    assert {"n", "accuracy_s", "recall_s", "avg", "precision_s", "f_s", "groupings", "left_out"} <= set(report)
    assert report["n"] == 30 and report["f_s"] == 0 and report["seed"] == 3
    assert [one["f_s"] for one in report["predictions"]] == [0, 1]
    rows = pq.read_table(output / "clips.parquet")
    assert rows.num_rows == 60
    assert rows.filter(rows["prediction"].to_numpy() == "truth")["f"].to_pylist() == [1] * 30
    assert "seed: 3" in (output / "recipe.yaml").read_text()
    assert "guess" in (output / "report.html").read_text()
    assert f"{output}/report.html" in done.stdout
    again = evaluate("--references", truth, "--predictions", guess, "--output", output)
    assert again.returncode == 0, again.stderr
    assert json.loads((output / "report.json").read_text())["headline"] == "level1"


def test_per_clip_rows_leave_out_what_a_grouping_skips(tmp_path: Path) -> None:
    table = write(tmp_path / "labels.csv", {"a": "['table']", "b": "['happy']"})
    done = evaluate("--references", table, "--predictions", table, "--output", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    rows = pq.read_table(tmp_path / "out" / "clips.parquet").to_pylist()
    assert [row["level1.plutchik.precision"] for row in rows] == [None, 1]
    assert [row["f"] for row in rows] == [None, 1]
    assert [row["exact.precision"] for row in rows] == [1, 1]


def test_an_evaluation_that_was_cut_off_is_written_again(truth: Path, guess: Path, tmp_path: Path) -> None:
    job = ["--references", truth, "--predictions", guess, "--output", tmp_path / "out"]
    assert evaluate(*job).returncode == 0
    for name in ("report.json", "report.html"):
        (tmp_path / "out" / name).unlink()
    (tmp_path / "out" / "groupings-3.zip").touch()
    assert evaluate(*job).returncode == 0
    written = {"clips.parquet", "recipe.yaml", "report.html", "report.json"}
    assert {file.name for file in (tmp_path / "out").iterdir()} == written, "what an earlier run stored is gone"


def test_an_output_that_holds_something_else_is_left_alone(truth: Path, guess: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    output.mkdir()
    (output / "report.json").write_text("mine")
    done = evaluate("--references", truth, "--predictions", guess, "--output", output)
    assert done.returncode == 2
    assert "holds something else than an evaluation" in done.stderr
    assert [file.name for file in output.iterdir()] == ["report.json"]
    assert (output / "report.json").read_text() == "mine"


def test_neither_torch_nor_ray_is_loaded(truth: Path, guess: Path) -> None:
    code = (
        "import sys; from affectgpt.evaluation.command import main; "
        f"status = main(['--references', {str(truth)!r}, '--predictions', {str(guess)!r}]); "
        "heavy = {'ray', 'torch', 'pandas', 'cv2', 'openai', 'scipy'} & set(sys.modules); "
        "print('loaded:', sorted(heavy)); sys.exit(status)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "loaded: []"


def test_a_reader_who_has_seen_enough(truth: Path, guess: Path) -> None:
    job = [sys.executable, PROJECT / "jobs" / "evaluate.py", "--references", truth, "--predictions", guess]
    with subprocess.Popen(list(map(str, job)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
    assert process.returncode == 0 and "Traceback" not in said and "Broken pipe" not in said


def test_labels_that_nobody_knows_are_told_of(truth: Path, tmp_path: Path) -> None:
    nonsense = write(tmp_path / "nonsense.csv", dict.fromkeys(LABELS, "['froh']"))
    done = evaluate("--references", truth, "--predictions", nonsense)
    assert done.returncode == 0
    assert "100 % of the labels of nonsense are out of vocabulary" in done.stderr
    done = evaluate("--references", nonsense, "--predictions", truth)
    assert done.returncode == 2
    assert "none of the 30 compared clips has a label of the references that is in the vocabulary" in done.stderr


def test_predictions_of_different_clips_are_not_ranked(truth: Path, tmp_path: Path) -> None:
    few = write(tmp_path / "few.csv", dict(list(LABELS.items())[:3]))
    done = evaluate("--references", truth, "--predictions", truth, few)
    assert "the predictions cover different clips" in done.stdout
    assert "few: 27 clips left out" in done.stdout
    other = write(tmp_path / "other.csv", dict.fromkeys(LABELS, "['calm']"))
    assert "different clips" not in evaluate("--references", truth, "--predictions", truth, other).stdout


REFUSED = [
    (["--part", "test"], "there is no --split"),
    (["--predictions", "nowhere.csv"], "nowhere.csv"),
    (["--wheel", "nowhere"], "there is no such folder"),
    (["--grouping", "nonsense"], "is none of wheel, exact, llm"),
    (["--grouping", "nowhere.zip"], "nowhere.zip"),
    (["--split", "nowhere.csv"], "nowhere.csv"),
    (["--set", "bootstrap.resample=5"], "bootstrap.resample"),
    (["--set", "bootstrap.resamples=many"], "bootstrap.resamples"),
    (["--recipe", "gpus"], "name one of laptop"),
    (["--reference-labels", "nothing"], "nothing"),
    (["--descriptions", "nowhere.csv"], "nowhere.csv"),
    (["--output", ""], "it is empty"),
    (["--grouping", "llm", "--set", "language_model.base_url=http://127.0.0.1:9/v1"], "127.0.0.1:9"),
]


@pytest.mark.parametrize(("options", "message"), REFUSED)
def test_a_wrong_request_is_refused_in_a_line_and_writes_nothing(
    truth: Path, guess: Path, tmp_path: Path, options: list[str], message: str
) -> None:
    output = tmp_path / "out"
    done = evaluate("--references", truth, "--predictions", guess, "--output", output, *options)
    assert done.returncode == 2, done.stdout + done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not output.exists() or not list(output.iterdir())


def test_a_table_of_another_task(truth: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text("uri,outcome,stage\n/a.mp4,rejected,decode\n")
    done = evaluate("--references", truth, "--predictions", other)
    assert done.returncode == 2
    assert "uri, outcome, stage" in done.stderr and "--prediction-id" in done.stderr


def test_strict(truth: Path, tmp_path: Path) -> None:
    fewer = write(tmp_path / "fewer.csv", dict(list(LABELS.items())[:-1]))
    assert evaluate("--references", truth, "--predictions", fewer).returncode == 0
    done = evaluate("--references", truth, "--predictions", fewer, "--strict")
    assert done.returncode == 2
    assert "lacks 1 clips" in done.stderr and "clip/29" in done.stderr


def test_other_names_of_columns(tmp_path: Path) -> None:
    truth = write(tmp_path / "truth.csv", LABELS, ("key", "truth"))
    guess = write(tmp_path / "guess.csv", dict.fromkeys(LABELS, "He is proud and happy, not sad."), ("key", "said"))
    named = ["--reference-id", "key", "--reference-labels", "truth"]
    named += ["--prediction-id", "key", "--prediction-description", "said"]
    done = evaluate("--references", truth, "--predictions", guess, *named)
    assert done.returncode == 0, done.stderr


def test_a_dataset_that_build_dataset_wrote(tmp_path: Path) -> None:
    import pyarrow as pa

    folder = tmp_path / "emer" / "data"
    folder.mkdir(parents=True)
    labels = [["happy"], ["angry", "生气"]]
    pq.write_table(pa.table({"clip_id": ["a", "b"], "labels": labels}), folder / "part.parquet")
    done = evaluate("--references", folder.parent, "--predictions", folder.parent)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[2].split()[:3] == ["emer", "2", "100.00"]


def test_interrupted(truth: Path, guess: Path, tmp_path: Path) -> None:
    """Stopped while it asks a language model that does not answer."""
    import signal
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"language_model.base_url=http://127.0.0.1:{silent.getsockname()[1]}/v1"
        cache = f"language_model.cache={tmp_path}/cache.sqlite"
        settings = ["--grouping", "llm", "--set", url, "--set", cache, "--set", "language_model.model=m"]
        job = [sys.executable, str(PROJECT / "jobs" / "evaluate.py"), "--references", truth, "--predictions", guess]
        with subprocess.Popen([*map(str, job), *settings], stderr=subprocess.PIPE, text=True) as process:
            silent.settimeout(60)
            connection, _ = silent.accept()
            assert connection.recv(4), "the model is being asked"
            process.send_signal(signal.SIGTERM)
            _, said = process.communicate(timeout=60)
            connection.close()
    assert process.returncode == 3, said
    assert "the same command goes on" in said
