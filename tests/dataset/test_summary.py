import pyarrow as pa

from affectgpt.dataset.history import PLANNED, PUBLISHED, Run
from affectgpt.dataset.planning import Plan
from affectgpt.dataset.recipe import load_recipe
from affectgpt.dataset.schema import CLIPS, REJECTED
from affectgpt.dataset.summary import ExampleChoice, Tally, summarise
from tests.dataset import rows


def run(run_id: str, wall_s: float, is_published: bool = True) -> Run:
    return Run(run_id, "2026-05-03T14:04:50+00:00", "node-1", 2.0, 7.0, wall_s, PUBLISHED if is_published else PLANNED)


def test_the_report_counts_everything_once() -> None:
    refused = {"clip_id": "x", "uri": "/x", "outcome": "filtered", "stage": "inspect", "error": "duplicate"}
    settled = pa.Table.from_pylist([refused | {"message": "...", "attempts": 1}], REJECTED)
    plan = Plan(5, pa.Table.from_pylist([rows.clip(name) for name in "abcd"], CLIPS), settled, inspect_s=0.5)
    tally = Tally("now")
    tally.add_settled(settled.to_pylist())
    seconds = [("decode", 1.0), ("visual_clue", 3.0)]
    silent = rows.outcome(
        "b", run_id="now", labels=["sad", "tired"], has_audio=False, duration_s=4.0, language="en", seconds=seconds
    )
    heard = rows.outcome("a", run_id="now", labels=["sad"], subtitle="hello", seconds=seconds)
    others = [rows.outcome("c", run_id="earlier", seconds=seconds), rows.outcome("d", "rejected")]
    tally.add_outcomes(rows.outcomes(heard, silent, *others).to_pylist())
    report = summarise(
        tally, plan, [run("earlier", 5.0, is_published=False), run("now", 10.0)], load_recipe("laptop"), "/out"
    )
    assert report["inputs"] == report["annotated"] + report["filtered"] + report["rejected"] == 5
    assert (report["annotated_before"], report["annotated_this_run"]) == (1, 2)
    assert [(one["run_id"], one["annotated"], one["is_published"]) for one in report["runs"]] == [
        ("earlier", 1, False),
        ("now", 2, True),
    ]
    assert (report["wall_s"], report["open"]) == (10.0, 0)
    assert report["bottleneck"] == "visual_clue"
    assert {stage["name"]: stage["seconds"] for stage in report["stages"]} == {
        "inspect": 0.5,
        "decode": 3.25,
        "visual_clue": 9.0,
    }
    assert report["labels"][0] == {"label": "sad", "count": 2}
    assert report["languages"] == {"unknown": 2, "en": 1}
    assert report["modalities"] == {"video+sound+subtitle": 1, "video": 1, "video+sound": 1}
    assert report["duration_s"]["total"] == 8.0
    assert sum(report["duration_s"]["counts"]) == 3
    assert {"outcome": "rejected", "stage": "decode", "reason": "undecodable", "count": 1} in report["reasons"]


def test_an_empty_run_has_a_report() -> None:
    plan = Plan(0, CLIPS.empty_table(), REJECTED.empty_table(), 0.0)
    report = summarise(Tally("now"), plan, [run("now", 2.0)], load_recipe("laptop"), "/out")
    assert report["inputs"] == 0
    assert report["clips_per_second"] is None


def test_examples_go_round_the_labels_and_are_the_same_every_time() -> None:
    outcomes = [rows.outcome(f"{label}{number}", labels=[label]) for label in ("sad", "happy") for number in range(9)]
    outcomes.append(rows.outcome("rejected", "rejected"))
    one, other = ExampleChoice(4), ExampleChoice(4)
    one.add(outcomes)
    for outcome in reversed(outcomes):
        other.add([outcome])
    assert one.work_ids() == other.work_ids() == ["happy0", "sad0", "happy1", "sad1"]
