"""The recipe of ``evaluate``: every setting of an evaluation, checked before anything is read."""

from collections.abc import Sequence
from typing import Literal

import yaml
from pydantic import Field, field_validator, model_validator

from affectgpt.annotate.language_model.settings import TransformersSection, VLLMSection
from affectgpt.recipes.loading import Section, load

GROUPINGS = ("wheel", "exact", "llm")


class ExtractionSection(Section):
    """What reads labels out of descriptions."""

    engine: Literal["lexicon", "llm"] = "lexicon"


class LanguageModelSection(Section):
    """The language model for grouping and extraction, and the cache of its replies.

    With the engine ``openai`` it is behind an OpenAI-compatible endpoint; with ``vllm`` or ``transformers`` it runs in
    this process, and ``model`` is its name on the Hugging Face hub or its folder.
    """

    engine: Literal["openai", "vllm", "transformers"] = "openai"
    model: str | None = None
    base_url: str = "http://localhost:8000/v1"
    api_key_file: str | None = None
    concurrency: int = Field(8, ge=1, le=1024)
    timeout_s: float = Field(120.0, gt=0)
    max_retries: int = Field(5, ge=0, le=100)
    vllm: VLLMSection = VLLMSection()
    transformers: TransformersSection = TransformersSection()
    cache: str = "~/.cache/affectgpt/language_model.sqlite"

    @model_validator(mode="after")
    def _what_runs_here_has_a_model(self) -> "LanguageModelSection":
        if self.engine != "openai" and self.model is None:
            raise ValueError(f"model: the engine {self.engine} needs a name on the Hugging Face hub, or a folder")
        return self


class BootstrapSection(Section):
    """How confidence intervals and paired tests are drawn."""

    resamples: int = Field(1000, ge=100, le=100_000)
    seed: int = Field(0, ge=0)
    confidence: float = Field(0.95, gt=0.5, lt=1)


class ReportSection(Section):
    """What the report shows of single clips."""

    examples: int = Field(4, ge=0, le=50)


class Recipe(Section):
    """All settings of one evaluation.

    ``grouping`` is the headline's: ``wheel``, ``exact``, ``llm``, or a .zip file of groupings that a language model
    made earlier. ``wheel`` is a folder of research wheels, in place of the wheels that come along.
    """

    grouping: str = "wheel"
    wheel: str | None = None
    strict: bool = False
    extraction: ExtractionSection = ExtractionSection()
    language_model: LanguageModelSection = LanguageModelSection()
    bootstrap: BootstrapSection = BootstrapSection()
    report: ReportSection = ReportSection()

    @field_validator("grouping")
    @classmethod
    def _grouping_exists(cls, grouping: str) -> str:
        if grouping not in GROUPINGS and not grouping.endswith(".zip"):
            raise ValueError(f"{grouping!r} is none of {', '.join(GROUPINGS)}, nor a .zip file of stored groupings")
        return grouping

    def to_yaml(self) -> str:
        """Return the resolved recipe as YAML."""
        return yaml.safe_dump(self.model_dump(), sort_keys=False)


def load_recipe(name_or_file: str, overrides: Sequence[str] = ()) -> Recipe:
    """Load a recipe of ``evaluate``; see ``affectgpt.recipes.loading.load``."""
    return load(Recipe, "evaluate", name_or_file, overrides)
