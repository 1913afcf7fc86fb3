from pathlib import Path

from affectgpt.dataset.attempts import Attempts, clip_attempts, source_attempts
from affectgpt.dataset.ledger import Folder, Ledger
from affectgpt.dataset.planning import make_plan
from affectgpt.dataset.schema import CLIPS, OUTCOMES, SOURCES
from tests.dataset import rows

FIRST = Attempts(set(), set(), retry=False)


def ledger_with(folder: Path, *clips: dict, sources: tuple[str, ...] = ()) -> Ledger:
    ledger = Ledger(Folder.at(str(folder)))
    keys = sources or tuple(dict.fromkeys(clip["source_key"] for clip in clips))
    ledger.sources.write_table([rows.sources(*keys)], SOURCES)
    ledger.clips.write_table([rows.clips(*clips)], CLIPS)
    return ledger


def test_each_clip_is_work_or_settled(tmp_path: Path) -> None:
    ledger = ledger_with(
        tmp_path,
        rows.clip("b"),
        rows.clip("a"),
        rows.clip("broken", content_sha256=None, error="not-media", message="it is a text"),
        rows.clip("copy", content_sha256="sha of b"),
    )
    plan = make_plan(ledger, FIRST, "recipe")
    assert plan.inputs == 4
    assert plan.work["clip_id"].to_pylist() == ["a", "b"]
    assert plan.inspect_s == 2.0
    settled = {row["clip_id"]: row for row in plan.settled.to_pylist()}
    assert settled["broken"]["outcome"] == "rejected"
    assert settled["broken"]["error"] == "not-media"
    assert settled["copy"]["outcome"] == "filtered"
    assert settled["copy"]["error"] == "duplicate"
    assert "the same content as b" in settled["copy"]["message"]


def test_spans_of_one_source_are_no_duplicates(tmp_path: Path) -> None:
    spans = [
        rows.clip("film", clip_id=f"film#{n}", content_sha256="film", start_s=n, end_s=n + 1.0) for n in (0.0, 1.0)
    ]
    plan = make_plan(ledger_with(tmp_path, *spans), FIRST, "recipe")
    assert plan.work.num_rows == 2
    assert len(set(plan.work["work_id"].to_pylist())) == 2


def test_clips_of_sources_that_are_gone_are_left_out(tmp_path: Path) -> None:
    plan = make_plan(ledger_with(tmp_path, rows.clip("a"), rows.clip("b"), sources=("b",)), FIRST, "recipe")
    assert plan.inputs == 1
    assert plan.work["clip_id"].to_pylist() == ["b"]


def test_the_key_stays_when_the_root_moves_and_changes_with_the_content(tmp_path: Path) -> None:
    here = make_plan(ledger_with(tmp_path / "1", rows.clip("a")), FIRST, "recipe").work["work_id"].to_pylist()
    moved = (
        make_plan(ledger_with(tmp_path / "2", rows.clip("a", uri="/moved/a.mp4")), FIRST, "recipe")
        .work["work_id"]
        .to_pylist()
    )
    changed = (
        make_plan(ledger_with(tmp_path / "3", rows.clip("a", content_sha256="x")), FIRST, "recipe")
        .work["work_id"]
        .to_pylist()
    )
    assert here == moved
    assert here != changed


def test_an_empty_input_gives_an_empty_plan(tmp_path: Path) -> None:
    plan = make_plan(Ledger(Folder.at(str(tmp_path))), FIRST, "recipe")
    assert (plan.inputs, plan.work.num_rows, plan.settled.num_rows, plan.inspect_s) == (0, 0, 0, 0.0)


def test_failures_of_the_ledger_are_tried_again(tmp_path: Path) -> None:
    ledger = ledger_with(tmp_path, rows.clip("a"), rows.clip("bad", error="not-media", message="..."))
    [key] = make_plan(ledger, FIRST, "recipe").work["work_id"].to_pylist()
    ledger.outcomes.write_table([rows.outcomes(rows.outcome(key, "rejected"))], OUTCOMES)
    again = make_plan(ledger, clip_attempts(ledger, retry=True), "recipe").work
    assert again["attempts"].to_pylist() == [2]
    assert again["work_id"].to_pylist() != [key]
    assert make_plan(ledger, clip_attempts(ledger, retry=False), "recipe").work["work_id"].to_pylist() == [key]
    facts = ["what a source says"]
    first, _ = FIRST.of(facts)
    ledger.clips.write_table([rows.clips(rows.clip("bad", source_key=first, error="x", message="..."))], CLIPS)
    assert source_attempts(ledger, retry=True).of(facts)[1] == 2
