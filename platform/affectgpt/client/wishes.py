"""What is asked of a clip, and the form in which it is sent."""

import os
from typing import TypedDict

from affectgpt.clips.subtitles import sidecar_cues, text_in_span
from affectgpt.evaluation.text_language import Language

PathLike = str | os.PathLike[str]


class Wishes(TypedDict, total=False):
    """What is asked of a clip; what is left out is as the service's settings say.

    Attributes:
        subtitle: what is said in it; None, or left out, takes it from an ``.srt`` or ``.vtt`` beside the clip, or lets
            the service look for a text track in it; "" is none.
        question: what is asked instead of the usual question.
        language: that of the description, English unless it is told.
        max_tokens: the most tokens of the description.
        temperature: 0 gives the likeliest text; above, it is drawn.
    """

    subtitle: str | None
    question: str | None
    language: Language
    max_tokens: int | None
    temperature: float | None


def form_of(clip: PathLike, wishes: Wishes) -> dict[str, str]:
    """Write what is asked as the texts of a form.

    Raises:
        ClipError: the subtitle file beside the clip cannot be read.
    """
    wanted: dict[str, object] = dict(wishes)
    if wishes.get("subtitle") is None:
        sidecar = sidecar_cues(os.fspath(clip))
        wanted["subtitle"] = None if sidecar is None else text_in_span(sidecar.cues, None, None)
    return {name: str(value) for name, value in wanted.items() if value is not None}
