"""What DeepSpeed is told for a stage."""

from typing import Any

from affectgpt.training.recipe import StageSection


def deepspeed_config(stage: StageSection, micro_steps: int, universal: bool) -> dict[str, Any]:
    """Make the configuration of ``deepspeed.initialize``.

    Args:
        stage: the settings; ``deepspeed.extra`` has the last word.
        micro_steps: micro-batches that each worker runs for one step of the optimizer.
        universal: whether a checkpoint is loaded that was written by another number of workers.
    """
    settings = stage.deepspeed
    zero: dict[str, Any] = {"stage": settings.zero, "overlap_comm": False}
    if settings.offload != "none":
        zero["offload_optimizer"] = {"device": "cpu"}
    if settings.offload == "parameters":
        zero["offload_param"] = {"device": "cpu"}
    config: dict[str, Any] = {
        "train_micro_batch_size_per_gpu": stage.micro_batch_size,
        "gradient_accumulation_steps": micro_steps,
        "gradient_clipping": stage.gradient_clipping,
        "zero_optimization": zero,
        "bf16": {"enabled": settings.dtype == "bfloat16"},
        # The optimizer is PyTorch's on every device: DeepSpeed's own are compiled when they are first used.
        "zero_force_ds_cpu_optimizer": False,
        "zero_allow_untested_optimizer": True,
        "checkpoint": {"load_universal": universal},
        "steps_per_print": 10**9,
    }
    return _merged(config, settings.extra)


def _merged(config: dict[str, Any], extra: dict[str, Any]) -> dict[str, Any]:
    merged = dict(config)
    for key, value in extra.items():
        here = merged.get(key)
        merged[key] = _merged(here, value) if isinstance(here, dict) and isinstance(value, dict) else value
    return merged
