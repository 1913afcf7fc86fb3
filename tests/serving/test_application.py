import subprocess
import sysconfig
from pathlib import Path

import pytest

from affectgpt.errors import RequestError
from affectgpt.serving.application import build


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["model=/nowhere"], "model /nowhere: there is no such folder"),
        ([], "model: name the folder, the URI or the hub name of a trained model"),
        (["model=/nowhere", "limits.requests=none"], "limits.requests"),
    ],
)
def test_wrong_arguments_are_said_in_a_line_and_nothing_is_started(arguments: list[str], said: str) -> None:
    with pytest.raises(RequestError) as refused:
        build(dict(argument.split("=") for argument in arguments))
    assert said in str(refused.value)
    serve = Path(sysconfig.get_path("scripts")) / "serve"
    command = [serve, "run", "affectgpt.serving.application:build", *arguments]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert run.returncode == 2, run.stderr
    assert "Traceback" not in run.stderr
    assert "Error: " in run.stderr and said in run.stderr
