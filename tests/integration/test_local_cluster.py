"""``make cluster-local``: several nodes on one machine, jobs whose exit status is handed on, an end to exactly it."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.local.running import MARK, LocalCluster, end, processes_of
from cluster.local.start import start
from tests.integration.conftest import PROJECT

pytestmark = pytest.mark.cluster

SUBMIT = """
import sys
from pathlib import Path
from cluster.local.running import find
from cluster.local.submit import submit
sys.exit(submit(find(Path(sys.argv[1])), sys.argv[2:]))
"""
NODES = "import ray; ray.init(logging_level='error'); print(sorted(node['Resources']['CPU'] for node in ray.nodes()))"
WAITS = "import time; print('it waits', flush=True); time.sleep(600)"


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    folder = Path(tempfile.mkdtemp(prefix="ray-"))
    yield start(folder, nodes=2, cpus=3)
    end(folder)
    shutil.rmtree(folder, ignore_errors=True)


def run(module: str, cluster: LocalCluster, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", f"cluster.local.{module}", "--folder", cluster.folder, *words]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=900, check=False)


def submitted(cluster: LocalCluster, *command: str) -> subprocess.Popen[str]:
    """Submit a Python command, from the folder of this project."""
    words = [sys.executable, "-c", SUBMIT, cluster.folder, sys.executable, *command]
    return subprocess.Popen(words, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_nodes_have_the_resources_that_they_were_given(cluster: LocalCluster) -> None:
    environment = os.environ | cluster.client_environment()
    asked = subprocess.run([sys.executable, "-c", NODES], env=environment, capture_output=True, text=True, check=True)
    assert asked.stdout.strip() == "[3.0, 3.0]"


@pytest.mark.parametrize("status", [0, 3])
def test_the_exit_status_of_a_job_is_handed_on_with_its_log(status: int, cluster: LocalCluster) -> None:
    job = submitted(cluster, "-c", f"import os; print('in', os.getcwd()); raise SystemExit({status})")
    shown, errors = job.communicate(timeout=900)
    assert job.returncode == status, errors
    assert f"in {PROJECT}" in shown


def test_a_wrong_request_reaches_the_user(cluster: LocalCluster, tmp_path: Path) -> None:
    done = run("submit", cluster, "build-dataset", "--input", str(tmp_path / "none"), "--output", str(tmp_path / "out"))
    assert done.returncode == 2
    assert f"{tmp_path / 'none'} does not exist" in done.stdout


def test_a_job_that_is_stopped_ends_and_says_so(cluster: LocalCluster) -> None:
    job = submitted(cluster, "-c", WAITS)
    assert job.stdout is not None
    while "it waits" not in (line := job.stdout.readline()):
        assert line, job.communicate()[1]
    job.terminate()
    job.communicate(timeout=900)
    assert job.returncode == 3
    assert not [process for process in processes_of(Path(cluster.folder)) if WAITS in process.cmdline()]


def test_two_in_one_folder_are_refused(cluster: LocalCluster) -> None:
    done = run("start", cluster)
    assert done.returncode == 2 and "make cluster-local-stop" in done.stderr


def test_its_end_is_that_of_no_other(cluster: LocalCluster) -> None:
    """The last test of this file."""
    environment = {**os.environ, MARK: f"{cluster.folder}-of-another"}
    bystander = subprocess.Popen([sys.executable, "-c", WAITS], env=environment, stdout=subprocess.DEVNULL)
    try:
        done = run("stop", cluster)
        assert done.returncode == 0 and done.stdout.startswith("ended ")
        assert not processes_of(Path(cluster.folder))
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()
    assert run("stop", cluster).stdout == "no cluster runs\n"
    refused = run("submit", cluster, "train")
    assert refused.returncode == 2 and "make cluster-local" in refused.stderr
