"""What a model is asked of one clip that is decoded already, and what it answers."""

from collections.abc import Callable
from dataclasses import dataclass

from affectgpt.evaluation.text_language import Language
from affectgpt.inference.description import Description
from affectgpt.inference.reading import Read


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """One clip and what is asked of it; those of a batch may differ in everything.

    Attributes:
        read: the clip, decoded.
        language: that of the description, and of the usual question.
        question: what is asked instead of the usual question; None for that.
        max_new_tokens: the most tokens of the description.
        temperature: 0 gives the likeliest text; above, it is drawn by torch's own generator.
        on_text: told the text so far after each token, in the thread that runs the model.
        is_stopped: asked after each token whether nobody waits for the text any more; the model then stops writing it.
    """

    read: Read
    language: Language = "en"
    question: str | None = None
    max_new_tokens: int = 256
    temperature: float = 0.0
    on_text: Callable[[str], None] | None = None
    is_stopped: Callable[[], bool] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model says of one clip, and how much was read and written for it.

    Attributes:
        description: the text with its labels.
        prompt_tokens: how many tokens the question has, with those that stand for the clip.
        new_tokens: how many tokens were written, with the one that ends the text.
        complete: whether the text ended by itself, before ``max_new_tokens``.
    """

    description: Description
    prompt_tokens: int
    new_tokens: int
    complete: bool
