"""Settings of engines that run a language model in this process, as recipes give them."""

from typing import Literal

from pydantic import Field

from affectgpt.recipes.loading import Section


class VLLMSection(Section):
    """How vLLM runs a model.

    ``context`` is the longest prompt and reply together in tokens, null for the model's own; ``memory_share`` is what
    weights and cache may take of a GPU's memory; ``tensor_parallel`` GPUs share the model.
    """

    revision: str | None = None
    dtype: Literal["auto", "bfloat16", "float16", "float32"] = "auto"
    context: int | None = Field(None, ge=64, le=10_000_000)
    tensor_parallel: int = Field(1, ge=1, le=64)
    memory_share: float = Field(0.9, gt=0, le=1)


class TransformersSection(Section):
    """How transformers runs a model: on which device, and ``batch_size`` requests at once."""

    revision: str | None = None
    device: Literal["cpu", "cuda"] = "cpu"
    dtype: Literal["auto", "bfloat16", "float16", "float32"] = "auto"
    batch_size: int = Field(8, ge=1, le=4096)
