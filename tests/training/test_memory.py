"""The estimate of memory against what is really allocated."""

import pytest
import torch
from torch import nn
from transformers import Qwen3Config, Qwen3ForCausalLM

from affectgpt.training.memory import available_bytes, estimate
from affectgpt.training.recipe import StageSection


@pytest.fixture(scope="module")
def model() -> nn.Module:
    torch.manual_seed(0)
    config = Qwen3Config(
        vocab_size=256,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=16,
        tie_word_embeddings=True,
    )
    return Qwen3ForCausalLM(config)


def _stage(**settings: object) -> StageSection:
    return StageSection.model_validate(
        {"data": {"fine": 1.0}, "steps": 1, "batch_size": 4, "micro_batch_size": 4, "deepspeed": settings}
    )


def test_states_of_one_worker_are_what_adam_allocates(model: nn.Module) -> None:
    needed = estimate(model, _stage(zero=1), workers=1, tokens=32)
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.zeros((4, 32), dtype=torch.long)).logits.sum().backward()
    optimizer.step()
    parameters = list(model.parameters())
    assert needed.parameters == sum(one.numel() * one.element_size() for one in parameters)
    assert needed.gradients == sum(one.grad.numel() * one.grad.element_size() for one in parameters)  # type: ignore[union-attr]
    moments = [state[name] for state in optimizer.state.values() for name in ("exp_avg", "exp_avg_sq")]
    assert needed.optimizer == sum(one.numel() * one.element_size() for one in moments)


def test_zero_shares_out_more_with_each_stage(model: nn.Module) -> None:
    one, two, three = (estimate(model, _stage(zero=zero), workers=4, tokens=32) for zero in (1, 2, 3))
    alone = estimate(model, _stage(zero=1), workers=1, tokens=32)
    assert one.optimizer == alone.optimizer // 4
    assert (one.gradients, two.gradients) == (alone.gradients, alone.gradients // 4)
    assert (two.parameters, three.parameters) == (alone.parameters, alone.parameters // 4)


def test_frozen_parameters_need_neither_gradients_nor_moments(model: nn.Module) -> None:
    frozen = [parameter.requires_grad for parameter in model.parameters()]
    model.requires_grad_(False)
    try:
        needed = estimate(model, _stage(zero=2), workers=1, tokens=32)
    finally:
        for parameter, was in zip(model.parameters(), frozen, strict=True):
            parameter.requires_grad_(was)
    assert needed.gradients == needed.optimizer == 0
    assert needed.parameters > 0


def test_bfloat16_halves_parameters_and_keeps_a_float32_copy(model: nn.Module) -> None:
    full, half = (estimate(model, _stage(dtype=dtype), 1, 32) for dtype in ("float32", "bfloat16"))
    assert half.parameters == full.parameters // 2
    assert half.optimizer == full.optimizer * 12 // 8


def test_checkpointing_and_offloading_spare_the_device(model: nn.Module) -> None:
    plain, spared = (estimate(model, _stage(gradient_checkpointing=on), 1, 512) for on in (False, True))
    assert spared.activations < plain.activations
    offloaded = estimate(model, _stage(offload="optimizer"), 1, 512)
    assert offloaded.device == plain.device - plain.optimizer
    assert "offloaded" in offloaded.explain()


def test_some_memory_is_free_on_this_machine() -> None:
    assert 2**20 < available_bytes(torch.device("cpu")) < 2**50
