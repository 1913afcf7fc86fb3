import numpy as np
import pytest

from affectgpt.evaluation.bootstrap import interval, p_value, resampled_sums


def test_the_spread_is_that_of_the_mean() -> None:
    values = np.random.default_rng(1).normal(size=(500, 2)) * [1, 3]
    sums = resampled_sums(values, 2000, seed=0)
    assert sums.shape == (2000, 2)
    np.testing.assert_allclose(sums.mean(axis=0), values.sum(axis=0), atol=3)
    np.testing.assert_allclose(sums.std(axis=0), values.std(axis=0) * np.sqrt(500), rtol=0.08)


def test_equal_seeds_draw_equal_clips() -> None:
    values = np.arange(30.0).reshape(-1, 1)
    one, again, other = (resampled_sums(values, 200, seed) for seed in (0, 0, 1))
    assert (one == again).all()
    assert (one != other).any()
    paired = resampled_sums(np.hstack([values, values]), 200, 0)
    assert (paired[:, 0] == paired[:, 1]).all()


def test_one_clip_always_draws_itself() -> None:
    assert (resampled_sums(np.array([[7.0]]), 100, 0) == 7).all()


def test_an_interval_covers_its_share() -> None:
    assert interval(np.arange(1001.0), 0.95) == pytest.approx((25, 975))


def test_an_interval_holds_the_true_mean_about_as_often_as_it_says() -> None:
    chance = np.random.default_rng(3)
    held = 0
    for _ in range(200):
        sample = chance.normal(size=(60, 1))
        low, high = interval(resampled_sums(sample, 200, 0)[:, 0] / 60, 0.9)
        held += low <= 0 <= high
    assert 160 <= held <= 196


def test_p_values() -> None:
    assert p_value(np.full(999, 0.1)) == pytest.approx(2 / 1000)
    assert p_value(np.zeros(999)) == 1
    assert p_value(np.concatenate([np.full(500, -1.0), np.full(499, 1.0)])) == pytest.approx(1)
