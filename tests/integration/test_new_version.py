"""Another recipe on what is there: only what the change concerns is asked again, and the old data stay."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from affectgpt.exit_status import DONE, REFUSED
from tests.annotate.generated.good_model import PROMPTED, REPLIES, answer_well, step_of
from tests.annotate.language_model.chat_server import Answer, ChatServer, says, serve
from tests.integration.conftest import run_job
from tests.integration.made import write_clips

CLIPS = 4


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clips(tmp_path_factory.mktemp("clips"), CLIPS)


def job(clips: Path, output: Path, server: ChatServer, *overrides: str) -> list[str | Path]:
    model = {"engine": "openai", "model": "tiny", "base_url": server.base_url, "max_retries": 0}
    settings = [f"models.big={json.dumps(model)}", *(f"steps.{step}={{model: big}}" for step in PROMPTED)]
    settings += [
        "decode.frames=2",
        "decode.frame_size=32",
        "run.clips_per_block=1",
        "run.rejected_budget=1.0",
        *overrides,
    ]
    return ["--input", clips, "--output", output, *(word for one in settings for word in ("--set", one))]


def report_of(output: Path) -> dict[str, Any]:
    report: dict[str, Any] = json.loads((output / "report.json").read_text())
    return report


def asked(server: ChatServer) -> Counter[str]:
    return Counter(step_of(body) for body in server.asked)


def test_another_merge_asks_for_no_clue_again(clips: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    with serve(answer_well) as server:
        assert run_job(*job(clips, output, server)).returncode == DONE
        before = pq.read_table(output / "data").to_pylist()
        server.asked.clear()

        long = {"engine": "openai", "model": "tiny", "max_tokens": 2048, "base_url": server.base_url}
        change = job(clips, output, server, f"models.long={json.dumps(long)}", "steps.merge={model: long}")
        refused = run_job(*change)
        assert refused.returncode == REFUSED
        assert "steps.merge" in refused.stderr and "--new-version" in refused.stderr

        server.chat = lambda body: says("She is calm.") if step_of(body) == "merge" else answer_well(body)
        run = run_job(*change, "--new-version")
        assert run.returncode == DONE, run.stderr
        assert f"visual_clue of {CLIPS} clips" in run.stderr
        assert asked(server) == dict.fromkeys(("merge", "translate", "labels"), CLIPS)
        stages = {stage["name"]: stage for stage in report_of(output)["stages"]}
        assert "decode" not in stages and "visual_clue" not in stages
        assert stages["merge"]["clips"] == CLIPS
        assert report_of(output)["reused"] == {"decode": CLIPS, "visual_clue": CLIPS, "acoustic_clue": CLIPS}
        after = pq.read_table(output / "data").to_pylist()
        assert {row["description_en"] for row in after} == {"She is calm."}
        kept = ("clip_id", "visual_clue", "acoustic_clue", "duration_s", "has_video", "subtitle")
        assert sorted([row[name] for name in kept] for row in after) == sorted(
            [row[name] for name in kept] for row in before
        )
        assert pq.read_table(output / "versions" / "1" / "data").to_pylist() == before
        assert report_of(output / "versions" / "1")["annotated"] == CLIPS

        server.asked.clear()
        back = run_job(*job(clips, output, server), "--new-version")
        assert back.returncode == DONE, back.stderr
        assert not server.asked, "the first recipe's own outcomes are there"
        assert {row["description_en"] for row in pq.read_table(output / "data").to_pylist()} == {REPLIES["merge"]}
        assert sorted(path.name for path in (output / "versions").iterdir()) == ["1", "2"]


@pytest.mark.cluster
def test_a_clip_that_is_tried_again_is_not_looked_at_again(clips: Path, tmp_path: Path) -> None:
    def refuse_merges(body: dict[str, Any]) -> Answer:
        return says("I'm sorry, but I can't help with that.") if step_of(body) == "merge" else answer_well(body)

    output = tmp_path / "out"
    with serve(refuse_merges) as server:
        assert run_job(*job(clips, output, server)).returncode == DONE
        assert report_of(output)["rejected"] == CLIPS
        server.asked.clear()
        server.chat = answer_well
        again = run_job(*job(clips, output, server), "--retry-rejected")
        assert again.returncode == DONE, again.stderr
    assert report_of(output)["annotated"] == CLIPS
    assert asked(server) == dict.fromkeys(("merge", "translate", "labels"), CLIPS)


@pytest.mark.cluster
def test_filters_measure_once_and_another_threshold_asks_for_nothing(clips: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    with serve(answer_well) as server:
        assert run_job(*job(clips, output, server)).returncode == DONE
        server.asked.clear()
        measured = run_job(*job(clips, output, server, "filters.no_face={least: 0.0}"), "--new-version")
        assert measured.returncode == DONE, measured.stderr
        assert report_of(output)["annotated"] == CLIPS
        stages = {stage["name"] for stage in report_of(output)["stages"]}
        assert {"decode", "media_measures"} <= stages and "merge" not in stages
        run_id = report_of(output)["run_id"]
        filtered = run_job(*job(clips, output, server, "filters.no_face={least: 1.0}"), "--new-version")
        assert filtered.returncode == DONE, filtered.stderr
        assert not server.asked
    report = report_of(output)
    assert (report["annotated"], report["filtered"]) == (0, CLIPS)
    assert report["reasons"] == [{"outcome": "filtered", "stage": "filter", "reason": "no-face", "count": CLIPS}]
    left_out = pq.read_table(output / "rejected").to_pylist()
    assert all(row["score"] < 1 and "a face is seen" in row["message"] for row in left_out)
    outcomes = pq.read_table(output / "ledger" / "outcomes", columns=["run_id"])["run_id"].to_pylist()
    assert outcomes.count(run_id) == CLIPS and report["run_id"] not in outcomes, "nothing was measured again"
