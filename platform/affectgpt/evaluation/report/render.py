"""The report of an evaluation: one HTML page about how predicted emotion labels agree with those of the truth."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment

from affectgpt.dataset.report import charts as shared_charts
from affectgpt.dataset.report import text
from affectgpt.dataset.report.page import page_environment, render_page
from affectgpt.evaluation.report import charts
from affectgpt.evaluation.report.examples import Chip, ClipExample, beginning
from affectgpt.evaluation.report.wheel_drawing import draw_wheel, hue

_HERE = Path(__file__).parent
STYLE_SHEET = _HERE / "evaluation.css"
_LABELS_SHOWN = 30
_LABELS_LISTED = 100
_CHIPS_SHOWN = 24
_PREDICTIONS_IN_DETAIL = 12
_NAME_LENGTH = 60
_SIZES_NAMED = 6
_STATES = {
    "hit": ("✓", "hit"),
    "missed": ("○", "missed"),
    "wrong": ("×", "wrong"),
    "unknown": ("?", "unknown word"),
    "ignored": ("–", "not counted"),
}
_COLUMNS = ("accuracy_s", "recall_s", "avg", "f_s", "hit_rate", "sentiment")


@dataclass(frozen=True, slots=True)
class Frequency:
    """How often a label occurs; None where it is not among the 100 most frequent that are listed."""

    label: str
    references: int | None
    predictions: int | None


@dataclass(frozen=True, slots=True)
class ComparisonRow:
    """One prediction in the comparison table: its figures in [0, 1] by column, and the columns to mark as best."""

    prediction: Mapping[str, Any]
    values: Mapping[str, float | None]
    best: frozenset[str]


def render_report(report: Mapping[str, Any], examples: Sequence[ClipExample]) -> str:
    """Render the report of an evaluation as one self-contained HTML page.

    Args:
        report: the content of ``report.json``. Every key of it must be there; numbers that nobody knows are None and
            are shown as a dash. The first 12 predictions are shown in detail, all of them are compared.
        examples: the clips to show; those of one prediction one after the other.

    Raises:
        KeyError, jinja2.UndefinedError: a key of ``report`` is missing.
        ValueError: a confusion has a sector that its wheel lacks.
    """
    environment = clip_environment(_STATES)
    environment.filters.update(language_counts=language_counts)
    environment.globals.update(
        confusion_of=confusion_of,
        charts=charts,
        draw_wheel=draw_wheel,
        hue=hue,
        frequencies=_frequencies,
        labels_shown=_LABELS_SHOWN,
    )
    predictions = report["predictions"]
    content = {
        "report": report,
        "headline": _headline(report),
        "rows": _comparison(report),
        "sentences": [_sentence(comparison) for comparison in report["comparisons"]],
        "numbers": {prediction["name"]: number for number, prediction in enumerate(predictions, start=1)},
        "points": _points(predictions),
        "f_range": charts.tenths_around(
            [end for prediction in predictions for end in (prediction["intervals"]["f_s"] or ())]
        ),
        "detailed": predictions[:_PREDICTIONS_IN_DETAIL],
        "wheels": [wheel for wheel in report["wheels"]["wheels"] if wheel["name"] in predictions[0]["confusion"]],
        "has_hit_rate": any(prediction["hit_rate"] is not None for prediction in predictions),
        "has_sentiment": any(prediction["sentiment"] is not None for prediction in predictions),
        "examples": [(name, list(clips)) for name, clips in groupby(examples, lambda example: example.prediction)],
    }
    return render_page(environment, "evaluation.html.jinja", STYLE_SHEET, content)


def clip_environment(states: Mapping[str, tuple[str, str]]) -> Environment:
    """Make the environment of a report that shows clips with their labels, by the macros of ``examples.html.jinja``.

    Args:
        states: for each state of a label its sign, and what it says to those who hear the page.
    """
    environment = page_environment(_HERE)
    environment.filters.update(score=score, interval=_interval)
    environment.globals.update(
        bar=shared_charts.bar,
        beginning=beginning,
        chips_shown=_CHIPS_SHOWN,
        most_telling=_most_telling,
        states=states,
    )
    return environment


def confusion_of(wheel: Mapping[str, Any], confusion: Mapping[str, Any]) -> dict[str, Any]:
    """Put a confusion into the order of the wheel's sectors; a sector that it lacks occurs in no clip.

    Raises:
        KeyError: a part of it is missing.
        ValueError: it has a sector that the wheel lacks.
    """
    names, given = [sector["name"] for sector in wheel["sectors"]], list(confusion["sectors"])
    if unknown := sorted(set(given) - set(names)):
        raise ValueError(f"wheel {wheel['name']!r} has no sectors {unknown}, but its confusion has")
    places = [names.index(name) for name in given]
    matrix = np.zeros((len(names), len(names) + 1))
    matrix[np.ix_(places, [*places, len(names)])] = np.reshape(confusion["matrix"], (len(given), len(given) + 1))
    counts, missed = np.zeros(len(names), np.int64), np.zeros(len(names))
    counts[places], missed[places] = confusion["counts"], confusion["missed"]
    return {"sectors": names, "matrix": matrix.tolist(), "counts": counts.tolist(), "missed": missed.tolist()}


def score(share: float | None) -> str:
    """Write a figure in [0, 1] as published tables do: in percent, with two decimals and without a sign."""
    return text.DASH if share is None or not math.isfinite(share) else f"{100 * share:.2f}"


def _interval(ends: Sequence[float] | None) -> str:
    return text.DASH if ends is None else f"{score(ends[0])} to {score(ends[1])}"


def language_counts(counts: Mapping[str, int]) -> str:
    """Write how many labels there are in each language."""
    return ", ".join(f"{count:,} {language}" for language, count in counts.items()) or text.DASH


def _headline(report: Mapping[str, Any]) -> str:
    """Say in one sentence which prediction agrees best: "A agrees best of 3 predictions: F 57.2 % over 332 clips".

    None is named where they were compared on different clips, or where the table writes equal figures for the best.
    """
    predictions = [prediction for prediction in report["predictions"] if prediction["f_s"] is not None]
    if not any(prediction["n"] for prediction in predictions):
        return "No clip could be compared."
    if not report["same_clips"]:
        sizes = [f"{prediction['n']:,}" for prediction in report["predictions"]]
        first, rest = (sizes[:_SIZES_NAMED], "others") if len(sizes) > _SIZES_NAMED else (sizes[:-1], sizes[-1])
        return f"{len(sizes)} predictions, on different clips: {', '.join(first)} and {rest}."
    best = max(predictions, key=lambda prediction: float(prediction["f_s"]))
    subject, total = _short(best["name"]), len(report["predictions"])
    clips = f"{best['n']:,} {'clip' if best['n'] == 1 else 'clips'}"
    figure = f"F\u00a0{100 * best['f_s']:.1f}\u00a0% over {clips}"
    if total == 1:
        return f"{subject} agrees with the references at {figure}."
    tied = sum(score(prediction["f_s"]) == score(best["f_s"]) for prediction in predictions)
    if tied == total:
        return f"{total} predictions agree equally well: {figure}."
    if tied > 1:
        return f"{tied} of {total} predictions tie for the best: {figure}."
    return f"{subject} agrees best of {total} predictions: {figure}."


def _short(name: str) -> str:
    cut = text.excerpt(name, _NAME_LENGTH)
    return f"{cut.head}…" if cut.full else name


def _sentence(comparison: Mapping[str, Any]) -> str:
    """Take the comparison's sentence, with long names cut so that its figures stay in sight."""
    sentence = str(comparison["sentence"])
    for name in (comparison["one"], comparison["other"]):
        sentence = sentence.replace(name, _short(name)) if len(name) > _NAME_LENGTH else sentence
    return sentence


def _comparison(report: Mapping[str, Any]) -> list[ComparisonRow]:
    table = [_values(prediction) for prediction in report["predictions"]]
    best = {
        column: _best([values[column] for values in table]) if report["same_clips"] else None for column in _COLUMNS
    }
    return [
        ComparisonRow(
            prediction,
            values,
            frozenset(column for column, value in values.items() if best[column] and score(value) == best[column]),
        )
        for prediction, values in zip(report["predictions"], table, strict=True)
    ]


def _best(values: Iterable[float | None]) -> str | None:
    """Write the highest figure of a column as the table does; None where all are the same, so that none is best."""
    known = [value for value in values if value is not None]
    return score(max(known)) if len({score(value) for value in known}) > 1 else None


def _values(prediction: Mapping[str, Any]) -> dict[str, float | None]:
    values = {column: prediction[column] for column in _COLUMNS if column != "sentiment"}
    return {**values, "sentiment": prediction["sentiment"]["weighted_f1"] if prediction["sentiment"] else None}


def _points(predictions: Iterable[Mapping[str, Any]]) -> list[charts.Point]:
    return [
        charts.Point(
            number,
            prediction["name"],
            prediction["precision_s"],
            prediction["recall_s"],
            prediction["intervals"]["precision_s"],
            prediction["intervals"]["recall_s"],
        )
        for number, prediction in enumerate(predictions, start=1)
        if prediction["precision_s"] is not None and prediction["recall_s"] is not None
    ]


def _frequencies(counts: Mapping[str, Sequence[tuple[str, int]]]) -> list[Frequency]:
    """Put the frequencies of truth and prediction side by side, those that are most frequent in both together first."""
    sides = [dict(counts[side]) for side in ("references", "predictions")]
    absent = [None if len(side) >= _LABELS_LISTED else 0 for side in sides]
    table = [
        Frequency(label, sides[0].get(label, absent[0]), sides[1].get(label, absent[1]))
        for label in dict.fromkeys([*sides[0], *sides[1]])
    ]
    table.sort(key=lambda row: -(row.references or 0) - (row.predictions or 0))
    return table[:_LABELS_SHOWN]


def _most_telling(chips: Sequence[Chip]) -> list[Chip]:
    """Take the labels that fit a card, hits first, so that a list of thousands does not hide them."""
    order = ("hit", "missed", "wrong", "unknown")
    return sorted(chips, key=lambda chip: order.index(chip.state))[:_CHIPS_SHOWN]
