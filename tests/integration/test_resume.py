"""A run killed at any moment continues exactly: no clip lost, none doubled, none annotated again."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pytest
import ray
from ray.cluster_utils import Cluster

from tests.integration.conftest import PROJECT, run_job
from tests.integration.made import write_clips

CLIPS = 160
BLOCKS = ["--set", "run.clips_per_block=8"]


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clips(tmp_path_factory.mktemp("clips"), CLIPS)


def start(clips: Path, output: Path) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        str(PROJECT / "jobs" / "build_dataset.py"),
        "--input",
        str(clips),
        "--output",
        str(output),
    ]
    return subprocess.Popen([*command, *BLOCKS], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def committed(output: Path) -> dict[str, int]:
    """The blocks of outcomes that are committed, and how many clips each has."""
    parts = (output / "ledger" / "outcomes-done").glob("*.parquet")
    return {part.name: pq.read_metadata(part).num_rows for part in parts if not part.name.endswith(".pending.parquet")}


def wait_until_committed(run: subprocess.Popen[str], output: Path, clips: int) -> None:
    while sum(committed(output).values()) < clips:
        assert run.poll() is None, run.communicate()[1]
        time.sleep(0.05)


def kill_processes(run: subprocess.Popen[str], is_wanted: Callable[[list[str]], bool]) -> int:
    """Kill the processes of a run whose command line is wanted, as soon as there are some; says how many."""
    killed = 0
    while not killed:
        assert run.poll() is None, run.communicate()[1]
        for one in psutil.Process(run.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                if is_wanted(one.cmdline()):
                    one.kill()
                    killed += 1
        time.sleep(0.01)
    return killed


def content(output: Path) -> list[dict]:
    columns = [
        "clip_id",
        "content_sha256",
        "visual_clue",
        "acoustic_clue",
        "description_en",
        "description_zh",
        "labels",
    ]
    return sorted(pq.read_table(output / "data", columns=columns).to_pylist(), key=lambda row: row["clip_id"])


@pytest.fixture(scope="module")
def undisturbed(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict]:
    """The data set of a run that nobody disturbs."""
    output = tmp_path_factory.mktemp("undisturbed") / "out"
    done = run_job("--input", clips, "--output", output, *BLOCKS)
    assert done.returncode == 0, done.stderr
    rows = content(output)
    assert len(rows) == CLIPS
    return rows


def test_a_killed_driver(clips: Path, undisturbed: list[dict], tmp_path: Path) -> None:
    output = tmp_path / "out"
    run = start(clips, output)
    wait_until_committed(run, output, CLIPS // 3)
    run.kill()
    run.communicate()
    kept = committed(output)
    assert not (output / "report.json").exists()
    asked = run_job("--output", output, "--report", tmp_path / "so-far.html")
    assert asked.returncode == 0, asked.stderr
    counts = re.match(rf"{CLIPS} inputs = (\d+) annotated \+ 0 filtered \+ 0 rejected \+ (\d+) open", asked.stdout)
    assert counts is not None, asked.stdout
    # Workers commit what they have, for as long as it takes them to see that their driver is gone.
    so_far, still_open = map(int, counts.groups())
    assert sum(kept.values()) <= so_far and so_far + still_open == CLIPS
    assert f"{still_open} open" in (tmp_path / "so-far.html").read_text()
    done = run_job("--input", clips, "--output", output, *BLOCKS)
    assert done.returncode == 0, done.stderr
    after = committed(output)
    assert kept.items() <= after.items(), "what was finished must stay as it is"
    assert sum(after.values()) == CLIPS, "nothing may be annotated twice"
    assert content(output) == undisturbed
    killed, second = json.loads((output / "report.json").read_text())["runs"]
    assert (killed["is_published"], second["is_published"]) == (False, True)
    assert so_far <= killed["annotated"] == CLIPS - second["annotated"]
    assert f"{second['annotated']} were annotated by the last run, {killed['annotated']} before it" in done.stdout


def test_killed_workers_cost_nothing_but_time(clips: Path, undisturbed: list[dict], tmp_path: Path) -> None:
    output = tmp_path / "out"
    run = start(clips, output)
    wait_until_committed(run, output, 1)
    kill_processes(run, lambda command: bool(command) and "ray::" in command[0] and "run_stage" in command[0])
    _, errors = run.communicate(timeout=900)
    assert run.returncode == 0, errors
    assert content(output) == undisturbed


def test_a_killed_decoder_costs_at_most_its_clip(clips: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    run = start(clips, output)
    wait_until_committed(run, output, 1)
    killed = kill_processes(run, lambda command: any("affectgpt.clips.isolation" in word for word in command))
    _, errors = run.communicate(timeout=900)
    assert run.returncode == 0, errors
    annotated, rejected = len(content(output)), pq.read_table(output / "rejected")
    assert annotated + rejected.num_rows == CLIPS
    assert set(rejected["error"].to_pylist()) <= {"decoder-crashed"}
    assert rejected.num_rows <= killed


def test_a_stopped_run_says_that_it_can_continue(clips: Path, undisturbed: list[dict], tmp_path: Path) -> None:
    output = tmp_path / "out"
    run = start(clips, output)
    wait_until_committed(run, output, 1)
    run.send_signal(signal.SIGTERM)
    _, errors = run.communicate(timeout=60)
    assert run.returncode == 3, errors
    assert "the same command continues" in errors
    done = run_job("--input", clips, "--output", output, *BLOCKS)
    assert done.returncode == 0, done.stderr
    assert content(output) == undisturbed


@pytest.mark.parametrize(
    "moment",
    [
        "data",
        *(
            pytest.param(moment, marks=pytest.mark.cluster)
            for moment in ("sources", "clips", "work", "outcomes", "staging")
        ),
    ],
)
def test_a_kill_in_every_phase(clips: Path, undisturbed: list[dict], tmp_path: Path, moment: str) -> None:
    """Killed as soon as a folder of the output appears, the next run still comes to the same end."""
    output = tmp_path / "out"
    watched = output / moment if moment == "data" else output / "ledger" / moment
    run = start(clips, output)
    while not (watched.is_dir() and any(watched.iterdir())):
        assert run.poll() is None, run.communicate()[1]
        time.sleep(0.001)
    run.kill()
    run.communicate()
    done = run_job("--input", clips, "--output", output, *BLOCKS)
    assert done.returncode == 0, done.stderr
    assert content(output) == undisturbed
    assert sum(committed(output).values()) == CLIPS


def test_one_cpu_is_enough_to_go_on(clips: Path, tmp_path: Path) -> None:
    folder, output = tmp_path / "in", tmp_path / "out"
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        for count in (3, 6):
            write_clips(folder, count)
            done = run_job("--input", folder, "--output", output, env={"RAY_ADDRESS": cluster.address})
            assert done.returncode == 0, done.stderr
            assert sum(committed(output).values()) == len(content(output)) == count
    finally:
        cluster.shutdown()
        ray.shutdown()


def test_a_finished_run_does_nothing_again_and_takes_in_new_clips(clips: Path, tmp_path: Path) -> None:
    folder, output = tmp_path / "in", tmp_path / "out"
    write_clips(folder, 6)
    assert run_job("--input", folder, "--output", output).returncode == 0
    kept = committed(output)
    for number in (6, 7):
        os.link(clips / f"{number:05d}.mp4", folder / f"{number:05d}.mp4")
    done = run_job("--input", folder, "--output", output)
    assert done.returncode == 0, done.stderr
    after = committed(output)
    assert kept.items() <= after.items()
    assert sum(after.values()) == len(content(output)) == 8
