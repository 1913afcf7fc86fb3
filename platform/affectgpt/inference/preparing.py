"""Makes of a decoded clip and a question what the model takes, and says what cannot be asked."""

from typing import get_args

from affectgpt.errors import ClipError, RequestError
from affectgpt.evaluation.text_language import Language
from affectgpt.inference.asking import Query
from affectgpt.inference.perception import perception_of
from affectgpt.model import AffectGPTProcessor, ClipInput
from affectgpt.model.processing import Example


class Preparer:
    """Knows what a model takes and can be asked, and needs none of its weights for that.

    Attributes:
        processor: that of the model.
        perception: what the model takes of a clip.
        context: how many tokens question and description may have together, or None where nothing limits them.
    """

    def __init__(self, processor: AffectGPTProcessor, context: int | None) -> None:
        """Take the processor and the context of a model."""
        self.processor = processor
        self.perception = perception_of(processor)
        self.context = context

    def check(self, language: str, max_new_tokens: int, temperature: float) -> None:
        """See that arguments are what the model can do.

        Raises:
            RequestError: one is not; the message names it.
        """
        if language not in get_args(Language):
            raise RequestError(f"language {language}: the model writes {' and '.join(get_args(Language))}; name one")
        if not 0.0 <= temperature < float("inf"):
            raise RequestError(f"temperature {temperature}: give 0 for the likeliest text, or a number above it")
        if max_new_tokens < 1 or (self.context is not None and max_new_tokens >= self.context):
            raise RequestError(
                f"max_new_tokens {max_new_tokens}: give at least 1, and fewer than the model's {self.context}"
            )

    def prepare(self, query: Query) -> Example | ClipError:
        """Prepare a clip, or say why the model cannot take it."""
        processor, clip, media = self.processor, query.read.clip, query.read.media
        frames = media.frames if media.frames_got and processor.image_processor is not None else None
        sound = media.sound[: self.perception.samples]
        if frames is None and not len(sound) and not (clip.subtitle and clip.subtitle.strip()):
            return ClipError("nothing-perceived", f"{clip.uri} has nothing that this model perceives, and no subtitle")
        taken = ClipInput(frames, sound if len(sound) else None, clip.subtitle, query.language, question=query.question)
        room = None if self.context is None else self.context - query.max_new_tokens
        try:
            return processor.example(taken, with_answer=False, max_tokens=room)
        except ValueError as error:
            longer = "question" if len(query.question or "") > len(clip.subtitle or "") else "subtitle"
            return ClipError(f"{longer}-too-long", f"the {longer} for {clip.uri} is too long: {error}")
