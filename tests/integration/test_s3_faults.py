"""Stores that are slow, connections that break, objects that change, places that are closed: nothing is lost."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow.fs as pafs
import pyarrow.parquet as pq
import pytest

from tests.integration.conftest import PROJECT, run_job
from tests.integration.made import write_clip, write_clips
from tests.integration.s3_proxy import proxy
from tests.integration.s3_server import ACCESS_KEY, SECRET_KEY, S3Server
from tests.media import Sound, Video, write_media

CLIPS = 6
DENIED = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Deny",
            "Principal": "*",
            "Action": ["s3:PutObject", "s3:DeleteObject"],
            "Resource": ["arn:aws:s3:::locked/closed/*"],
        }
    ],
}


def rows(s3: S3Server, folder: str) -> list[dict[str, Any]]:
    store = pafs.S3FileSystem(access_key=ACCESS_KEY, secret_key=SECRET_KEY, endpoint_override=s3.endpoint)
    return pq.read_table(f"{s3.bucket}/{folder}", filesystem=store).sort_by("clip_id").to_pylist()


def upload(s3: S3Server, folder: Path, prefix: str) -> str:
    s3.upload({f"{prefix}/{file.name}": file for file in folder.iterdir()})
    return f"s3://{s3.bucket}/{prefix}"


@pytest.mark.cluster
def test_storms_and_cut_connections_cost_no_clip(s3: S3Server, tmp_path: Path) -> None:
    source = upload(s3, write_clips(tmp_path / "in", CLIPS), "storm/in")
    calm = run_job("--input", source, "--output", f"s3://{s3.bucket}/storm/calm", env=s3.environment())
    assert calm.returncode == 0, calm.stderr
    with proxy(s3.endpoint) as faulty:
        # Two of three requests in a row are refused for a while, again and again; and every ninth answer breaks off.
        faulty.refuses = lambda number: number % 40 >= 30 and number % 3 > 0
        faulty.cuts = lambda number: number % 9 == 0
        done = run_job(
            *("--input", source, "--output", f"s3://{s3.bucket}/storm/out"), env=faulty.environment(s3.environment())
        )
        assert done.returncode == 0, done.stderr
        assert faulty.refused > 20 and faulty.cut > 5, faulty
    assert rows(s3, "storm/out/data") == rows(s3, "storm/calm/data")
    assert rows(s3, "storm/out/rejected") == []


@pytest.mark.cluster
def test_a_store_that_is_gone_for_good_stops_the_run_which_continues_later(s3: S3Server, tmp_path: Path) -> None:
    source, output = upload(s3, write_clips(tmp_path / "in", CLIPS), "gone/in"), f"s3://{s3.bucket}/gone/out"
    command = ["--input", source, "--output", output, "--set", "run.clips_per_block=1"]
    with proxy(s3.endpoint) as faulty:
        environment = faulty.environment(s3.environment())
        job = subprocess.Popen(
            [sys.executable, str(PROJECT / "jobs" / "build_dataset.py"), *command],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        while not any("/gone/in/" in path for path in faulty.read):
            assert job.poll() is None, job.communicate()[1]
            time.sleep(0.05)
        faulty.refuses = lambda number: True
        _, errors = job.communicate(timeout=600)
        assert job.returncode == 3, errors
        faulty.refuses = lambda number: False
        done = run_job(*command, env=environment)
    assert done.returncode == 0, done.stderr
    assert len(rows(s3, "gone/out/data")) == CLIPS
    assert rows(s3, "gone/out/rejected") == []


@pytest.mark.cluster
def test_an_object_that_changes_in_mid_run_is_not_taken_for_what_it_was(s3: S3Server, tmp_path: Path) -> None:
    folder = write_clips(tmp_path / "in", 2)
    source, output = upload(s3, folder, "changing/in"), f"s3://{s3.bucket}/changing/out"
    other = write_clip(tmp_path / "other.mp4", seed=11, seconds=2.0)
    with proxy(s3.endpoint) as watched:
        job = subprocess.Popen(
            [sys.executable, str(PROJECT / "jobs" / "build_dataset.py"), "--input", source, "--output", output],
            env=watched.environment(s3.environment()),
            stderr=subprocess.PIPE,
            text=True,
        )
        ledger = "changing/out/ledger/clips/"
        # There is a block for each clip: before the second is there, either clip may not have been inspected yet.
        while s3.client().list_objects_v2(Bucket=s3.bucket, Prefix=ledger).get("KeyCount", 0) < 2:
            assert job.poll() is None, job.communicate()[1]
            time.sleep(0.02)
        s3.upload({"changing/in/00000.mp4": other})
        _, errors = job.communicate(timeout=900)
    assert job.returncode == 0, errors
    data, rejected = rows(s3, "changing/out/data"), rows(s3, "changing/out/rejected")
    assert [row["clip_id"] for row in data] == ["00001"]
    assert [(row["clip_id"], row["error"]) for row in rejected] == [("00000", "source-changed")]
    again = run_job("--input", source, "--output", output, env=s3.environment())
    assert again.returncode == 0, again.stderr
    assert {row["clip_id"]: round(row["duration_s"]) for row in rows(s3, "changing/out/data")} == {
        "00000": 2,
        "00001": 1,
    }


@pytest.mark.parametrize(
    ("output", "why"),
    [("s3://no-such-bucket/out", "does not exist"), ("s3://locked/closed/out", "ACCESS_DENIED")],
)
def test_an_output_that_is_not_there_or_closed_is_refused(s3: S3Server, tmp_path: Path, output: str, why: str) -> None:
    client = s3.client()
    client.create_bucket(Bucket="locked")
    client.put_bucket_policy(Bucket="locked", Policy=json.dumps(DENIED))
    refused = run_job("--input", write_clips(tmp_path / "in", 1), "--output", output, env=s3.environment())
    assert refused.returncode == 2, refused.stderr
    assert output in refused.stderr and why in refused.stderr


def test_of_a_long_video_little_more_than_the_span_is_read(s3: S3Server, tmp_path: Path) -> None:
    """Three times five seconds of an hour, which holds 300 MB: from the manifest to the annotated clips."""
    video, sound = Video(frames=3600, rate=1, options={"g": "10"}), Sound(codec="pcm_s16le", seconds=3600.0)
    long = write_media(tmp_path / "long.mov", video, sound)
    assert long.stat().st_size > 300e6
    s3.upload({"long.mov": long})
    manifest = tmp_path / "manifest.csv"
    rows_of_spans = [f"s3://{s3.bucket}/long.mov,{start},{start},{start + 5}" for start in (600, 1200, 1800)]
    manifest.write_text("\n".join(["uri,clip_id,start_s,end_s", *rows_of_spans]))
    with proxy(s3.endpoint) as watched:
        done = run_job(
            *("--manifest", manifest, "--output", tmp_path / "out"), env=watched.environment(s3.environment())
        )
        assert done.returncode == 0, done.stderr
        assert 0 < watched.read_bytes < 3 * 0.05 * long.stat().st_size, (watched.read_bytes, long.stat().st_size)
    found = {row["clip_id"]: row["duration_s"] for row in pq.read_table(tmp_path / "out" / "data").to_pylist()}
    assert found == dict.fromkeys(["600", "1200", "1800"], pytest.approx(5.0, abs=0.2))
