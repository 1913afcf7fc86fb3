"""How much memory a worker will need, before it needs it."""

from dataclasses import dataclass
from pathlib import Path

import psutil
import torch
from torch import nn

from affectgpt.training.recipe import StageSection

_GIB = 2**30
_CGROUP = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class MemoryEstimate:
    """Bytes that one worker holds on its device, and those that it keeps on the CPU by offloading.

    Model states by Rajbhandari et al., ZeRO (arXiv 1910.02054), section 3: with AdamW a trained parameter takes its
    own bytes, as many for the gradient, and 8 for the moments, with bfloat16 4 more for the float32 copy; ZeRO 1 shares
    out the optimizer's states over the workers, 2 the gradients too, 3 the parameters too. Activations by Korthikanti
    et al., Reducing Activation Recomputation in Large Transformer Models (arXiv 2205.05198), section 4.1: 34 bytes for
    each token, layer and unit of the hidden state at 16 bits, where the attention is not stored; 2 with checkpointing.
    """

    parameters: int
    gradients: int
    optimizer: int
    activations: int
    offloaded: int = 0

    @property
    def device(self) -> int:
        """Bytes on the worker's device, whatever is offloaded apart."""
        return self.parameters + self.gradients + self.optimizer + self.activations - self.offloaded

    def explain(self) -> str:
        """Say it in GiB."""
        parts = {
            "parameters": self.parameters,
            "gradients": self.gradients,
            "optimizer": self.optimizer,
            "activations": self.activations,
        }
        listed = ", ".join(f"{name} {size / _GIB:.2f}" for name, size in parts.items())
        kept = f", of which {self.offloaded / _GIB:.2f} are offloaded to the CPU" if self.offloaded else ""
        return f"{sum(parts.values()) / _GIB:.2f} GiB for each worker ({listed}{kept})"


def estimate(model: nn.Module, stage: StageSection, workers: int, tokens: int) -> MemoryEstimate:
    """Estimate what training a model takes.

    Args:
        model: with the parameters that are trained marked; ``config.text_config`` gives the size of a hidden state.
        stage: the settings.
        workers: how many share the states.
        tokens: length of the longest sample.
    """
    settings = stage.deepspeed
    width = 2 if settings.dtype == "bfloat16" else 4
    every = sum(parameter.numel() for parameter in model.parameters())
    trained = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    master = 4 if width == 2 else 0
    text = model.config.get_text_config()  # type: ignore[operator,union-attr]
    per_unit = (2 if settings.gradient_checkpointing else 34) * width // 2
    hidden = stage.micro_batch_size * tokens * text.hidden_size * text.num_hidden_layers * per_unit
    logits = 2 * stage.micro_batch_size * tokens * text.vocab_size * 4
    parameters = every * width // (workers if settings.zero >= 3 else 1)
    gradients = trained * width // (workers if settings.zero >= 2 else 1)
    optimizer = trained * (8 + master) // workers
    offloaded = {"none": 0, "optimizer": optimizer, "parameters": optimizer + parameters}[settings.offload]
    return MemoryEstimate(parameters, gradients, optimizer, hidden + logits, offloaded)


def available_bytes(device: torch.device) -> int:
    """Say how much memory is free on a device, as far as this process may use it."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    free = int(psutil.virtual_memory().available)
    limit, used = _cgroup("memory.max"), _cgroup("memory.current")
    return free if limit is None or used is None else min(free, limit - used)


def _cgroup(name: str) -> int | None:
    file = _CGROUP / name
    text = file.read_text(encoding="ascii").strip() if file.exists() else "max"
    return None if text == "max" else int(text)
