from pathlib import Path
from typing import Any

import pytest

from affectgpt.evaluation.agreement.comparing import DatasetComparison, Request, compare_datasets
from affectgpt.evaluation.agreement.report import render_comparison
from tests.browser import HOSTILE, Browser, Page, section
from tests.evaluation.agreement.made_datasets import annotated, rejected, write_dataset

CLIPS = [f"clip {number}" for number in range(12)]


def compared(folder: Path, names: tuple[str, ...] = ("one", "two"), **others: Any) -> DatasetComparison:
    for place, name in enumerate(names):
        labels = ["happy"] if place == 0 else ["sad", "hangry"]
        rows = [
            annotated(clip_id, labels if number % 3 else ["proud"], steps={"merge": {"model": f"model {place}"}})
            for number, clip_id in enumerate(CLIPS)
        ]
        write_dataset(folder / name, rows[place:], [rejected(clip_id) for clip_id in CLIPS[:place]])
    return compare_datasets(Request([str(folder / name) for name in names], **others))


def rendered(comparison: DatasetComparison) -> str:
    return render_comparison(comparison.report, comparison.disagreements)


def test_the_title_tells_how_far_two_data_sets_agree(tmp_path: Path) -> None:
    source = rendered(compared(tmp_path))
    assert ">one and two agree at F\u00a027.3\u00a0% over 11 clips.</h1>" in source


def test_the_title_of_several_pairs_tells_the_range(tmp_path: Path) -> None:
    assert "3 pairs of data sets, agreeing at F\u00a0" in rendered(compared(tmp_path, ("one", "two", "three")))


def test_the_step_that_differs_is_shown(tmp_path: Path) -> None:
    made = Page(section(rendered(compared(tmp_path)), "made")).words
    assert "one and two : they differ in merge (model model 0, model 1)." in made
    assert "merge differs" in made and "labels differs" not in made
    assert "openai · model 0" in made and "openai · model 1" in made


def test_disagreements_stand_side_by_side(tmp_path: Path) -> None:
    shown = section(rendered(compared(tmp_path)), "disagreements")
    assert shown.count('class="card"') == 4 and shown.count('class="side-by-side"') == 4
    assert "hangry" in shown and "here alone" in shown and "The speaker seems" in shown


def test_clips_that_one_alone_holds_are_listed_with_their_end(tmp_path: Path) -> None:
    left = Page(section(rendered(compared(tmp_path)), "left-out")).words
    assert "one alone rejected in the other, decode: undecodable 1 clip 0" in left


def test_references_are_shown_where_there_are_some(tmp_path: Path) -> None:
    (tmp_path / "truth.csv").write_text("name,openset\n" + "".join(f"{clip_id},['happy']\n" for clip_id in CLIPS))
    source = rendered(compared(tmp_path, references=str(tmp_path / "truth.csv")))
    words = Page(section(source, "references")).words
    assert (
        "The data sets hold different clips" in words
        and "one beats two by" in words
        and "points of F s" in words
        and "interval" in words
    )
    assert 'id="references"' not in rendered(compared(tmp_path / "again"))


def test_figures_that_are_not_defined_are_dashes(tmp_path: Path) -> None:
    folders = [write_dataset(tmp_path / name, [annotated("a", ["table"], visual_clue=None)]) for name in ("one", "two")]
    source = rendered(compare_datasets(Request([str(folder) for folder in folders])))
    assert "No label that is known could be compared." in source
    assert "No clip has a known sentiment on both sides." in source
    assert "They agree on every clip that is shown, or none was to be shown." in source


def test_nothing_foreign_breaks_out(tmp_path: Path) -> None:
    hostile = HOSTILE.replace("\ud800", "").replace("\u0000", "")
    rows = [annotated("a", [hostile[:60]], description_en=hostile, steps={"merge": {"model": hostile}})]
    folders = [write_dataset(tmp_path / "one", rows), write_dataset(tmp_path / "two", [annotated("a", ["sad"])])]
    source = rendered(compare_datasets(Request([str(folder) for folder in folders])))
    assert "<script" not in source and "<img" not in source and "&lt;script&gt;" in source
    assert "default-src 'none'" in source and not Page(source).attributes("script")


@pytest.mark.parametrize("width", [360, 1280])
def test_a_browser_shows_it_without_overflow_and_loads_nothing(browser: Browser, tmp_path: Path, width: int) -> None:
    shown = browser.probe(rendered(compared(tmp_path / "sets", ("one", f"two-{'w' * 60}", "three"))), width)
    assert shown["overflowing"] == shown["overflowing_opened"] == 0 and shown["requests"] == []
