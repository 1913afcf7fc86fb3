import numpy as np
import pytest

from affectgpt.evaluation.comparing import compare_clips
from affectgpt.evaluation.emotion_wheels import shipped_wheels
from affectgpt.evaluation.grouping import ClipGrouping, exact_grouping, wheel_groupings
from affectgpt.evaluation.recipe import BootstrapSection
from affectgpt.evaluation.scoring import Scored, blocks, confusions, per_label, score
from tests.evaluation.tables import side

TRUTH = {"a": ["happy", "calm"], "b": ["angry"], "c": ["table"], "d": ["surprised"]}
GUESS = {"a": ["joyful"], "b": ["sad", "furious"], "c": ["happy"], "d": []}


def scored(**columns: object) -> Scored:
    comparison = compare_clips(side("truth", TRUTH, **columns), side("guess", GUESS))
    of_clips = ClipGrouping("llm", "groups", [[["happy", "joyful"]], [["angry", "furious"]], [], []])
    return score(comparison, [exact_grouping(), *wheel_groupings(shipped_wheels()), of_clips])


def test_every_block_from_exact_to_a_language_models() -> None:
    found = blocks(scored(), BootstrapSection(resamples=200))
    assert list(found)[:4] == ["exact", "m1", "m2", "level1"]
    assert list(found)[-2:] == ["level2.geneva", "llm"]
    assert found["exact"]["f_s"] == 0
    assert found["m2"]["n"] == 3 and found["m2"]["skipped"] == 1, "the truth of c is no emotion"
    assert found["level1.plutchik"]["precision_s"] == pytest.approx((1 + 1 / 2 + 0) / 3)
    assert found["level1.plutchik"]["recall_s"] == pytest.approx((1 + 1 + 0) / 3)
    assert found["llm"]["precision_s"] == pytest.approx((1 + 1 / 2 + 0 + 0) / 4)
    assert found["llm"]["recall_s"] == pytest.approx((1 / 2 + 1 + 0 + 0) / 4)


def test_a_level_is_the_mean_of_its_wheels() -> None:
    found = blocks(scored(), BootstrapSection(resamples=200))
    wheels = [block for key, block in found.items() if key.startswith("level1.")]
    for figure in ("accuracy_s", "recall_s", "avg", "precision_s", "f_s"):
        assert found["level1"][figure] == pytest.approx(np.mean([block[figure] for block in wheels]))
    assert found["level1"]["n"] == 3
    assert found["level1.geneva"]["n"] == 2, "Geneva has no place for surprise"


def test_intervals_hold_the_figures() -> None:
    for block in blocks(scored(), BootstrapSection(resamples=500)).values():
        for figure, (low, high) in block["intervals"].items():
            assert 0 <= low <= block[figure] <= high <= 1


def test_the_seed_decides_the_intervals() -> None:
    one, again, other = (
        blocks(scored(), BootstrapSection(resamples=100, seed=seed, confidence=0.6))["level1"]["intervals"]
        for seed in (0, 0, 7)
    )
    assert one == again
    assert one["avg"] != other["avg"]


def test_hits_of_a_basic_label() -> None:
    found = blocks(scored(basic=["happy", "calm", None, "surprised"]), BootstrapSection(resamples=100))
    assert found["m2"]["hit_rate"] == pytest.approx(1 / 3)
    assert found["exact"]["hit_rate"] == 0
    assert blocks(scored(), BootstrapSection(resamples=100))["m2"]["hit_rate"] is None


def test_precision_and_recall_of_a_clip_are_means_over_the_wheels_that_count_it() -> None:
    precision, recall = scored().precision_recall("level1")
    assert precision.tolist() == [1, 0.5, 0, 0]
    assert recall[1] == 1 and recall[3] == 0
    assert scored().counted("level1").tolist() == [True, True, False, True]


def test_what_lies_behind() -> None:
    words = {row["label"]: row for row in per_label(scored())["m2"]}
    assert words["happy"]["recall"] == 1 and words["calm"]["recall"] == words["angry"]["recall"] == 0
    found = confusions(scored())
    assert list(found) == ["plutchik", "willcox", "parrott", "geneva"]
    joy = found["parrott"]["sectors"].index("surprise")
    assert found["parrott"]["missed"][joy] == 1 and found["parrott"]["matrix"][joy][-1] == 1
