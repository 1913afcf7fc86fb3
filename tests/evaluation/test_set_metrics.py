import random

import numpy as np
import pytest

from affectgpt.evaluation.grouping import GlobalGrouping, exact_grouping, grouped_sets
from affectgpt.evaluation.label_sets import Codebook
from affectgpt.evaluation.set_metrics import GroupedSets, f_score, figures
from tests.evaluation.straightforward import means, precision_recall

Labels = list[list[str]]


def sets(references: Labels, predictions: Labels, grouping: GlobalGrouping | None = None) -> GroupedSets:
    codebook = Codebook()
    truth, predicted = codebook.encode(references), codebook.encode(predictions)
    return grouped_sets(grouping or exact_grouping(), codebook, len(references), truth, predicted)[0]


def test_by_hand() -> None:
    scored = sets([["a", "b"], ["a"], ["c"]], [["a", "c", "d"], [], ["c", "c"]])
    np.testing.assert_allclose(scored.precision, [1 / 3, 0, 1])
    np.testing.assert_allclose(scored.recall, [1 / 2, 0, 1])
    assert scored.counted.tolist() == [True, True, True]


def test_a_clip_without_truth_does_not_count_and_one_without_prediction_does() -> None:
    scored = sets([[], ["a"]], [["a"], []])
    assert scored.counted.tolist() == [False, True]
    assert scored.precision.tolist() == scored.recall.tolist() == [0, 0]


def test_labels_out_of_vocabulary_are_dropped() -> None:
    vowels = GlobalGrouping("vowels", "vowels", lambda label: label if label in "aeiou" else None)
    scored = sets([["a", "x"], ["x"]], [["a", "y", "e"], ["a"]], vowels)
    assert scored.precision.tolist() == [0.5, 0]
    assert scored.recall.tolist() == [1, 0]
    assert scored.counted.tolist() == [True, False]


@pytest.mark.parametrize("seed", range(5))
def test_as_by_definition(seed: int) -> None:
    chance = random.Random(seed)
    alphabet = [f"label {number}" for number in range(30)]
    group = {label: f"group {chance.randrange(8)}" for label in alphabet[:25]}
    drawn = [[[chance.choice(alphabet) for _ in range(chance.randrange(6))] for _ in range(200)] for _ in range(2)]
    scored = sets(drawn[0], drawn[1], GlobalGrouping("some", "some", group.get))
    expected = precision_recall(drawn[0], drawn[1], group.get)
    for at, one in enumerate(expected):
        assert bool(scored.counted[at]) == (one is not None)
        if one is not None:
            assert (scored.precision[at], scored.recall[at]) == pytest.approx(one)
    counted = scored.counted
    found = figures(np.array([scored.precision[counted].mean()]), np.array([scored.recall[counted].mean()]))
    precision, recall, f = means(expected)
    assert found["precision_s"] == found["accuracy_s"] == pytest.approx(precision)
    assert found["recall_s"] == pytest.approx(recall)
    assert found["f_s"] == pytest.approx(f)
    assert found["avg"] == pytest.approx((precision + recall) / 2)


def test_f_is_averaged_over_wheels_after_its_own_mean() -> None:
    found = figures(np.array([0.2, 0.8]), np.array([0.6, 0.4]))
    assert found["f_s"] == pytest.approx((0.3 + 0.64 / 1.2) / 2)
    assert found["avg"] == pytest.approx(0.5)


def test_f_of_nothing_is_zero() -> None:
    assert f_score(np.array([0.0, 1.0]), np.array([0.0, 1.0])).tolist() == [0, 1]


def test_counts_by_group() -> None:
    scored = sets([["a", "b"], ["a"]], [["a"], ["b"]])
    assert dict(zip(scored.groups, scored.per_group(scored.references).tolist(), strict=True)) == {"a": 2, "b": 1}
    assert scored.membership(scored.predictions).tolist() == [[True, False], [False, True]]


def test_no_labels_at_all() -> None:
    scored = sets([[], []], [[], []])
    assert scored.counted.tolist() == [False, False]
