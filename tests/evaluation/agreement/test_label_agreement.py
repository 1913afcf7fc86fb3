from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from affectgpt.evaluation.agreement.estimates import estimate
from affectgpt.evaluation.agreement.label_agreement import (
    NEITHER,
    RELATIONS,
    alpha_measure,
    expected_distance,
    label_measures,
    masi_distances,
    mean_distances,
    relations,
    reverse,
)
from affectgpt.evaluation.comparing import compare_clips
from affectgpt.evaluation.grouping import exact_grouping
from affectgpt.evaluation.recipe import BootstrapSection
from affectgpt.evaluation.scoring import Scored, blocks, score
from affectgpt.evaluation.tables import read_table
from tests.evaluation.agreement.pairs import groupings
from tests.evaluation.tables import side

BOOTSTRAP = BootstrapSection(resamples=200)


def scored(first: list[list[str]], second: list[list[str]], exact: bool = True) -> Scored:
    sides = [
        side(name, {f"clip {number}": labels for number, labels in enumerate(lists)})
        for name, lists in (("first", first), ("second", second))
    ]
    return score(compare_clips(*sides), [exact_grouping()] if exact else groupings())


def masi(first: set[str], second: set[str]) -> float:
    """The definition of Passonneau 2006, set by set."""
    if first == second:
        monotonicity = 1.0
    elif first <= second or second <= first:
        monotonicity = 2 / 3
    else:
        monotonicity = 1 / 3 if first & second else 0.0
    return 1 - monotonicity * len(first & second) / len(first | second)


def alpha(first: list[list[str]], second: list[list[str]]) -> float:
    """The definition of Krippendorff 2004, pair by pair."""
    pairs = [(set(one), set(other)) for one, other in zip(first, second, strict=True)]
    values = [value for pair in pairs for value in pair]
    observed = sum(masi(*pair) for pair in pairs) / len(pairs)
    expected = sum(masi(one, other) for one, other in combinations(values, 2)) / len(list(combinations(values, 2)))
    return 1 - observed / expected


def test_alpha_is_that_of_the_worked_example_of_krippendorff() -> None:
    """Computing Krippendorff's Alpha-Reliability (2011), example B: nominal data, two observers, alpha = 0.692."""
    ben, gerry = "aabbdcccedda", "babbbccceddd"
    found = alpha_measure(scored([[one] for one in ben], [[one] for one in gerry]), "exact")
    assert estimate({"alpha": found}, BOOTSTRAP)["alpha"].value == pytest.approx(0.692, abs=0.0005)


def test_alpha_over_sets_is_its_definition() -> None:
    chance = np.random.default_rng(0)
    first, second = (
        [list(chance.choice(list("abcde"), size=chance.integers(1, 4), replace=False)) for _ in range(40)]
        for _ in range(2)
    )
    second[:20] = first[:20]
    found = estimate({"alpha": alpha_measure(scored(first, second), "exact")}, BOOTSTRAP)["alpha"]
    assert found.value == pytest.approx(alpha(first, second)) and found.interval is not None
    assert found.interval[0] < found.value < found.interval[1]


def test_alpha_is_one_for_equal_and_near_zero_for_random_labels() -> None:
    chance = np.random.default_rng(1)
    first, second = ([[str(chance.choice(["happy", "sad", "angry"]))] for _ in range(3000)] for _ in range(2))
    same = estimate({"alpha": alpha_measure(scored(first, first, exact=False), "level1")}, BOOTSTRAP)["alpha"]
    random = estimate({"alpha": alpha_measure(scored(first, second, exact=False), "level1")}, BOOTSTRAP)["alpha"]
    assert same.value == 1.0 and random.value == pytest.approx(0, abs=0.05)


def test_alpha_is_not_defined_where_all_labels_are_the_same() -> None:
    found = alpha_measure(scored([["happy"]] * 3, [["happy"]] * 3), "exact")
    assert estimate({"alpha": found}, BOOTSTRAP)["alpha"].value is None
    assert np.isnan(expected_distance(scored([["happy"]], [[]]).sets["exact"]))


@pytest.mark.parametrize(
    ("first", "second", "relation", "distance"),
    [
        (["a", "b"], ["b", "a"], "equal", 0.0),
        (["a", "b"], ["a"], "overlapping", 1 - 2 / 3 * 1 / 2),
        (["a", "b"], ["b", "c"], "overlapping", 1 - 1 / 3 * 1 / 3),
        (["a"], ["b"], "disjoint", 1.0),
        (["a"], [], "one-sided", 1.0),
    ],
)
def test_how_two_sets_relate(first: list[str], second: list[str], relation: str, distance: float) -> None:
    sets = scored([first], [second]).sets["exact"]
    assert [RELATIONS[place] for place in relations(sets)] == [relation]
    assert masi_distances(sets) == pytest.approx([distance])


def test_clips_whose_labels_no_wheel_knows_count_in_no_share() -> None:
    one = scored([["table"], ["happy"]], [["chair"], ["joyful"]], exact=False)
    assert relations(one.sets["level1.plutchik"]).tolist() == [NEITHER, RELATIONS.index("equal")]
    found = estimate(label_measures(one, "level1"), BOOTSTRAP)
    assert [found[name].value for name in RELATIONS] == [1.0, 0.0, 0.0, 0.0]
    assert np.isnan(mean_distances(one, "level1")[0]) and mean_distances(one, "level1")[1] == 0


def test_the_figures_are_those_of_evaluate_in_both_directions(shared: Path) -> None:
    folder = shared / "reference" / "ov_merd"
    tables = [read_table(str(folder / name)) for name in ("ground_truth.csv", "example_predictions.csv")]
    sides = [side(table.name, dict(zip(table.clip_ids, table.labels or [], strict=True))) for table in tables]
    forward, backward = (score(compare_clips(*pair), groupings()) for pair in (sides, sides[::-1]))
    found = estimate(label_measures(forward, "level1"), BOOTSTRAP)
    for suffix, other in (("", forward), ("_reversed", backward)):
        block = blocks(other, BOOTSTRAP)["level1"]
        for figure in ("f_s", "accuracy_s", "recall_s"):
            assert found[f"{figure}{suffix}"].value == pytest.approx(block[figure])
    assert found["f_s"].interval == pytest.approx(blocks(forward, BOOTSTRAP)["level1"]["intervals"]["f_s"])
    forward_unknown, backward_unknown = (one.unknown["level1.plutchik"] for one in (forward, reverse(forward)))
    assert backward_unknown.predictions == forward_unknown.references > 0
