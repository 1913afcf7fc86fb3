"""The build report: one HTML page about a data set, how it was made, and what was left out."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from affectgpt.dataset.report import charts, text
from affectgpt.dataset.report.examples import Example, RejectedClip
from affectgpt.dataset.report.page import page_environment, render_page
from affectgpt.dataset.report.pictures import film_strip

_HERE = Path(__file__).parent
_MESSAGES_PER_REASON = 3
_LABELS_SHOWN = 30


@dataclass(frozen=True, slots=True)
class ReasonGroup:
    """The clips that were left out by one stage for one reason: how many, and the first few of them."""

    stage: str
    reason: str
    count: int
    first: Sequence[RejectedClip]


def render_report(report: Mapping[str, Any], examples: Sequence[Example], rejected: Sequence[RejectedClip]) -> str:
    """Render the report of a build as one self-contained HTML page.

    Args:
        report: the content of ``report.json``. Every key of it must be there; numbers that nobody knows are None and
            are shown as a dash.
        examples: the annotated clips to show, in order; a dozen is a good number.
        rejected: clips that were left out, for their messages. The first few of each reason are shown; the counts come
            from ``report["reasons"]`` alone.

    Raises:
        KeyError, jinja2.UndefinedError: a key of ``report`` is missing.
    """
    environment = page_environment(_HERE)
    environment.globals.update(charts=charts, film_strip=film_strip, steps_by_engine=_steps_by_engine)
    content = {
        "report": report,
        "summary": _summary(report),
        "labels_shown": [(entry["label"], entry["count"]) for entry in report["labels"][:_LABELS_SHOWN]],
        "modalities": [(name.replace("+", " + "), count) for name, count in _most_frequent(report["modalities"])],
        "languages": _most_frequent(report["languages"]),
        "examples": examples,
        "left_out": [(outcome, list(_groups(outcome, report, rejected))) for outcome in ("rejected", "filtered")],
        "recipe": yaml.safe_dump(report["recipe"], allow_unicode=True, sort_keys=False),
    }
    return render_page(environment, "report.html.jinja", _HERE / "report.css", content)


def _summary(report: Mapping[str, Any]) -> str:
    """Say in one sentence how the build went: "48 of 52 clips annotated in 21 s; 2 filtered, 2 rejected"."""
    if report["inputs"] == 0 and report["uninspected"]:
        return "No clip is known yet."
    if report["inputs"] == 0:
        return "The input held no clips."
    annotated = f"{report['annotated']:,}" if report["annotated"] else "None"
    sentence = f"{annotated} of {report['inputs']:,} clips annotated in {text.duration(report['wall_s'])}"
    if report["annotated_before"]:
        sentence = (
            f"{annotated} of {report['inputs']:,} clips annotated: {report['annotated_before']:,} before, and "
            f"{report['annotated_this_run']:,} in this run of {text.duration(report['wall_s'])}"
        )
    left_out = [f"{report[outcome]:,} {outcome}" for outcome in ("filtered", "rejected", "open") if report[outcome]]
    return f"{sentence}; {', '.join(left_out)}." if left_out else f"{sentence}."


def _most_frequent(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return [(name, count) for name, count in Counter(counts).most_common() if count > 0]


def _groups(outcome: str, report: Mapping[str, Any], rejected: Sequence[RejectedClip]) -> Iterator[ReasonGroup]:
    reasons = [entry for entry in report["reasons"] if entry["outcome"] == outcome]
    for entry in sorted(reasons, key=lambda entry: -entry["count"]):
        key = (outcome, entry["stage"], entry["reason"])
        clips = [clip for clip in rejected if (clip.outcome, clip.stage, clip.reason) == key]
        yield ReasonGroup(entry["stage"], entry["reason"], entry["count"], clips[:_MESSAGES_PER_REASON])


def _steps_by_engine(example: Example) -> dict[str, list[str]]:
    """Turn step -> engine round: the steps of an example that each engine did."""
    steps: dict[str, list[str]] = {}
    for step, engine in example.engines.items():
        steps.setdefault(engine, []).append(text.words(step))
    return steps
