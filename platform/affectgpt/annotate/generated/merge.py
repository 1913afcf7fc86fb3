"""The merge as a model does it: it reads the clues and the subtitle, and writes one description."""

from dataclasses import replace
from typing import ClassVar

from affectgpt.annotate.generated.cleaning import one_line
from affectgpt.annotate.generated.generation import GeneratedStep
from affectgpt.annotate.generated.prompt import quoted
from affectgpt.annotate.language_model.engine import TextRequest
from affectgpt.annotate.sample import Sample
from affectgpt.annotate.signal.wording import clean
from affectgpt.errors import FilteredClipError


class Merge(GeneratedStep):
    """Writes the description from the clues that there are and from the subtitle, which no other step is shown."""

    name: ClassVar[str] = "merge"

    def request(self, sample: Sample) -> TextRequest | FilteredClipError:
        """Ask for the description; a clip that has neither clue nor subtitle is filtered (``nothing-to-describe``)."""
        visual = sample.visual.text_en if sample.visual else ""
        acoustic = sample.acoustic.text_en if sample.acoustic else ""
        # Cleaned, and cut to the number of characters that the prompt names.
        subtitle = clean(sample.clip.subtitle or "")
        present = [text for text in (visual, acoustic, subtitle) if text]
        if not present:
            return FilteredClipError(
                "nothing-to-describe", f"{sample.clip.uri}: there is no picture, no sound and no subtitle to go by"
            )
        prompt = self.prompt()
        said = [
            prompt.part(heading, quoted=quoted(text)) if text else prompt.part(f"no {heading}")
            for heading, text in (("picture", visual), ("voice", acoustic), ("words", subtitle))
        ]
        closing = prompt.part("several sources" if len(present) > 1 else "one source")
        return TextRequest(prompt.part("system"), "\n".join([*said, "", closing]), None, self.max_tokens)

    def answer(self, sample: Sample, text: str) -> Sample:
        """Add the description."""
        return replace(sample, description_en=one_line(text))
