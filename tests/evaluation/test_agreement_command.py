"""The command as a user calls it: in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from affectgpt.evaluation.agreement_command import main
from tests.conftest import PROJECT
from tests.evaluation.agreement.made_datasets import annotated, rejected, write_dataset


@pytest.fixture
def folders(tmp_path: Path) -> list[str]:
    first = [annotated(f"clip/{number}", ["happy"]) for number in range(20)]
    second = [
        annotated(f"clip/{number}", ["joyful", "sad"], steps={"merge": {"model": "other"}}) for number in range(19)
    ]
    return [
        str(write_dataset(tmp_path / "first", first)),
        str(write_dataset(tmp_path / "second", second, [rejected("clip/19")], is_whole=False)),
    ]


def compare(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(PROJECT / "jobs" / "compare_datasets.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_a_table_on_the_screen_and_three_files(folders: list[str], tmp_path: Path) -> None:
    truth = tmp_path / "truth.csv"
    truth.write_text("name,openset\n" + "".join(f"clip/{number},['happy']\n" for number in range(20)))
    done = compare("--datasets", *folders, "--references", truth, "--output", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    heading, row = done.stdout.splitlines()[1:3]
    assert heading.split()[:5] == ["pair", "clips", "F_s", "reversed", "exact"]
    assert row.split()[:5] == ["1:", "first", "and", "second", "19"]
    assert "1: first and second: they differ in merge (model Qwen3-8B, other)" in done.stdout
    assert "1: 1 clip not compared, held by first: rejected decode undecodable" in done.stdout
    assert "first beats second by" in done.stdout and f"report: {tmp_path}/out/comparison.html" in done.stdout
    assert "its build has not ended" in done.stderr
    report = json.loads((tmp_path / "out" / "comparison.json").read_text())
    assert report["command"].startswith("compare-datasets --datasets")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--part", "test"], "there is no --split to take it from"),
        (["--set", "grouping=exact"], "leave it out"),
        (["--set", "bootstrap.resample=1"], "bootstrap.resample"),
        (["--datasets", "nowhere"], "nowhere does not exist"),
        (["--references", "nowhere.csv"], "nowhere.csv does not exist"),
        (["--output", " "], "--output is empty"),
    ],
)
def test_a_wrong_request_is_refused_and_nothing_written(
    folders: list[str], tmp_path: Path, options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out"
    assert main(["--datasets", *folders, "--output", str(output), *options]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert said in error and not (output / "comparison.json").exists()


def test_neither_torch_nor_ray_is_loaded(folders: list[str], tmp_path: Path) -> None:
    code = (
        "import sys; from affectgpt.evaluation.agreement_command import main; "
        f"status = main(['--datasets', *{folders!r}, '--output', {str(tmp_path / 'out')!r}]); "
        "heavy = {'ray', 'torch', 'cv2', 'openai', 'scipy'} & set(sys.modules); "
        "print('loaded:', sorted(heavy)); sys.exit(status)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "loaded: []"
