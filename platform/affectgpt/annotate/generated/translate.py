"""The translation as a model does it: the English description in Chinese."""

from dataclasses import replace
from typing import ClassVar

from affectgpt.annotate.generated.cleaning import one_line
from affectgpt.annotate.generated.generation import GeneratedStep
from affectgpt.annotate.generated.judging import Language
from affectgpt.annotate.generated.prompt import quoted
from affectgpt.annotate.language_model.engine import TextRequest
from affectgpt.annotate.sample import Sample


class Translate(GeneratedStep):
    """Translates the description; the model gets nothing else."""

    name: ClassVar[str] = "translate"
    language: ClassVar[Language | None] = "zh"

    def request(self, sample: Sample) -> TextRequest:
        """Ask for the translation."""
        assert sample.description_en is not None, "the translation comes after the merge"
        prompt = self.prompt()
        user = prompt.part("user", quoted=quoted(sample.description_en))
        return TextRequest(prompt.part("system"), user, None, self.max_tokens)

    def answer(self, sample: Sample, text: str) -> Sample:
        """Add the translation."""
        return replace(sample, description_zh=one_line(text))
