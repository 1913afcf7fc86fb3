"""A trained AffectGPT: clips in, descriptions and labels out."""

from collections.abc import Sequence
from typing import Any, Self, cast, get_args

import torch
from safetensors import SafetensorError

from affectgpt.errors import ClipError, RequestError
from affectgpt.evaluation.extraction.lexicon import extract_by_lexicon
from affectgpt.evaluation.text_language import Language
from affectgpt.inference.description import Description
from affectgpt.inference.model_files import local_source
from affectgpt.inference.perception import perception_of
from affectgpt.inference.reading import Asked, ClipLike, ClipReader, Read
from affectgpt.model import AffectGPTForConditionalGeneration, AffectGPTProcessor, ClipInput, load_strictly
from affectgpt.model.processing import Example

_LOADING_ERRORS = (OSError, ValueError, KeyError, TypeError, ImportError, SafetensorError)


class AffectGPT:
    """A trained model, ready to describe clips.

    Not for use by several threads at once.

    Attributes:
        model: the model itself, in evaluation.
        processor: its processor.
    """

    def __init__(
        self, model: AffectGPTForConditionalGeneration, processor: AffectGPTProcessor, reader: ClipReader | None = None
    ) -> None:
        """Take a model that is loaded.

        Args:
            model: with its encoders, on its device.
            processor: its processor.
            reader: what decodes for it; None is one process with the usual limits.
        """
        self.model = model
        self.model.train(False)
        self.processor = processor
        self._reader = reader or ClipReader()
        self._perception = perception_of(processor)

    @classmethod
    def from_pretrained(
        cls,
        path: str,
        device: str | torch.device | None = None,
        dtype: str | torch.dtype | None = None,
        reader: ClipReader | None = None,
    ) -> Self:
        """Load a model.

        Args:
            path: the folder of a model, its URI (``s3://``, ``gs://``), or its name on the Hugging Face hub.
            device: where it runs; None is the GPU where there is one.
            dtype: of the weights, for example ``bfloat16``; None is what they were saved in.
            reader: what decodes for it; None is one process with the usual limits.

        Raises:
            RequestError: there is no such model, it lacks files or weights, or there is no such device or dtype.
        """
        path = str(path)
        place = _device(device)
        wanted = _dtype(dtype)
        with local_source(path) as source:
            try:
                processor = AffectGPTProcessor.from_pretrained(source)
                model = load_strictly(source, dtype=wanted)
            except _LOADING_ERRORS as error:
                reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
                raise RequestError(
                    f"model {path}: it cannot be loaded ({reason}); name a model that train wrote"
                ) from error
            torch.nn.Module.to(model, place)
            return cls(model, processor, reader)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """End the processes that decode; describing again starts others."""
        self._reader.close()

    def describe(
        self,
        clip: ClipLike,
        subtitle: str | None = None,
        language: Language = "en",
        start_s: float | None = None,
        end_s: float | None = None,
        max_new_tokens: int = 256,
        temperature: float = 0.0,
    ) -> Description:
        """Describe a clip.

        Args:
            clip: a path, a URI (``s3://``, ``https://``), or a ``Clip``, which is taken as it is.
            subtitle: what is said; None looks for it beside a path or URI and in its text track, "" is none.
            language: in which the description is written, ``en`` or ``zh``.
            start_s: begin of the span of a path or URI in seconds; None is its beginning.
            end_s: end of the span in seconds; None is its end.
            max_new_tokens: the most tokens of the description.
            temperature: 0 gives the likeliest text step by step; above, it is drawn by torch's own generator.

        Raises:
            ClipError: the clip cannot be read, or there is nothing that the model can perceive.
            RequestError: an argument is wrong.
        """
        asked = Asked(clip, subtitle, start_s, end_s)
        return self._described([asked], language, max_new_tokens, temperature)[0]

    def describe_batch(
        self,
        clips: Sequence[ClipLike],
        language: Language = "en",
        batch_size: int = 8,
        max_new_tokens: int = 256,
        temperature: float = 0.0,
    ) -> list[Description]:
        """Describe clips, several at once; they may differ in length and in what they have.

        Args:
            clips: paths, URIs and ``Clip``s, as in ``describe``; give a ``Clip`` where you know what is said.
            language: as in ``describe``.
            batch_size: how many clips go through the model at a time.
            max_new_tokens: as in ``describe``.
            temperature: as in ``describe``.

        Raises:
            ClipError: a clip cannot be used; ``try_batch`` goes on with the others.
            RequestError: an argument is wrong.
        """
        if batch_size < 1:
            raise RequestError(f"batch_size {batch_size}: give at least 1")
        asked = [Asked(clip) for clip in clips]
        batches = (asked[first : first + batch_size] for first in range(0, len(asked), batch_size))
        return [one for batch in batches for one in self._described(batch, language, max_new_tokens, temperature)]

    def try_batch(
        self,
        clips: Sequence[ClipLike],
        language: Language = "en",
        max_new_tokens: int = 256,
        temperature: float = 0.0,
    ) -> list[Description | ClipError]:
        """Describe clips in one batch, and say of those that cannot be used why.

        Args:
            clips: as in ``describe_batch``.
            language: as in ``describe``.
            max_new_tokens: as in ``describe``.
            temperature: as in ``describe``.

        Raises:
            RequestError: an argument is wrong.
        """
        return self._outcomes([Asked(clip) for clip in clips], language, max_new_tokens, temperature)

    def _described(
        self, asked: Sequence[Asked], language: Language, max_new_tokens: int, temperature: float
    ) -> list[Description]:
        described = []
        for outcome in self._outcomes(asked, language, max_new_tokens, temperature):
            if isinstance(outcome, ClipError):
                raise outcome
            described.append(outcome)
        return described

    def _outcomes(
        self, asked: Sequence[Asked], language: Language, max_new_tokens: int, temperature: float
    ) -> list[Description | ClipError]:
        prompt_tokens = self._check(language, max_new_tokens, temperature)
        found = self._reader.read(asked, self._perception.decoding)
        prepared = [
            one if isinstance(one, ClipError) else self._prepared(one, language, prompt_tokens) for one in found
        ]
        examples = [one for one in prepared if isinstance(one, Example)]
        texts = self._generate(examples, max_new_tokens, temperature) if examples else []
        said = iter(zip(texts, extract_by_lexicon(texts, language), strict=True))
        return [
            example
            if isinstance(example, ClipError)
            else _description(cast(Read, read), example, *next(said), language)
            for read, example in zip(found, prepared, strict=True)
        ]

    def _check(self, language: str, max_new_tokens: int, temperature: float) -> int | None:
        """Refuse wrong arguments; return how many tokens a prompt may have, or None where nothing limits it."""
        if language not in get_args(Language):
            raise RequestError(f"language {language}: the model writes {' and '.join(get_args(Language))}; name one")
        if not 0.0 <= temperature < float("inf"):
            raise RequestError(f"temperature {temperature}: give 0 for the likeliest text, or a number above it")
        context: int | None = getattr(self.model.config.text_config, "max_position_embeddings", None)
        if max_new_tokens < 1 or (context is not None and max_new_tokens >= context):
            raise RequestError(
                f"max_new_tokens {max_new_tokens}: give at least 1, and fewer than the model's {context}"
            )
        return None if context is None else context - max_new_tokens

    def _prepared(self, read: Read, language: Language, prompt_tokens: int | None) -> Example | ClipError:
        """Make of a clip what the model takes, or say why it cannot take it."""
        clip, media = read.clip, read.media
        frames = media.frames if media.frames_got and self.processor.image_processor is not None else None
        sound = media.sound[: self._perception.samples]
        if frames is None and not len(sound) and not (clip.subtitle and clip.subtitle.strip()):
            return ClipError("nothing-perceived", f"{clip.uri} has nothing that this model perceives, and no subtitle")
        taken = ClipInput(frames, sound if len(sound) else None, clip.subtitle, language)
        try:
            return self.processor.example(taken, with_answer=False, max_tokens=prompt_tokens)
        except ValueError as error:
            return ClipError("subtitle-too-long", f"the subtitle of {clip.uri} is too long: {error}")

    @torch.inference_mode()
    def _generate(self, examples: Sequence[Example], max_new_tokens: int, temperature: float) -> list[str]:
        batch = self.processor.collate(examples, "left", label=False)
        inputs = {name: tensor.to(self.model.device) for name, tensor in batch.items()}
        sampling: dict[str, Any] = (
            {"do_sample": True, "temperature": temperature} if temperature else {"do_sample": False}
        )
        sequences = self.model.generate(
            **inputs,
            **sampling,
            max_new_tokens=max_new_tokens,
            eos_token_id=self.processor.end_token_id,
            pad_token_id=self.processor.tokenizer.pad_token_id,
        )
        return self.processor.decode_descriptions(sequences, inputs["input_ids"].shape[1])


def _description(read: Read, example: Example, text: str, labels: Sequence[str], language: Language) -> Description:
    return Description(
        text=text,
        labels=tuple(labels),
        has_video=example.pixel_values is not None,
        has_audio=example.sound_inputs is not None,
        subtitle=read.clip.subtitle or None,
        language=language,
    )


def _device(device: str | torch.device | None) -> torch.device:
    try:
        place = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    except RuntimeError as error:
        raise RequestError(f"device {device}: there is no such kind ({error}); give cpu or cuda") from error
    if place.type == "cuda" and (place.index or 0) >= torch.cuda.device_count():
        raise RequestError(
            f"device {device}: {torch.cuda.device_count()} GPUs are seen here; give cpu, or leave it out"
        )
    return place


def _dtype(dtype: str | torch.dtype | None) -> torch.dtype | None:
    found = getattr(torch, dtype, None) if isinstance(dtype, str) else dtype
    if (dtype is None or isinstance(found, torch.dtype)) and (found is None or found.is_floating_point):
        return found
    raise RequestError(f"dtype {dtype}: it is no type of weights; give float32, bfloat16 or float16")
