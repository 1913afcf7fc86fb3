"""A training that is killed goes on as if nothing had happened, also with another number of workers."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
import ray
from ray.cluster_utils import Cluster

from tests.integration.test_resume import kill_processes
from tests.integration.training import command, losses, make_data, run_train

STAGE = ("--stages", "coarse")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def undisturbed(data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[int, float]:
    output = tmp_path_factory.mktemp("undisturbed") / "out"
    done = run_train(data, output, {"workers.count": 2, "workers.num_cpus": 0.5}, *STAGE)
    assert done.returncode == 0, done.stderr
    return losses(output, "coarse")


def wait_for_checkpoint(run: subprocess.Popen[str], output: Path, step: int) -> None:
    """Wait until a checkpoint is committed and training has gone on beyond it."""
    while (
        not list((output / "stages" / "coarse" / "checkpoints").glob("checkpoint_*/position.json"))
        or max(losses(output, "coarse"), default=0) < step
    ):
        assert run.poll() is None, run.communicate()[1]
        time.sleep(0.05)


@pytest.mark.parametrize("zero", [2, pytest.param(3, marks=pytest.mark.cluster)])
def test_killed_workers_and_a_killed_driver_leave_no_trace_in_the_losses(
    zero: int, data: Path, tmp_path: Path, undisturbed: dict[int, float]
) -> None:
    assert sorted(undisturbed) == list(range(1, 13))
    output = tmp_path / "out"
    settings = {
        "stages.coarse.deepspeed": {"zero": zero},
        "workers.count": 2,
        "workers.num_cpus": 0.5,
    }
    run = subprocess.Popen(
        command(data, output, settings, *STAGE), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    wait_for_checkpoint(run, output, 5)
    kill_processes(run, lambda words: bool(words) and words[0].startswith("ray::RayTrainWorker"))
    wait_for_checkpoint(run, output, 9)
    os.kill(run.pid, signal.SIGKILL)
    run.communicate()

    resumed = run_train(data, output, settings | {"workers.count": 1}, *STAGE)
    assert resumed.returncode == 0, resumed.stderr
    assert losses(output, "coarse") == pytest.approx(undisturbed, abs=1e-4)
    assert (output / "model" / "model.safetensors").exists()


@pytest.mark.cluster
@pytest.mark.parametrize("graceful", [False, True], ids=["lost", "preempted"])
def test_a_node_that_is_lost_and_replaced_leaves_no_trace_in_the_losses(
    graceful: bool, data: Path, tmp_path: Path, undisturbed: dict[int, float]
) -> None:
    output = tmp_path / "out"
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        doomed = cluster.add_node(num_cpus=1)
        cluster.wait_for_nodes()
        run = subprocess.Popen(
            command(data, output, {"workers": {"count": 2, "num_cpus": 1}}, *STAGE),
            env=os.environ | {"RAY_ADDRESS": cluster.address},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        wait_for_checkpoint(run, output, 5)
        # The graceful end begins with SIGTERM, which is the notice that a spot node gets.
        cluster.remove_node(doomed, allow_graceful=graceful)
        cluster.add_node(num_cpus=1)
        _, errors = run.communicate(timeout=900)
    finally:
        cluster.shutdown()
        ray.shutdown()
    assert run.returncode == 0, errors
    assert losses(output, "coarse") == pytest.approx(undisturbed, abs=1e-4)


def test_an_interrupt_stops_the_run_with_a_word(data: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    steps = {"stages.coarse.steps": 100_000, "checkpoints.every_steps": 2}
    run = subprocess.Popen(
        command(data, output, steps, *STAGE), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    wait_for_checkpoint(run, output, 3)
    run.send_signal(signal.SIGINT)
    _, errors = run.communicate(timeout=120)
    assert run.returncode == 3, errors
    assert "the same command" in errors.splitlines()[-1]
