"""Requests in the form that a transformers model reads: by its own chat template, with pictures and sound."""

from collections.abc import Sequence
from typing import Any

from jinja2 import TemplateError
from PIL import Image
from torch import Tensor
from transformers import PreTrainedTokenizerBase, ProcessorMixin, SequenceFeatureExtractor

from affectgpt.annotate.language_model.engine import TextRequest
from affectgpt.annotate.language_model.media import SAMPLE_RATE
from affectgpt.annotate.language_model.transformers_loading import quoted, tokenizer_of
from affectgpt.errors import RequestError

Message = dict[str, Any]

_MARK = "a text that no chat template has by itself"


class Chat:
    """The chat format of one model.

    Where its template has no place for a system message, that leads the user's. Where it has a switch for thinking,
    that is off.

    Attributes:
        tokenizer: the model's, which pads on the left.
    """

    def __init__(self, model: str, processor: ProcessorMixin | PreTrainedTokenizerBase) -> None:
        """Make the format.

        Args:
            model: the model's name, for messages.
            processor: what prepares the model's inputs; a tokenizer, where it reads text alone.

        Raises:
            RequestError: the model has no chat template, or one that does not work.
        """
        self._model = model
        self._processor = processor
        self.tokenizer = tokenizer_of(processor)
        self.tokenizer.padding_side = "left"
        if self.tokenizer.pad_token is None:
            # Padding is masked, so that any token does.
            self.tokenizer.pad_token = self.tokenizer.eos_token
        self._options = _template_options(model, processor, self.tokenizer)
        self._takes_system = True
        self._takes_system = self._shows_system()

    def check(self, request: TextRequest) -> None:
        """See that the model has the senses for a request.

        Raises:
            RequestError: it has pictures and the model reads none, or sound, or the model wants another sample rate.
        """
        if request.frames and not hasattr(self._processor, "image_processor"):
            raise RequestError(
                f"model {self._model} reads no pictures, and a request has {len(request.frames)} frames; "
                "name a model that does, or ask without frames"
            )
        if request.sound is None:
            return
        ear = getattr(self._processor, "audio_processor", getattr(self._processor, "feature_extractor", None))
        if not isinstance(ear, SequenceFeatureExtractor):
            raise RequestError(
                f"model {self._model} reads no sound, and a request has some; name a model that does, "
                "or ask without sound"
            )
        if ear.sampling_rate != SAMPLE_RATE:
            raise RequestError(
                f"model {self._model} reads sound at {ear.sampling_rate} Hz, and requests have it at {SAMPLE_RATE} Hz; "
                "name another model, or ask without sound"
            )

    def encode(self, requests: Sequence[TextRequest]) -> dict[str, Tensor]:
        """Return what the model reads: ``input_ids`` and ``attention_mask`` (int64 of shape (B, T)), and its media.

        Prompts are padded on the left and never cut. Sound that is longer than the model's processor reads, 30 s for
        most, is cut by it.

        Raises:
            RequestError: the processor refuses a request.
        """
        conversations = [self._conversation(request) for request in requests]
        options: dict[str, Any] = {
            "add_generation_prompt": True,
            "tokenize": True,
            "return_dict": True,
            "return_tensors": "pt",
            **self._options,
        }
        try:
            if isinstance(self._processor, ProcessorMixin):
                encoded: Any = self._processor.apply_chat_template(
                    conversations, processor_kwargs={"text_kwargs": {"padding": True}}, **options
                )
                return {name: value for name, value in encoded.items() if isinstance(value, Tensor)}
            encoded = self.tokenizer.apply_chat_template(conversations, padding=True, **options)
            # A tokenizer may also number the segments of a text, which causal models do not read.
            return {name: encoded[name] for name in ("input_ids", "attention_mask")}
        except (ValueError, TypeError, TemplateError) as error:
            raise RequestError(
                f"model {self._model} cannot be asked this: {quoted(error)}; ask it otherwise"
            ) from error

    def _conversation(self, request: TextRequest) -> list[Message]:
        """Processors want the content of messages in parts, tokenizers as a text."""
        system, user = request.system, request.user
        if not self._takes_system:
            system, user = "", f"{system}\n\n{user}".strip()
        media: list[Message] = [{"type": "image", "image": Image.fromarray(frame)} for frame in request.frames]
        if request.sound is not None:
            media.append({"type": "audio", "audio": request.sound})
        in_parts = isinstance(self._processor, ProcessorMixin)
        texts = [{"role": "system", "content": _content(system, [], in_parts)}] if system else []
        return [*texts, {"role": "user", "content": _content(user, media, in_parts)}]

    def _shows_system(self) -> bool:
        """Some templates refuse a system message, and some leave it out."""
        conversation = self._conversation(TextRequest(_MARK, "Hello.", None, 1))
        try:
            shown = self._processor.apply_chat_template(conversation, tokenize=False, **self._options)
        except TemplateError:
            return False
        return _MARK in str(shown)


def _content(text: str, media: list[Message], in_parts: bool) -> str | list[Message]:
    return [*media, {"type": "text", "text": text}] if in_parts else text


def _template_options(
    model: str, processor: ProcessorMixin | PreTrainedTokenizerBase, tokenizer: PreTrainedTokenizerBase
) -> dict[str, Any]:
    """See that there is a template; return the arguments that it takes to answer without thinking."""
    found = processor.chat_template or tokenizer.chat_template
    template = found.get("default") if isinstance(found, dict) else found
    if not isinstance(template, str):
        raise RequestError(
            f"model {model} has no chat template; name a model that is tuned for chats, which often ends in -Instruct "
            "or -it"
        )
    # A processor takes an argument that its template does not know for one of its own.
    thinking = {"enable_thinking": False} if "enable_thinking" in template else {}
    return {"chat_template": template, **thinking}
