"""The data set's card: the README.md of the output folder, for people and for the Hugging Face Hub."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from affectgpt.dataset.report import text

_HERE = Path(__file__).parent
# The Hub's size categories (https://huggingface.co/docs/hub/datasets-cards), by the number of rows that ends each.
_SIZES = {
    1_000: "n<1K",
    10_000: "1K<n<10K",
    100_000: "10K<n<100K",
    1_000_000: "100K<n<1M",
    10_000_000: "1M<n<10M",
    100_000_000: "10M<n<100M",
    1_000_000_000: "100M<n<1B",
}
_LABELS_NAMED = 10
_LONGEST_TEXT = 200
_MARKDOWN_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+!|~&$])")
_PRIMARY_LANGUAGE = re.compile(r"([a-z]{2,3})(?:-|$)")


def render_card(report: Mapping[str, Any], dataset_name: str) -> str:
    """Render the card of a data set as Markdown with YAML front matter.

    Args:
        report: the content of ``report.json``, see ``affectgpt.dataset.report.render.render_report``.
        dataset_name: what the data set is called; any text.

    Raises:
        KeyError, jinja2.UndefinedError: a key of ``report`` is missing.
    """
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=False,  # Markdown: text from outside goes through the filter markdown instead.
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        markdown=markdown, count=text.count, duration=text.duration, moment=text.moment, words=text.words
    )
    steps = {name: settings for name, settings in report["recipe"]["steps"].items() if settings is not None}
    engines = {step: _engine(settings, report["recipe"]) for step, settings in steps.items()}
    return environment.get_template("card.md.jinja").render(
        report=report,
        name=dataset_name,
        front_matter=_front_matter(report, dataset_name),
        engines=engines,
        filters={name: one for name, one in report["recipe"]["filters"].items() if one is not None},
        frequent_labels=report["labels"][:_LABELS_NAMED],
        by_signal="signal" in engines.values(),
        by_model=any(settings.get("model") for settings in steps.values()),
    )


def _engine(step: Mapping[str, Any], recipe: Mapping[str, Any]) -> str:
    """Name what does a step: its engine, or its model with that one's engine."""
    if step["engine"] is not None:
        return str(step["engine"])
    model = recipe["models"][step["model"]]
    revision = f", {model['revision']}" if model["revision"] else ""
    return f"{model['model']}{revision} ({model['engine']})"


def _front_matter(report: Mapping[str, Any], dataset_name: str) -> str:
    matter = {
        "pretty_name": one_line(dataset_name),
        "language": _languages(report["languages"]),
        "license": "unknown",
        "annotations_creators": ["machine-generated"],
        "task_categories": ["video-text-to-text", "audio-text-to-text"],
        "tags": ["emotion-recognition", "multimodal", "explainable", "open-vocabulary", "affective-computing"],
        "size_categories": [_size_category(report["annotated"])],
        "configs": [{"config_name": "default", "data_files": [{"split": "train", "path": "data/*.parquet"}]}],
    }
    return yaml.safe_dump(matter, allow_unicode=True, sort_keys=False, width=1_000_000)


def _size_category(rows: int) -> str:
    return next((name for limit, name in _SIZES.items() if rows < limit), "1B<n<10B")


def _languages(spoken: Mapping[str, int]) -> list[str]:
    """List the languages that the Hub knows by a two- or three-letter code: of the descriptions, then of the speech."""
    tags = [_PRIMARY_LANGUAGE.match(tag.lower()) for tag, clips in spoken.items() if clips > 0]
    return list(dict.fromkeys(["en", "zh", *sorted(tag[1] for tag in tags if tag)]))


def one_line(value: str) -> str:
    """Put any text on one line, without characters that cannot be shown."""
    return text.printable(" ".join(value.split()))


def markdown(value: str, limit: int | None = _LONGEST_TEXT) -> str:
    """Make any text harmless within one line of Markdown: shown as it is, neither markup nor HTML.

    Args:
        value: the text.
        limit: how many of its characters are shown at most; None for all.
    """
    line = one_line(value)
    shown = line if limit is None else text.excerpt(line, limit).head
    return _MARKDOWN_SPECIAL.sub(r"\\\1", shown)
