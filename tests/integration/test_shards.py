"""A data set that was built in shards, in a bucket, is the one that was built at once."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.fs as pafs
import pyarrow.parquet as pq
import pytest

from tests.integration.conftest import PROJECT, run_job
from tests.integration.made import write_clips
from tests.integration.s3_server import S3Server

CLIPS = 12
SHARDS = 2


def rows(folder: str, filesystem: pafs.FileSystem) -> list[dict[str, Any]]:
    return pq.read_table(folder, filesystem=filesystem).sort_by("clip_id").to_pylist()


def merge(output: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(PROJECT / "jobs" / "merge_dataset.py"), "--output", output]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900, check=False)


@pytest.mark.cluster
def test_shards_make_the_same_data_set(s3: S3Server, tmp_path: Path) -> None:
    clips, whole, output = write_clips(tmp_path / "in", CLIPS), tmp_path / "whole", f"s3://{s3.bucket}/shards"
    (clips / "broken.mp4").write_text("this is no film")
    assert run_job("--input", clips, "--output", whole).returncode == 0
    for number in range(1, SHARDS + 1):
        if number == SHARDS:
            early = merge(output, s3.environment())
            assert early.returncode == 2 and f"not finished: {SHARDS}/{SHARDS}" in early.stderr
        done = run_job("--input", clips, "--output", output, "--shard", f"{number}/{SHARDS}", env=s3.environment())
        assert done.returncode == 0, done.stderr
    merged = merge(output, s3.environment())
    assert merged.returncode == 0, merged.stderr
    assert f"{CLIPS + 1} inputs = {CLIPS} annotated + 0 filtered + 1 rejected" in merged.stdout
    store = pafs.S3FileSystem(access_key="test", secret_key="testsecret", endpoint_override=s3.endpoint)
    for name in ("data", "rejected"):
        assert rows(f"{s3.bucket}/shards/{name}", store) == rows(f"{whole}/{name}", pafs.LocalFileSystem())
