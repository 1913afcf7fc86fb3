"""What ``train`` refuses before it starts anything."""

import csv
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from affectgpt.training.command import main
from affectgpt.training.recipe import load_recipe
from tests.conftest import PROJECT
from tests.training.data.clip_tables import write_data_set

COARSE = ("--coarse", "{tmp}/coarse")
FINE = ("--fine", "{tmp}/fine.csv", "--media", "{tmp}/media")


def write_csv(path: Path, *rows: Sequence[str]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with EMER-Coarse, EMER-Fine of which one clip of ten is missing, and a few outputs of other things."""
    media = tmp_path / "media"
    media.mkdir()
    names = [f"clip{number}" for number in range(10)]
    for name in names[1:]:
        (media / f"{name}.mp4").write_bytes(b"as good as any")
    rows = [
        {"clip_id": name, "uri": str(media / f"{name}.mp4"), "description_en": f"About {name}."} for name in names[1:]
    ]
    write_data_set(tmp_path / "coarse", rows)
    write_csv(tmp_path / "fine.csv", ("name", "english"), *((name, f"About {name}.") for name in names))
    write_csv(tmp_path / "silent.csv", ("name", "mood"), ("clip1", "glad"))
    write_csv(tmp_path / "empty.csv", ("name", "english"))
    write_csv(tmp_path / "split.csv", ("clip_id", "part"), *((name, "test") for name in names))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "holiday.jpg").write_bytes(b"sea")
    (tmp_path / "earlier").mkdir()
    (tmp_path / "earlier" / "recipe.yaml").write_text(load_recipe("laptop", ["seed=7"]).to_yaml())
    return tmp_path


def refusal(folder: Path, arguments: Sequence[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Run the command, see that it refuses and leaves nothing behind, and give what it says."""
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    words = ["--output", "{tmp}/out", *arguments]
    status = main([word.format(tmp=folder) for word in words])
    said = capsys.readouterr()
    assert status == 2
    assert said.err.startswith("train: ")
    assert not said.out
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    ray = sys.modules.get("ray")
    assert ray is None or not ray.is_initialized()
    return said.err.replace(str(folder), "{tmp}")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (COARSE, ["stage fine learns from fine data; give --fine URI"]),
        (FINE, ["stage coarse learns from coarse data; give --coarse URI"]),
        ((*COARSE, *FINE[:2]), ["{tmp}/fine.csv has no column uri", "give --media URI"]),
        ((*COARSE, *FINE, "--output", "{tmp}/other"), ["output {tmp}/other: it holds something else; name a new"]),
        ((*COARSE, *FINE, "--output", "{tmp}/fine.csv"), ["output {tmp}/fine.csv: it is a file; name a folder"]),
        (
            (*COARSE, *FINE, "--output", "{tmp}/earlier"),
            ["output {tmp}/earlier belongs to a run with other settings (seed: 7 -> 0)", "name a new output"],
        ),
        (
            (*COARSE, *FINE, "--set", "stages.coarse.lerning_rate=1e-4"),
            ["stages.coarse.lerning_rate", "known here: data, epochs, steps, batch_size"],
        ),
        ((*COARSE, *FINE, "--set", "stages.coarse.batch_size=7"), ["stages.coarse", "7 is no multiple of"]),
        ((*COARSE, *FINE, "--recipe", "unheard-of"), ["recipe unheard-of: name one of gpu, laptop"]),
        (
            (*COARSE, "--fine", "{tmp}/silent.csv", "--media", "{tmp}/media"),
            ["{tmp}/silent.csv has no column of descriptions", "its columns are name, mood"],
        ),
        ((*COARSE, "--fine", "{tmp}/empty.csv", "--media", "{tmp}/media"), ["{tmp}/empty.csv has no rows"]),
        (("--coarse", "{tmp}/nowhere", *FINE), ["{tmp}/nowhere", "does not exist"]),
        (
            (*COARSE, *FINE),
            ["1 of 10 clips are not found, more than the share of 0.05", "clip0", "raise data.missing_budget"],
        ),
        ((*COARSE, *FINE[:2], "--media", "{tmp}/other"), ["--media", "{tmp}/other"]),
        (
            (*COARSE, *FINE, "--set", "data.missing_budget=0.5", "--split", "{tmp}/split.csv"),
            ["is left to train on", "{tmp}/split.csv"],
        ),
        (
            (*FINE, "--stages", "fine", "--set", "data.missing_budget=0.5", "--set", "stages.fine.data={{fine: 1.0}}"),
            ["stage fine goes on from stage coarse, which has not run below {tmp}/out", "stages.fine.inherit=initial"],
        ),
    ],
)
def test_a_wrong_request_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: Sequence[str], expected: list[str]
) -> None:
    said = refusal(folder, arguments, capsys)
    assert all(words in said for words in expected), said


def test_an_output_that_cannot_be_written_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = refusal(folder, [*COARSE, "--stages", "coarse", "--output", "/proc/none/out"], capsys)
    assert "output: /proc/none/out cannot be written" in said
    assert "name another" in said


def test_a_refused_request_costs_no_heavy_import(folder: Path) -> None:
    script = (
        "import sys; from affectgpt.training.command import main; "
        f"print(main(['--coarse', '{folder}/coarse', '--fine', '{folder}/fine.csv', '--output', '{folder}/out'])); "
        "print(sorted({'ray', 'torch', 'transformers'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["2", "[]"]


def test_the_job_says_what_it_does() -> None:
    script = str(PROJECT / "jobs" / "train.py")
    done = subprocess.run([sys.executable, script, "--help"], capture_output=True, text=True, check=True)
    assert "EMER-Coarse" in done.stdout
    assert "continues a run that was stopped" in done.stdout
