from pathlib import Path

import pytest

from affectgpt.errors import RequestError
from affectgpt.evaluation.api import (
    Request,
    evaluate,
    load_recipe,
    read_research_wheels,
    score_labels,
    write_evaluation,
)
from affectgpt.evaluation.tables import read_table


def test_labels_in_memory() -> None:
    blocks = score_labels({"a": ["Happy"], "b": ["sad"], "c": []}, {"a": ["joyful "], "b": ["angry", "sad"]})
    assert blocks["exact"]["precision_s"] == pytest.approx(0.25)
    assert blocks["level1"]["recall_s"] == 1
    assert blocks["level1"]["n"] == 2


def test_research_wheels(shared: Path) -> None:
    folder = shared / "reference"
    sides = [read_table(str(folder / "ov_merd" / name)) for name in ("ground_truth.csv", "example_predictions.csv")]
    references, predictions = (dict(zip(side.clip_ids, side.labels or (), strict=True)) for side in sides)
    blocks = score_labels(references, predictions, read_research_wheels(str(folder / "emotion_wheel")), resamples=100)
    assert f"{100 * blocks['level1']['f_s']:.2f}" == "55.37"


def test_the_text_of_a_list_is_a_list_and_empty_labels_are_none() -> None:
    blocks = score_labels({"a": "['happy', 'sad']", "b": "glad", "c": [""]}, {"a": ["happy"], "b": ["glad"], "c": [""]})  # type: ignore[dict-item]
    assert blocks["exact"]["n"] == 2
    assert blocks["exact"]["precision_s"] == 1 and blocks["exact"]["recall_s"] == 0.75


def test_what_is_no_label() -> None:
    for wrong in ({"a": [3]}, {"a": 3}, {"": ["sad"]}):
        with pytest.raises(RequestError):
            score_labels(wrong, {"a": ["sad"]})  # type: ignore[arg-type]
    with pytest.raises(RequestError, match="resamples=10"):
        score_labels({"a": ["sad"]}, {"a": ["sad"]}, resamples=10)


def test_tables_and_their_report(tmp_path: Path) -> None:
    table = tmp_path / "labels.csv"
    table.write_text("name,openset\na,['happy']\n")
    evaluation = evaluate(Request(str(table), [str(table)]))
    assert evaluation.report["f_s"] == 1
    write_evaluation(evaluation, load_recipe("laptop"), str(tmp_path / "out"))
    assert {"report.json", "report.html", "clips.parquet"} <= {file.name for file in (tmp_path / "out").iterdir()}
    for wrong in (str(table), []):
        with pytest.raises(RequestError, match="give a list of one or more"):
            evaluate(Request(str(table), wrong))


def test_an_error_of_the_report_is_not_taken_for_one_of_the_output(tmp_path: Path) -> None:
    table = tmp_path / "labels.csv"
    table.write_text("name,openset\na,['happy']\n")
    evaluation = evaluate(Request(str(table), [str(table)]))
    evaluation.report["predictions"][0]["confusion"]["plutchik"]["sectors"][0] = "no such sector"
    with pytest.raises(ValueError, match="has no sectors"):
        write_evaluation(evaluation, load_recipe("laptop"), str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_nothing_in_common() -> None:
    with pytest.raises(RequestError, match="no clip is both"):
        score_labels({"a": ["happy"]}, {"b": ["happy"]})
