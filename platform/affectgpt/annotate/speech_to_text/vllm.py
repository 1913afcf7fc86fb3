"""A model of the Whisper family that vLLM runs in this process, with continuous batching."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from affectgpt.annotate.generated.cleaning import cleaned, one_line
from affectgpt.annotate.language_model.vllm import load_vllm, said
from affectgpt.annotate.speech_to_text.engine import Speech, Transcript, is_silence, joined, windows
from affectgpt.clips.languages import language_tag
from affectgpt.clips.media import SAMPLE_RATE
from affectgpt.errors import JobError, RequestError

_START: Final = "<|startoftranscript|>"
_NOTHING: Final = "<|nospeech|>"
# The decoder's room, for the start of a transcript and what follows.
_LONGEST_START: Final = 4


class VLLMSpeech:
    """A model of the Whisper family, from the Hugging Face hub or a folder."""

    def __init__(
        self,
        source: str,
        revision: str | None = None,
        *,
        dtype: str = "auto",
        context: int | None = None,
        tensor_parallel: int = 1,
        memory_share: float = 0.9,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        """Load the model, which takes seconds to minutes; arguments as ``VLLMEngine`` has them.

        Raises:
            RequestError: vLLM is not installed, or cannot run this model here, or it is of another family.
        """
        from transformers import GenerationConfig

        self._source = source
        self._model = load_vllm(
            source,
            revision,
            media={"audio": 1},
            dtype=dtype,
            context=context,
            tensor_parallel=tensor_parallel,
            memory_share=memory_share,
            options=options,
            prefix_caching=False,
        )
        vocabulary: dict[str, int] = self._model.get_tokenizer().get_vocab()
        if not {_START, _NOTHING} <= vocabulary.keys():
            raise RequestError(f"model {source} writes down no speech; name a model of the Whisper family")
        self._languages = {name.strip("<|>"): token for name, token in vocabulary.items() if _is_language(name)}
        self._nothing = vocabulary[_NOTHING]
        settings = GenerationConfig.from_pretrained(source, revision=revision or "main")
        self._suppressed: tuple[int, ...] = tuple(settings.suppress_tokens or ())
        self._most_tokens = self._model.llm_engine.model_config.max_model_len - _LONGEST_START - 1

    def transcribe(self, speeches: Sequence[Speech]) -> list[Transcript]:
        """Write down what is said in each, in order; what is longer than a window is heard window by window.

        Raises:
            JobError: the engine failed.
        """
        pieces = [
            (place, replace(one, sound=part)) for place, one in enumerate(speeches) for part in windows(one.sound)
        ]
        parts: list[list[tuple[Transcript, float]]] = [[] for _ in speeches]
        for (place, speech), transcript in zip(pieces, self._hear([speech for _, speech in pieces]), strict=True):
            parts[place].append((transcript, float(len(speech.sound))))
        return [joined(one) for one in parts]

    def _hear(self, speeches: Sequence[Speech]) -> list[Transcript]:
        if not speeches:
            return []
        names, silences = self._first_look(speeches)
        prompts = [_prompt(speech, self._start_of(name)) for speech, name in zip(speeches, names, strict=True)]
        outputs = self._generate(prompts, [self._sampling(speech) for speech in speeches])
        found = []
        for name, silence, output in zip(names, silences, outputs, strict=True):
            written = output.outputs[0]
            confidence = float(np.exp(written.cumulative_logprob / max(1, len(written.token_ids))))
            nothing = is_silence(silence, confidence)
            text = one_line(cleaned(written.text))
            found.append(Transcript("") if nothing else Transcript(text, language_tag(name), confidence))
        return found

    def _first_look(self, speeches: Sequence[Speech]) -> tuple[list[str], list[float]]:
        """Tell by the first token which language each speech is in, where nobody said it, and how likely silence is."""
        from vllm import SamplingParams

        tokens = {token: name for name, token in self._languages.items()}
        sampling = SamplingParams(temperature=0.0, max_tokens=1, logprobs=1, allowed_token_ids=list(tokens) or None)
        outputs = self._generate([_prompt(speech, _START) for speech in speeches], [sampling] * len(speeches))
        names, silences = [], []
        for speech, output in zip(speeches, outputs, strict=True):
            asked = (speech.language or "").partition("-")[0].lower()
            [token] = output.outputs[0].token_ids
            names.append(asked if asked in self._languages else tokens.get(token, "en"))
            likeliest = output.outputs[0].logprobs[0]
            # Silence counts where it is likelier than all else together, and is the likeliest token then.
            silences.append(float(np.exp(likeliest[self._nothing].logprob)) if self._nothing in likeliest else 0.0)
        return names, silences

    def _start_of(self, name: str) -> str:
        """Return how a transcript begins: a model of English alone is told neither language nor task."""
        return f"{_START}<|{name}|><|transcribe|><|notimestamps|>" if self._languages else f"{_START}<|notimestamps|>"

    def _sampling(self, speech: Speech) -> Any:
        from vllm import SamplingParams

        return SamplingParams(
            temperature=speech.temperature,
            seed=speech.seed if speech.temperature > 0 else None,
            max_tokens=self._most_tokens,
            min_tokens=1,
            logprobs=0,
            logit_bias=dict.fromkeys(self._suppressed, -100.0) or None,
        )

    def _generate(self, prompts: list[dict[str, Any]], sampling: list[Any]) -> list[Any]:
        try:
            outputs: list[Any] = self._model.generate(prompts, sampling, use_tqdm=False)
        # What the engine raises here is a crash of its own, whose types are not part of its interface.
        except Exception as error:
            raise JobError(
                f"model {self._source}: vLLM failed: {said(error)}; what is finished is kept, and the same command "
                "continues; see its log, and lower memory_share if memory was short"
            ) from error
        return outputs


def _prompt(speech: Speech, start: str) -> dict[str, Any]:
    heard = {"prompt": "", "multi_modal_data": {"audio": (speech.sound, SAMPLE_RATE)}}
    return {"encoder_prompt": heard, "decoder_prompt": start}


def _is_language(token: str) -> bool:
    return re.fullmatch(r"<\|[a-z]{2,3}\|>", token) is not None
