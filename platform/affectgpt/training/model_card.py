"""The model's card: the README.md of the checkpoint, for people and for the Hugging Face Hub."""

from collections.abc import Mapping
from pathlib import Path

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from affectgpt.dataset.card import markdown, one_line
from affectgpt.dataset.report import text
from affectgpt.evaluation.report.render import score
from affectgpt.training.report.charts import written
from affectgpt.training.report.content import TrainingReport
from affectgpt.training.report.render import language, moment_of, parameters

_HERE = Path(__file__).parent
_HUB_DATASETS = "hf://datasets/"


def render_model_card(report: TrainingReport, trained_on: Mapping[str, str] | None = None) -> str:
    """Render the card of the model that a run trained as Markdown with YAML front matter.

    Args:
        report: what the run came to.
        trained_on: what ``affectgpt.training.trained_on.fingerprints`` says of its data.

    Raises:
        jinja2.UndefinedError: something that the card shows is not in ``report``.
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
        count=text.count,
        duration=text.duration,
        language=language,
        markdown=markdown,
        moment=text.moment,
        moment_of=moment_of,
        number=text.number,
        parameters=parameters,
        percent=text.percent,
        score=score,
        written=lambda value: text.DASH if value is None else written(value),
    )
    template = environment.get_template("model_card.md.jinja")
    return template.render(report=report, trained_on=trained_on or {}, front_matter=_front_matter(report))


def _front_matter(report: TrainingReport) -> str:
    """Write what the Hub reads (https://huggingface.co/docs/hub/model-cards): only names that the Hub can resolve."""
    matter: dict[str, object] = {
        "model_name": one_line(report.name),
        "language": list(report.languages),
        "license": "unknown",
        "library_name": "transformers",
        "pipeline_tag": "video-text-to-text" if "video" in report.senses else "audio-text-to-text",
        "tags": ["affectgpt", "emotion-recognition", "multimodal", "explainable", "open-vocabulary"],
    }
    if report.base_models:
        matter["base_model"] = list(report.base_models)
    if hub_datasets := _hub_datasets(report):
        matter["datasets"] = hub_datasets
    return yaml.safe_dump(matter, allow_unicode=True, sort_keys=False, width=1_000_000)


def _hub_datasets(report: TrainingReport) -> list[str]:
    """Name the data sets that were read from the Hub: ``hf://datasets/owner/name@revision/path``."""
    paths = [
        dataset.source.removeprefix(_HUB_DATASETS).split("/")
        for dataset in report.datasets
        if dataset.source.startswith(_HUB_DATASETS)
    ]
    return list(dict.fromkeys(f"{path[0]}/{path[1].partition('@')[0]}" for path in paths if len(path) > 1))
