"""A disk that is full stops the job with a plain line, and the same command continues once there is room."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from affectgpt.exit_status import DONE, STOPPED
from tests.integration.conftest import run_job
from tests.integration.made import write_clips

CLIPS = 12
ROOM = 16 * 1024 * 1024


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", str(folder)]
    mounted = subprocess.run(["mount", *options], capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"no small disk can be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path, leave: int) -> Path:
    """Take up the room of a disk, but for some bytes."""
    filler = disk / "filler"
    filler.write_bytes(b"\0" * (ROOM - leave))
    return filler


@pytest.mark.parametrize("leave", [8 * 1024, pytest.param(160 * 1024, marks=pytest.mark.cluster)])
def test_a_full_disk_stops_the_job_and_nothing_is_lost(small_disk: Path, leave: int, tmp_path: Path) -> None:
    """With little room nothing can be listed; with more, the annotated clips find none."""
    clips = write_clips(tmp_path / "clips", CLIPS)
    job = ["--input", clips, "--output", small_disk / "out", "--set", "run.clips_per_block=1"]
    filler = fill(small_disk, leave)
    stopped = run_job(*job)
    assert stopped.returncode == STOPPED, stopped.stderr
    [said] = [line for line in stopped.stderr.splitlines() if line.startswith("build-dataset:")]
    assert "a disk is full" in said and "run the same command again" in said
    filler.unlink()
    again = run_job(*job)
    assert again.returncode == DONE, again.stderr
    ids = pq.read_table(small_disk / "out" / "data")["clip_id"].to_pylist()
    assert len(ids) == len(set(ids)) == CLIPS
