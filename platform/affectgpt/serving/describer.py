"""The model worker: it holds a model and lets it describe the clips of many requests at a time."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event

import numpy as np
from transformers.utils.logging import disable_progress_bar

from affectgpt.clips.clip import Clip
from affectgpt.clips.media import SAMPLE_RATE, Media
from affectgpt.errors import ClipError
from affectgpt.inference.affectgpt import AffectGPT
from affectgpt.inference.asking import Answer, Query
from affectgpt.inference.model_files import is_hub_name, local_source
from affectgpt.inference.reading import Read
from affectgpt.serving.batching import Batches
from affectgpt.serving.exchange import ModelFacts, Told
from affectgpt.serving.fingerprint import fingerprint
from affectgpt.serving.metrics import ModelMetrics
from affectgpt.serving.settings import Settings

_WARM_UP_TOKENS = 2
_MOST_FAILURES = 5


class Describer:
    """A model that is loaded and has described a first, made-up clip."""

    def __init__(self, settings: Settings) -> None:
        """Load the model; it is ready when this returns.

        Raises:
            RequestError: the model cannot be loaded, or the settings ask for more than it can do.
        """
        workers, generation = settings.recipe.model_workers, settings.recipe.generation
        self._model, model_print = _loaded(settings)
        self._model.check("en", generation.max_tokens, generation.temperature)
        self._facts = ModelFacts(model_print, self._model.perception.decoding, self._model.context, int(time.time()))
        self._batches: Batches[Query, Answer | ClipError] = Batches(
            self._answer, workers.batch_size, workers.batch_wait_s
        )
        self._metrics = ModelMetrics()
        self._failures = 0
        self._model.answer([Query(_made_up_clip(self._facts), max_new_tokens=_WARM_UP_TOKENS)])

    def check_health(self) -> None:
        """Let Ray Serve start another worker in place of one that only fails.

        Raises:
            RuntimeError: the last requests have all failed.
        """
        if self._failures >= _MOST_FAILURES:
            raise RuntimeError(f"the last {self._failures} requests have failed")

    async def facts(self) -> ModelFacts:
        """Say what is known of the model."""
        return self._facts

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
        loop, changed = asyncio.get_running_loop(), asyncio.Event()
        latest = ""

        def wrote(text: str) -> None:
            nonlocal latest
            latest = text
            changed.set()

        def wrote_in_thread(text: str) -> None:
            loop.call_soon_threadsafe(wrote, text)

        told = loop.create_task(self._told(query, wrote_in_thread))
        told.add_done_callback(lambda _: changed.set())
        try:
            while await changed.wait() and not told.done():
                changed.clear()
                # Whoever reads slowly gets the latest alone.
                yield latest
            yield await told
        finally:
            told.cancel()

    async def _told(self, query: Query, on_text: Callable[[str], None] | None) -> Told:
        self._model.check(query.language, query.max_new_tokens, query.temperature)
        left = Event()
        try:
            done = await self._batches.submit(replace(query, on_text=on_text, is_stopped=left.is_set))
        except Exception:
            self._failures += 1
            raise
        finally:
            left.set()
        self._failures = 0
        self._metrics.batch(done.batch, done.running_s)
        if isinstance(done.result, Answer):
            self._metrics.tokens(done.result.prompt_tokens, done.result.new_tokens)
        return Told(done.result, self._facts.fingerprint, done.waiting_s, done.running_s)

    def _answer(self, queries: Sequence[Query]) -> list[Answer | ClipError]:
        return self._model.answer(queries)


def _loaded(settings: Settings) -> tuple[AffectGPT, str]:
    recipe = settings.recipe
    disable_progress_bar()
    device = "cuda" if recipe.model_workers.num_gpus > 0 else "cpu"
    with local_source(settings.model) as source:
        model = AffectGPT.from_pretrained(source, device, recipe.generation.dtype)
        if is_hub_name(source):
            return model, str(model.model.config._commit_hash)
        return model, fingerprint(Path(source))


def _made_up_clip(facts: ModelFacts) -> Read:
    """A second of grey silence."""
    side = facts.decoding.frame_size
    frames = np.full((facts.decoding.frames, side, side, 3), 127, np.uint8)
    times_s = np.linspace(0.0, 1.0, len(frames), endpoint=False)
    media = Media(frames, times_s, len(frames), np.zeros(SAMPLE_RATE, np.float32), 1.0, True, True)
    return Read(Clip("warm-up", "warm-up", subtitle="Good morning."), media)
