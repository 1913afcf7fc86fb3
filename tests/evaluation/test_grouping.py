import pytest

from affectgpt.evaluation.emotion_wheels import shipped_wheels
from affectgpt.evaluation.grouping import ClipGrouping, GlobalGrouping, exact_grouping, grouped_sets, wheel_groupings
from affectgpt.evaluation.label_sets import Codebook


def test_an_exact_match_ignores_case_width_and_blanks() -> None:
    assert exact_grouping().of_clip(0, ["Very  Happy", "ｈａｐｐｙ"]) == ["very happy", "happy"]


def test_each_wheel_has_both_rings() -> None:
    keys = [grouping.key for grouping in wheel_groupings(shipped_wheels())]
    wheels = ["plutchik", "willcox", "parrott", "geneva"]
    assert keys == ["m1", "m2", *(f"level1.{name}" for name in wheels), *(f"level2.{name}" for name in wheels)]


def test_each_grouping_keeps_its_own_wheel_and_ring() -> None:
    of = {grouping.key: grouping.of_clip(0, ["furious"])[0] for grouping in wheel_groupings(shipped_wheels())}
    assert of["level1.willcox"] == "mad" and of["level2.willcox"] == "angry"
    assert of["level1.parrott"] == "anger" and of["level2.parrott"] == "rage"


def test_sectors_stand_in_the_order_of_the_wheel() -> None:
    grouping = next(one for one in wheel_groupings(shipped_wheels()) if one.key == "level1.plutchik")
    codebook = Codebook()
    labels = codebook.encode([["furious", "happy"]])
    names, (groups,) = grouping.group(codebook, labels)
    assert names[:2] == ["joy", "trust"]
    assert [names[group] for group in groups] == ["anger", "joy"]


def test_a_place_that_a_wheel_has_twice_is_one_group() -> None:
    grouping = GlobalGrouping("level2.w", "w", lambda label: label if label in "abc" else None, ("a", "b", "a", "c"))
    codebook = Codebook()
    truth, predicted = codebook.encode([["c"], ["a"]]), codebook.encode([["b"], ["c"]])
    scored, _ = grouped_sets(grouping, codebook, 2, truth, predicted)
    assert list(scored.groups) == ["a", "b", "c"]
    assert scored.precision.tolist() == scored.recall.tolist() == [0, 0]
    assert scored.counted.tolist() == [True, True]


def test_groups_of_a_clip_are_its_own() -> None:
    grouping = ClipGrouping("llm", "groups", [[["glad", "happy"], ["sad"]], []])
    codebook = Codebook()
    truth = codebook.encode([["happy", "blue"], ["happy"]])
    predicted = codebook.encode([["glad", "sad"], ["glad"]])
    scored, _ = grouped_sets(grouping, codebook, 2, truth, predicted)
    assert scored.precision.tolist() == [0.5, 0]
    assert scored.recall.tolist() == [0.5, 0]
    assert grouping.of_clip(0, ["happy", "blue"]) == ["glad", "blue"]
    assert grouping.of_clip(1, ["happy"]) == ["happy"]


def test_of_several_groups_with_a_label_the_last_counts() -> None:
    grouping = ClipGrouping("stored", "groups", [[["a", "b"], ["c", "b"]]])
    assert grouping.of_clip(0, ["b"]) == ["c"]


def test_a_group_named_by_no_label_of_the_clip_is_a_group_all_the_same() -> None:
    grouping = ClipGrouping("stored", "groups", [[["joyful", "happy", "glad"]]])
    codebook = Codebook()
    truth, predicted = codebook.encode([["happy"]]), codebook.encode([["glad"]])
    scored, _ = grouped_sets(grouping, codebook, 1, truth, predicted)
    assert scored.precision.tolist() == scored.recall.tolist() == [1]


def test_shares_out_of_vocabulary() -> None:
    grouping = next(one for one in wheel_groupings(shipped_wheels()) if one.key == "m2")
    codebook = Codebook()
    truth = codebook.encode([["happy", "table"], ["happy", "table", "chair"]])
    predicted = codebook.encode([["happy"], ["glad"]])
    _, unknown = grouped_sets(grouping, codebook, 2, truth, predicted)
    assert unknown.references == pytest.approx(3 / 5)
    assert unknown.distinct_references == pytest.approx(2 / 3)
    assert unknown.predictions == unknown.distinct_predictions == 0
