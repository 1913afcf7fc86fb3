"""A language model that transformers runs in this process, batch by batch, on the CPU or one GPU."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import groupby
from typing import cast

from torch import Tensor
from transformers import GenerationConfig, LogitsProcessor, LogitsProcessorList, PreTrainedModel

from affectgpt.annotate.language_model.engine import Arrived, TextReply, TextRequest
from affectgpt.annotate.language_model.transformers_chat import Chat
from affectgpt.annotate.language_model.transformers_decoding import Numbers, Sample, Schemas
from affectgpt.annotate.language_model.transformers_loading import (
    Checkpoint,
    Device,
    Dtype,
    check_device,
    is_out_of_memory,
    quoted,
)
from affectgpt.errors import JobError, RequestError

Inputs = dict[str, Tensor]


class TransformersEngine:
    """A causal language model, or one that reads pictures or sound and writes text, from the hub or a folder.

    Weights are read from safetensors alone, and no code of a repository is run. A reply that keeps to a schema does so
    by constrained decoding. The sampling settings that a model comes with are not used.
    """

    def __init__(
        self,
        source: str,
        revision: str | None = None,
        *,
        device: Device = "cpu",
        dtype: Dtype = "auto",
        batch_size: int = 8,
    ) -> None:
        """Load the model, which takes seconds to minutes.

        Args:
            source: name on the Hugging Face hub, or a folder.
            revision: branch, tag or commit on the hub.
            device: where the model runs.
            dtype: of its weights; ``auto`` is that of the checkpoint.
            batch_size: the most requests that are answered at once.

        Raises:
            RequestError: there is no GPU, no such model, no weights in safetensors, or no chat template, or the model
                does not write text or does not fit the memory.
        """
        if batch_size < 1:
            raise RequestError(f"model {source}: batch_size is {batch_size}; set it to 1 or more")
        check_device(source, device)
        checkpoint = Checkpoint.find(source, revision)
        self._source, self._revision = source, checkpoint.revision
        self._batch_size = batch_size
        self._chat = Chat(source, checkpoint.processor())
        self._model = checkpoint.model(device, dtype)
        self._stop = _stop_tokens(self._model, self._chat.tokenizer.eos_token_id)
        if not self._stop:
            raise RequestError(f"model {source} has no token that ends a reply; name one that is tuned for chats")
        # What it sets would otherwise be mixed into the settings of each call.
        self._model.generation_config = GenerationConfig()
        text = checkpoint.config.get_text_config()
        self._context: int | None = getattr(text, "max_position_embeddings", None)
        self._vocabulary: int = text.vocab_size

    @property
    def identity(self) -> Mapping[str, str]:
        """The model and its revision: a commit of the hub, or ``local`` for a folder."""
        return {"engine": "transformers", "model": self._source, "revision": self._revision}

    def generate(self, requests: Sequence[TextRequest], arrived: Arrived | None = None) -> list[TextReply]:
        """Answer requests, in their order; alike ones share a batch, the longest first.

        Args:
            requests: what is asked. One whose prompt does not fit the model's context is answered by an empty reply
                whose ``finish_reason`` is ``length``.
            arrived: called with the index of a request and its reply, when its batch is done.

        Raises:
            RequestError: a request has pictures, sound or a schema that the model cannot be asked with.
            JobError: memory was short, or the model failed.
        """
        for request in requests:
            self._chat.check(request)
            if request.schema is not None:
                self._schemas.compile(request.schema)
        replies: dict[int, TextReply] = {}
        for batch in _batches(requests, self._batch_size):
            for place, reply in self._answer(requests, batch):
                replies[place] = reply
                if arrived is not None:
                    arrived(place, reply)
        return [replies[place] for place in range(len(requests))]

    def _answer(self, requests: Sequence[TextRequest], batch: Sequence[int]) -> Iterator[tuple[int, TextReply]]:
        """Answer one batch; requests for whose replies the context may be too short are answered each alone."""
        asked = [requests[place] for place in batch]
        inputs = self._chat.encode(asked)
        lengths = [int(length) for length in inputs["attention_mask"].sum(1)]
        rooms = [self._room(request, length) for request, length in zip(asked, lengths, strict=True)]
        short_of = [room < request.max_tokens for request, room in zip(asked, rooms, strict=True)]
        if any(short_of) and len(batch) > 1:
            roomy = [place for place, is_short in zip(batch, short_of, strict=True) if not is_short]
            crowded = [[place] for place, is_short in zip(batch, short_of, strict=True) if is_short]
            for part in ([roomy] if roomy else []) + crowded:
                yield from self._answer(requests, part)
            return
        most = min(rooms)
        written = self._write(asked, inputs, most) if most > 0 else [[] for _ in asked]
        for place, length, tokens in zip(batch, lengths, written, strict=True):
            yield place, self._reply(length, tokens)

    def _room(self, request: TextRequest, prompt: int) -> int:
        """Return how many tokens can follow a prompt of so many."""
        return request.max_tokens if self._context is None else min(request.max_tokens, self._context - prompt)

    def _write(self, asked: Sequence[TextRequest], inputs: Inputs, most: int) -> list[list[int]]:
        """Return the tokens of each reply, with the one that ended it and what was padded after it."""
        model, generate = self._model, cast(Callable[..., Tensor], self._model.generate)
        settings = GenerationConfig(
            max_new_tokens=most,
            do_sample=False,
            eos_token_id=self._stop,
            pad_token_id=self._chat.tokenizer.pad_token_id,
        )
        try:
            placed = {
                name: value.to(model.device, model.dtype if value.is_floating_point() else None)
                for name, value in inputs.items()
            }
            sequences = generate(**placed, generation_config=settings, logits_processor=self._choice(asked))
        except (RuntimeError, MemoryError, FloatingPointError) as error:
            raise self._failure(error, len(asked)) from error
        tokens: list[list[int]] = sequences[:, inputs["input_ids"].shape[1] :].tolist()
        return tokens

    def _failure(self, error: Exception, together: int) -> JobError:
        """Say what a failure means to the person who asked, where so many requests shared a batch."""
        device = self._model.device.type
        if isinstance(error, FloatingPointError):
            remedy = "load it with another dtype, bfloat16 or float32"
            return JobError(f"model {self._source}: {error} in {self._model.dtype}; {remedy}")
        if is_out_of_memory(error):
            smaller = f"set batch_size below {together}" if together > 1 else "name a smaller model, send fewer frames"
            return JobError(
                f"model {self._source}: memory was short for {together} requests at once on {device}; "
                f"{smaller}, or run it where there is more memory"
            )
        return JobError(
            f"model {self._source} failed on {device}: {quoted(error)}; what is finished is kept: "
            "see to the cause, then run the same command again"
        )

    def _choice(self, asked: Sequence[TextRequest]) -> LogitsProcessorList:
        """Say how the tokens of a batch are chosen."""
        steps: list[LogitsProcessor] = [Numbers()]
        schemas = [request.schema for request in asked]
        if any(schema is not None for schema in schemas):
            steps.append(self._schemas.keep(schemas))
        if asked[0].temperature > 0:
            steps.append(Sample(asked[0].temperature, [request.seed for request in asked], self._model.device))
        return LogitsProcessorList(steps)

    @cached_property
    def _schemas(self) -> Schemas:
        return Schemas(self._source, self._chat.tokenizer, self._vocabulary, self._stop)

    def _reply(self, prompt: int, tokens: list[int]) -> TextReply:
        end = next((place for place, token in enumerate(tokens) if token in self._stop), None)
        written = tokens if end is None else tokens[: end + 1]
        # Blanks are left as they are written: they may be part of a text in JSON.
        text = self._chat.tokenizer.decode(written, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return TextReply(str(text), "length" if end is None else "stop", prompt, len(written))


def _stop_tokens(model: PreTrainedModel, end: int | None) -> list[int]:
    """Return the tokens that end a reply: those that the model's settings name, and the tokenizer's."""
    named = model.generation_config.eos_token_id if model.generation_config is not None else None
    several = named if isinstance(named, list) else [named]
    return sorted({token for token in (*several, end) if token is not None})


def _batches(requests: Sequence[TextRequest], size: int) -> Iterator[list[int]]:
    """Give the places of requests that share their settings and senses, the longest first."""

    def kind(place: int) -> tuple[float, int, bool, bool]:
        request = requests[place]
        return request.temperature, request.max_tokens, bool(request.frames), request.sound is not None

    def length(place: int) -> tuple[int, int, int]:
        request = requests[place]
        # Bytes are nearer to tokens than characters: a Chinese character is about one token, as four Latin ones are.
        text = len(request.system.encode()) + len(request.user.encode())
        return len(request.frames), 0 if request.sound is None else len(request.sound), text

    # Long ones come first, so that a lack of memory shows at once.
    in_order = sorted(range(len(requests)), key=lambda place: (kind(place), length(place)), reverse=True)
    for _, alike in groupby(in_order, key=kind):
        places = list(alike)
        for first in range(0, len(places), size):
            yield places[first : first + size]
