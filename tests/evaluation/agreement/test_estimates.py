import numpy as np
import pytest

from affectgpt.evaluation.agreement.estimates import Measure, estimate, mean_of
from affectgpt.evaluation.recipe import BootstrapSection

BOOTSTRAP = BootstrapSection(resamples=400)


def test_a_figure_lies_within_its_interval() -> None:
    values = np.random.default_rng(0).uniform(size=500)
    found = estimate({"mean": mean_of(values)}, BOOTSTRAP)["mean"]
    assert found.value == pytest.approx(values.mean()) and found.interval is not None
    low, high = found.interval
    standard_error = values.std() / np.sqrt(len(values))
    assert low < values.mean() < high and (high - low) == pytest.approx(2 * 1.96 * standard_error, rel=0.15)


def test_missing_values_count_in_no_mean() -> None:
    assert estimate({"mean": mean_of(np.array([0.25, np.nan, 0.75]))}, BOOTSTRAP)["mean"].value == 0.5


def test_what_is_not_defined_is_none() -> None:
    found = estimate({"mean": mean_of(np.full(3, np.nan)), "other": mean_of(np.ones(3))}, BOOTSTRAP)
    assert found["mean"].value is None and found["mean"].interval is None
    assert found["other"].interval == (1.0, 1.0)


def test_measures_that_share_columns_find_their_own() -> None:
    shared, other = np.arange(12.0).reshape(4, 3), np.ones((4, 1))
    measures = {
        "first": Measure(shared, lambda sums: sums[..., 0]),
        "other": Measure(other, lambda sums: sums[..., 0]),
        "last": Measure(shared, lambda sums: sums[..., 2]),
    }
    found = estimate(measures, BOOTSTRAP)
    assert [found[name].value for name in measures] == [18.0, 4.0, 26.0]
