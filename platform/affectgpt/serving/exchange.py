"""What the processes that answer HTTP and those that hold a model say to each other."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from affectgpt.clips.decoding import DecodeSettings
from affectgpt.errors import ClipError
from affectgpt.inference.asking import Answer, Query


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What is known of the model that is served.

    Attributes:
        fingerprint: tells one model from another by its weights and settings, in hexadecimal.
        trained_on: fingerprints of the data sets that it learnt from, by name; empty where its files do not say.
        decoding: what it takes of a clip's pictures.
        context: how many tokens question and description may have together, or None where nothing limits them.
        loaded: when it was loaded, in seconds since 1970.
    """

    fingerprint: str
    trained_on: Mapping[str, str]
    decoding: DecodeSettings
    context: int | None
    loaded: int


@dataclass(frozen=True, slots=True)
class Told:
    """What a model worker says of a clip.

    Attributes:
        outcome: the answer, or why there can be none.
        facts: those of the model.
        waiting_s: how long the clip waited for the model.
        model_s: how long the model was at work on it; where clips go through it in batches, on the whole batch.
    """

    outcome: Answer | ClipError
    facts: ModelFacts
    waiting_s: float
    model_s: float


class Model(Protocol):
    """A model, wherever it runs."""

    async def facts(self) -> ModelFacts:
        """Say what is known of it."""
        ...

    async def describe(self, query: Query) -> Told:
        """Describe a clip; when the caller is cancelled, the model stops writing."""
        ...

    def stream(self, query: Query) -> AsyncIterator[str | Told]:
        """Describe a clip and yield the text so far again and again, as it is written, and at last what is told."""
        ...
