"""A disk that is full stops the job with a plain line, and the same command continues once there is room."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from affectgpt.exit_status import DONE, STOPPED
from tests.integration.conftest import run_job
from tests.integration.made import write_clips
from tests.integration.small_disk import fill, small_disk

CLIPS = 12
ROOM = 16 * 1024 * 1024


@pytest.mark.parametrize("leave", [8 * 1024, pytest.param(160 * 1024, marks=pytest.mark.cluster)])
def test_a_full_disk_stops_the_job_and_nothing_is_lost(leave: int, tmp_path: Path) -> None:
    """With little room nothing can be listed; with more, the annotated clips find none."""
    clips = write_clips(tmp_path / "clips", CLIPS)
    with small_disk(ROOM) as disk:
        job = ["--input", clips, "--output", disk / "out", "--set", "run.clips_per_block=1"]
        filler = fill(disk, leave)
        stopped = run_job(*job)
        assert stopped.returncode == STOPPED, stopped.stderr
        [said] = [line for line in stopped.stderr.splitlines() if line.startswith("build-dataset:")]
        assert "a disk is full" in said and "run the same command again" in said
        filler.unlink()
        again = run_job(*job)
        assert again.returncode == DONE, again.stderr
        ids = pq.read_table(disk / "out" / "data")["clip_id"].to_pylist()
        assert len(ids) == len(set(ids)) == CLIPS
