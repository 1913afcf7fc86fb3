"""The whole job on everything real that there is, and on the demo's clips."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import datasets
import pyarrow.parquet as pq
import pytest

from affectgpt.dataset.schema import DATA, REJECTED
from tests.integration.conftest import PROJECT, run_job
from tests.ports import free_port


@pytest.fixture(scope="module")
def built(shared_media: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All real speech with its speakers and all real talking heads with their words, as one data set."""
    folder = tmp_path_factory.mktemp("real")
    with (folder / "clips.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["uri", "speaker", "language", "subtitle"])
        with (shared_media / "emodb" / "labels.csv").open() as labels:
            for row in csv.DictReader(labels):
                writer.writerow([shared_media / "emodb" / row["file"], f"emodb-{row['speaker']}", "de", ""])
        with (shared_media / "grid" / "clips.csv").open() as clips:
            for row in csv.DictReader(clips):
                writer.writerow([shared_media / "grid" / row["file"], "", "en", row["subtitle"]])
    done = run_job("--manifest", folder / "clips.csv", "--output", folder / "out")
    assert done.returncode == 0, done.stderr
    return folder / "out"


def test_all_real_clips_are_annotated(built: Path) -> None:
    report = json.loads((built / "report.json").read_text())
    assert report["inputs"] == report["annotated"] == 546
    assert report["bottleneck"] in {stage["name"] for stage in report["stages"]}
    data = pq.read_table(built / "data")
    assert data.schema.equals(DATA)
    assert pq.read_table(built / "rejected").schema.equals(REJECTED)
    assert len(set(data["clip_id"].to_pylist())) == 546
    for row in data.to_pylist():
        assert row["description_en"] and row["description_zh"] and row["labels"]
        assert row["provenance"]["acoustic_clue"]["engine"] == "signal"


def test_clues_are_of_what_the_clip_has(built: Path) -> None:
    rows = pq.read_table(built / "data").to_pylist()
    speech = [row for row in rows if row["uri"].endswith(".flac")]
    heads = [row for row in rows if row["uri"].endswith(".mpg")]
    assert (len(speech), len(heads)) == (535, 11)
    assert not any(row["has_video"] or row["visual_clue"] for row in speech)
    assert all("this speaker's usual" in row["acoustic_clue"] for row in speech)
    assert all(row["has_video"] and "One face" in row["visual_clue"] and row["subtitle"] for row in heads)
    assert all(row["subtitle"] in row["description_en"] for row in heads)
    assert len({row["description_en"] for row in rows}) > 500


def test_hugging_face_datasets_opens_it(built: Path, tmp_path: Path) -> None:
    files = str(built / "data" / "*.parquet")
    loaded = datasets.load_dataset("parquet", data_files=files, split="train", cache_dir=str(tmp_path))
    assert loaded.num_rows == 546
    assert loaded.column_names == DATA.names
    by_its_card = datasets.load_dataset(str(built), split="train", cache_dir=str(tmp_path))
    assert by_its_card.num_rows == 546


def test_the_demo(tmp_path: Path) -> None:
    short = ("stages.coarse.epochs=1", "stages.fine.epochs=1", "report.described=2", "report.max_new_tokens=20")
    port = free_port()
    options = ["--clips", "32", "--port", str(port), *(word for setting in short for word in ("--set", setting))]
    command = [sys.executable, str(PROJECT / "jobs" / "demo.py"), "demo", *options]
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    done = subprocess.run(command, **pipes, text=True, timeout=900, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "32 inputs = 29 annotated + 1 filtered + 2 rejected" in done.stdout
    assert "description_zh" in done.stdout
    folder = tmp_path / "demo"
    assert (folder / "emer-coarse" / "report.html").exists()
    subtitle_sources = {
        row["provenance"]["source"]["subtitle_source"]
        for row in pq.read_table(folder / "emer-coarse" / "data", columns=["provenance"]).to_pylist()
    }
    assert subtitle_sources == {"manifest", "sidecar", "embedded", "none"}
    assert (folder / "model" / "metrics.jsonl").exists()
    report = json.loads((folder / "model" / "report.json").read_text(encoding="utf-8"))
    assert [stage["name"] for stage in report["stages"]] == ["coarse", "fine"]
    assert "level 1, mean of the wheels" in done.stdout
    assert (folder / "evaluation" / "report.html").exists()
    shown, _, rest = done.stdout.partition(f"$ curl -s http://127.0.0.1:{port}/v1/describe -F file=@demo/clips/clip-")
    assert shown and rest
    answer, _ = json.JSONDecoder().raw_decode(rest, rest.index("{"))
    assert answer["clip"]["seen"] and answer["clip"]["heard"] and answer["clip"]["subtitle"]
    assert answer["tokens"]["description"] > 1 and answer["model"]["fingerprint"]
    assert f"Open http://127.0.0.1:{port} in a browser" in rest
    samples = {path.name for path in (folder / "samples").iterdir()}
    assert {name for name in samples if not name.endswith(".srt")} == {
        Path(row["uri"]).name for row in csv.DictReader((folder / "held-out.csv").open(encoding="utf-8"))
    }
