"""The Slurm script itself, on two nodes of which this machine plays both: srun starts processes here."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pytest

from tests.integration.conftest import PROJECT
from tests.integration.made import write_clips
from tests.ports import free_port

SCRIPT = PROJECT / "cluster" / "slurm" / "ray.sbatch"
PROGRAMS = {
    "srun": 'while [[ ${1:-} == --* ]]; do shift; done\nexec "$@"',
    "scontrol": 'echo "$@" >>"$HOME/scontrol.log"\n[ "$1" != show ] || printf "%s\\n" node-a node-b',
}


@pytest.fixture
def allocation(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a job on two nodes of one CPU; nothing that lives in its home may be left behind."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in PROGRAMS.items():
        (programs / name).write_text(f"#!/bin/bash\n{text}\n", encoding="utf-8")
        (programs / name).chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    yield environment | {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "TMPDIR": str(tmp_path),
        "AFFECTGPT_VENV": sys.prefix,
        "SLURM_JOB_ID": str(os.getpid()),
        "SLURM_JOB_NODELIST": "node-[a-b]",
        "SLURM_CPUS_PER_TASK": "1",
        "RAY_PORT": str(free_port()),
    }
    # Ray's agents see for themselves that their node is gone.
    deadline = time.monotonic() + 60
    while (left := living_in(tmp_path)) and time.monotonic() < deadline:
        time.sleep(0.2)
    for process in left:
        process.kill()
    assert left == []
    assert not list(tmp_path.glob("ray-logs-*"))
    assert not Path(f"/tmp/ray-{os.getpid()}").exists()


def living_in(home: Path) -> list[psutil.Process]:
    """Find all processes that have a folder as their home."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get("HOME") == str(home):
                found.append(process)
    return found


def sbatch(environment: dict[str, str], *command: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [str(SCRIPT), *map(str, command)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.cluster
def test_its_status_is_that_of_the_command_which_has_all_nodes(allocation: dict[str, str], tmp_path: Path) -> None:
    show = (
        'import ray; ray.init(); print("nodes", len(ray.nodes()), ray.cluster_resources()["CPU"]); raise SystemExit(7)'
    )
    out, errors = (job := sbatch(allocation, "python", "-c", show)).communicate(timeout=900)
    assert job.returncode == 7, errors
    assert "nodes 2 2.0" in out
    assert "requeue" not in (tmp_path / "scontrol.log").read_text(encoding="utf-8")


@pytest.mark.cluster
def test_at_the_time_limit_it_stops_is_queued_again_and_goes_on(allocation: dict[str, str], tmp_path: Path) -> None:
    folder, output = write_clips(tmp_path / "in", 24), tmp_path / "out"
    command = ["build-dataset", "--input", folder, "--output", output, "--set", "run.clips_per_block=4"]
    job = sbatch(allocation, *command)
    while not list((output / "ledger" / "outcomes-done").glob("*.parquet")):
        assert job.poll() is None, job.communicate()[1]
        time.sleep(0.05)
    job.send_signal(signal.SIGUSR1)
    _, errors = job.communicate(timeout=900)
    assert job.returncode == 3, errors
    assert f"requeue {os.getpid()}\n" in (tmp_path / "scontrol.log").read_text(encoding="utf-8")
    assert not (output / "report.json").exists()
    _, errors = (job := sbatch(allocation, *command)).communicate(timeout=900)
    assert job.returncode == 0, errors
    clips = pq.read_table(output / "data")["clip_id"].to_pylist()
    assert len(clips) == len(set(clips)) == 24


def test_a_head_that_does_not_come_up_is_not_waited_for(allocation: dict[str, str]) -> None:
    # There is no port after it, for Ray's client server.
    _, errors = (job := sbatch(allocation | {"RAY_PORT": "65535"}, "true")).communicate(timeout=900)
    assert job.returncode == 1
    assert "the head did not come up on node-a" in errors
    assert "must be an integer between 1024 and 65535" in errors


@pytest.mark.parametrize(
    ("command", "changed", "why"),
    [
        ([], {}, "no command"),
        (["nonesuch"], {}, "there is no command nonesuch"),
        (["true"], {"SLURM_JOB_ID": ""}, "start it with sbatch"),
        (["true"], {"AFFECTGPT_VENV": "/nowhere"}, "no Ray in /nowhere"),
    ],
)
def test_what_is_wrong_is_said_at_once(
    allocation: dict[str, str], command: list[str], changed: dict[str, str], why: str
) -> None:
    _, errors = (job := sbatch(allocation | changed, *command)).communicate(timeout=20)
    assert (job.returncode, why in errors) == (2, True), errors


def test_shellcheck_has_nothing_to_say() -> None:
    if shutil.which("shellcheck") is None:
        pytest.skip("no shellcheck; on Debian: apt-get install shellcheck")
    checked = subprocess.run(["shellcheck", "--severity=warning", SCRIPT], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout
