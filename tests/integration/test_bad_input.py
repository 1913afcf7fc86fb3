"""Bad input ends in a clear outcome or message, and every other clip comes through."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.integration.conftest import PROJECT, run_job
from tests.integration.made import write_clip, write_clips


@pytest.fixture(scope="module")
def spoilt_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two good clips among everything that can be wrong with a file."""
    folder = tmp_path_factory.mktemp("spoilt")
    write_clip(folder / "good.mp4")
    write_clip(folder / "sub folder" / "gut 好.MP4", seed=1)
    content = (folder / "good.mp4").read_bytes()
    (folder / "empty.mp4").touch()
    (folder / "text.mp4").write_text("this is no film\n" * 100)
    (folder / "copy.mp4").write_bytes(content)
    (folder / "half.mp4").write_bytes(content[: len(content) // 2])
    (folder / "folder.mp4").mkdir()
    (folder / "dangling.mp4").symlink_to(folder / "nowhere.mp4")
    (folder / ".hidden.mp4").write_bytes(content)
    return folder


def test_each_bad_file_has_its_outcome_and_the_good_ones_come_through(spoilt_folder: Path, tmp_path: Path) -> None:
    done = run_job("--input", spoilt_folder, "--output", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    rejected = {row["clip_id"]: row for row in pq.read_table(tmp_path / "out" / "rejected").to_pylist()}
    assert {name: (row["outcome"], row["error"]) for name, row in rejected.items()} == {
        "empty": ("rejected", "empty-file"),
        "text": ("rejected", "not-media"),
        "good": ("filtered", "duplicate"),
        "half": ("rejected", "not-media"),
        "folder": ("rejected", "is-a-directory"),
        "dangling": ("rejected", "not-found"),
    }
    assert all(row["message"] and row["attempts"] == 1 for row in rejected.values())
    data = pq.read_table(tmp_path / "out" / "data")
    assert sorted(data["clip_id"].to_pylist()) == ["copy", "sub folder/gut 好"]
    assert "8 inputs = 2 annotated + 1 filtered + 5 rejected" in done.stdout
    run_id = json.loads((tmp_path / "out" / "report.json").read_text())["run_id"]
    assert (
        f"run {run_id}, clip text, stage inspect: rejected, not-media: {spoilt_folder}/text.mp4 is not" in done.stderr
    )
    assert "Token authentication" not in done.stderr and "any available CPUs" not in done.stderr


def test_rejected_clips_are_tried_again_on_request(tmp_path: Path) -> None:
    folder, output = tmp_path / "in", tmp_path / "out"
    write_clip(folder / "good.mp4")
    target = tmp_path / "later.mp4"
    (folder / "late.mp4").symlink_to(target)
    assert run_job("--input", folder, "--output", output).returncode == 0
    assert pq.read_table(output / "rejected")["clip_id"].to_pylist() == ["late"]
    again = run_job("--input", folder, "--output", output, "--retry-rejected")
    assert again.returncode == 0, again.stderr
    assert pq.read_table(output / "rejected")["attempts"].to_pylist() == [2]
    write_clip(target, seed=3)
    mended = run_job("--input", folder, "--output", output, "--retry-rejected")
    assert mended.returncode == 0, mended.stderr
    assert sorted(pq.read_table(output / "data")["clip_id"].to_pylist()) == ["good", "late"]
    assert pq.read_table(output / "rejected").num_rows == 0


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--input", "{tmp}/nowhere"], "nowhere"),
        (["--input", "{tmp}/empty"], "empty"),
        (["--input", "{tmp}/*.mp4"], "*.mp4"),
        (["--manifest", "{tmp}/no-uri.csv"], "uri"),
        (["--manifest", "{tmp}/nothing.csv"], "nothing.csv"),
        (["--manifest", "{tmp}/missing.csv"], "missing.csv"),
        (["--input", "{tmp}/in", "--recipe", "unheard-of"], "laptop"),
        (["--input", "{tmp}/in", "--set", "decode.frames=none"], "decode.frames"),
        (["--input", "{tmp}/in", "--output", "{tmp}/in/a.mp4"], "it is a file"),
        (["--input", "{tmp}/in", "--output", "{tmp}/in"], "it holds other files"),
        (["--input", "{tmp}/in", "--output", "/proc/out"], "cannot be written"),
        (["--input", "{tmp}/in", "--output", "nosuch://bucket/out"], "nosuch"),
        ([], "--input or --manifest"),
        (["--report", "{tmp}/r.html"], "no run of build-dataset has begun there"),
        (["--report", "{tmp}/out/data/part-0.parquet"], "ends in .html"),
        (["--report", "{tmp}/out/report.html"], "outside the output"),
        (["--report", "s3://bucket/r.html"], "of this machine"),
        (["--report", "{tmp}/r.html", "--limit", "3"], "takes --output and --shard alone"),
        (["--report", "{tmp}/r.html", "--set", "decode.frames=3"], "takes --output and --shard alone"),
    ],
)
def test_a_wrong_request_is_refused_in_a_line_and_writes_nothing(
    tmp_path: Path, arguments: list[str], expected: str
) -> None:
    (tmp_path / "empty").mkdir()
    write_clip(tmp_path / "in" / "a.mp4")
    (tmp_path / "no-uri.csv").write_text("file,subtitle\na.mp4,hello\n")
    (tmp_path / "nothing.csv").touch()
    before = sorted(tmp_path.rglob("*"))
    filled = [argument.format(tmp=tmp_path) for argument in arguments]
    refused = run_job(*([] if "--output" in filled else ["--output", tmp_path / "out"]), *filled)
    assert refused.returncode == 2, refused.stderr
    assert expected in refused.stderr
    assert "Traceback" not in refused.stderr
    assert refused.stdout == ""
    assert sorted(tmp_path.rglob("*")) == before


def test_an_output_without_permission_is_refused(tmp_path: Path) -> None:
    """Root writes everywhere, unless it gives up that capability."""
    write_clip(tmp_path / "in" / "a.mp4")
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    give_up = ["setpriv", "--bounding-set=-dac_override"] if os.geteuid() == 0 else []
    job = [sys.executable, str(PROJECT / "jobs" / "build_dataset.py"), "--input", str(tmp_path / "in")]
    command = [*give_up, *job, "--output", str(locked / "out")]
    refused = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert refused.returncode == 2, refused.stderr
    assert "cannot be written" in refused.stderr


def test_a_manifest_keeps_what_is_good_in_it(tmp_path: Path) -> None:
    write_clip(tmp_path / "a.mp4")
    write_clip(tmp_path / "b.mp4", seed=1)
    rows = [
        "clip_id,uri,subtitle,start_s,end_s",
        "scene/1,a.mp4,hello,,",
        "scene/1,b.mp4,again the same id,,",
        'con\x07trol,b.mp4,"a bell, in the id",,',
        f"long,b.mp4,{'x' * 10_000_000},,",
        "backwards,b.mp4,,2.0,1.0",
        "gone,c.mp4,,,",
        "far,https://127.0.0.1:1/x.mp4,,,",
        "good,b.mp4,fine,,",
    ]
    (tmp_path / "clips.csv").write_text("\n".join(rows) + "\n")
    done = run_job("--manifest", tmp_path / "clips.csv", "--output", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    data = {row["clip_id"]: row for row in pq.read_table(tmp_path / "out" / "data").to_pylist()}
    assert {name: row["subtitle"] for name, row in data.items()} == {"scene/1": "hello", "good": "fine"}
    reasons = sorted(pq.read_table(tmp_path / "out" / "rejected")["error"].to_pylist())
    assert reasons == sorted(
        ["duplicate-id", "bad-clip-id", "subtitle-too-long", "bad-manifest-row", "not-found", "unreachable"]
    )


def test_too_many_rejected_clips_fail_the_run_with_reasons(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    write_clip(folder / "good.mp4")
    for number in range(110):
        (folder / f"{number:03d}.mp4").write_text(f"no film {number}")
    failed = run_job("--input", folder, "--output", tmp_path / "out")
    assert failed.returncode == 1
    assert "110 of 111 clips were rejected" in failed.stderr
    assert "110 x not-media (inspect)" in failed.stderr
    assert pq.read_table(tmp_path / "out" / "rejected").num_rows == 110
    assert not (tmp_path / "out" / "report.json").exists()


def test_a_dry_run_says_what_would_be_read_and_writes_nothing(spoilt_folder: Path, tmp_path: Path) -> None:
    shown = run_job("--input", spoilt_folder, "--output", tmp_path / "out", "--dry-run")
    assert shown.returncode == 0, shown.stderr
    assert "8 sources: 8 .mp4" in shown.stdout
    assert not (tmp_path / "out").exists()


def test_the_limit(spoilt_folder: Path, tmp_path: Path) -> None:
    done = run_job("--input", spoilt_folder, "--output", tmp_path / "out", "--limit", 1)
    assert done.returncode == 0, done.stderr
    assert "1 inputs = 1 annotated" in done.stdout


def test_wrong_credentials_name_the_remedy(s3, tmp_path: Path) -> None:
    write_clip(tmp_path / "a.mp4")
    s3.upload({"in/a.mp4": tmp_path / "a.mp4"})
    refused = run_job(
        "--input", f"s3://{s3.bucket}/in", "--output", tmp_path / "out", env=s3.environment(secret="guessed")
    )
    assert refused.returncode == 2, refused.stderr
    assert "AWS_ACCESS_KEY_ID" in refused.stderr or "credentials" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert subprocess.run(["ls", tmp_path / "out"], capture_output=True, check=False).returncode != 0


def test_clips_rejected_while_annotating_count_too(tmp_path: Path) -> None:
    """The containers are whole, but what they hold is wiped out."""
    folder = tmp_path / "in"
    for path in sorted(write_clips(folder, 100).iterdir()):
        content = path.read_bytes()
        begin, end = content.index(b"mdat") + 4, content.index(b"moov") - 4
        path.write_bytes(content[:begin] + bytes(end - begin) + content[end:])
    done = run_job("--input", folder, "--output", tmp_path / "out")
    assert done.returncode == 1, done.stderr
    assert "100 of 100 clips were rejected" in done.stderr
    assert "(decode)" in done.stderr
    assert pq.read_table(tmp_path / "out" / "rejected").num_rows == 100
