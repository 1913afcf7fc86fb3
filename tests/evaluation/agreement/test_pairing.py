from pathlib import Path

import pytest

from affectgpt.clips.inspection import VERSION
from affectgpt.errors import RequestError
from affectgpt.evaluation.agreement.annotated import AnnotatedDataset, LeftOutClip, read_dataset
from affectgpt.evaluation.agreement.pairing import Alone, pair_datasets
from tests.evaluation.agreement.made_datasets import annotated, rejected, write_dataset


@pytest.fixture
def first(tmp_path: Path) -> AnnotatedDataset:
    rows = [annotated(name, ["happy"]) for name in ("a", "b", "c", "d")]
    return read_dataset(str(write_dataset(tmp_path / "first", rows, [rejected("e", "filtered", "filters")])), [])


@pytest.fixture
def second(tmp_path: Path) -> AnnotatedDataset:
    rows = [
        annotated("e", ["sad"]),
        annotated("d", ["sad"], content_sha256="another"),
        annotated("b", ["sad"], content_sha256=None),
        annotated("a", ["angry"]),
    ]
    return read_dataset(str(write_dataset(tmp_path / "second", rows)), [])


def test_clips_are_paired_by_id_and_content(first: AnnotatedDataset, second: AnnotatedDataset) -> None:
    pair = pair_datasets(first, second, None)
    assert pair.comparison.clip_ids == ["a", "b"]
    assert pair.comparison.truth() == [["happy"], ["happy"]] and pair.comparison.predicted() == [["angry"], ["sad"]]
    assert pair.alone == [
        Alone("c", "first", LeftOutClip("absent", "", "")),
        Alone("d", "both", LeftOutClip("other-content", "", "")),
        Alone("e", "second", LeftOutClip("filtered", "filters", "undecodable")),
    ]


def test_a_hash_of_content_and_one_of_a_version_are_no_difference(tmp_path: Path) -> None:
    contents = {"a": ("1", f"{VERSION}1"), "b": (f"{VERSION}1", f"{VERSION}2"), "c": ("1", "2"), "d": ("1", "1")}
    first, second = (
        read_dataset(
            str(
                write_dataset(
                    tmp_path / str(side),
                    [annotated(name, ["sad"], content_sha256=both[side]) for name, both in contents.items()],
                )
            ),
            [],
        )
        for side in (0, 1)
    )
    assert pair_datasets(first, second, None).comparison.clip_ids == ["a", "d"]


def test_only_the_part_of_a_split_is_paired(first: AnnotatedDataset, second: AnnotatedDataset) -> None:
    pair = pair_datasets(first, second, {"b", "e"})
    assert pair.comparison.clip_ids == ["b"] and [one.clip_id for one in pair.alone] == ["e"]


def test_data_sets_without_a_common_clip_are_refused(first: AnnotatedDataset, second: AnnotatedDataset) -> None:
    with pytest.raises(RequestError, match=r"no clip in the part of the split is in both .*first"):
        pair_datasets(first, second, {"c"})
    with pytest.raises(RequestError, match="differs in its content"):
        pair_datasets(first, second, {"d"})
