"""Which parameters a stage changes."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from torch import nn

from affectgpt.model.modeling import AffectGPTForConditionalGeneration
from affectgpt.training.recipe import LoraSection, StageSection, TrainableSection

_BRANCHES = ("vision_branch", "audio_branch", "pre_fusion")


def set_trainable(model: AffectGPTForConditionalGeneration, section: TrainableSection) -> None:
    """Freeze what the stage does not change, and put adapters into the language model where it is trained by LoRA."""
    model.requires_grad_(False)
    wanted = dict.fromkeys(_BRANCHES, section.branches)
    wanted |= {"vision_encoder": section.vision_encoder, "audio_encoder": section.audio_encoder}
    for name, how in wanted.items():
        part = getattr(model, name)
        if part is not None and how == "full":
            part.requires_grad_(True)
    if section.language_model == "full":
        model.language_model.requires_grad_(True)
    elif section.language_model == "lora":
        model.language_model = get_peft_model(model.language_model, lora_config(section.lora))


def lora_config(section: LoraSection) -> LoraConfig:
    """Return the adapters' configuration as peft takes it."""
    return LoraConfig(
        r=section.rank,
        lora_alpha=section.alpha,
        lora_dropout=section.dropout,
        target_modules=section.targets or "all-linear",
        task_type="CAUSAL_LM",
    )


def merge_adapters(model: AffectGPTForConditionalGeneration) -> None:
    """Add the adapters to the weights that they adapt, in float32, and take them out."""
    if isinstance(model.language_model, PeftModel):
        model.language_model = model.language_model.merge_and_unload()


def parameter_groups(model: nn.Module, stage: StageSection) -> list[dict[str, Any]]:
    """Group the trained parameters for the optimizer: vectors (biases, norms) do not decay."""
    decayed: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for parameter in model.parameters():
        if parameter.requires_grad:
            (decayed if parameter.ndim > 1 else others).append(parameter)
    groups = [
        {"params": decayed, "weight_decay": stage.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


def trained_names(model: nn.Module) -> Iterator[str]:
    """Name the parameters that are trained."""
    return (name for name, parameter in model.named_parameters() if parameter.requires_grad)


def load_trained(model: nn.Module, state: Mapping[str, torch.Tensor]) -> None:
    """Take over trained parameters.

    Raises:
        ValueError: a parameter that is trained is missing, or there is one that is not.
    """
    # Tied parameters have several names, of which a checkpoint may hold any.
    parameters = dict(model.named_parameters(remove_duplicate=False))
    known = {name for name, parameter in parameters.items() if parameter.requires_grad}
    if missing := sorted(set(trained_names(model)) - state.keys()):
        raise ValueError(f"the checkpoint lacks trained parameters: {', '.join(missing[:5])}, {len(missing)} in all")
    if unexpected := sorted(state.keys() - known):
        raise ValueError(
            f"the checkpoint has unknown parameters: {', '.join(unexpected[:5])}, {len(unexpected)} in all"
        )
    with torch.no_grad():
        for name, value in state.items():
            parameters[name].copy_(value)
