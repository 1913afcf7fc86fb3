"""The command on this machine alone, and refused."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from affectgpt.doctor.command import main
from tests.integration.conftest import PROJECT
from tests.ports import free_port


def run(*options: object, address: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(PROJECT / "jobs" / "doctor.py"), *map(str, options)]
    environment = {**os.environ, "RAY_ADDRESS": address}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


def test_this_machine_can_build_a_data_set(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "clip.mp4").write_bytes(b"clip")
    done = run("--job", "build-dataset", "--input", tmp_path / "in", "--output", tmp_path / "out", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    content = json.loads(done.stdout)
    assert content["nodes"] == ["this machine"]
    assert {finding["check"] for finding in content["findings"]} >= {"versions", "room", "storage", "disks"}
    assert not (tmp_path / "out").exists()


def test_a_recipe_that_asks_too_much(tmp_path: Path) -> None:
    done = run("--job", "train", "--set", "workers.count=500", "--input", tmp_path / "none")
    assert done.returncode == 1
    assert "FAILED" in done.stdout and "lower workers.count" in done.stdout
    assert f"{tmp_path / 'none'} does not exist" in done.stdout
    assert "train will not run" in done.stderr


def test_a_cluster_that_is_not_there_is_not_waited_for() -> None:
    done = run("--job", "train", address=f"127.0.0.1:{free_port()}")
    assert done.returncode == 1
    assert "nobody listens at RAY_ADDRESS=127.0.0.1" in done.stdout


def test_wrong_requests_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--job", "train", "--set", "workers.many=1"]) == 2
    assert "workers.many" in capsys.readouterr().err
    assert main(["--job", "train", "--limit-s", "0"]) == 2
