"""The build report: one HTML file that needs nothing beside itself, neither network nor script.

Everything from clips is foreign text: it is escaped, made printable, isolated in its writing direction and cut to
length. The page's content security policy allows its own style sheet, by hash, and pictures out of data URIs; nothing
else can load or run, whatever a clip's text holds.
"""

import base64
import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from affectgpt.dataset.report import charts, text
from affectgpt.dataset.report.examples import Example, RejectedClip
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
    style = (_HERE / "report.css").read_text(encoding="utf-8")
    return (
        _environment()
        .get_template("report.html.jinja")
        .render(
            report=report,
            style=Markup(style),
            style_sha256=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii"),
            summary=_summary(report),
            labels_shown=[(entry["label"], entry["count"]) for entry in report["labels"][:_LABELS_SHOWN]],
            modalities=[(name.replace("+", " + "), count) for name, count in _most_frequent(report["modalities"])],
            languages=_most_frequent(report["languages"]),
            examples=examples,
            left_out=[(outcome, list(_groups(outcome, report, rejected))) for outcome in ("rejected", "filtered")],
            recipe=yaml.safe_dump(report["recipe"], allow_unicode=True, sort_keys=False),
        )
    )


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for formatter in (text.count, text.duration, text.excerpt, text.moment, text.number, text.percent, text.words):
        environment.filters[formatter.__name__] = formatter
    environment.globals.update(charts=charts, film_strip=film_strip, steps_by_engine=_steps_by_engine)
    environment.globals["longest_text"] = text.LONGEST_TEXT
    return environment


def _finalize(value: object) -> object:
    if value is None:
        return text.DASH
    return text.printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _summary(report: Mapping[str, Any]) -> str:
    """Say in one sentence how the build went: "48 of 52 clips annotated in 21 s; 2 filtered, 2 rejected"."""
    if report["inputs"] == 0:
        return "The input held no clips."
    annotated = f"{report['annotated']:,}" if report["annotated"] else "None"
    sentence = f"{annotated} of {report['inputs']:,} clips annotated in {text.duration(report['wall_s'])}"
    if report["annotated_before"]:
        sentence = (
            f"{annotated} of {report['inputs']:,} clips annotated: {report['annotated_before']:,} before, and "
            f"{report['annotated_this_run']:,} in this run of {text.duration(report['wall_s'])}"
        )
    left_out = [f"{report[outcome]:,} {outcome}" for outcome in ("filtered", "rejected") if report[outcome]]
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
