"""The evaluation as a whole, and the figures that are published for the released files."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from affectgpt.errors import RequestError
from affectgpt.evaluation.evaluating import Evaluation, Request, evaluate
from affectgpt.evaluation.recipe import load_recipe
from affectgpt.evaluation.splits import make_split, write_split
from affectgpt.evaluation.tables import ColumnNames

OTHERS = {"Chat-UniVi": "Chat-UniVi--nosubtitle-addsub.npz", "Qwen-Audio": "Qwen-Audio--subtitle.npz"}


def run(references: Path | str, *predictions: Path | str, settings: Sequence[str] = (), **others: Any) -> Evaluation:
    recipe = load_recipe("laptop", ["bootstrap.resamples=100", *settings])
    return evaluate(Request(str(references), [str(one) for one in predictions], recipe, **others))


@pytest.fixture(scope="module")
def released(shared: Path) -> Path:
    return shared / "reference"


def of_example(released: Path, *settings: str) -> dict[str, Any]:
    folder = released / "ov_merd"
    return run(folder / "ground_truth.csv", folder / "example_predictions.csv", settings=settings).report


def percent(block: Mapping[str, float]) -> tuple[str, str, str]:
    return tuple(f"{100 * block[figure]:.2f}" for figure in ("f_s", "precision_s", "recall_s"))  # type: ignore[return-value]


def test_published_figures_by_stored_groupings(released: Path) -> None:
    report = of_example(released, f"grouping={released}/ov_merd/example_gpt_grouping.zip")
    assert report["n"] == 332
    assert report["accuracy_s"] == pytest.approx(0.581777108433735, abs=1e-15)
    assert report["recall_s"] == pytest.approx(0.4977911646586345, abs=1e-15)
    assert report["avg"] == pytest.approx(0.5397841365461847, abs=1e-15)
    assert report["headline"] == "stored"


def test_published_figures_by_research_wheels(released: Path) -> None:
    report = of_example(released, f"wheel={released}/emotion_wheel")
    assert report["wheels"]["sizes"] == {"wheel_words": 253, "with_synonyms": 1255, "surface_forms": 7386}
    assert percent(report) == ("55.37", "55.94", "54.85")
    groupings = report["predictions"][0]["groupings"]
    assert percent(groupings["m1"])[0] == "29.12"
    assert percent(groupings["m2"])[0] == "32.80"
    assert [groupings[f"level1.wheel{number}"]["n"] for number in range(1, 6)] == [327, 328, 324, 327, 316]


@pytest.mark.parametrize(
    ("model", "figures"),
    [("Chat-UniVi", ("57.16", "56.60", "57.75")), ("Qwen-Audio", ("34.35", "39.35", "30.48"))],
)
def test_published_figures_of_models(released: Path, model: str, figures: tuple[str, str, str]) -> None:
    folder = released / "ov_merd"
    wheel = f"wheel={released}/emotion_wheel"
    assert percent(run(folder / "ground_truth.csv", folder / OTHERS[model], settings=[wheel]).report) == figures


def test_our_wheels_rank_the_released_predictions_as_the_research_wheels_do(released: Path) -> None:
    folder = released / "ov_merd"
    files = [folder / "example_predictions.csv", *(folder / name for name in OTHERS.values())]
    ranked = []
    for settings in ([], [f"wheel={released}/emotion_wheel"]):
        found = run(folder / "ground_truth.csv", *files, settings=settings).report["predictions"]
        ranked.append([one["name"] for one in sorted(found, key=lambda one: -one["f_s"])])
    assert ranked[0] == ranked[1]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_labels_out_of_the_descriptions_of_emer_fine(released: Path, language: str) -> None:
    report = run(
        released / "ov_merd" / "ground_truth.csv",
        released / "emer_fine" / "v2_bilingual.csv",
        settings=[f"wheel={released}/emotion_wheel"],
        prediction_language=language,
    ).report
    assert report["extractor"] == "lexicon"
    assert report["predictions"][0]["kind"] == "descriptions"
    assert report["f_s"] > 0.60


def test_hit_rate_against_the_basic_label_of_emer_fine(released: Path) -> None:
    table = released / "emer_fine" / "v1_english.csv"
    report = run(table, table, prediction_columns=ColumnNames(description="reasons")).report
    found = report["predictions"][0]
    assert found["n"] == 100
    assert found["hit_rate"] == pytest.approx(report["recall_s"])
    assert found["hit_rate"] > 0.8


def write(path: Path, rows: Mapping[str, str], column: str = "openset") -> Path:
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([("name", column), *rows.items()])
    return path


def test_chinese_labels_meet_english_ones(tmp_path: Path) -> None:
    english = write(tmp_path / "en.csv", {"a": "['happy', 'worried']", "b": "['furious']"})
    chinese = write(tmp_path / "zh.csv", {"a": "['高兴', '担心']", "b": "['暴怒']"})
    report = run(english, chinese).report
    assert report["f_s"] == 1
    assert report["predictions"][0]["languages"] == {"zh": 3}


def test_languages_that_cannot_meet_are_refused(tmp_path: Path, shared: Path) -> None:
    english = write(tmp_path / "en.csv", {"a": "['happy']"})
    chinese = write(tmp_path / "zh.csv", {"a": "['高兴']"})
    with pytest.raises(RequestError, match=r"different languages.*--grouping wheel"):
        run(english, chinese, settings=["grouping=exact"])
    with pytest.raises(RequestError, match=r"zh\.csv are Chinese, and research wheels know English"):
        run(english, chinese, settings=[f"wheel={shared}/reference/emotion_wheel"])


def test_a_part_of_a_split_is_fingerprinted(tmp_path: Path) -> None:
    labels = {f"{number:02}": "['happy']" for number in range(20)}
    table = write(tmp_path / "labels.csv", labels)
    split = make_split(list(labels), [["happy"]] * 20, seed=5)
    write_split(split, str(tmp_path / "split.csv"))
    report = run(table, table, split=str(tmp_path / "split.csv"), part="test").report
    assert report["n"] == 4
    assert report["split"] == {
        "source": str(tmp_path / "split.csv"),
        "part": "test",
        "seed": 5,
        "fingerprint": split.fingerprint,
    }
    assert report["clips_sha256"] != run(table, table).report["clips_sha256"]


def test_several_predictions_are_compared_in_pairs(tmp_path: Path) -> None:
    labels = {str(number): "['happy', 'proud']" for number in range(40)}
    truth = write(tmp_path / "truth.csv", labels)
    good = write(tmp_path / "good.csv", labels)
    bad = write(tmp_path / "bad.csv", dict.fromkeys(labels, "['angry']"))
    partial = write(tmp_path / "partial.csv", {"0": "['happy']", "x": "['happy']"})
    found = run(truth, bad, good, partial).report
    assert [one["name"] for one in found["predictions"]] == ["bad", "good", "partial"]
    assert (found["f_s"], found["predictions"][1]["f_s"]) == (0, 1), "the top figures are those of the first"
    assert len(found["comparisons"]) == 3
    assert found["comparisons"][0]["sentence"].startswith("good beats")
    assert [left["reason"] for left in found["predictions"][2]["left_out"]] == ["no-prediction", "no-reference"]


def test_files_of_one_name_are_told_apart(tmp_path: Path) -> None:
    files = []
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        files.append(write(tmp_path / folder / "labels.csv", {"a": "['happy']"}))
    names = [one["name"] for one in run(files[0], *files).report["predictions"]]
    assert names == ["labels", str(files[1])]


def test_a_file_and_a_folder_of_one_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "b" / "data").mkdir(parents=True)
    table = write(tmp_path / "x" / "b.csv", {"a": "['happy']"})
    pq.write_table(pa.table({"clip_id": ["a"], "labels": [["sad"]]}), tmp_path / "b" / "data" / "part.parquet")
    monkeypatch.chdir(tmp_path)
    found = run(table, "x/b.csv", "b").report["predictions"]
    assert [(one["name"], one["f_s"]) for one in found] == [("b", 1), ("b (2)", 0)]


def test_descriptions_to_show_are_read_first_and_must_be_there(tmp_path: Path) -> None:
    table = write(tmp_path / "labels.csv", {"a": "['happy']"})
    with pytest.raises(RequestError, match=r"labels\.csv has no descriptions to show"):
        run(tmp_path / "not-there.csv", table, descriptions=str(table))


def test_a_prediction_may_have_any_column_of_sentiment(tmp_path: Path) -> None:
    path = tmp_path / "guess.csv"
    path.write_text("name,openset,sentiment\na,['happy'],mixed\n")
    assert run(write(tmp_path / "truth.csv", {"a": "['happy']"}), path).report["notes"] == []


def test_many_labels_in_a_clip_are_soon_shown(tmp_path: Path) -> None:
    labels = str([f"label {number}" for number in range(20_000)] + ["happy"])
    table = write(tmp_path / "labels.csv", {"a": labels})
    found = run(table, table)
    assert found.report["f_s"] == 1
    assert len(found.examples[0].references) == 20_001


def test_a_column_of_sentiment_is_the_truth_of_sentiment(tmp_path: Path) -> None:
    path = tmp_path / "truth.csv"
    path.write_text("name,openset,sentiment\na,['happy'],-1.5\nb,['happy'],positive\n")
    found = run(path, write(tmp_path / "guess.csv", {"a": "['sad']", "b": "['sad']"})).report["predictions"][0]
    assert found["sentiment"]["truth"] == "column"
    assert found["sentiment"]["weighted_f1"] == pytest.approx(1 / 2 * 2 / 3)


def test_stored_groupings_of_other_clips_or_several_predictions(released: Path, tmp_path: Path) -> None:
    table = write(tmp_path / "labels.csv", {"a": "['happy']"})
    grouping = f"grouping={released}/ov_merd/example_gpt_grouping.zip"
    with pytest.raises(RequestError, match="have none of the 1 clips"):
        run(table, table, settings=[grouping])
    with pytest.raises(RequestError, match="are of one prediction"):
        run(table, table, write(tmp_path / "others.csv", {"a": "['sad']"}), settings=[grouping])


def test_a_prediction_named_twice(tmp_path: Path) -> None:
    table = write(tmp_path / "labels.csv", {"a": "['happy']"})
    with pytest.raises(RequestError, match=r"labels\.csv are named twice"):
        run(table, table, table)


def test_examples_show_what_became_of_each_label(released: Path) -> None:
    folder = released / "ov_merd"
    found = run(
        folder / "ground_truth.csv",
        folder / "example_predictions.csv",
        settings=["report.examples=2"],
        descriptions=str(released / "emer_fine" / "v2_bilingual.csv"),
    )
    assert [clip.choice for clip in found.examples] == ["best", "best", "worst", "worst", "random", "random"]
    best, worst = found.examples[0], found.examples[2]
    assert best.precision == best.recall == 1 and worst.recall == 0
    assert {chip.state for chip in best.references} <= {"hit", "unknown"}
    assert "hit" not in {chip.state for chip in [*worst.references, *worst.predictions]}
    told = {row["name"]: row["english"] for row in csv.DictReader((released / "emer_fine" / "v2_bilingual.csv").open())}
    for clip in found.examples:
        assert "".join(segment.text for segment in clip.reference_description) == told[clip.clip_id]
