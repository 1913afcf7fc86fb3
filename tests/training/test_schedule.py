"""The learning rate: warm-up, decay, and its ends."""

import pytest

from affectgpt.training.recipe import StageSection, TrainableSection
from affectgpt.training.schedule import learning_rate


def _stage(**settings: object) -> StageSection:
    return StageSection.model_validate(
        {"data": {"fine": 1.0}, "steps": 100, "learning_rate": 1e-3, "warmup": 0.1, **settings}
    )


def test_it_warms_up_in_equal_steps() -> None:
    rates = [learning_rate(_stage(), step, 100) for step in range(10)]
    assert rates == pytest.approx([1e-4 * (step + 1) for step in range(10)])


@pytest.mark.parametrize("schedule", ["cosine", "linear", "constant"])
def test_it_decays_from_the_peak_to_the_final_rate(schedule: str) -> None:
    stage = _stage(schedule=schedule, final_learning_rate=1e-5)
    rates = [learning_rate(stage, step, 100) for step in range(10, 101)]
    assert rates[0] == pytest.approx(1e-3)
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] == pytest.approx(1e-3 if schedule == "constant" else 1e-5)
    half = {"cosine": (1e-3 + 1e-5) / 2, "linear": (1e-3 + 1e-5) / 2, "constant": 1e-3}[schedule]
    assert rates[45] == pytest.approx(half)


def test_without_warm_up_it_begins_at_the_peak() -> None:
    assert learning_rate(_stage(warmup=0.0), 0, 100) == pytest.approx(1e-3)


def test_the_final_rate_is_never_above_the_peak() -> None:
    assert learning_rate(_stage(final_learning_rate=1.0), 99, 100) <= 1e-3


def test_a_stage_that_changes_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="frozen"):
        TrainableSection(branches="frozen")
