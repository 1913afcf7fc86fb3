import pytest

from affectgpt.errors import RequestError
from affectgpt.evaluation.comparing import compare_clips
from tests.evaluation.tables import side

TRUTH = side("truth", {"a": ["sad"], "b": ["glad"], "c": [], "d": ["calm"]})
GUESS = side("guess", {"x": ["sad"], "d": ["tired"], "a": ["blue"], "c": ["glad"]})


def test_clips_are_matched_by_id_in_the_order_of_the_references() -> None:
    found = compare_clips(TRUTH, GUESS)
    assert found.clip_ids == ["a", "d"]
    assert found.truth() == [["sad"], ["calm"]]
    assert found.predicted() == [["blue"], ["tired"]]


def test_each_other_clip_is_left_out_for_a_reason() -> None:
    found = compare_clips(TRUTH, GUESS)
    assert {left.reason: list(left.clips) for left in found.left_out} == {
        "no-prediction": ["b"],
        "empty-reference": ["c"],
        "no-reference": ["x"],
    }


def test_a_part_of_a_split() -> None:
    found = compare_clips(TRUTH, GUESS, {"a", "b"})
    assert found.clip_ids == ["a"]
    assert {left.reason: left.count for left in found.left_out} == {
        "outside-split": 2,
        "no-prediction": 1,
        "no-reference": 1,
    }


def test_clips_without_stored_groups() -> None:
    found = compare_clips(TRUTH, GUESS, grouped={"a"})
    assert found.clip_ids == ["a"]
    assert ("no-grouping", ["d"]) in [(left.reason, list(left.clips)) for left in found.left_out]
    with pytest.raises(RequestError, match=r"have none of the 2 clips of /guess\.csv, such as a, d"):
        compare_clips(TRUTH, GUESS, grouped={"z"})


def test_only_the_first_clips_are_listed() -> None:
    many = side("many", {f"{number:03}": ["sad"] for number in range(100)} | {"a": ["sad"]})
    (left,) = (one for one in compare_clips(TRUTH, many).left_out if one.reason == "no-reference")
    assert (left.count, len(left.clips), left.clips[0]) == (100, 20, "000")


def test_strict_refuses_gaps_on_either_side() -> None:
    with pytest.raises(RequestError, match=r"/guess\.csv lacks 1 clips that the other side has: b"):
        compare_clips(TRUTH, GUESS, strict=True)
    with pytest.raises(RequestError, match=r"/truth\.csv lacks 1 clips that the other side has: e"):
        compare_clips(side("truth", {"a": ["sad"]}), side("guess", {"a": ["sad"], "e": []}), strict=True)


def test_no_common_clip_shows_ids_of_both() -> None:
    with pytest.raises(RequestError, match=r"no clip is both .*truth\.csv \(a, b, c, \.\.\.\).*\(q\).*--reference-id"):
        compare_clips(TRUTH, side("guess", {"q": ["sad"]}))


@pytest.mark.parametrize(
    ("clip_id", "reason"), [("x/a.mp4", "their folders and suffixes"), ("00a", "the zeros in front")]
)
def test_ids_that_are_written_differently(clip_id: str, reason: str) -> None:
    with pytest.raises(RequestError, match=f"without {reason} some are the same"):
        compare_clips(TRUTH, side("guess", {clip_id: ["sad"]}))


def test_a_part_without_any_of_the_clips() -> None:
    with pytest.raises(RequestError, match=r"part of the split has none of the clips .*truth\.csv \(a, b, c, "):
        compare_clips(TRUTH, GUESS, part={"z"})


def test_references_without_any_label() -> None:
    with pytest.raises(RequestError, match=r"none of the 1 compared clips a label.*--reference-labels"):
        compare_clips(side("truth", {"a": []}), side("guess", {"a": ["sad"]}))
