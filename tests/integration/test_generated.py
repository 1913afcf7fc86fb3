"""Data sets that models annotate: the good way, refusals, an endpoint that is lost, and a real model behind vLLM."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from affectgpt.exit_status import DONE, REFUSED, STOPPED
from tests.annotate.generated.good_model import PROMPTED, REPLIES, answer_well, step_of
from tests.annotate.language_model.chat_server import HANG_UP, Answer, ChatServer, lists, says, serve
from tests.integration import vllm_server
from tests.integration.conftest import run_job
from tests.integration.made import write_clips

CLIPS = 6
KEY = "sk-never-to-be-written"


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_clips(tmp_path_factory.mktemp("clips"), CLIPS)
    (folder / "00000.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nI am not nervous.\n")
    return folder


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with serve(answer_well) as running:
        yield running


def settings(base_url: str, *steps: str, **more: Any) -> list[str]:
    """Options that have steps done by the model of an endpoint."""
    model = {"engine": "openai", "model": "tiny", "base_url": base_url, "max_retries": 0, **more}
    overrides = [f"models.big={json.dumps(model)}", *(f"steps.{step}={{model: big}}" for step in steps)]
    overrides += ["decode.frames=2", "decode.frame_size=32", "run.clips_per_block=1", "run.rejected_budget=1.0"]
    return [word for override in overrides for word in ("--set", override)]


def rows_of(output: Path, table: str) -> dict[str, dict[str, Any]]:
    return {row["clip_id"]: row for row in pq.read_table(output / table).to_pylist()}


def test_a_model_does_every_step(clips: Path, server: ChatServer, tmp_path: Path) -> None:
    job = ["--input", clips, "--output", tmp_path / "out", *settings(server.base_url, *PROMPTED)]
    run = run_job(*job, env={"OPENAI_API_KEY": KEY})
    assert run.returncode == DONE, run.stderr
    rows = rows_of(tmp_path / "out", "data")
    assert len(rows) == CLIPS
    for row in rows.values():
        assert [row[name] for name in ("visual_clue", "acoustic_clue")] == [*REPLIES.values()][:2]
        assert [row[name] for name in ("description_en", "description_zh")] == [*REPLIES.values()][2:]
        assert row["labels"] == ["nervous"]
        assert {row["provenance"][step]["model"] for step in PROMPTED} == {"tiny"}
    clues = {name: row["provenance"]["label_clues"][0]["clues"] for name, row in rows.items()}
    assert clues["00000"] == ["visual", "acoustic", "textual"] and clues["00001"] == ["visual", "acoustic"]
    assert [step_of(body) for body in server.asked if "I am not nervous." in str(body)] == ["merge"]
    assert set(server.authorizations) == {f"Bearer {KEY}"}
    assert "tiny (openai)" in (tmp_path / "out" / "README.md").read_text().replace("\\", "")
    written = [file for file in (tmp_path / "out").rglob("*") if file.is_file()]
    assert not [file for file in written if KEY.encode() in file.read_bytes()]
    assert KEY not in run.stdout + run.stderr

    asked = len(server.asked)
    again = run_job(*job, env={"OPENAI_API_KEY": KEY})
    assert again.returncode == DONE, again.stderr
    assert len(server.asked) == asked == CLIPS * len(PROMPTED)


def test_a_step_with_workers_of_its_own_and_replies_that_are_bad(
    clips: Path, server: ChatServer, tmp_path: Path
) -> None:
    def refuse_two(body: dict[str, Any]) -> Answer:
        if step_of(body) == "merge" and "I am not nervous." in str(body):
            return says("I'm sorry, but I can't help with that.")
        return answer_well(body)

    server.chat = refuse_two
    job = ["--input", clips, "--output", tmp_path / "out", *settings(server.base_url, *PROMPTED)]
    run = run_job(*job, "--set", "steps.merge.workers={actors: 1}")
    assert run.returncode == DONE, run.stderr
    assert set(rows_of(tmp_path / "out", "data")) == {f"{n:05d}" for n in range(1, CLIPS)}
    [bad] = rows_of(tmp_path / "out", "rejected").values()
    assert (bad["clip_id"], bad["stage"], bad["error"]) == ("00000", "merge", "generation-refused")
    assert "I'm sorry" in bad["message"]


def test_a_model_that_cannot_be_asked_is_refused_before_anything_is_written(
    clips: Path, server: ChatServer, tmp_path: Path
) -> None:
    server.models = lists("large")
    job = ["--input", clips, "--output", tmp_path / "out"]
    run = run_job(*job, *settings(server.base_url, *PROMPTED))
    assert run.returncode == REFUSED, run.stderr
    assert "has no model 'tiny'; it has: large" in run.stderr
    gone = run_job(*job, *settings("http://127.0.0.1:9/v1", *PROMPTED))
    assert gone.returncode == REFUSED, gone.stderr
    assert "cannot be reached" in gone.stderr and "Traceback" not in gone.stderr
    assert not (tmp_path / "out").exists()
    assert server.asked == []


@pytest.mark.cluster
def test_an_endpoint_that_is_lost_stops_the_run_and_the_same_command_continues(
    clips: Path, server: ChatServer, tmp_path: Path
) -> None:
    lock, left = threading.Lock(), 3 * len(PROMPTED)

    def answer_some(body: dict[str, Any]) -> Answer:
        nonlocal left
        with lock:
            left -= 1
            return answer_well(body) if left >= 0 else HANG_UP

    server.chat = answer_some
    job = ["--input", clips, "--output", tmp_path / "out", *settings(server.base_url, *PROMPTED)]
    run = run_job(*job)
    assert run.returncode == STOPPED, run.stderr
    [said] = [line for line in run.stderr.splitlines() if line.startswith("build-dataset:")]
    assert f"{server.base_url} was lost on the way" in said and "the same command continues" in said
    assert "Traceback" not in run.stderr and "github.com/ray-project/ray/issues/new" not in run.stderr
    kept = sum(pq.read_table(part).num_rows for part in (tmp_path / "out/ledger/outcomes").glob("*.parquet"))
    assert not (tmp_path / "out" / "data").exists()

    server.chat = answer_well
    server.asked.clear()
    again = run_job(*job)
    assert again.returncode == DONE, again.stderr
    assert len(rows_of(tmp_path / "out", "data")) == CLIPS
    assert len(server.asked) == (CLIPS - kept) * len(PROMPTED)


def test_a_key_that_is_refused_on_the_way_ends_the_run_and_what_is_finished_is_kept(
    clips: Path, server: ChatServer, tmp_path: Path
) -> None:
    server.chat = lambda body: Answer('{"error": {"message": "key revoked"}}', 401)
    run = run_job("--input", clips, "--output", tmp_path / "out", *settings(server.base_url, *PROMPTED))
    assert run.returncode == STOPPED, run.stderr
    assert "wants an API key" in run.stderr and "what is finished is kept" in run.stderr


@pytest.fixture(scope="module")
def hearing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base URL of a vLLM server with a model of random weights that takes sound."""
    reason = vllm_server.missing()
    if reason is not None:
        pytest.skip(reason)
    running = vllm_server.VLLMServer(tmp_path_factory.mktemp("vllm"), "hearing")
    running.start()
    yield running.base_url
    running.stop()


@pytest.mark.cluster
def test_a_real_model_that_talks_at_random_gives_reasons(clips: Path, hearing: str, tmp_path: Path) -> None:
    steps = ("acoustic_clue", "merge", "translate", "labels")
    run = run_job(
        *("--input", clips, "--output", tmp_path / "out", *settings(hearing, *steps, max_tokens=40)),
        env={"OPENAI_API_KEY": vllm_server.KEY},
    )
    assert run.returncode == DONE, run.stderr
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["inputs"] == report["annotated"] + report["filtered"] + report["rejected"] == CLIPS
    rejected = rows_of(tmp_path / "out", "rejected").values()
    assert len(rejected) == report["rejected"] > 0
    assert {row["error"].partition("-")[0] for row in rejected} == {"generation"}
    assert {row["stage"] for row in rejected} <= set(steps)


@pytest.mark.cluster
def test_a_real_model_gives_labels_in_the_form_that_is_asked_for(clips: Path, hearing: str, tmp_path: Path) -> None:
    run = run_job(
        *("--input", clips, "--output", tmp_path / "out", *settings(hearing, "labels", max_tokens=2_500)),
        env={"OPENAI_API_KEY": vllm_server.KEY},
    )
    assert run.returncode == DONE, run.stderr
    annotated, rejected = (rows_of(tmp_path / "out", name) for name in ("data", "rejected"))
    assert len(annotated) + len(rejected) == CLIPS and annotated
    assert {row["error"] for row in rejected.values()} <= {"generation-repeats", "generation-truncated"}
    for row in annotated.values():
        assert row["labels"] and row["provenance"]["labels"]["engine"] == "openai"
        assert row["provenance"]["merge"]["engine"] == "signal"
