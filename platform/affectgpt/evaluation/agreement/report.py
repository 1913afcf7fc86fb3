"""The report of a comparison of data sets: one HTML page about where two annotations of the same clips part."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import yaml

from affectgpt.annotate.engines import STEP_NAMES
from affectgpt.dataset.report import charts as shared_charts
from affectgpt.dataset.report import text
from affectgpt.dataset.report.page import render_page
from affectgpt.evaluation.agreement.annotated import TEXTS
from affectgpt.evaluation.agreement.disagreements import Disagreement
from affectgpt.evaluation.agreement.label_agreement import RELATIONS
from affectgpt.evaluation.report import charts
from affectgpt.evaluation.report.render import STYLE_SHEET, clip_environment, language_counts

STATES: Final = {
    "hit": ("✓", "in both"),
    "missed": ("○", "here alone"),
    "unknown": ("?", "unknown word"),
    "ignored": ("–", "not counted"),
}
_NAME_LENGTH: Final = 60


def render_comparison(report: Mapping[str, Any], disagreements: Sequence[Sequence[Disagreement]]) -> str:
    """Render the report of a comparison as one self-contained HTML page.

    Args:
        report: the content of ``comparison.json``. Every key of it must be there; figures that are not defined are
            None and are shown as a dash.
        disagreements: the clips to show, for each pair in the order of ``report["pairs"]``.

    Raises:
        KeyError, jinja2.UndefinedError: a key of ``report`` is missing.
    """
    environment = clip_environment(STATES)
    environment.filters.update(language_counts=language_counts, coefficient=_coefficient, limits=_limits)
    environment.globals.update(charts=charts, proportions=shared_charts.proportions, relations=_relations)
    content = {
        "report": report,
        "headline": _headline(report["pairs"]),
        "steps": [step for step in STEP_NAMES if any(_is_done(one["steps"][step]) for one in report["datasets"])],
        "differing_steps": {one["step"] for pair in report["pairs"] for one in pair["differences"]},
        "texts": TEXTS,
        "shown": list(zip(report["pairs"], disagreements, strict=True)),
        "recipe": yaml.safe_dump(report["recipe"], allow_unicode=True, sort_keys=False),
    }
    return render_page(environment, "agreement.html.jinja", STYLE_SHEET, content)


def _headline(pairs: Sequence[Mapping[str, Any]]) -> str:
    """Say in one sentence how far the data sets agree: "A and B agree at F 57.1 % over 332 clips"."""
    known = [pair["labels"]["level1"]["f_s"]["value"] for pair in pairs]
    known = [value for value in known if value is not None]
    if not known:
        return "No label that is known could be compared."
    if len(pairs) == 1:
        pair = pairs[0]
        names = f"{_short(pair['first'])} and {_short(pair['second'])}"
        clips = f"{pair['clips']:,} {'clip' if pair['clips'] == 1 else 'clips'}"
        return f"{names} agree at F\u00a0{100 * known[0]:.1f}\u00a0% over {clips}."
    low, high = 100 * min(known), 100 * max(known)
    return f"{len(pairs)} pairs of data sets, agreeing at F\u00a0{low:.1f} to {high:.1f}\u00a0%."


def _short(name: str) -> str:
    cut = text.excerpt(name, _NAME_LENGTH)
    return f"{cut.head}…" if cut.full else name


def _is_done(ways: Sequence[Mapping[str, Any]]) -> bool:
    return any(way["engine"] for way in ways)


def _relations(block: Mapping[str, Any], clips: int) -> list[tuple[str, int]]:
    """Turn the shares of a block into numbers of clips, for a bar of its parts."""
    return [(name, round((block[name]["value"] or 0) * clips)) for name in RELATIONS]


def _coefficient(value: float | None) -> str:
    return text.DASH if value is None else f"{value:.3f}"


def _limits(ends: Sequence[float] | None) -> str:
    return text.DASH if ends is None else f"{ends[0]:.3f} to {ends[1]:.3f}"
