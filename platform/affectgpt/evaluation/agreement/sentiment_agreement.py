"""How far two annotations of the same clips agree in the sentiment of their labels."""

from collections.abc import Sequence

import numpy as np

from affectgpt.evaluation.agreement.estimates import Measure
from affectgpt.evaluation.sentiment import CLASSES
from affectgpt.evaluation.set_metrics import Floats
from affectgpt.evaluation.vocabulary import Sentiment


def sentiment_columns(first: Sequence[Sentiment | None], second: Sequence[Sentiment | None]) -> Floats:
    """Spread the clips over the nine pairs of sentiments, the first side's going slower; zeros where one is unknown.

    Returns:
        Of shape (N, 9).
    """
    columns = np.zeros((len(first), len(CLASSES) ** 2))
    for row, (one, other) in enumerate(zip(first, second, strict=True)):
        if one is not None and other is not None:
            columns[row, len(CLASSES) * CLASSES.index(one) + CLASSES.index(other)] = 1
    return columns


def sentiment_measures(columns: Floats) -> dict[str, Measure]:
    """Give the share of clips with the same sentiment, and Cohen's kappa, from ``sentiment_columns``."""
    return {"agreement": Measure(columns, _agreement), "kappa": Measure(columns, _kappa)}


def _agreement(sums: Floats) -> Floats:
    table = _table(sums)
    share: Floats = np.trace(table, axis1=-2, axis2=-1) / table.sum(axis=(-2, -1))
    return share


def _kappa(sums: Floats) -> Floats:
    """(p_o - p_e) / (1 - p_e) (Cohen, Educational and Psychological Measurement 20, 1960)."""
    shares = _table(sums) / sums.sum(axis=-1)[..., None, None]
    by_chance = (shares.sum(axis=-1) * shares.sum(axis=-2)).sum(axis=-1)
    kappa: Floats = (_agreement(sums) - by_chance) / (1 - by_chance)
    return kappa


def _table(sums: Floats) -> Floats:
    return sums.reshape(*sums.shape[:-1], len(CLASSES), len(CLASSES))
