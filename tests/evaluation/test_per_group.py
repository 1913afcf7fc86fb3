import numpy as np
import pytest

from affectgpt.evaluation.grouping import GlobalGrouping
from affectgpt.evaluation.per_group import confusion, group_scores, hit_rate, macro_average
from tests.evaluation.test_set_metrics import sets

WHEEL = GlobalGrouping("level1.w", "w", lambda label: label if label in "abc" else None, ("a", "b", "c"))


def test_precision_and_recall_of_each_group() -> None:
    scored = sets([["a", "b"], ["a"], ["a"], []], [["a"], ["b"], ["a", "c"], ["a", "c"]], WHEEL)
    by_label = {score.label: score for score in group_scores(scored)}
    assert list(by_label) == ["a", "b", "c"]
    a = by_label["a"]
    assert (a.references, a.predictions, a.hits) == (3, 2, 2)
    assert (a.precision, a.recall, a.f) == pytest.approx((1, 2 / 3, 0.8))
    assert by_label["c"].predictions == 1, "a clip without truth does not count"
    macro = macro_average(list(by_label.values()))
    assert macro is not None
    assert macro["labels"] == 2
    assert macro["recall"] == pytest.approx((2 / 3 + 0) / 2)


def test_groups_that_never_occur_are_left_out() -> None:
    assert [score.label for score in group_scores(sets([["a"]], [["a"]], WHEEL))] == ["a"]
    assert macro_average(group_scores(sets([[]], [["a"]], WHEEL))) is None


def test_what_is_predicted_in_the_stead() -> None:
    found = confusion(sets([["a"], ["a"], ["a"], ["a", "b"]], [["b", "c"], ["a"], [], ["b"]], WHEEL))
    assert found.counts.tolist() == [4, 1, 0]
    assert found.missed.tolist() == [0.75, 0, 0]
    np.testing.assert_allclose(found.matrix[0], [0, (0.5 + 1) / 3, 0.5 / 3, 1 / 3])
    assert found.matrix[1:].sum() == 0


def test_hit_rate() -> None:
    assert hit_rate(sets([["a"], ["b"], ["c"]], [["a", "b"], ["a"], ["c"]], WHEEL)) == pytest.approx(2 / 3)
    assert hit_rate(sets([["x"]], [["a"]], WHEEL)) is None
