"""The model worker: it holds a model and lets it describe the clips of many requests at a time."""

import asyncio
from collections.abc import AsyncGenerator

from affectgpt.inference.asking import Answer, Query
from affectgpt.serving.engines.choosing import load_engine
from affectgpt.serving.engines.engine import Engine, OnText, made_up_clip
from affectgpt.serving.exchange import ModelFacts, Told
from affectgpt.serving.metrics import ModelMetrics
from affectgpt.serving.settings import Settings

_MOST_FAILURES = 5


class Describer:
    """A model that is loaded, in an engine that the recipe names."""

    def __init__(self, settings: Settings) -> None:
        """Load the model.

        Raises:
            RequestError: the model cannot be loaded, or the settings ask for more than it can do.
        """
        self._engine: Engine = load_engine(settings)
        generation = settings.recipe.generation
        self._engine.check(
            Query(
                made_up_clip(self._engine.facts.decoding),
                max_new_tokens=generation.max_tokens,
                temperature=generation.temperature,
            )
        )
        self._metrics = ModelMetrics()
        self._failures = 0

    def __del__(self) -> None:
        # Ray Serve calls this when it ends a worker.
        if (engine := getattr(self, "_engine", None)) is not None:
            engine.close()

    async def check_health(self) -> None:
        """Let Ray Serve know when the worker is ready, and start another in place of one that only fails.

        Raises:
            RequestError: the engine cannot run this model.
            RuntimeError: the engine has broken down, or the last requests have all failed.
        """
        if self._failures >= _MOST_FAILURES:
            raise RuntimeError(f"the last {self._failures} requests have failed")
        await self._engine.check_health()

    async def facts(self) -> ModelFacts:
        """Say what is known of the model."""
        return self._engine.facts

    async def describe(self, query: Query) -> Told:
        """Describe a clip together with others that wait; a caller that is cancelled costs the others nothing.

        Raises:
            RequestError: the query asks for what the model cannot do.
        """
        return await self._told(query, None)

    async def stream(self, query: Query) -> AsyncGenerator[str | Told, None]:
        """Describe a clip, yielding the text so far as it grows, and at last what is told.

        Raises:
            RequestError: the query asks for what the model cannot do.
        """
        changed = asyncio.Event()
        latest = ""

        def wrote(text: str) -> None:
            nonlocal latest
            latest = text
            changed.set()

        told = asyncio.get_running_loop().create_task(self._told(query, wrote))
        told.add_done_callback(lambda _: changed.set())
        try:
            while await changed.wait() and not told.done():
                changed.clear()
                # Whoever reads slowly gets the latest alone.
                yield latest
            yield await told
        finally:
            told.cancel()

    async def _told(self, query: Query, on_text: OnText | None) -> Told:
        self._engine.check(query)
        try:
            done = await self._engine.answer(query, on_text)
        except Exception:
            self._failures += 1
            raise
        self._failures = 0
        self._metrics.batch(done.batch, done.running_s)
        if isinstance(done.result, Answer):
            self._metrics.tokens(done.result.prompt_tokens, done.result.new_tokens)
        return Told(done.result, self._engine.facts, done.waiting_s, done.running_s)
