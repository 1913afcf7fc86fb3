"""A model of the Whisper family that transformers runs in this process, on the CPU or one GPU."""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any, Final, cast

import torch
from torch import Tensor
from transformers import (
    AutoConfig,
    AutoProcessor,
    GenerationConfig,
    GenerationMixin,
    LogitsProcessorList,
    WhisperForConditionalGeneration,
)
from transformers.modeling_outputs import BaseModelOutput

from affectgpt.annotate.generated.cleaning import cleaned, one_line
from affectgpt.annotate.language_model.transformers_decoding import Sample
from affectgpt.annotate.language_model.transformers_loading import (
    Device,
    Dtype,
    check_device,
    explained,
    is_out_of_memory,
    quoted,
)
from affectgpt.annotate.speech_to_text.engine import Speech, Transcript, is_silence, joined, windows
from affectgpt.clips.languages import language_tag
from affectgpt.clips.media import SAMPLE_RATE
from affectgpt.errors import JobError, RequestError

# The decoder's room for a prompt, its reply, and what may precede both.
_MOST_TOKENS: Final = 440

_Window = tuple[int, Speech]


class TransformersSpeech:
    """A model of the Whisper family, from the Hugging Face hub or a folder; weights are read from safetensors alone."""

    def __init__(
        self,
        source: str,
        revision: str | None = None,
        *,
        device: Device = "cpu",
        dtype: Dtype = "auto",
        batch_size: int = 8,
    ) -> None:
        """Load the model.

        Args:
            source: name on the hub, or a folder.
            revision: branch, tag or commit on the hub.
            device: where the model runs.
            dtype: of its weights; ``auto`` is that of the checkpoint.
            batch_size: the most windows of sound that are heard at once.

        Raises:
            RequestError: there is no GPU, no such model, no weights in safetensors, it is of another family, or it does
                not fit the memory.
        """
        check_device(source, device)
        self._source = source
        self._batch_size = batch_size
        options: dict[str, Any] = {"revision": revision, "trust_remote_code": False}
        with explained(source, "name a model of the Whisper family with all its weights in safetensors"):
            kind = AutoConfig.from_pretrained(source, **options).model_type
            if kind != "whisper":
                raise RequestError(f"it is a {kind}")
            self._processor = AutoProcessor.from_pretrained(source, **options)
            self._model = WhisperForConditionalGeneration.from_pretrained(
                source, dtype=dtype, use_safetensors=True, **options
            )
            torch.nn.Module.to(self._model, device).eval()
        settings: Any = self._model.generation_config
        self._languages: dict[str, int] = getattr(settings, "lang_to_id", None) or {}
        self._prompt_end = [settings.no_timestamps_token_id]
        if self._languages:
            self._prompt_end.insert(0, settings.task_to_id["transcribe"])
        self._no_speech: int = settings.no_timestamps_token_id - 1

    def transcribe(self, speeches: Sequence[Speech]) -> list[Transcript]:
        """Write down what is said in each, in order; what is longer than a window is heard window by window.

        Raises:
            JobError: memory was short, or the model failed.
        """
        parts: list[list[tuple[Transcript, float]]] = [[] for _ in speeches]
        for batch in self._batches(speeches):
            for (place, speech), transcript in zip(batch, self._hear([speech for _, speech in batch]), strict=True):
                parts[place].append((transcript, float(len(speech.sound))))
        return [joined(one) for one in parts]

    def _batches(self, speeches: Sequence[Speech]) -> Iterator[list[_Window]]:
        pieces = [
            (place, Speech(sound, speech.language, speech.temperature, speech.seed))
            for place, speech in enumerate(speeches)
            for sound in windows(speech.sound)
            if len(sound)
        ]
        # The sort is stable: windows of one clip stay in order.
        for _, alike in groupby(sorted(pieces, key=_temperature), key=_temperature):
            of_one = list(alike)
            for first in range(0, len(of_one), self._batch_size):
                yield of_one[first : first + self._batch_size]

    def _hear(self, speeches: Sequence[Speech]) -> list[Transcript]:
        try:
            with torch.inference_mode():
                return self._transcripts(speeches)
        except (RuntimeError, MemoryError) as error:
            if is_out_of_memory(error):
                raise JobError(
                    f"model {self._source}: memory was short for {len(speeches)} windows of sound at once; set "
                    "requests lower, name a smaller model, or run it where there is more memory"
                ) from error
            raise JobError(
                f"model {self._source} failed: {quoted(error)}; what is finished is kept: see to the cause, then run "
                "the same command again"
            ) from error

    def _transcripts(self, speeches: Sequence[Speech]) -> list[Transcript]:
        model, tokenizer = self._model, self._processor.tokenizer
        features = self._processor.feature_extractor(
            [speech.sound for speech in speeches], sampling_rate=SAMPLE_RATE, return_tensors="pt"
        ).input_features.to(model.device, model.dtype)
        heard = model.get_encoder()(features)
        names, no_speech = self._first_look(heard, speeches)
        prompts = [
            [model.generation_config.decoder_start_token_id, *self._language_tokens(name), *self._prompt_end]
            for name in names
        ]
        sequences, scores = self._write(heard, torch.tensor(prompts, device=model.device), speeches)
        end = model.generation_config.eos_token_id
        found = []
        for place, name in enumerate(names):
            tokens = sequences[place].tolist()
            written = tokens[: tokens.index(end) + 1] if end in tokens else tokens
            confidence = float(scores[place, : len(written)].mean().exp()) if written else 0.0
            text = one_line(cleaned(tokenizer.decode(written, skip_special_tokens=True)))
            silent = is_silence(no_speech[place], confidence)
            found.append(Transcript("", None, None) if silent else Transcript(text, language_tag(name), confidence))
        return found

    def _first_look(self, heard: BaseModelOutput, speeches: Sequence[Speech]) -> tuple[list[str], list[float]]:
        """Tell by the first token which language each speech is in, where nobody said it, and how likely silence is."""
        model = self._model
        start = torch.full((len(speeches), 1), model.generation_config.decoder_start_token_id, device=model.device)
        logits = model(encoder_outputs=heard, decoder_input_ids=start, use_cache=False).logits[:, -1].float()
        no_speech = logits.softmax(-1)[:, self._no_speech].tolist()
        if not self._languages:
            return ["en"] * len(speeches), no_speech
        tokens, ids = zip(*self._languages.items(), strict=True)
        likeliest = logits[:, list(ids)].argmax(-1).tolist()
        found = [
            self._asked(speech) or tokens[best].strip("<|>") for speech, best in zip(speeches, likeliest, strict=True)
        ]
        return found, no_speech

    def _asked(self, speech: Speech) -> str | None:
        """Name the language that a speech is known to be in, as far as the model knows it."""
        primary = (speech.language or "").partition("-")[0].lower()
        return primary if f"<|{primary}|>" in self._languages else None

    def _language_tokens(self, name: str) -> list[int]:
        return [self._languages[f"<|{name}|>"]] if self._languages else []

    def _write(self, heard: BaseModelOutput, prompts: Tensor, speeches: Sequence[Speech]) -> tuple[Tensor, Tensor]:
        """Return the tokens after the prompts, and the logarithms of their probabilities; both of shape (B, T)."""
        model, own = self._model, self._model.generation_config
        settings = GenerationConfig(
            max_new_tokens=min(_MOST_TOKENS, model.config.max_target_positions - prompts.shape[1] - 1),
            do_sample=False,
            eos_token_id=own.eos_token_id,
            pad_token_id=own.eos_token_id,
            suppress_tokens=own.suppress_tokens,
            begin_suppress_tokens=own.begin_suppress_tokens,
            return_dict_in_generate=True,
            output_logits=True,
        )
        choice = LogitsProcessorList()
        if speeches[0].temperature > 0:
            choice.append(Sample(speeches[0].temperature, [speech.seed for speech in speeches], model.device))
        # Whisper's own generate would hear once more, and returns no scores of a batch of several languages.
        generate = cast(Callable[..., Any], GenerationMixin.generate)
        output = generate(
            model,
            encoder_outputs=heard,
            decoder_input_ids=prompts,
            decoder_attention_mask=torch.ones_like(prompts),
            generation_config=settings,
            logits_processor=choice,
        )
        sequences = output.sequences[:, prompts.shape[1] :]
        logits = torch.stack(output.logits, dim=1).float().log_softmax(-1)
        return sequences, logits.gather(-1, sequences.unsqueeze(-1)).squeeze(-1)


def _temperature(window: _Window) -> float:
    return window[1].temperature
