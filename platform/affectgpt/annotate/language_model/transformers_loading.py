"""Models that write text, of whatever architecture transformers has, loaded with what prepares their inputs."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForMultimodalLM,
    AutoProcessor,
    AutoTokenizer,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    ProcessorMixin,
)

from affectgpt.errors import RequestError

Device = Literal["cpu", "cuda"]
Dtype = Literal["auto", "bfloat16", "float16", "float32"]

LOCAL = "local"
QUOTED_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A model that writes text, on the Hugging Face hub or in a folder.

    Of a model that also speaks, as Qwen2.5-Omni does, it is the part that writes.

    Attributes:
        source: name on the hub, or the folder.
        revision: the commit on the hub, or ``local`` for a folder.
        config: of the part that writes.
    """

    source: str
    revision: str
    config: PreTrainedConfig

    @classmethod
    def find(cls, source: str, revision: str | None = None) -> "Checkpoint":
        """Read a model's configuration.

        Args:
            source: name on the hub, or a folder.
            revision: branch, tag or commit on the hub.

        Raises:
            RequestError: there is no such model, or it does not write text.
        """
        with explained(source, "name a model on the Hugging Face hub or a folder with a config.json"):
            whole = AutoConfig.from_pretrained(source, revision=revision, trust_remote_code=False)
        config = getattr(whole, "thinker_config", whole)
        if not any(type(config) in auto._model_mapping for auto in (AutoModelForMultimodalLM, AutoModelForCausalLM)):
            raise RequestError(
                f"model {source}: a {config.model_type} does not write text; name a causal language model, or a model "
                "that reads pictures or sound and writes text"
            )
        if Path(source).is_dir():
            return cls(source, LOCAL, config)
        return cls(source, getattr(whole, "_commit_hash", None) or revision or "main", config)

    def processor(self) -> ProcessorMixin | PreTrainedTokenizerBase:
        """Load what prepares the model's inputs: a tokenizer where it reads text alone.

        Raises:
            RequestError: its files or what it needs are not there.
        """
        auto = AutoProcessor if self._reads_more_than_text else AutoTokenizer
        remedy = "see that its tokenizer and processor are there, and install what it asks for"
        with explained(self.source, remedy):
            processor: ProcessorMixin | PreTrainedTokenizerBase = auto.from_pretrained(self.source, **self._options)
        # Where its files are missing, some classes make a tokenizer that knows no words.
        if not tokenizer_of(processor).encode("word", add_special_tokens=False):
            raise RequestError(f"model {self.source} cannot be loaded: its tokenizer knows no words; {remedy}")
        return processor

    def model(self, device: Device, dtype: Dtype) -> PreTrainedModel:
        """Load the weights, for evaluation.

        Args:
            device: where they go.
            dtype: of the weights; ``auto`` is that of the checkpoint.

        Raises:
            RequestError: they are not all there in safetensors, or do not fit the memory.
        """
        auto: Any = AutoModelForMultimodalLM if self._reads_more_than_text else AutoModelForCausalLM
        remedy = "name a model with all its weights in safetensors"
        with explained(self.source, remedy):
            model, found = auto.from_pretrained(
                self.source,
                config=self.config,
                dtype=dtype,
                use_safetensors=True,
                output_loading_info=True,
                **self._options,
            )
            loaded: PreTrainedModel = model.to(device).eval()
        if lacking := sorted(found["missing_keys"]):
            raise RequestError(
                f"model {self.source}: its checkpoint lacks {len(lacking)} weights of a {self.config.model_type} that "
                f"writes text, {lacking[0]} among them; {remedy}"
            )
        return loaded

    @property
    def _reads_more_than_text(self) -> bool:
        return type(self.config) in AutoModelForMultimodalLM._model_mapping

    @property
    def _options(self) -> dict[str, Any]:
        return {"revision": None if self.revision == LOCAL else self.revision, "trust_remote_code": False}


def check_device(source: str, device: Device) -> None:
    """See that a model can run on a device.

    Raises:
        RequestError: there is no GPU.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise RequestError(f"model {source}: there is no GPU here; set its device to cpu, or run it where a GPU is")


def tokenizer_of(processor: ProcessorMixin | PreTrainedTokenizerBase) -> PreTrainedTokenizerBase:
    """Return the tokenizer of a processor, which a tokenizer is itself."""
    if isinstance(processor, PreTrainedTokenizerBase):
        return processor
    tokenizer: PreTrainedTokenizerBase = processor.tokenizer
    return tokenizer


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of torch or of Python says that memory, of a GPU or of the machine, was not enough."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and "DefaultCPUAllocator" in str(error)


def quoted(error: BaseException) -> str:
    """Say what an error says, in one line and not too long."""
    line = " ".join(str(error).split()) or type(error).__name__
    return line if len(line) <= QUOTED_CHARACTERS else line[:QUOTED_CHARACTERS] + " ..."


@contextmanager
def explained(source: str, remedy: str) -> Iterator[None]:
    """Say of whatever loading raises that the model cannot be loaded, and what to do.

    Raises:
        RequestError: always that.
    """
    try:
        yield
    # Loading raises whatever hub, configuration, tokenizer and weights raise: all of it means that it does not load.
    except Exception as error:
        if is_out_of_memory(error):
            remedy = "it does not fit the memory: name a smaller model, or run it where there is more"
        raise RequestError(f"model {source} cannot be loaded: {quoted(error)}; {remedy}") from error
