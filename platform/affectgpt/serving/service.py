"""What happens to a request between the HTTP interface and the model: check, decode, describe."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from affectgpt.clips.clip import Clip
from affectgpt.clips.decoding import DecodeSettings
from affectgpt.errors import ClipError, RequestError
from affectgpt.evaluation.text_language import Language
from affectgpt.inference.asking import Query
from affectgpt.inference.reading import ClipReader, Read
from affectgpt.serving.contents import ContentLimits, Contents, read_contents
from affectgpt.serving.exchange import Model, ModelFacts, Told
from affectgpt.serving.fetching import fetch
from affectgpt.serving.parcel import Parcel
from affectgpt.serving.refusals import RefusedError, refusal_of
from affectgpt.serving.settings import Settings

SHOWN: Final = "the clip"
_LOADED_WITHIN_S: Final = 0.5
_FETCHED_PER_DECODER: Final = 2


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked of a clip; None is what the service's settings say.

    Attributes:
        subtitle: what is said in it; None looks for a text track in the clip, "" is none.
        question: what is asked instead of the usual question.
        language: that of the description.
        max_tokens: the most tokens of it.
        temperature: 0 is the likeliest text.
    """

    subtitle: str | None = None
    question: str | None = None
    language: Language = "en"
    max_tokens: int | None = None
    temperature: float | None = None


class Service:
    """Checks, fetches and decodes what is asked, and lets the model describe it.

    Attributes:
        settings: those of the service.
        limits: what a request may be at most.
        model: the model.
        few_at_a_time: lets as many clips of large requests be fetched as the decoders keep up with.
    """

    def __init__(self, settings: Settings, model: Model) -> None:
        """Set up; ``start`` makes it quick from the first request on.

        Args:
            settings: those of the service.
            model: the model.
        """
        self.settings = settings
        self.model = model
        workers, limits = settings.recipe.ingress_workers, settings.recipe.limits
        self.limits = limits
        self._decoders = ClipReader(workers.decoders, workers.decode_timeout_s, workers.decode_memory_gib)
        self._threads = ThreadPoolExecutor(workers.decoders, "decoding")
        self.few_at_a_time = asyncio.Semaphore(_FETCHED_PER_DECODER * workers.decoders)
        self._facts: asyncio.Future[ModelFacts] | None = None

    async def start(self) -> None:
        """Start the processes that decode."""
        await asyncio.get_running_loop().run_in_executor(self._threads, self._decoders.start)

    def close(self) -> None:
        """End the processes that decode."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._decoders.close()

    async def facts(self) -> ModelFacts:
        """Say what is known of the model, waiting until it is loaded.

        Raises:
            RefusedError: no model worker can be had.
        """
        if self._facts is None or (self._facts.done() and (self._facts.cancelled() or self._facts.exception())):
            self._facts = asyncio.ensure_future(self.model.facts())
        return await asyncio.shield(self._facts)

    async def ready(self) -> ModelFacts | None:
        """Say what is known of the model, or None where it is not loaded yet."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LOADED_WITHIN_S):
                return await self.facts()
        return None

    async def fetch(self, uri: str, target: Path) -> Path:
        """Fetch what a client named; see ``fetching.fetch``.

        Raises:
            RefusedError: it may not be fetched, or cannot be.
        """
        await fetch(uri, target, self.settings.recipe.fetching, self.limits.body_bytes)
        return target

    async def query(self, parcel: Parcel, wish: Wish) -> Query:
        """Decode the files of a request and make of them what the model is asked.

        Raises:
            RefusedError: the files or the wish exceed a limit, or cannot be used.
        """
        facts = await self.facts()
        self.check(wish, facts)
        if parcel.is_empty:
            raise RefusedError(422, "no-clip", "there is nothing to describe; send a clip, a sound or a picture")
        try:
            contents = await asyncio.get_running_loop().run_in_executor(
                self._threads, self._read, parcel, wish.subtitle, facts.decoding
            )
        except ClipError as error:
            raise refusal_of(_without_paths(error, parcel)) from error
        generation = self.settings.recipe.generation
        return Query(
            Read(Clip(SHOWN, SHOWN, subtitle=contents.subtitle), contents.media),
            wish.language,
            wish.question,
            generation.max_tokens if wish.max_tokens is None else wish.max_tokens,
            generation.temperature if wish.temperature is None else wish.temperature,
        )

    def check(self, wish: Wish, facts: ModelFacts) -> None:
        """See that a wish keeps to the limits.

        Raises:
            RefusedError: 422, one is exceeded.
        """
        limits = self.limits
        most_tokens = min(self.settings.recipe.generation.most_tokens, (facts.context or np.inf) - 1)
        if wish.question is not None and len(wish.question) > limits.question_chars:
            raise RefusedError(
                422,
                "question-too-long",
                f"the question has {len(wish.question)} characters; at most {limits.question_chars} are allowed",
            )
        if wish.subtitle is not None and len(wish.subtitle) > limits.subtitle_chars:
            raise RefusedError(
                422,
                "subtitle-too-long",
                f"the subtitle has {len(wish.subtitle)} characters; at most {limits.subtitle_chars} are allowed",
            )
        if wish.max_tokens is not None and wish.max_tokens > most_tokens:
            raise RefusedError(
                422, "too-many-tokens", f"max_tokens {wish.max_tokens}: at most {most_tokens:g} are allowed"
            )

    async def describe(self, query: Query) -> Told:
        """Let the model describe a clip.

        Raises:
            RefusedError: the model cannot describe it, or no model worker is there.
        """
        with _refusals():
            return _checked(await self.model.describe(query))

    async def stream(self, query: Query) -> AsyncIterator[str | Told]:
        """Let the model describe a clip and yield the text so far as it grows, and at last what is told.

        Raises:
            RefusedError: the model cannot describe it, or no model worker is there.
        """
        with _refusals():
            async for piece in self.model.stream(query):
                yield piece if isinstance(piece, str) else _checked(piece)

    def _read(self, parcel: Parcel, subtitle: str | None, decoding: DecodeSettings) -> Contents:
        limits = ContentLimits(self.limits.duration_s, self.limits.pixels)
        return self._decoders.call(
            read_contents, SHOWN, parcel=parcel, subtitle=subtitle, decoding=decoding, limits=limits
        )


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except RequestError as error:
        raise RefusedError(422, "bad-request", str(error)) from error


def _checked(told: Told) -> Told:
    if isinstance(told.outcome, ClipError):
        raise refusal_of(told.outcome)
    return told


def _without_paths(error: ClipError, parcel: Parcel) -> ClipError:
    """Say nothing of where files lie on this machine."""
    files = [path for path in (parcel.clip, parcel.sound, *parcel.pictures) if path is not None]
    message = error.message
    for path in files:
        message = message.replace(str(path), SHOWN)
    return ClipError(error.reason, message.replace(str(parcel.folder), ""))
