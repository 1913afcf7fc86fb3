"""The visual clue as a model writes it that looks at the frames."""

from dataclasses import replace
from typing import ClassVar

from affectgpt.annotate.generated.cleaning import one_line
from affectgpt.annotate.generated.generation import GeneratedStep
from affectgpt.annotate.language_model.engine import TextRequest
from affectgpt.annotate.sample import Clue, Sample


class VisualClue(GeneratedStep):
    """Describes what is seen of the speaker; the model gets the frames, and nothing of what is said."""

    name: ClassVar[str] = "visual_clue"
    needs_media: ClassVar[bool] = True

    def request(self, sample: Sample) -> TextRequest | None:
        """Ask about the frames; a clip without video is left as it is."""
        media = sample.media
        assert media is not None, "the visual clue needs the decoded frames"
        if media.frames_got == 0:
            return None
        prompt = self.prompt()
        user = prompt.part("user", frames=str(media.frames_got), seconds=f"{media.duration_s:.1f}")
        return TextRequest(prompt.part("system"), user, None, self.max_tokens, frames=tuple(media.frames))

    def answer(self, sample: Sample, text: str) -> Sample:
        """Add the clue."""
        return replace(sample, visual=Clue(one_line(text)))
