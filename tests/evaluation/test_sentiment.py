import pytest

from affectgpt.errors import RequestError
from affectgpt.evaluation.sentiment import Sentiment, score_sentiment, sentiment_of_labels, sentiment_of_value
from affectgpt.evaluation.vocabulary import find_label


@pytest.mark.parametrize(
    ("labels", "sentiment"),
    [
        (["happy", "grateful", "worried"], "positive"),
        (["angry", "愤怒"], "negative"),
        (["happy", "sad"], "neutral"),
        (["happy", "happy", "sad"], "neutral"),
        (["neutral"], "neutral"),
        (["surprised", "joyful"], "positive"),
        (["table"], None),
        ([], None),
    ],
)
def test_the_sentiment_of_labels(labels: list[str], sentiment: str | None) -> None:
    assert sentiment_of_labels(labels, find_label) == sentiment


@pytest.mark.parametrize(
    ("value", "sentiment"),
    [
        ("Positive", "positive"),
        ("neg", "negative"),
        ("-1.5", "negative"),
        (0.2, "positive"),
        (0, "neutral"),
        (None, None),
        (float("nan"), None),
    ],
)
def test_the_sentiment_of_a_cell(value: str | float | None, sentiment: str | None) -> None:
    assert sentiment_of_value(value, "here") == sentiment


def test_a_cell_that_is_no_sentiment_is_refused() -> None:
    with pytest.raises(RequestError, match="clip 7: the sentiment 'blue' is none of"):
        sentiment_of_value("blue", "clip 7")


def test_weighted_f1_by_hand() -> None:
    truth: list[Sentiment | None] = ["positive", "positive", "positive", "negative", None]
    predicted: list[Sentiment | None] = ["positive", "positive", "negative", None, "neutral"]
    score = score_sentiment(truth, predicted, resamples=200, seed=0, confidence=0.95)
    assert score is not None
    assert score.n == 4
    positive, neutral, negative = score.classes
    assert (positive.precision, positive.recall, positive.f) == pytest.approx((1, 2 / 3, 0.8))
    assert (negative.references, negative.predictions, negative.f) == (1, 1, 0)
    assert neutral.references == neutral.predictions == 0
    assert score.weighted_f1 == pytest.approx(3 / 4 * 0.8)
    assert score.interval[0] <= score.weighted_f1 <= score.interval[1]


def test_no_truth_no_score() -> None:
    assert score_sentiment([None], ["positive"], 200, 0, 0.95) is None
