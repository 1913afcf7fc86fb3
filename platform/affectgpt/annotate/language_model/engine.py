"""What a language model is asked and answers, and the one interface of every engine that runs one."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class TextRequest:
    """One question to a language model, answered greedily unless a temperature is given.

    Attributes:
        system: what the model is told about its task.
        user: what it is asked.
        schema: the JSON schema that the reply keeps to, or None for free text. Objects name all their properties as
            required and allow no others, as strict structured output wants it.
        max_tokens: where the reply is cut off, in tokens.
        frames: pictures that the question is about, in order, each uint8 of shape (H, W, 3), RGB.
        sound: float32 of shape (N,), 16 kHz, mono, within [-1, 1]; or None.
        temperature: of the sampling; 0 takes the likeliest token each time.
        seed: of the sampling, or None.
    """

    system: str
    user: str
    schema: Mapping[str, object] | None
    max_tokens: int
    frames: tuple[NDArray[np.uint8], ...] = ()
    sound: NDArray[np.float32] | None = None
    temperature: float = 0.0
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class TextReply:
    """What a language model answered.

    Attributes:
        text: the reply, as far as it goes.
        finish_reason: why it ended: ``stop`` where the model was done, ``length`` where ``max_tokens`` cut it off,
            ``refusal`` where the model declined, or another word of the engine.
        prompt_tokens: tokens read, or None where the engine does not count.
        completion_tokens: tokens written, or None where the engine does not count.
    """

    text: str
    finish_reason: str
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


Arrived = Callable[[int, TextReply], None]


class TextEngine(Protocol):
    """Runs a language model, wherever it may be."""

    @property
    def identity(self) -> Mapping[str, str]:
        """What makes two replies to one request comparable: ``engine``, ``model`` and what else decides them."""

    def generate(self, requests: Sequence[TextRequest], arrived: Arrived | None = None) -> list[TextReply]:
        """Answer requests, in their order.

        Args:
            requests: what is asked; they do not know of each other.
            arrived: called in the caller's thread with the index of a request and its reply as soon as it is there, in
                any order. What was handed over stays valid when ``generate`` fails later.

        Raises:
            RequestError: the engine cannot be used as it was asked for.
            JobError: the engine failed on the way.
        """


def is_complete(request: TextRequest, reply: TextReply) -> bool:
    """Whether a reply came to its end and, where a schema was given, is JSON that keeps to it."""
    if reply.finish_reason != "stop":
        return False
    if request.schema is None:
        return True
    from jsonschema import Draft202012Validator

    try:
        return bool(Draft202012Validator(request.schema).is_valid(json.loads(reply.text)))
    except (ValueError, RecursionError):
        return False
