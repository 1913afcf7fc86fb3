from affectgpt.evaluation.comparing import compare_clips
from affectgpt.evaluation.grouping import exact_grouping
from affectgpt.evaluation.paired import PairedTest, paired_test
from affectgpt.evaluation.recipe import BootstrapSection
from affectgpt.evaluation.scoring import Scored, score
from tests.evaluation.tables import side

TRUTH = side("truth", {str(number): ["sad"] for number in range(100)})


def guesses(right: range, clips: range = range(100)) -> Scored:
    labels = {str(number): ["sad" if number in right else "glad"] for number in clips}
    return score(compare_clips(TRUTH, side("guess", labels)), [exact_grouping()])


def run(one: Scored, other: Scored) -> PairedTest:
    found = paired_test(("A", "B"), (one, other), "exact", BootstrapSection(resamples=999))
    assert found is not None
    return found


def test_a_clear_win_is_told_whoever_comes_first() -> None:
    good, bad = guesses(range(80)), guesses(range(50))
    for found in (run(good, bad), run(bad, good)):
        assert round(found.difference, 6) == 0.3
        assert found.interval[0] > 0.15 and found.interval[1] < 0.45
        assert found.p < 0.005
    assert run(good, bad).sentence.startswith("A beats B by 30.0 ± 4.")
    assert run(bad, good).one == "B"


def test_what_may_be_chance_is_called_so() -> None:
    found = run(guesses(range(50)), guesses(range(1, 50)))
    assert found.p > 0.05
    assert found.sentence.startswith("A is ahead of B by 1.0 ±") and found.sentence.endswith("may be chance")


def test_equal_predictions() -> None:
    found = run(guesses(range(50)), guesses(range(50)))
    assert (found.difference, found.interval, found.p) == (0, (0, 0), 1)
    assert found.sentence == "A and B do not differ in F_s on 100 clips"


def test_only_common_clips_are_compared() -> None:
    found = run(guesses(range(80), range(50)), guesses(range(40), range(30, 100)))
    assert found.n == 20
    assert found.difference == 0.5


def test_no_common_clip() -> None:
    pair = guesses(range(10), range(50)), guesses(range(10), range(50, 100))
    assert paired_test(("A", "B"), pair, "exact", BootstrapSection(resamples=100)) is None
