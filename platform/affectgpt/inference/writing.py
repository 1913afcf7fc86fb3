"""Lets the model write the texts of one batch, whose clips may differ in length, temperature and who waits for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import LogitsProcessor, LogitsProcessorList, StoppingCriteria, StoppingCriteriaList
from transformers.generation.streamers import BaseStreamer

from affectgpt.evaluation.extraction.lexicon import labels_of, read_description
from affectgpt.inference.asking import Answer, Query
from affectgpt.inference.description import Description
from affectgpt.model import AffectGPTForConditionalGeneration, AffectGPTProcessor
from affectgpt.model.processing import Example

_UNFINISHED_CHARACTER = "\N{REPLACEMENT CHARACTER}"


@dataclass(frozen=True, slots=True)
class Written:
    """One text.

    Attributes:
        text: the text, without space around it.
        tokens: how many tokens were written for it, with the one that ends it.
        complete: whether it ended by itself.
    """

    text: str
    tokens: int
    complete: bool


@torch.inference_mode()
def write(
    model: AffectGPTForConditionalGeneration,
    processor: AffectGPTProcessor,
    examples: Sequence[Example],
    queries: Sequence[Query],
) -> list[Written]:
    """Write the texts of clips, all at once.

    Args:
        model: the model.
        processor: its processor.
        examples: the prepared clips, at least one.
        queries: what is asked of each.
    """
    batch = processor.collate(examples, "left", label=False)
    inputs = {name: tensor.to(model.device) for name, tensor in batch.items()}
    prompt_length = inputs["input_ids"].shape[1]
    followed = any(query.on_text is not None for query in queries)
    sequences = model.generate(
        **inputs,
        **_sampling(queries),
        max_new_tokens=max(query.max_new_tokens for query in queries),
        stopping_criteria=StoppingCriteriaList([_Ends(queries, prompt_length)]),
        streamer=_Follower(processor, queries) if followed else None,
        eos_token_id=processor.end_token_id,
        pad_token_id=processor.tokenizer.pad_token_id,
    )
    rows = sequences[:, prompt_length:].tolist()
    return [written(processor, row[: query.max_new_tokens]) for row, query in zip(rows, queries, strict=True)]


def written(processor: AffectGPTProcessor, ids: Sequence[int]) -> Written:
    """Read the tokens that a model wrote; what comes behind one that ends the text does not count."""
    end = processor.end_token_id
    complete = end in ids
    length = ids.index(end) if complete else len(ids)
    return Written(_text(processor, ids[:length]).strip(), length + complete, complete)


def text_so_far(processor: AffectGPTProcessor, ids: Sequence[int]) -> str | None:
    """Return what a text has become, or None where its last character is not whole yet."""
    text = _text(processor, ids).strip()
    return None if text.endswith(_UNFINISHED_CHARACTER) else text


def answer_of(query: Query, example: Example, text: Written) -> Answer:
    """Make of a text what is answered; its labels are read out of it.

    Args:
        query: what was asked.
        example: the clip, as the model took it.
        text: what the model wrote.
    """
    description = Description(
        text=text.text,
        labels=tuple(labels_of(read_description(text.text, query.language))),
        has_video=example.pixel_values is not None,
        has_audio=example.sound_inputs is not None,
        subtitle=query.read.clip.subtitle or None,
        language=query.language,
    )
    return Answer(description, example.answer_start, text.tokens, text.complete)


def _text(processor: AffectGPTProcessor, ids: Sequence[int]) -> str:
    return str(processor.tokenizer.decode(ids, skip_special_tokens=True))


def _sampling(queries: Sequence[Query]) -> dict[str, Any]:
    temperatures = [query.temperature for query in queries]
    if not any(temperatures):
        return {"do_sample": False}
    return {
        "do_sample": True,
        "temperature": 1.0,
        "logits_processor": LogitsProcessorList([_Temperatures(temperatures)]),
    }


class _Temperatures(LogitsProcessor):
    """Gives each row its own temperature; at 0 nothing but the likeliest token is left to be drawn."""

    def __init__(self, temperatures: Sequence[float]) -> None:
        self._temperatures = torch.tensor(temperatures)[:, None]

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        temperatures = self._temperatures.to(scores.device, scores.dtype)
        likeliest = torch.full_like(scores, -torch.inf).scatter(1, scores.argmax(1, keepdim=True), 0.0)
        # A temperature of 1 where it is 0, so that no infinity is divided by nothing.
        drawn = scores / torch.where(temperatures > 0, temperatures, 1.0)
        return torch.where(temperatures > 0, drawn, likeliest)


class _Ends(StoppingCriteria):
    """Ends each row at its own length, or where nobody waits for it."""

    def __init__(self, queries: Sequence[Query], prompt_length: int) -> None:
        self._queries = queries
        self._prompt_length = prompt_length

    def __call__(self, input_ids: Tensor, scores: Any, **kwargs: Any) -> Tensor:
        length = input_ids.shape[1] - self._prompt_length
        ended = [
            length >= query.max_new_tokens or (query.is_stopped is not None and query.is_stopped())
            for query in self._queries
        ]
        return torch.tensor(ended, device=input_ids.device)


class _Follower(BaseStreamer):
    """Tells those who follow a text what it has become."""

    def __init__(self, processor: AffectGPTProcessor, queries: Sequence[Query]) -> None:
        self._processor = processor
        self._queries = queries
        self._ids: list[list[int]] = [[] for _ in queries]
        self._followed = [query.on_text is not None for query in queries]
        self._begun = False

    def put(self, value: Tensor) -> None:
        """Take one token of each row; what comes first is the prompts."""
        if self._begun:
            for row, token in enumerate(value.tolist()):
                if self._followed[row]:
                    self._take(row, token)
        self._begun = True

    def end(self) -> None:
        """Nothing is left to be told."""

    def _take(self, row: int, token: int) -> None:
        query, ids = self._queries[row], self._ids[row]
        if token == self._processor.end_token_id or len(ids) == query.max_new_tokens:
            self._followed[row] = False
            return
        ids.append(token)
        text = text_so_far(self._processor, ids)
        if query.on_text is not None and text is not None:
            query.on_text(text)
