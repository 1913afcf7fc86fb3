"""The report of a training run: one HTML page about what was trained, on what, and what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import yaml
from markupsafe import Markup

from affectgpt.dataset.report import charts as shared_charts
from affectgpt.dataset.report import text
from affectgpt.dataset.report.page import page_environment, render_page
from affectgpt.evaluation.report.render import score
from affectgpt.training.metrics import TrainRow, ValidationRow
from affectgpt.training.report import charts
from affectgpt.training.report.content import Scores, StageSummary, TrainingReport

_HERE = Path(__file__).parent
# Figures of training that have a small chart each, by the attribute of a row.
_SMALL_CHARTS = {
    "learning_rate": "Learning rate",
    "gradient_norm": "Gradient norm",
    "samples_per_s": "Samples per second",
    "tokens_per_s": "Tokens per second",
}
_LANGUAGES = {"en": "English", "zh": "Chinese"}


@dataclass(frozen=True, slots=True)
class StageView:
    """One stage as the page shows it.

    Attributes:
        summary: how it went.
        loss: its chart, or None where no loss was finite.
        train: its training rows.
        validation: its validation rows.
        small: title and chart of each other figure that is known.
    """

    summary: StageSummary
    loss: Markup | None
    train: Sequence[TrainRow]
    validation: Sequence[ValidationRow]
    small: Sequence[tuple[str, Markup]]


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """Scores, and by how much each figure differs from the row above; empty in the first."""

    scores: Scores
    gains: Mapping[str, float]


def render_report(report: TrainingReport) -> str:
    """Render the report of a training run as one self-contained HTML page.

    Raises:
        jinja2.UndefinedError: something that the page shows is not in ``report``.
    """
    environment = page_environment(_HERE)
    environment.filters.update(
        score=score, parameters=parameters, moment_of=moment_of, figure_of=_figure, points=_points, language=language
    )
    environment.globals.update(bar=shared_charts.bar)
    content = {
        "report": report,
        "headline": headline(report),
        "stages": [_stage(summary, report) for summary in report.stages],
        "score_rows": _score_rows(report.scores),
        "recipe": yaml.safe_dump(dict(report.recipe), allow_unicode=True, sort_keys=False),
    }
    return render_page(environment, "report.html.jinja", _HERE / "report.css", content)


def headline(report: TrainingReport) -> str:
    """Say in a sentence or two what was trained and what it brought."""
    clips = f"{report.train_clips:,} {'clip' if report.train_clips == 1 else 'clips'}"
    model = f"A model of {parameters(report.parameters)} parameters"
    if not report.stages:
        return f"{model}, not trained yet."
    in_stages = "one stage" if len(report.stages) == 1 else f"{len(report.stages)} stages"
    sentence = f"{model}, trained in {in_stages} on {clips}"
    if len(report.scores) > 1:
        first, last = report.scores[0], report.scores[-1]
        before = f"F\u00a0{100 * first.f_s:.1f}\u00a0% {moment_of(first.after)}"
        return f"{sentence}: {before}, {100 * last.f_s:.1f}\u00a0% {moment_of(last.after)}."
    return f"{sentence}."


def parameters(count: int) -> str:
    """Write a number of parameters as the field does: ``940``, ``4.2 M``, ``7.62 B``."""
    for size, unit in ((1_000_000_000, "B"), (1_000_000, "M"), (1_000, "K")):
        if count >= 0.9995 * size:
            return f"{count / size:.3g}\u00a0{unit}"
    return str(count)


def moment_of(stage: str | None) -> str:
    """Name the moment after a stage, or before all."""
    return "before training" if stage is None else f"after the {stage} stage"


def language(code: str) -> str:
    """Name a language of descriptions; an unknown code stands for itself."""
    return _LANGUAGES.get(code, code)


def _figure(value: float | None) -> str:
    return text.DASH if value is None else charts.written(value)


def _points(difference: float) -> str:
    """Write a difference of two shares in points of a percent, with its sign."""
    return f"{100 * difference:+.2f}".replace("-", "\N{MINUS SIGN}")


def _stage(summary: StageSummary, report: TrainingReport) -> StageView:
    rows = [row for row in report.metrics if row.stage == summary.name]
    train = [row for row in rows if isinstance(row, TrainRow)]
    validation = [row for row in rows if isinstance(row, ValidationRow)]
    has_loss = any(row.loss is not None for row in rows)
    small = []
    for attribute, title in _SMALL_CHARTS.items():
        values = [(row.step, value) for row in train if (value := getattr(row, attribute)) is not None]
        if values:
            small.append((title, charts.line_chart(f"{title}, stage {summary.name}", values)))
    loss = charts.loss_chart(summary.name, train, validation, summary.chosen_step) if has_loss else None
    return StageView(summary, loss, train, validation, small)


def _score_rows(scores: Sequence[Scores]) -> list[ScoreRow]:
    rows = [ScoreRow(one, {}) for one in scores[:1]]
    for before, after in pairwise(scores):
        gains = {name: getattr(after, name) - getattr(before, name) for name in ("accuracy_s", "recall_s", "f_s")}
        rows.append(ScoreRow(after, gains))
    return rows
