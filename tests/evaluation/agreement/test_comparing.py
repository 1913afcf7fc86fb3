from pathlib import Path

import pytest

from affectgpt.errors import RequestError
from affectgpt.evaluation.agreement.comparing import DatasetComparison, Request, compare_datasets
from affectgpt.evaluation.recipe import load_recipe
from affectgpt.evaluation.splits import make_split, write_split
from tests.evaluation.agreement.made_datasets import annotated, rejected, write_dataset

CLIPS = [f"clip {number}" for number in range(20)]


@pytest.fixture
def folders(tmp_path: Path) -> list[str]:
    """Three data sets; the second lacks a clip that it rejected, the third has other labels by another model."""
    sets = {
        "one": [annotated(clip_id, ["happy"]) for clip_id in CLIPS],
        "two": [annotated(clip_id, ["joyful"]) for clip_id in CLIPS[1:]],
        "three": [annotated(clip_id, ["sad"], steps={"labels": {"model": "other"}}) for clip_id in CLIPS],
    }
    left_out = {"two": [rejected(CLIPS[0])]}
    return [str(write_dataset(tmp_path / name, rows, left_out.get(name, []))) for name, rows in sets.items()]


@pytest.fixture
def truth(tmp_path: Path) -> str:
    file = tmp_path / "truth.csv"
    file.write_text("name,openset\n" + "".join(f"{clip_id},['happy']\n" for clip_id in CLIPS))
    return str(file)


def compared(*folders: str, settings: tuple[str, ...] = (), **others: str) -> DatasetComparison:
    recipe = load_recipe("laptop", ["bootstrap.resamples=100", *settings])
    return compare_datasets(Request(datasets=folders, recipe=recipe, **others))


def test_every_two_data_sets_are_compared(folders: list[str]) -> None:
    report = compared(*folders).report
    assert [(pair["first"], pair["second"]) for pair in report["pairs"]] == [
        ("one", "two"),
        ("one", "three"),
        ("two", "three"),
    ]
    alike, apart, _ = report["pairs"]
    assert alike["clips"] == 19 and alike["labels"]["level1"]["f_s"]["value"] == 1.0
    assert alike["labels"]["exact"]["f_s"]["value"] == 0.0 and alike["labels"]["exact"]["disjoint"]["value"] == 1.0
    assert alike["not_compared"][0] == {
        "holder": "first",
        "outcome": "rejected",
        "stage": "decode",
        "error": "undecodable",
        "count": 1,
        "clips": ["clip 0"],
    }
    assert apart["labels"]["level1"]["disjoint"]["value"] == 1.0 and apart["sentiment"]["agreement"]["value"] == 0.0
    assert [one["step"] for one in apart["differences"]] == ["labels"] and apart["texts"]["visual_clue"]["clips"] == 20


def test_references_judge_each_data_set(folders: list[str], truth: str) -> None:
    judged = compared(*folders, references=truth).report["references"]
    assert [one["f_s"] for one in judged["datasets"]] == [1.0, 1.0, 0.0]
    assert len(judged["comparisons"]) == 3 and not judged["same_clips"]


def test_one_part_of_a_split_is_compared(folders: list[str], truth: str, tmp_path: Path) -> None:
    split = make_split(CLIPS, [()] * len(CLIPS), (0.5, 0.25, 0.25))
    write_split(split, str(tmp_path / "split.csv"))
    report = compared(folders[0], folders[2], split=str(tmp_path / "split.csv"), references=truth).report
    assert report["pairs"][0]["clips"] == 5 and report["split"]["part"] == "validation"
    assert report["split"]["fingerprint"] == split.fingerprint
    assert [one["n"] for one in report["references"]["datasets"]] == [5, 5]


def test_the_same_seed_gives_the_same_figures(folders: list[str]) -> None:
    first, second, other = (
        compared(*folders, settings=(f"bootstrap.seed={seed}",)).report["pairs"] for seed in (0, 0, 0)
    )
    assert first == second == other


@pytest.mark.parametrize(
    ("settings", "said"), [(("grouping=exact",), "grouping: exact"), (("strict=true",), "strict: data sets")]
)
def test_settings_that_would_change_nothing_are_refused(folders: list[str], settings: tuple[str], said: str) -> None:
    with pytest.raises(RequestError, match=said):
        compared(*folders, settings=settings)


def test_two_different_data_sets_are_needed(folders: list[str]) -> None:
    with pytest.raises(RequestError, match="name two or more data sets"):
        compared(folders[0])
    with pytest.raises(RequestError, match="is named twice"):
        compared(folders[0], folders[0] + "/")
