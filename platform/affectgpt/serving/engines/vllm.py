"""The engine for many requests: encoders and branches in torch, the language model in vLLM."""

import asyncio
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any, Final
from uuid import uuid4

import torch
from safetensors import SafetensorError
from torch import Tensor

from affectgpt.errors import ClipError, RequestError
from affectgpt.inference.asking import Query
from affectgpt.inference.loading import context_of, move
from affectgpt.inference.preparing import Preparer
from affectgpt.inference.prompt_embeddings import (
    PromptEmbedder,
    likely_next_tokens,
    placeholders,
    save_language_model,
)
from affectgpt.inference.writing import answer_of, text_so_far, written
from affectgpt.model.processing import Example
from affectgpt.serving.batching import Batches, Done
from affectgpt.serving.engines.engine import OnText, Outcome, made_up_clip
from affectgpt.serving.engines.loading import LoadedModel, device_of, load_served
from affectgpt.serving.engines.vllm_loading import load_async_vllm
from affectgpt.serving.exchange import ModelFacts
from affectgpt.serving.settings import Settings

_LIKELY: Final = 5
# What vLLM itself refuses to exceed.
_HIGHEST_TEMPERATURE: Final = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class _Embedded:
    """A clip whose prompt is ready for the language model: ``embeddings`` are of shape (L, D)."""

    example: Example
    embeddings: Tensor


class VLLMEngine:
    """Hands prompts over to vLLM as embeddings; a clip joins at any step, and leaves as soon as its text has ended.

    The language model is written as a plain checkpoint into a temporary folder (``TMPDIR``), from which vLLM loads it;
    the folder is gone when this is constructed. All calls have to come from one event loop.
    """

    def __init__(self, settings: Settings) -> None:
        """Load the model into torch and vLLM; ``check_health`` then lets it describe a made-up clip.

        Raises:
            RequestError: the model cannot be loaded, vLLM is not installed, or it cannot run the language model here.
        """
        workers = settings.recipe.model_workers
        self._name = settings.model
        loaded = load_served(settings, "cpu")
        self._preparer = Preparer(loaded.processor, _context(loaded, settings))
        self._facts = loaded.facts(self._preparer)
        self._placeholders = placeholders(loaded.model)
        self._trial = Query(made_up_clip(self._facts.decoding), max_new_tokens=1)
        self._expected: Sequence[int] | None = likely_next_tokens(
            loaded.model, loaded.processor, self._prepared(self._trial), _LIKELY
        )
        dtype = loaded.model.language_model.dtype
        with tempfile.TemporaryDirectory(prefix="affectgpt-language-model-") as folder:
            _save_language_model(loaded, Path(folder))
            self._embedder = PromptEmbedder(loaded.model, loaded.processor)
            move(loaded.model, torch.device(device_of(settings)), settings.model)
            self._vllm = load_async_vllm(settings, folder, dtype, self._preparer.context)
        self._batches: Batches[Query, _Embedded | ClipError] = Batches(
            self._embed, workers.batch_size, workers.batch_wait_s
        )
        self._places = asyncio.Semaphore(workers.batch_size)
        self._writing = 0

    @property
    def facts(self) -> ModelFacts:
        """What is known of the model."""
        return self._facts

    def check(self, query: Query) -> None:
        """See that a query is what the model can do.

        Raises:
            RequestError: it is not; the message says what.
        """
        self._preparer.check(query.language, query.max_new_tokens, query.temperature)
        if query.temperature > _HIGHEST_TEMPERATURE:
            raise RequestError(
                f"temperature {query.temperature}: vLLM draws at {_HIGHEST_TEMPERATURE:g} at most; give less"
            )

    async def answer(self, query: Query, on_text: OnText | None = None) -> Outcome:
        """Describe a clip; when the caller is cancelled, vLLM gives up its text and the memory that it took.

        Args:
            query: one that ``check`` lets pass.
            on_text: told the text so far after each token, in the caller's event loop.
        """
        prepared = await self._batches.submit(query)
        if isinstance(prepared.result, ClipError):
            return Done(prepared.result, prepared.waiting_s, prepared.running_s, prepared.batch)
        embedded = monotonic()
        async with self._places:
            began = monotonic()
            self._writing += 1
            clips = self._writing
            try:
                ids = await self._write(prepared.result.embeddings, query, on_text)
                clips = max(clips, self._writing)
            finally:
                self._writing -= 1
        text = written(self._preparer.processor, ids)
        waiting_s = prepared.waiting_s + began - embedded
        running_s = prepared.running_s + monotonic() - began
        return Done(answer_of(query, prepared.result.example, text), waiting_s, running_s, clips)

    async def check_health(self) -> None:
        """See that vLLM runs; the first call lets it begin an answer, and compares how torch would begin it.

        Raises:
            RequestError: vLLM's language model reads prompts in another way than the one that was trained.
            RuntimeError: vLLM has broken down.
        """
        if self._expected is not None:
            [first] = await self._write(self._embed_one(self._trial), self._trial, None)
            if first not in self._expected:
                raise RequestError(
                    f"model {self._name}: in vLLM its language model goes on otherwise than the one that was trained; "
                    "set model_workers.engine to transformers"
                )
            self._expected = None
        if self._vllm.errored:
            raise RuntimeError("vLLM has broken down; its log above says why")

    def close(self) -> None:
        """End the process in which vLLM runs the language model."""
        self._vllm.shutdown()

    def _prepared(self, query: Query) -> Example:
        example = self._preparer.prepare(query)
        if isinstance(example, ClipError):
            raise RequestError(f"model {self._name}: it cannot even describe a made-up clip: {example.message}")
        return example

    def _embed_one(self, query: Query) -> Tensor:
        [embeddings] = self._embedder.embed([self._prepared(query)])
        return embeddings

    def _embed(self, queries: Sequence[Query]) -> list[_Embedded | ClipError]:
        prepared = [self._preparer.prepare(query) for query in queries]
        examples = [one for one in prepared if isinstance(one, Example)]
        embeddings = iter(self._embedder.embed(examples) if examples else ())
        return [one if isinstance(one, ClipError) else _Embedded(one, next(embeddings)) for one in prepared]

    async def _write(self, embeddings: Tensor, query: Query, on_text: OnText | None) -> list[int]:
        """Let vLLM write a text, and return its tokens with the one that ends it."""
        from vllm.inputs import embeds_input

        ids: list[int] = []
        outputs = self._vllm.generate(embeds_input(embeddings), self._sampling(query), uuid4().hex)
        async with aclosing(outputs):
            async for output in outputs:
                [piece] = output.outputs
                ids += piece.token_ids
                # Where this loop is slow, the last word comes together with the token that ends the text.
                ended = piece.finish_reason == "stop"
                if on_text is not None and len(piece.token_ids) > ended:
                    text = text_so_far(self._preparer.processor, ids[:-1] if ended else ids)
                    if text is not None:
                        on_text(text)
        return ids

    def _sampling(self, query: Query) -> Any:
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind

        return SamplingParams(
            temperature=query.temperature,
            max_tokens=query.max_new_tokens,
            stop_token_ids=[self._preparer.processor.end_token_id],
            ignore_eos=True,
            logit_bias=dict.fromkeys(self._placeholders, float("-inf")),
            detokenize=False,
            output_kind=RequestOutputKind.DELTA,
        )


def _save_language_model(loaded: LoadedModel, folder: Path) -> None:
    """Save the language model where vLLM can load it.

    Raises:
        RequestError: there is no room for it.
    """
    weights = loaded.model.language_model.parameters()
    needed, free = sum(one.numel() * one.element_size() for one in weights), shutil.disk_usage(folder).free
    advice = f"vLLM loads the language model from {folder.parent}; name a folder with more room by TMPDIR"
    if needed >= free:
        raise RequestError(f"{needed / 2**30:.1f} GiB are needed, and {free / 2**30:.1f} GiB are free: {advice}")
    try:
        save_language_model(loaded.model, folder)
    except (OSError, SafetensorError) as error:
        raise RequestError(f"the language model cannot be written ({error}): {advice}") from error


def _context(loaded: LoadedModel, settings: Settings) -> int | None:
    """How many tokens question and description may have together: what the recipe says, else the model's own.

    Raises:
        RequestError: the recipe says more than the model has.
    """
    wanted, own = settings.recipe.model_workers.vllm.context, context_of(loaded.model)
    if wanted is not None and own is not None and wanted > own:
        raise RequestError(
            f"model_workers.vllm.context: {wanted} is more than the {own} tokens of the model; give less"
        )
    return own if wanted is None else wanted
