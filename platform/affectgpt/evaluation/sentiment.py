"""Sentiment out of open-vocabulary labels: positive, neutral or negative, and its weighted F1."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, get_args

import numpy as np

from affectgpt.errors import RequestError
from affectgpt.evaluation.bootstrap import interval, resampled_sums
from affectgpt.evaluation.set_metrics import Floats, f_score
from affectgpt.evaluation.vocabulary import Sentiment, Word

CLASSES: Final[tuple[Sentiment, ...]] = get_args(Sentiment)
_NAMES: Final[dict[str, Sentiment]] = {
    "positive": "positive",
    "pos": "positive",
    "neutral": "neutral",
    "neu": "neutral",
    "negative": "negative",
    "neg": "negative",
}


def sentiment_of_labels(labels: Sequence[str], find: Callable[[str], Word | None]) -> Sentiment | None:
    """Tell the sentiment of a label set: that of most of its pleasant and unpleasant labels, neutral in a balance.

    Args:
        labels: clean labels.
        find: gives the word of the vocabulary that a label stands for.

    Returns:
        None where no label is in the vocabulary.
    """
    counts = Counter(word.emotion.sentiment for word in map(find, set(labels)) if word is not None)
    if not counts:
        return None
    balance = counts["positive"] - counts["negative"]
    return "positive" if balance > 0 else "negative" if balance < 0 else "neutral"


def sentiment_of_value(value: str | float | None, where: str) -> Sentiment | None:
    """Read a sentiment as a table has it: its name, or a valence whose sign tells it.

    Raises:
        RequestError: it is neither; the message begins with ``where``.
    """
    if value is None:
        return None
    if isinstance(value, str):
        named = _NAMES.get(value.strip().lower())
        if named is not None:
            return named
    try:
        valence = float(value)
    except ValueError:
        known = ", ".join(CLASSES)
        raise RequestError(
            f"{where}: the sentiment {value!r} is none of {known}, nor a number; correct it, or name another column"
        ) from None
    if np.isnan(valence):
        return None
    return "positive" if valence > 0 else "negative" if valence < 0 else "neutral"


@dataclass(frozen=True, slots=True)
class ClassScore:
    """How well one sentiment is found: in how many clips each side has it, and precision, recall and F1."""

    name: Sentiment
    references: int
    predictions: int
    precision: float
    recall: float
    f: float


@dataclass(frozen=True, slots=True)
class SentimentScore:
    """Sentiment over the clips whose true sentiment is known.

    Attributes:
        n: how many clips.
        weighted_f1: the mean of the classes' F1, each weighted by its clips in the truth. A prediction without
            sentiment is a miss.
        interval: its bootstrap interval.
        classes: each class by itself.
    """

    n: int
    weighted_f1: float
    interval: tuple[float, float]
    classes: tuple[ClassScore, ...]


def score_sentiment(
    truth: Sequence[Sentiment | None],
    predicted: Sequence[Sentiment | None],
    resamples: int,
    seed: int,
    confidence: float,
) -> SentimentScore | None:
    """Compare sentiments clip by clip; None where no true sentiment is known."""
    pairs = [(true, guess) for true, guess in zip(truth, predicted, strict=True) if true is not None]
    if not pairs:
        return None
    cells = np.array([[true == one for one in CLASSES] for true, _ in pairs], np.float64)
    guesses = np.array([[guess == one for one in CLASSES] for _, guess in pairs], np.float64)
    columns = np.hstack([cells, guesses, cells * guesses])
    sums = columns.sum(axis=0)
    references, predictions, hits = np.split(sums, 3)
    scores = zip(
        CLASSES,
        references.astype(int).tolist(),
        predictions.astype(int).tolist(),
        (hits / np.maximum(predictions, 1)).tolist(),
        (hits / np.maximum(references, 1)).tolist(),
        _class_f(sums).tolist(),
        strict=True,
    )
    spread = _weighted_f1(resampled_sums(columns, resamples, seed))
    return SentimentScore(
        len(pairs),
        float(_weighted_f1(sums)),
        interval(spread, confidence),
        tuple(ClassScore(*score) for score in scores),
    )


def _class_f(sums: Floats) -> Floats:
    """F1 of each class from counts of shape (..., 9): truth, prediction and hits of the three classes."""
    references, predictions, hits = np.split(sums, 3, axis=-1)
    return f_score(hits / np.maximum(predictions, 1), hits / np.maximum(references, 1))


def _weighted_f1(sums: Floats) -> Floats:
    references = sums[..., :3]
    weighted: Floats = (references * _class_f(sums)).sum(axis=-1) / references.sum(axis=-1)
    return weighted
