import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from affectgpt.dataset.checks import (
    check_budget,
    check_no_source_is_gone,
    check_nothing_is_dropped,
    check_outcomes,
    check_output,
    check_something_is_left,
)
from affectgpt.dataset.filtering import FILTERED
from affectgpt.dataset.ledger import Folder, Ledger
from affectgpt.dataset.planning import Plan
from affectgpt.dataset.publishing import find_filtered, publish, publish_rejected
from affectgpt.dataset.recipe import load_recipe
from affectgpt.dataset.schema import CLIPS, DATA, OUTCOMES, REJECTED
from affectgpt.dataset.versions import begin
from affectgpt.errors import JobError, RequestError, StoppedError
from tests.dataset import rows

NOTHING = FILTERED.empty_table()


def plan_of(*work_ids: str, settled: int = 0) -> Plan:
    work = [rows.clip(f"clip of {work_id}", work_id=work_id, uri=f"/now/{work_id}.mp4") for work_id in work_ids]
    refused = {
        "clip_id": "x",
        "uri": "/x",
        "outcome": "rejected",
        "stage": "inspect",
        "error": "empty-file",
        "message": "empty",
    }
    table = pa.Table.from_pylist([refused | {"attempts": 1}] * settled, REJECTED)
    return Plan(len(work_ids) + settled, pa.Table.from_pylist(work, CLIPS), table, 0.0)


def held() -> None:
    """The output is still this run's."""


def ledger_with(output: Folder, *outcomes: dict) -> Ledger:
    ledger = Ledger(output)
    ledger.outcomes.write_table([rows.outcomes(one) for one in outcomes], OUTCOMES)
    return ledger


def test_a_published_data_set_has_the_contract_columns_and_current_places(tmp_path: Path) -> None:
    output = Folder.at(str(tmp_path))
    ledger = ledger_with(
        output, rows.outcome("1"), rows.outcome("2", "rejected"), rows.outcome("3"), rows.outcome("old")
    )
    for report in ("report.json", "report.html"):
        (tmp_path / report).touch()
    plan = plan_of("1", "2", "3", settled=1)
    check_outcomes(ledger, plan)
    publish(output, ledger, plan, NOTHING, part_mib=256, check_claim=held)
    data = pq.read_table(tmp_path / "data")
    assert data.schema.names == DATA.names
    assert sorted(zip(data["clip_id"].to_pylist(), data["uri"].to_pylist(), strict=True)) == [
        ("clip of 1", "/now/1.mp4"),
        ("clip of 3", "/now/3.mp4"),
    ]
    rejected = pq.read_table(tmp_path / "rejected")
    assert sorted(rejected["error"].to_pylist()) == ["empty-file", "undecodable"]
    assert len(list((tmp_path / "data").iterdir())) == 1
    assert not list(tmp_path.glob("report.*"))


def test_publishing_again_replaces_and_never_adds(tmp_path: Path) -> None:
    output = Folder.at(str(tmp_path))
    ledger = ledger_with(output, rows.outcome("1"), rows.outcome("2"))
    for plan in (plan_of("1", "2"), plan_of("1")):
        publish(output, ledger, plan, NOTHING, part_mib=256, check_claim=held)
    assert pq.read_table(tmp_path / "data").num_rows == 1


def test_what_a_filter_leaves_out_is_told_with_its_score(tmp_path: Path) -> None:
    output = Folder.at(str(tmp_path))
    plan = plan_of("1", "2", "3", "4")
    measured = [rows.outcome(name, scores=[("emotion_words", float(name) - 1)]) for name in ("1", "2")]
    ledger = ledger_with(output, *measured, rows.outcome("3"), rows.outcome("4", "rejected"))
    filtered = find_filtered(ledger, plan, load_recipe("laptop", ["filters.emotionless={fewest: 1}"]).filters)
    publish(output, ledger, plan, filtered, part_mib=256, check_claim=held)
    assert sorted(pq.read_table(tmp_path / "data")["clip_id"].to_pylist()) == ["clip of 2", "clip of 3"]
    left_out = {row["clip_id"]: row for row in pq.read_table(tmp_path / "rejected").to_pylist()}
    one, other = left_out["clip of 1"], left_out["clip of 4"]
    assert (one["outcome"], one["stage"], one["error"], one["score"]) == ("filtered", "filter", "emotionless", 0.0)
    assert "names 0 emotions" in one["message"]
    assert (other["outcome"], other["stage"], other["score"]) == ("rejected", "decode", None)
    off = find_filtered(ledger, plan, load_recipe("laptop").filters)
    publish(output, ledger, plan, off, part_mib=256, check_claim=held)
    assert pq.read_table(tmp_path / "data").num_rows == 3


def test_parts_are_bounded(tmp_path: Path) -> None:
    output = Folder.at(str(tmp_path))
    noise = random.Random(0)
    many = [rows.outcome(str(number), description_en=noise.randbytes(160).hex()) for number in range(30_000)]
    ledger = Ledger(output)
    ledger.outcomes.write_table([rows.outcomes(*many)], OUTCOMES)
    publish(output, ledger, plan_of(*(str(number) for number in range(30_000))), NOTHING, part_mib=1, check_claim=held)
    parts = list((tmp_path / "data").iterdir())
    assert len(parts) == 3
    assert sum(pq.read_metadata(part).num_rows for part in parts) == 30_000


def test_an_empty_data_set_still_has_its_columns(tmp_path: Path) -> None:
    output = Folder.at(str(tmp_path))
    publish(output, Ledger(output), plan_of(), NOTHING, part_mib=256, check_claim=held)
    assert pq.read_table(tmp_path / "data").schema.names == DATA.names
    assert pq.read_table(tmp_path / "rejected").num_rows == 0


def test_lost_clips_are_noticed(tmp_path: Path) -> None:
    output = Folder.at(str(tmp_path))
    with pytest.raises(JobError, match=r"1 clips have no outcome \(clip of 2\)"):
        check_outcomes(ledger_with(output, rows.outcome("1")), plan_of("1", "2"))


def test_the_budget_of_rejected_clips(tmp_path: Path) -> None:
    settled = plan_of(settled=6).settled
    check_budget(settled, 99, 0.05)
    check_budget(settled, 120, 0.05)
    with pytest.raises(
        JobError, match=r"6 of 119 clips were rejected(.|\n)*6 x empty-file \(inspect\)(.|\n)*--retry-rejected"
    ):
        check_budget(settled, 119, 0.05)


def test_a_run_that_rejected_everything_has_failed() -> None:
    settled = plan_of(settled=3).settled
    check_something_is_left(settled, 4, 0.05)
    check_something_is_left(settled, 3, 1.0)
    check_something_is_left(settled.slice(0, 0), 0, 0.05)
    with pytest.raises(JobError, match="3 of 3 clips were rejected"):
        check_something_is_left(settled, 3, 0.05)


def test_clips_are_not_dropped_unasked(tmp_path: Path) -> None:
    output = Folder.at(str(tmp_path))
    publish(
        output,
        ledger_with(output, rows.outcome("1"), rows.outcome("2")),
        plan_of("1", "2"),
        NOTHING,
        part_mib=256,
        check_claim=held,
    )
    check_nothing_is_dropped(output, plan_of("1", "2", "3"), drop_missing=False)
    check_nothing_is_dropped(output, plan_of("1"), drop_missing=True)
    listed = pa.RecordBatch.from_pylist([{"source_id": name} for name in ("clip of 1", "clip of 2")])
    check_no_source_is_gone(output, [listed], drop_missing=False)
    check_no_source_is_gone(output, [listed.slice(0, 1)], drop_missing=True)
    with pytest.raises(RequestError, match=r"1 of its clips are not in this input \(clip of 2\).*--drop-missing"):
        check_no_source_is_gone(output, [listed.slice(0, 1)], drop_missing=False)
    with pytest.raises(RequestError, match=r"1 of its clips are not in this input \(clip of 2\).*--drop-missing"):
        check_nothing_is_dropped(output, plan_of("1"), drop_missing=False)


def test_an_output_of_something_else_is_refused(tmp_path: Path) -> None:
    recipe = load_recipe("laptop")
    check_output(str(tmp_path / "new"), recipe)
    assert not (tmp_path / "new").exists()
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(RequestError, match="it holds other files"):
        check_output(str(tmp_path), recipe)
    with pytest.raises(RequestError, match="it is a file"):
        check_output(str(tmp_path / "thesis.txt"), recipe)


def test_an_output_of_another_recipe_is_refused(tmp_path: Path) -> None:
    output = Folder.at(str(tmp_path))
    begin(output, load_recipe("laptop"))
    check_output(str(tmp_path), load_recipe("laptop", ["run.clips_per_block=3"]))
    with pytest.raises(RequestError, match=r"decode\.frames: 8 -> 4"):
        check_output(str(tmp_path), load_recipe("laptop", ["decode.frames=4"]))
    output.write_text("recipe.yaml", "what: {is: this}")
    with pytest.raises(RequestError, match="of another job or version"):
        check_output(str(tmp_path), load_recipe("laptop"))


def test_of_two_outcomes_of_one_clip_one_is_published(tmp_path: Path) -> None:
    """Two runs at the same time may both annotate a clip."""
    output = Folder.at(str(tmp_path))
    ledger = ledger_with(output, rows.outcome("1"), rows.outcome("2"), rows.outcome("1"))
    check_outcomes(ledger, plan_of("1", "2"))
    publish(output, ledger, plan_of("1", "2"), NOTHING, part_mib=256, check_claim=held)
    assert sorted(pq.read_table(tmp_path / "data")["clip_id"].to_pylist()) == ["clip of 1", "clip of 2"]


def test_a_run_that_lost_its_claim_leaves_what_is_published(tmp_path: Path) -> None:
    def lost() -> None:
        raise StoppedError("another run has taken it over")

    output = Folder.at(str(tmp_path))
    ledger = ledger_with(output, rows.outcome("1"), rows.outcome("2"))
    publish(output, ledger, plan_of("1", "2"), NOTHING, part_mib=256, check_claim=held)
    (tmp_path / "report.json").touch()
    with pytest.raises(StoppedError):
        publish(output, ledger, plan_of("1"), NOTHING, part_mib=256, check_claim=lost)
    with pytest.raises(StoppedError):
        publish_rejected(output, ledger, plan_of(settled=1), check_claim=lost)
    assert pq.read_table(tmp_path / "data").num_rows == 2
    assert pq.read_table(tmp_path / "rejected").num_rows == 0
    assert (tmp_path / "report.json").exists()
