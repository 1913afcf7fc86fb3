from pathlib import Path

import pytest

from affectgpt.errors import RequestError
from affectgpt.evaluation.agreement.against_references import judge
from affectgpt.evaluation.agreement.annotated import AnnotatedDataset, read_dataset
from affectgpt.evaluation.recipe import BootstrapSection
from tests.evaluation.agreement.made_datasets import annotated, write_dataset
from tests.evaluation.agreement.pairs import groupings
from tests.evaluation.tables import side

BOOTSTRAP = BootstrapSection(resamples=200)
TRUTH = {f"clip {number}": ["happy"] if number % 2 else ["sad"] for number in range(40)}


def dataset(folder: Path, labels: dict[str, list[str]]) -> AnnotatedDataset:
    return read_dataset(str(write_dataset(folder, [annotated(name, one) for name, one in labels.items()])), [])


def test_the_better_data_set_beats_the_worse(tmp_path: Path) -> None:
    right, wrong = dataset(tmp_path / "right", TRUTH), dataset(tmp_path / "wrong", {name: ["happy"] for name in TRUTH})
    found = judge(side("truth", TRUTH), [wrong, right], None, groupings(), BOOTSTRAP)
    assert [(one["name"], one["n"], one["f_s"]) for one in found["datasets"]] == [
        ("wrong", 40, 0.5),
        ("right", 40, 1.0),
    ]
    (test,) = found["comparisons"]
    assert (test["one"], test["difference"]) == ("right", 0.5) and test["interval"][0] > 0 and test["p"] < 0.05
    assert found["same_clips"] and found["references"]["clips"] == 40


def test_data_sets_of_different_clips_are_compared_on_common_ones(tmp_path: Path) -> None:
    few = dataset(tmp_path / "few", {name: TRUTH[name] for name in list(TRUTH)[:10]})
    found = judge(side("truth", TRUTH), [dataset(tmp_path / "all", TRUTH), few], None, groupings(), BOOTSTRAP)
    assert not found["same_clips"] and [one["n"] for one in found["datasets"]] == [40, 10]
    assert found["comparisons"][0]["n"] == 10


def test_only_the_part_of_a_split_is_judged(tmp_path: Path) -> None:
    found = judge(side("truth", TRUTH), [dataset(tmp_path / "all", TRUTH)], {"clip 1"}, groupings(), BOOTSTRAP)
    assert found["datasets"][0]["n"] == 1 and found["comparisons"] == []


def test_references_of_other_clips_are_refused(tmp_path: Path) -> None:
    other = dataset(tmp_path / "other", {"another": ["happy"]})
    with pytest.raises(RequestError, match=r"no clip is both in the references .*\(clip 0, \.\.\.\).*--reference-id"):
        judge(side("truth", TRUTH), [other], None, groupings(), BOOTSTRAP)
