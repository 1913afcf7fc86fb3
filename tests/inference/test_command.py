"""What the command refuses before it starts anything."""

import subprocess
import sys
from pathlib import Path

import pytest

from affectgpt.inference.command import main
from tests.inference.test_model_files import model_folder
from tests.media import Sound, write_media

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    write_media(tmp_path / "in" / "a.wav", sound=Sound(codec="pcm_s16le", seconds=0.2))
    model_folder(tmp_path / "run" / "model")
    return tmp_path


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"--model": "{tmp}/nowhere"}, "there is no such folder"),
        ({"--model": "{tmp}/run"}, "did you mean {tmp}/run/model?"),
        ({"--input": "{tmp}/none"}, "{tmp}/none does not exist"),
        ({"--input": "{tmp}/run"}, "nothing to read in {tmp}/run"),
        ({"--output": "{tmp}/out.txt"}, "ends in none of"),
        ({"--output": "/proc/none/out.csv"}, "cannot be written"),
        ({"--recipe": "unheard-of"}, "name one of laptop"),
        ({"--set": "workers.batch_size=0"}, "workers.batch_size"),
        ({"--set": "workers.gpus=1"}, "known here: actors, num_cpus, num_gpus, batch_size"),
        ({"--set": "generation.temperature=-1"}, "generation.temperature"),
    ],
)
def test_a_wrong_request_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], changed: dict[str, str], expected: str
) -> None:
    options = {"--model": "{tmp}/run/model", "--input": "{tmp}/in", "--output": "{tmp}/out.csv"} | changed
    status = main([word.format(tmp=folder) for pair in options.items() for word in pair])
    said = capsys.readouterr()
    assert status == 2
    assert said.err.startswith("describe: ")
    assert expected.format(tmp=folder) in said.err
    assert not said.out
    assert sorted(file.name for file in folder.iterdir()) == ["in", "run"]


def test_a_refused_request_costs_no_heavy_import(folder: Path) -> None:
    script = (
        "import sys; from affectgpt.inference.command import main; "
        f"main(['--model', '{folder}/run', '--input', '{folder}/in', '--output', '{folder}/o.csv']); "
        "print(sorted({'ray', 'torch', 'transformers'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["[]"]


def test_the_job_says_what_it_does() -> None:
    script = str(PROJECT / "jobs" / "describe.py")
    done = subprocess.run([sys.executable, script, "--help"], capture_output=True, text=True, check=True)
    assert "evaluate --predictions" in done.stdout
