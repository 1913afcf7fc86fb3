"""The engine that is always there: the whole model in torch, generation in batches by transformers."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from threading import Event

from affectgpt.errors import ClipError
from affectgpt.inference.affectgpt import AffectGPT
from affectgpt.inference.asking import Answer, Query
from affectgpt.serving.batching import Batches
from affectgpt.serving.engines.engine import WARM_UP_TOKENS, OnText, Outcome, made_up_clip
from affectgpt.serving.engines.loading import device_of, load_served
from affectgpt.serving.exchange import ModelFacts
from affectgpt.serving.settings import Settings


class TransformersEngine:
    """Runs the model on a batch of clips from their first token to the last; those that come meanwhile are the next."""

    def __init__(self, settings: Settings) -> None:
        """Load the model and let it describe a made-up clip.

        Raises:
            RequestError: the model cannot be loaded.
        """
        workers = settings.recipe.model_workers
        loaded = load_served(settings, device_of(settings))
        self._model = AffectGPT(loaded.model, loaded.processor)
        self._facts = loaded.facts(self._model.preparer)
        self._batches: Batches[Query, Answer | ClipError] = Batches(
            self._answer, workers.batch_size, workers.batch_wait_s
        )
        self._answer([Query(made_up_clip(self._facts.decoding), max_new_tokens=WARM_UP_TOKENS)])

    @property
    def facts(self) -> ModelFacts:
        """What is known of the model."""
        return self._facts

    def check(self, query: Query) -> None:
        """See that a query is what the model can do.

        Raises:
            RequestError: it is not; the message says what.
        """
        self._model.check(query.language, query.max_new_tokens, query.temperature)

    async def answer(self, query: Query, on_text: OnText | None = None) -> Outcome:
        """Describe a clip in some batch; a caller that is cancelled costs the others of the batch nothing.

        Args:
            query: one that ``check`` lets pass.
            on_text: told the text so far after each token, in the caller's event loop.
        """
        loop, left = asyncio.get_running_loop(), Event()

        def in_thread(text: str) -> None:
            if on_text is not None:
                loop.call_soon_threadsafe(on_text, text)

        try:
            return await self._batches.submit(
                replace(query, on_text=None if on_text is None else in_thread, is_stopped=left.is_set)
            )
        finally:
            left.set()

    async def check_health(self) -> None:
        """Nothing of it can break down without its process."""

    def close(self) -> None:
        """Nothing runs beside its process."""

    def _answer(self, queries: Sequence[Query]) -> list[Answer | ClipError]:
        return self._model.answer(queries)
