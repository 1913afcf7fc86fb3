from pathlib import Path

from affectgpt.evaluation.agreement.annotated import read_dataset
from affectgpt.evaluation.agreement.provenance import differences, made_by, sentence
from tests.evaluation.agreement.made_datasets import annotated, write_dataset
from tests.evaluation.agreement.pairs import measured_pair

LABELS = {"a": ["happy"], "b": ["sad"]}


def test_how_each_step_was_done_and_how_often(tmp_path: Path) -> None:
    rows = [annotated("a", []), annotated("b", []), annotated("c", [], steps={"merge": {"engine": "signal"}})]
    found = made_by(read_dataset(str(write_dataset(tmp_path / "one", rows)), []).rows)
    assert found["pipeline_versions"] == ["0.1.0"]
    assert [(way["engine"], way["clips"]) for way in found["merge"]] == [("openai", 2), ("signal", 1)]
    assert [way["model"] for way in found["labels"]] == ["Qwen3-8B"]


def test_the_step_that_differs_is_named(tmp_path: Path) -> None:
    steps = {"merge": {"model": "Qwen3-32B", "revision": "f" * 40}}
    found = differences(measured_pair(tmp_path, LABELS, LABELS, steps=steps).pair)
    assert found == [
        {"step": "merge", "field": "model", "clips": 2, "first": "Qwen3-8B", "second": "Qwen3-32B"},
        {"step": "merge", "field": "revision", "clips": 2, "first": None, "second": "f" * 40},
    ]
    assert sentence(found) == f"they differ in merge (model Qwen3-8B, Qwen3-32B; revision none, {'f' * 12})"


def test_several_steps_that_differ_are_a_warning(tmp_path: Path) -> None:
    steps = {"merge": {"model": "Qwen3-32B"}, "labels": {"prompt_sha256": "b" * 64}}
    said = sentence(differences(measured_pair(tmp_path, LABELS, LABELS, steps=steps).pair))
    assert "merge (model Qwen3-8B, Qwen3-32B); labels (prompt aaaaaaaaaaaa, bbbbbbbbbbbb)" in said
    assert said.endswith("no figure here is due to one of these alone")


def test_data_sets_that_were_made_alike_are_said_to_be(tmp_path: Path) -> None:
    found = differences(measured_pair(tmp_path, LABELS, LABELS).pair)
    assert found == [] and sentence(found).startswith("their steps have the same engines")
