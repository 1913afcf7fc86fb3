"""Two runs on one output: one writes, and the other is told who does."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow.fs as pafs
import pyarrow.parquet as pq
import pytest

from affectgpt.clips.creation import create_new
from affectgpt.dataset.claim import claimed
from affectgpt.dataset.ledger import Folder
from affectgpt.errors import ClipError
from tests.integration.conftest import PROJECT, run_job
from tests.integration.made import write_clips
from tests.integration.s3_server import S3Server
from tests.integration.training import make_data, run_train


def enter(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)


def test_an_object_store_lets_one_of_many_writers_win(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    enter(s3.environment(), monkeypatch)
    for number in range(5):
        uri = f"s3://{s3.bucket}/race/a%20claim%20{number}.json"
        with ThreadPoolExecutor(8) as writers:
            won = list(writers.map(lambda writer, uri=uri: create_new(uri, bytes([writer])), range(8)))
        assert won.count(True) == 1
        stored = s3.client().get_object(Bucket=s3.bucket, Key=f"race/a claim {number}.json")["Body"].read()
        assert stored == bytes([won.index(True)])


def test_an_object_store_that_refuses_is_named(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    enter(s3.environment(secret="wrong"), monkeypatch)
    with pytest.raises(ClipError, match="AWS_ACCESS_KEY_ID") as refused:
        create_new(f"s3://{s3.bucket}/file", b"")
    assert refused.value.reason == "access-denied"
    enter(s3.environment(), monkeypatch)
    with pytest.raises(ClipError) as missing:
        create_new("s3://no-such-bucket/file", b"")
    assert missing.value.reason == "not-found"


def test_of_two_runs_on_a_bucket_one_writes(s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clips, output = write_clips(tmp_path / "in", 4), f"s3://{s3.bucket}/claimed"
    command = [sys.executable, str(PROJECT / "jobs" / "build_dataset.py"), "--input", str(clips), "--output", output]
    enter(s3.environment(), monkeypatch)
    first = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    claims = Folder.at(output) / ".claims"
    while not claims.files(".json"):
        assert first.poll() is None, first.communicate()[1]
        time.sleep(0.05)
    second = run_job("--input", clips, "--output", output, env=s3.environment())
    assert second.returncode == 2, second.stderr
    assert f"another run holds it (process {first.pid} of " in second.stderr
    _, errors = first.communicate(timeout=900)
    assert first.returncode == 0, errors
    store = pafs.S3FileSystem(access_key="test", secret_key="testsecret", endpoint_override=s3.endpoint)
    assert pq.read_table(f"{s3.bucket}/claimed/data", filesystem=store).num_rows == 4
    assert not claims.files()


def test_a_training_waits_for_no_other(tmp_path: Path) -> None:
    data, output = make_data(tmp_path / "data", 4), tmp_path / "out"
    with claimed(str(output), Folder.at(str(output))):
        refused = run_train(data, output, {}, "--stages", "coarse")
    assert refused.returncode == 2, refused.stderr
    assert "another run holds it" in refused.stderr
    assert not output.exists()
