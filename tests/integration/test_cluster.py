"""The job on real Ray clusters: submitted as the README says, on several nodes, with actors, from and to S3."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pyarrow.fs as pafs
import pyarrow.parquet as pq
import pytest

from affectgpt.annotate.sample import Sample
from affectgpt.annotate.step import Step, StepProvenance
from tests.integration.conftest import PROJECT, run_job
from tests.integration.made import write_clip, write_clips
from tests.integration.training import command, losses, make_data
from tests.ports import free_port

BIN = Path(sys.executable).parent
# The usual ports may be those of another test's cluster.
PORT, DASHBOARD_PORT, AGENT_PORT = free_port(), free_port(), free_port()
DASHBOARD = f"http://127.0.0.1:{DASHBOARD_PORT}"


class BrokenMerge(Step):
    """A step with a bug."""

    name = "merge"

    def annotate(self, samples):
        raise ZeroDivisionError("a bug in a step")

    def provenance(self) -> StepProvenance:
        return StepProvenance("test", "broken", "1")


class PlainMerge(Step):
    """A step of a user's own, which needs neither frames nor sound."""

    name = "merge"

    def annotate(self, samples: list[Sample]) -> list[Sample]:
        return [sample.__replace__(description_en=f"Someone says {sample.clip.subtitle}.") for sample in samples]

    def provenance(self) -> StepProvenance:
        return StepProvenance("test", "plain", "7")


def addressless() -> dict[str, str]:
    """The environment without RAY_ADDRESS, which ``ray job submit`` would take for the address that it is given."""
    return {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}


def wait_for_jobs(environment: dict[str, str]) -> None:
    """Wait until a cluster that has just been started takes jobs."""
    submit = ["ray", "job", "submit", "--address", DASHBOARD, "--", "true"]
    deadline = time.monotonic() + 300
    while (tried := subprocess.run(submit, env=environment, capture_output=True, text=True, check=False)).returncode:
        assert time.monotonic() < deadline, tried.stdout + tried.stderr
        time.sleep(1)


@contextlib.contextmanager
def started_cluster(environment: dict[str, str]) -> Iterator[None]:
    """A cluster that ``ray start`` starts in a home and that takes jobs."""
    command = ["ray", "start", "--head", "--num-cpus=2", "--disable-usage-stats"]
    command += [f"--port={PORT}", f"--dashboard-port={DASHBOARD_PORT}", f"--dashboard-agent-listen-port={AGENT_PORT}"]
    subprocess.run(command, env=environment, check=True, capture_output=True, timeout=120)
    try:
        wait_for_jobs(environment)
        yield
    finally:
        stop_cluster(environment["HOME"])


def stop_cluster(home: str) -> None:
    """End all processes that live in a home; ``ray stop`` would end the clusters of other tests too."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get("HOME") == home:
                process.kill()


@pytest.fixture(params=[pytest.param("no token yet", marks=pytest.mark.cluster), "a token exists"])
def head(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, str]]:
    """A cluster started as the README says, in a home where Ray has left a token or not; the clients' environment."""
    environment = {**addressless(), "HOME": str(tmp_path), "RAY_AUTH_MODE": "token"}
    environment["PATH"] = f"{BIN}:{environment['PATH']}"
    if request.param == "a token exists":
        subprocess.run(["ray", "get-auth-token", "--generate"], env=environment, check=True, capture_output=True)
    subprocess.run(["ray", "get-auth-token", "--generate"], env=environment, check=True, capture_output=True)
    with started_cluster(environment):
        yield environment


def test_a_submitted_job(head: dict[str, str], tmp_path: Path) -> None:
    folder, output = write_clips(tmp_path / "in", 3), tmp_path / "out"
    submit = ["ray", "job", "submit", "--address", DASHBOARD]
    installed = [*submit, "--", "build-dataset", "--input", str(folder), "--output", str(output)]
    done = subprocess.run(installed, env=head, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 inputs = 3 annotated" in done.stdout
    assert pq.read_table(output / "data").num_rows == 3

    ask = "ray.get(ray.remote(lambda: platform.python_implementation()).remote())"
    show = f"import platform, ray; ray.init(); print(platform.system(), {ask})"
    script = [*submit, "--working-dir", str(PROJECT / "jobs"), "--", "python", "-c", show]
    shown = subprocess.run(script, env=head, capture_output=True, text=True, timeout=900, check=False)
    assert "Linux CPython" in shown.stdout, shown.stdout + shown.stderr


@pytest.mark.parametrize("head", ["a token exists"], indirect=True)
@pytest.mark.cluster
def test_a_submitted_training(head: dict[str, str], tmp_path: Path) -> None:
    data = make_data(tmp_path / "data", 8)
    _, _, *options = command(data, tmp_path / "out", {"stages.coarse.steps": 2}, "--stages", "coarse")
    submit = ["ray", "job", "submit", "--address", DASHBOARD, "--", "train", *options]
    done = subprocess.run(submit, env=head, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert sorted(losses(tmp_path / "out", "coarse")) == [1, 2]
    assert (tmp_path / "out" / "model" / "model.safetensors").exists()


@pytest.fixture
def uninstalled(tmp_path: Path) -> dict[str, str]:
    """The environment of a machine that has the platform's requirements, but not the platform."""
    packages = tmp_path / "packages"
    packages.mkdir()
    for package in Path(sysconfig.get_path("purelib")).iterdir():
        if "affectgpt" not in package.name:
            (packages / package.name).symlink_to(package)
    python = Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(python)
    command = tmp_path / "bin" / "ray"
    command.write_text('#!/bin/sh\nexec python -m ray.scripts.scripts "$@"\n')
    command.chmod(0o755)
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    environment = {"PATH": path, "PYTHONPATH": str(packages), "RAY_AUTH_MODE": "disabled", "PYTHONSAFEPATH": "1"}
    return addressless() | environment | {"HOME": str(tmp_path)}


@pytest.mark.cluster
def test_a_submitted_working_folder(uninstalled: dict[str, str], tmp_path: Path) -> None:
    """Where the platform is not installed, the job runs out of the folder that is sent along."""
    python = str(tmp_path / "bin" / "python")
    asked = subprocess.run([python, "-c", "import affectgpt"], env=uninstalled, capture_output=True, check=False)
    assert b"No module named 'affectgpt'" in asked.stderr
    folder, output, sent = write_clips(tmp_path / "in", 2), tmp_path / "out", tmp_path / "sent"
    for name in ("jobs", "platform"):
        shutil.copytree(PROJECT / name, sent / name)
    with started_cluster(uninstalled):
        submit = ["ray", "job", "submit", "--address", DASHBOARD, "--working-dir", str(sent), "--"]
        job = [*submit, "python", "jobs/build_dataset.py", "--input", str(folder), "--output", str(output)]
        done = subprocess.run(job, env=uninstalled, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert pq.read_table(output / "data").num_rows == 2


@pytest.mark.cluster
def test_steps_in_actors_of_their_own_give_the_same(tmp_path: Path) -> None:
    folder = write_clips(tmp_path / "in", 6)
    alone = ["--set", "steps.acoustic_clue.workers={actors: 1, num_cpus: 0.5}"]
    for name, options in (("fused", []), ("actors", alone)):
        done = run_job("--input", folder, "--output", tmp_path / name, *options)
        assert done.returncode == 0, done.stderr
    columns = ["clip_id", "visual_clue", "acoustic_clue", "description_zh", "labels", "provenance"]
    fused, actors = (
        sorted(pq.read_table(tmp_path / name / "data", columns=columns).to_pylist(), key=lambda row: row["clip_id"])
        for name in ("fused", "actors")
    )
    assert fused == actors


@pytest.mark.cluster
def test_a_step_with_a_bug_fails_the_job_and_names_itself(tmp_path: Path) -> None:
    folder = write_clips(tmp_path / "in", 2)
    engine = "steps.merge.engine=tests.integration.test_cluster:BrokenMerge"
    options = ["--set", engine, "--set", "steps.translate.engine=tests.integration.test_cluster:BrokenMerge"]
    failed = run_job("--input", folder, "--output", tmp_path / "out", *options, env={"PYTHONPATH": str(PROJECT)})
    assert failed.returncode == 1
    assert "a bug in a step" in failed.stderr
    assert not (tmp_path / "out" / "report.json").exists()


def test_from_bucket_to_bucket(s3, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "a.mp4")
    (tmp_path / "a.srt").write_text("1\n00:00:00,100 --> 00:00:00,900\nI am so happy!\n")
    other = write_clip(tmp_path / "b.mp4", seed=4)
    s3.upload({"raw/talks/a b.mp4": clip, "raw/talks/a b.srt": tmp_path / "a.srt", "raw/好.mp4": other})
    arguments = ["--input", f"s3://{s3.bucket}/raw", "--output", f"s3://{s3.bucket}/made"]
    for _ in range(2):
        done = run_job(*arguments, env=s3.environment())
        assert done.returncode == 0, done.stderr
    store = pafs.S3FileSystem(access_key="test", secret_key="testsecret", endpoint_override=s3.endpoint)
    data = {row["clip_id"]: row for row in pq.read_table(f"{s3.bucket}/made/data", filesystem=store).to_pylist()}
    assert set(data) == {"talks/a b", "好"}
    assert data["talks/a b"]["subtitle"] == "I am so happy!"
    assert data["talks/a b"]["uri"] == f"s3://{s3.bucket}/raw/talks/a%20b.mp4"
    with store.open_input_stream(f"{s3.bucket}/made/report.json") as stream:
        report = json.loads(stream.read())
    assert (report["annotated"], report["annotated_before"]) == (2, 2)
