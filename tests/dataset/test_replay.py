import json
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from affectgpt.dataset.attempts import Attempts
from affectgpt.dataset.history import PLANNED, PUBLISHED, STARTED, Recorder
from affectgpt.dataset.ledger import Folder, Ledger
from affectgpt.dataset.planning import make_plan
from affectgpt.dataset.recipe import load_recipe
from affectgpt.dataset.replay import replay
from affectgpt.dataset.reuse import recipe_key
from affectgpt.dataset.schema import CLIPS, OUTCOMES, SOURCES, WORK
from affectgpt.dataset.versions import begin
from affectgpt.errors import JobError, RequestError
from tests.dataset import rows

NAMES = ("a", "b", "c")
RECIPE = load_recipe("laptop")


def work_ids(ledger: Ledger, attempts: Attempts | None = None) -> dict[str, str]:
    plan = make_plan(ledger, attempts or Attempts(set(), set(), retry=False), recipe_key(RECIPE))
    return dict(zip(plan.work["clip_id"].to_pylist(), plan.work["work_id"].to_pylist(), strict=True))


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """What a run leaves that annotated one of three clips, rejected one, and was stopped."""
    folder = Folder.at(str(tmp_path))
    begin(folder, RECIPE)
    ledger = Ledger(folder)
    run = Recorder.of_new_run(ledger, time.monotonic())
    run.begin()
    ledger.sources.write_table([rows.sources(*NAMES, "not inspected")], SOURCES)
    run.add(STARTED)
    ledger.clips.write_table([rows.clips(*(rows.clip(name) for name in NAMES))], CLIPS)
    ids = work_ids(ledger)
    ledger.work.write_table([work(ids)], WORK)
    run.add(PLANNED)
    facts: dict[str, Any] = {"run_id": run.run_id, "provenance": {"source": {"frames_got": 8}, "label_clues": []}}
    outcomes = [
        rows.outcome(ids["a"], clip_id="a", **facts),
        rows.outcome(ids["b"], "rejected", clip_id="b", **facts),
    ]
    ledger.outcomes.write_table([rows.outcomes(*outcomes)], OUTCOMES)
    return tmp_path


def work(ids: dict[str, str]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([{"clip_id": clip, "work_id": key} for clip, key in ids.items()], WORK)


def counts(output: Path) -> tuple[int, ...]:
    report, page = replay(str(output))
    assert page.startswith("<!DOCTYPE html>")
    return tuple(report[name] for name in ("inputs", "annotated", "rejected", "open", "uninspected"))


def test_what_is_done_and_what_is_left_is_read_out_of_the_ledger(output: Path) -> None:
    before = sorted(output.rglob("*"))
    assert counts(output) == (3, 1, 1, 1, 1)
    assert sorted(output.rglob("*")) == before, "nothing is written"


def test_clips_that_are_tried_again_are_open(output: Path) -> None:
    ledger = Ledger(Folder.at(str(output)))
    first = work_ids(ledger)
    again = work_ids(ledger, Attempts(set(first.values()), {first["b"]}, retry=True))
    assert again["b"] != first["b"]
    run = Recorder.of_new_run(ledger, time.monotonic() + 1.0)
    run.begin()
    run.add(PLANNED)
    ledger.work.write_table([work({"b": again["b"], "c": first["c"]})], WORK)
    assert counts(output) == (3, 1, 0, 2, 1)
    run.add(PUBLISHED)
    assert counts(output) == (3, 1, 1, 1, 1)


def test_a_ledger_that_is_written_anew_is_not_taken_for_whole(output: Path) -> None:
    Recorder.of_new_run(Ledger(Folder.at(str(output))), time.monotonic() + 1.0).begin()
    with pytest.raises(JobError, match=r"a run begins there and writes its ledger anew; ask again in a minute"):
        replay(str(output))


def test_what_is_no_output_of_this_release_is_refused(output: Path, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"no run of build-dataset has begun there"):
        replay(str(tmp_path / "nowhere"))
    (tmp_path / "whole" / "shards" / "0001-of-0002").mkdir(parents=True)
    with pytest.raises(RequestError, match=r"each of its shards has a ledger of its own; give --shard i/N"):
        replay(str(tmp_path / "whole"))
    values = output / "ledger" / "values.json"
    told = values.read_text()
    values.write_text(json.dumps({**json.loads(told), "decode": {"frames": 3}}))
    with pytest.raises(RequestError, match=r"another release built it \(decode"):
        replay(str(output))
    values.write_text(told)
    for file in (output / "ledger" / "runs").iterdir():
        file.unlink()
    with pytest.raises(RequestError, match=r"another release built it \(it kept no events of its runs\)"):
        replay(str(output))
    (output / "recipe.yaml").write_text("of: another job")
    with pytest.raises(RequestError, match=r"its recipe\.yaml is of another job"):
        replay(str(output))
