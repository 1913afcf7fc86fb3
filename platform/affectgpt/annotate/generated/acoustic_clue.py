"""The acoustic clue as a model writes it that listens to the sound."""

from dataclasses import replace
from typing import ClassVar

from affectgpt.annotate.generated.cleaning import one_line
from affectgpt.annotate.generated.generation import GeneratedStep
from affectgpt.annotate.language_model.engine import TextRequest
from affectgpt.annotate.sample import Clue, Sample


class AcousticClue(GeneratedStep):
    """Describes how the speaker sounds; the model gets the sound, and is asked for nothing of what is said."""

    name: ClassVar[str] = "acoustic_clue"
    needs_media: ClassVar[bool] = True

    def request(self, sample: Sample) -> TextRequest | None:
        """Ask about the sound; a clip without sound is left as it is."""
        media = sample.media
        assert media is not None, "the acoustic clue needs the decoded sound"
        if media.sound.size == 0:
            return None
        prompt = self.prompt()
        user = prompt.part("user", seconds=f"{media.duration_s:.1f}")
        return TextRequest(prompt.part("system"), user, None, self.max_tokens, sound=media.sound)

    def answer(self, sample: Sample, text: str) -> Sample:
        """Add the clue."""
        return replace(sample, acoustic=Clue(one_line(text)))
