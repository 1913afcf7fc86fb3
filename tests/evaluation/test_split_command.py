import csv
from pathlib import Path

import pytest

from affectgpt.evaluation.split_command import main
from affectgpt.evaluation.splits import read_split


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    path = tmp_path / "labels.csv"
    with path.open("w", newline="") as stream:
        rows = [(f"{number:03}", "['angry']" if number % 4 else "['happy', 'sad']") for number in range(100)]
        csv.writer(stream).writerows([("name", "openset"), *rows])
    return path


def test_a_split_is_written_and_shown(labels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "split.csv"
    assert main(["--references", str(labels), "--output", str(output)]) == 0
    split = read_split(str(output))
    assert {part: len(ids) for part, ids in split.parts.items()} == {"train": 70, "validation": 10, "test": 20}
    shown = capsys.readouterr().out
    assert split.fingerprint in shown
    joy = next(line for line in shown.splitlines() if line.startswith("joy"))
    train, validation, test = map(int, joy.split()[1:])
    assert train + validation + test == 25
    assert abs(train - 17.5) <= 1 and abs(test - 5) <= 1


def test_the_same_seed_gives_the_same_split_and_another_another(labels: Path, tmp_path: Path) -> None:
    contents = []
    for seed in ("0", "0", "1"):
        assert main(["--references", str(labels), "--output", str(tmp_path / "split.csv"), "--seed", seed]) == 0
        contents.append(read_split(str(tmp_path / "split.csv")).fingerprint)
    assert contents[0] == contents[1] != contents[2]


def test_descriptions_are_split_by_what_is_read_in_them(shared: Path, tmp_path: Path) -> None:
    table = shared / "reference" / "emer_fine" / "v2_bilingual.csv"
    assert main(["--references", str(table), "--output", str(tmp_path / "split.csv")]) == 0
    assert sum(map(len, read_split(str(tmp_path / "split.csv")).parts.values())) == 332


def test_the_references_are_not_overwritten(labels: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = labels.read_bytes()
    assert main(["--references", str(labels), "--output", str(labels)]) == 2
    assert "labels.csv is there already and is no split" in capsys.readouterr().err
    assert labels.read_bytes() == before


def test_the_output_is_looked_at_before_anything_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--references", str(tmp_path / "nowhere.csv"), "--output", str(tmp_path / "split.parquet")]) == 2
    assert "split.parquet does not end in .csv" in capsys.readouterr().err


@pytest.mark.parametrize("options", [["--fractions", "1", "1", "1"], ["--references", "nowhere.csv"]])
def test_a_wrong_request_is_refused(
    labels: Path, tmp_path: Path, options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "split.csv"
    assert main(["--references", str(labels), "--output", str(output), *options]) == 2
    assert capsys.readouterr().err.startswith("split-dataset: ")
    assert not output.exists()
