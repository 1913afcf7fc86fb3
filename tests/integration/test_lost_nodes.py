"""Nodes that are lost, preempted or stand still while a data set is built: no clip is lost, none doubled."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import ray
from ray._private.node import Node
from ray.cluster_utils import Cluster

from tests.integration.conftest import PROJECT, run_job
from tests.integration.made import write_clips
from tests.integration.test_resume import BLOCKS, committed, content, wait_until_committed

pytestmark = pytest.mark.cluster

CLIPS = 96
STILL_S = 5.0


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clips(tmp_path_factory.mktemp("clips"), CLIPS)


@contextmanager
def two_nodes() -> Iterator[tuple[Cluster, Node]]:
    """A cluster of a head and a worker node, each with one CPU."""
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        node = cluster.add_node(num_cpus=1)
        cluster.wait_for_nodes()
        yield cluster, node
    finally:
        cluster.shutdown()
        ray.shutdown()


def start(clips: Path, output: Path, cluster: Cluster) -> subprocess.Popen[str]:
    """Start a job on a cluster and wait until it has annotated something."""
    command = [sys.executable, str(PROJECT / "jobs" / "build_dataset.py"), "--input", str(clips)]
    run = subprocess.Popen(
        [*command, "--output", str(output), *BLOCKS],
        env=os.environ | {"RAY_ADDRESS": cluster.address},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_until_committed(run, output, 1)
    return run


def check(output: Path) -> None:
    """See that each clip is there once; a block that was committed just before its node died may be done again."""
    ids = [row["clip_id"] for row in content(output)]
    assert len(ids) == len(set(ids)) == CLIPS
    assert sum(committed(output).values()) >= CLIPS


@pytest.mark.parametrize("graceful", [False, True], ids=["lost", "preempted"])
def test_a_worker_node_that_goes_costs_no_clip(graceful: bool, clips: Path, tmp_path: Path) -> None:
    with two_nodes() as (cluster, node):
        run = start(clips, tmp_path / "out", cluster)
        # The graceful end begins with SIGTERM, which is the notice that a spot node gets.
        cluster.remove_node(node, allow_graceful=graceful)
        _, errors = run.communicate(timeout=900)
        assert run.returncode == 0, errors
    check(tmp_path / "out")


def test_a_node_that_stands_still_for_a_while_is_waited_for(clips: Path, tmp_path: Path) -> None:
    with two_nodes() as (cluster, node):
        run = start(clips, tmp_path / "out", cluster)
        started = [info.process.pid for infos in node.all_processes.values() for info in infos]
        workers = [worker for pid in started for worker in psutil.Process(pid).children(recursive=True)]
        for worker in workers:
            worker.suspend()
        time.sleep(STILL_S)
        for worker in workers:
            worker.resume()
        _, errors = run.communicate(timeout=900)
        assert run.returncode == 0, errors
    check(tmp_path / "out")


def test_a_head_that_is_lost_ends_the_run_which_continues_elsewhere(clips: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    with two_nodes() as (cluster, _):
        run = start(clips, output, cluster)
        cluster.remove_node(cluster.head_node, allow_graceful=False)
        _, errors = run.communicate(timeout=900)
        # Ray itself ends a driver whose head has been gone for a minute.
        assert run.returncode != 0 and "Failed to connect to GCS within 60 seconds" in errors
    kept = committed(output)
    assert not (output / "report.json").exists()
    done = run_job("--input", clips, "--output", output, *BLOCKS)
    assert done.returncode == 0, done.stderr
    assert kept.items() <= committed(output).items()
    check(output)
