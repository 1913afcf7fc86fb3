"""From what a model tells to the answer that a client gets."""

from dataclasses import dataclass, field
from time import monotonic

from affectgpt.errors import ClipError
from affectgpt.inference.asking import Answer, Query
from affectgpt.serving.clues import clues_of
from affectgpt.serving.exchange import Told
from affectgpt.serving.http.context import Visit
from affectgpt.serving.http.schemas import (
    ClipOut,
    ClueOut,
    DescribeAnswer,
    LabelOut,
    ModelOut,
    SecondsOut,
    TokensOut,
)


@dataclass(slots=True)
class Steps:
    """How long the steps of a request took, in seconds."""

    began: float = field(default_factory=monotonic)
    seconds: dict[str, float] = field(default_factory=dict)

    def done(self, step: str) -> None:
        """Take note that a step has ended; it began when the one before it ended."""
        self.seconds[step] = monotonic() - self.began - sum(self.seconds.values())


def answer_of(told: Told) -> Answer:
    """Give the answer of what was told; the service has refused what is none."""
    if isinstance(told.outcome, ClipError):
        raise told.outcome
    return told.outcome


def describe_answer(query: Query, told: Told, steps: Steps, visit: Visit) -> DescribeAnswer:
    """Write an answer and take note of its steps.

    Args:
        query: what the model was asked.
        told: what it told.
        steps: those until the model was asked.
        visit: the request.
    """
    answer = answer_of(told)
    description = answer.description
    steps.seconds |= {"wait": told.waiting_s, "model": told.model_s}
    for step, seconds in steps.seconds.items():
        visit.metrics.step(step, seconds)
    clues = clues_of(description.text, description.labels, description.language)
    return DescribeAnswer(
        description=description.text,
        language=description.language,
        labels=[
            LabelOut(
                label=label,
                clues=[ClueOut(text=c.text, start=c.start, end=c.end, sense=c.sense) for c in clues[label]],
            )
            for label in description.labels
        ],
        clip=clip_out(query, answer),
        model=ModelOut(
            name=visit.service.settings.recipe.name,
            fingerprint=told.facts.fingerprint,
            trained_on=dict(told.facts.trained_on),
        ),
        complete=answer.complete,
        tokens=TokensOut(prompt=answer.prompt_tokens, description=answer.new_tokens),
        seconds=SecondsOut(
            **{step: round(seconds, 4) for step, seconds in steps.seconds.items()},
            total=round(monotonic() - steps.began, 4),
        ),
        request_id=visit.request_id,
    )


def clip_out(query: Query, answer: Answer | None = None) -> ClipOut:
    """Say what was found in a clip; before the answer, what the model sees and hears is taken to be all of it."""
    media = query.read.media
    return ClipOut(
        duration_s=round(media.duration_s, 3),
        has_video=media.has_video,
        has_audio=media.has_audio,
        seen=media.frames_got > 0 if answer is None else answer.description.has_video,
        heard=len(media.sound) > 0 if answer is None else answer.description.has_audio,
        frame_times_s=[round(float(time), 3) for time in media.frame_times_s],
        subtitle=query.read.clip.subtitle or None,
    )
