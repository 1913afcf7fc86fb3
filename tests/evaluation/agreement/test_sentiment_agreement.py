import pytest

from affectgpt.evaluation.agreement.estimates import Estimate, estimate
from affectgpt.evaluation.agreement.sentiment_agreement import sentiment_columns, sentiment_measures
from affectgpt.evaluation.recipe import BootstrapSection
from affectgpt.evaluation.vocabulary import Sentiment

BOOTSTRAP = BootstrapSection(resamples=200)
NAMES: dict[str, Sentiment | None] = {"+": "positive", "0": "neutral", "-": "negative", " ": None}


def agreement(first: str, second: str) -> dict[str, Estimate]:
    columns = sentiment_columns([NAMES[one] for one in first], [NAMES[one] for one in second])
    return estimate(sentiment_measures(columns), BOOTSTRAP)


def test_kappa_takes_off_what_chance_would_give() -> None:
    """The example of two readers and 50 proposals: 35 agreements, p_e = 0.5, kappa = 0.4."""
    found = agreement("+" * 25 + "-" * 25, "+" * 20 + "-" * 5 + "+" * 10 + "-" * 15)
    assert found["agreement"].value == pytest.approx(0.7) and found["kappa"].value == pytest.approx(0.4)
    assert found["kappa"].interval is not None and found["kappa"].interval[0] < 0.4 < found["kappa"].interval[1]


def test_clips_without_a_known_sentiment_do_not_count() -> None:
    assert agreement("++- 0", "+-- +")["agreement"].value == pytest.approx(2 / 4)
    assert sentiment_columns([None], ["neutral"]).sum() == 0


def test_kappa_is_not_defined_where_only_one_sentiment_occurs() -> None:
    found = agreement("+++", "+++")
    assert found["agreement"].value == 1.0 and found["kappa"].value is None


def test_the_table_goes_slower_by_the_first_side() -> None:
    table = sentiment_columns(["positive", "negative"], ["negative", "negative"]).sum(axis=0).reshape(3, 3)
    assert table.tolist() == [[0, 0, 1], [0, 0, 0], [0, 0, 1]]
