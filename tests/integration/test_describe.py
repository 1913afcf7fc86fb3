"""``describe`` as a whole job: many clips on a cluster of its own, and what comes of bad ones."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from affectgpt.inference.predictions import predictions_schema
from tests.inference.trained import answer, save_trained
from tests.integration.conftest import PROJECT
from tests.integration.made import write_clip
from tests.media import Sound, Video, write_media

FEW_TOKENS = ("--set", "generation.max_new_tokens=24")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_trained(tmp_path_factory.mktemp("trained") / "model")


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clips of all kinds, among them one that is cut, two of the same content, and two that cannot be used."""
    folder = tmp_path_factory.mktemp("clips")
    write_media(folder / "both.mp4", Video(), Sound())
    shutil.copy(folder / "both.mp4", folder / "copy.mp4")
    shutil.copy(folder / "both.mp4", folder / "talk.mp4")
    (folder / "talk.srt").write_text("1\n00:00:00,000 --> 00:00:01,500\nHe left without saying goodbye.\n")
    (folder / "sub folder").mkdir()
    write_media(folder / "sub folder" / "silent 好.mp4", Video(frames=30))
    write_media(folder / "voice.wav", sound=Sound(codec="pcm_s16le", seconds=1.5))
    write_media(folder / "long.wav", sound=Sound(codec="pcm_s16le", rate=16_000, seconds=8.6))
    (folder / "text.mp4").write_text("this is no film\n" * 100)
    (folder / "empty.mp4").touch()
    return folder


def run(script: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(PROJECT / "jobs" / script), *map(str, arguments)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


def test_each_clip_has_one_row_and_evaluate_opens_them(model: Path, clips: Path, tmp_path: Path) -> None:
    output = tmp_path / "predictions.parquet"
    cutting = ("--set", "cutting.max_clip_s=8", "--set", "cutting.window_s=4")
    done = run("describe.py", "--model", model, "--input", clips, "--output", output, *FEW_TOKENS, *cutting)
    assert done.returncode == 0, done.stderr
    assert "9 clips = 7 described + 2 failed" in done.stdout
    assert "failed: 1 x empty-file" in done.stdout
    table = pq.read_table(output)
    assert table.schema.equals(predictions_schema("en"))
    rows = {row["clip_id"]: row for row in table.to_pylist()}
    assert list(rows) == sorted(rows)
    assert {name: row["error"] for name, row in rows.items() if row["error"]} == {
        "empty": "empty-file",
        "text": "not-media",
    }
    assert set(rows) - {"empty", "text"} == {
        "both",
        "copy",
        "talk",
        "sub folder/silent 好",
        "voice",
        "long#t=0.000,4.000",
        "long#t=4.000,8.600",
    }
    for row in (rows["both"], rows["copy"]):
        assert row["description_en"] == answer(True, True)
        assert row["labels"] == ["calm"]
        assert row["has_video"] and row["has_audio"]
    assert rows["talk"]["subtitle"] == "He left without saying goodbye."
    assert rows["voice"]["labels"] == ["sad"]
    assert not rows["voice"]["has_video"]
    assert rows["text"]["labels"] == []
    assert str(clips / "text.mp4") in rows["text"]["message"]

    truth = tmp_path / "truth.csv"
    truth.write_text("clip_id,labels\nboth,\"['calm']\"\nvoice,\"['sad']\"\ntext,\"['calm']\"\n")
    judged = run("evaluate.py", "--references", truth, "--predictions", output, "--output", tmp_path / "evaluation")
    assert judged.returncode == 0, judged.stderr
    assert "66.67" in judged.stdout


def test_clips_of_a_manifest_are_described_in_chinese(model: Path, clips: Path, tmp_path: Path) -> None:
    manifest, output = tmp_path / "manifest.csv", tmp_path / "predictions.jsonl"
    lines = (f"a,{clips / 'both.mp4'},Good morning.,,", f"b,{clips / 'long.wav'},,2,3.5", f"c,{clips / 'none.mp4'},,,")
    manifest.write_text("clip_id,uri,subtitle,start_s,end_s\n" + "\n".join(lines) + "\n")
    arguments = ("--model", model, "--manifest", manifest, "--output", output, "--language", "zh", *FEW_TOKENS)
    done = run("describe.py", *arguments)
    assert done.returncode == 0, done.stderr
    a, b, c = (json.loads(line) for line in output.read_text().splitlines())
    assert (a["description_zh"], a["subtitle"]) == (answer(True, True, "zh"), "Good morning.")
    assert (b["labels"], b["start_s"], b["end_s"]) == (["悲伤"], 2.0, 3.5)
    assert (c["clip_id"], c["error"]) == ("c", "not-found")


def test_a_model_whose_weights_are_spoilt_is_refused(model: Path, clips: Path, tmp_path: Path) -> None:
    spoilt = shutil.copytree(model, tmp_path / "model")
    (spoilt / "model.safetensors").write_bytes(b"\0" * 100)
    done = run("describe.py", "--model", spoilt, "--input", clips, "--output", tmp_path / "out.csv")
    assert done.returncode == 2
    assert f"describe: model {spoilt}: it cannot be loaded" in done.stderr
    assert not (tmp_path / "out.csv").exists()


def test_a_job_of_which_all_clips_fail_has_failed(model: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    content = write_clip(tmp_path / "whole.mp4").read_bytes()
    for number in range(3):
        (tmp_path / "in" / f"{number}.mp4").write_bytes(content[: 1000 + number])
    done = run("describe.py", "--model", model, "--input", tmp_path / "in", "--output", tmp_path / "out.csv")
    assert done.returncode == 1
    assert "3 of 3 clips could not be described, all of them" in done.stderr
    assert "3 x not-media, for example: 2: " in done.stderr
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 4
