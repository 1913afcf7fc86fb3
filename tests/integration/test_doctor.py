"""The doctor on a real cluster of two nodes: well, with a node that hangs, and as a job of its own."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.local.running import LocalCluster, end, processes_of
from cluster.local.start import start
from tests.integration.conftest import PROJECT

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    folder = Path(tempfile.mkdtemp(prefix="ray-"))
    yield start(folder, nodes=2, cpus=1)
    end(folder)
    shutil.rmtree(folder, ignore_errors=True)


def doctor(cluster: LocalCluster, *options: object) -> tuple[int, dict[str, Any]]:
    """Run the command and return its exit status and what it found."""
    command = [sys.executable, str(PROJECT / "jobs" / "doctor.py"), "--json", *map(str, options)]
    if "--limit-s" not in options:
        # On a machine that is busy, processes take long to start.
        command += ["--limit-s", "150"]
    environment = os.environ | cluster.client_environment()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900, check=False)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def states(content: dict[str, Any], check: str) -> set[str]:
    return {finding["state"] for finding in content["findings"] if finding["check"] == check}


def test_all_nodes_are_asked_and_nothing_is_left_behind(cluster: LocalCluster, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "clip.mp4").write_bytes(b"clip")
    options = ["--input", tmp_path / "in", "--output", tmp_path / "out" / "deep"]
    status, content = doctor(cluster, "--job", "build-dataset", *options)
    assert status == 0, content
    assert sorted(name.partition(" ")[0] for name in content["nodes"]) == ["node-0", "node-1"]
    for check in ("cluster", "versions", "storage", "disks", "shared memory", "clocks"):
        assert states(content, check) == {"ok"}, check
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["clip.mp4", "in"]


def test_what_does_not_fit_on_any_node_fails(cluster: LocalCluster) -> None:
    # Two CPUs in all, one on each node.
    status, content = doctor(cluster, "--job", "train", "--set", "workers.num_cpus=2")
    assert status == 1
    [finding] = [finding for finding in content["findings"] if finding["state"] == "failed"]
    assert finding["check"] == "room" and "the nodes have 2 CPU" in finding["found"]


def test_it_runs_as_a_job(cluster: LocalCluster) -> None:
    command = [sys.executable, "-m", "cluster.local.submit", "--folder", cluster.folder, "doctor", "--job", "train"]
    command += ["--set", "workers.count=500", "--limit-s", "150"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "lower workers.count" in done.stdout


def test_a_node_that_hangs_is_named_and_not_waited_for(cluster: LocalCluster) -> None:
    [raylet] = [
        process
        for process in processes_of(Path(cluster.folder))
        if process.name() == "raylet" and any("node-1" in word for word in process.cmdline())
    ]
    raylet.send_signal(signal.SIGSTOP)
    try:
        status, content = doctor(cluster, "--job", "train", "--limit-s", "20")
    finally:
        raylet.send_signal(signal.SIGCONT)
    assert status == 1
    silent = {one["node"]: one["found"] for one in content["findings"] if one["check"] == "cluster" and one["remedy"]}
    # On a machine that is busy, the other node may be as slow.
    [found] = [found for nodes, found in silent.items() if nodes == "all" or "node-1" in nodes]
    assert found == "no answer within 20 s"
