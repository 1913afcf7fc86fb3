"""Which parameters a stage changes, and what a checkpoint of them must hold."""

import pytest
import torch

from affectgpt.model.modeling import AffectGPTForConditionalGeneration
from affectgpt.training.initial_model import build_initial_model
from affectgpt.training.recipe import ModelSection, StageSection, TrainableSection
from affectgpt.training.trainable import (
    load_trained,
    merge_adapters,
    parameter_groups,
    set_trainable,
    trained_names,
)

TEXTS = ["The speaker seems happy.", "说话人很高兴。"]


@pytest.fixture
def model() -> AffectGPTForConditionalGeneration:
    section = ModelSection.model_validate(
        {
            "language_model": {"vocabulary": 300, "hidden_size": 32, "layers": 1, "heads": 2},
            "vision": {"queries": 2, "hidden_size": 16, "heads": 2, "layers": 1},
            "audio": {"queries": 2, "hidden_size": 16, "heads": 2, "layers": 1},
        }
    )
    return build_initial_model(section, TEXTS, 0)[0]


def _beginnings(model: AffectGPTForConditionalGeneration) -> set[str]:
    return {name.partition(".")[0] for name in trained_names(model)}


def test_frozen_parts_are_frozen(model: AffectGPTForConditionalGeneration) -> None:
    set_trainable(model, TrainableSection(language_model="frozen", branches="full"))
    assert _beginnings(model) == {"vision_branch", "audio_branch"}
    set_trainable(model, TrainableSection(language_model="full", branches="frozen"))
    assert _beginnings(model) == {"language_model"}


def test_adapters_alone_are_trained_in_a_language_model(model: AffectGPTForConditionalGeneration) -> None:
    set_trainable(model, TrainableSection(language_model="lora", branches="frozen"))
    names = list(trained_names(model))
    assert names
    assert all("lora_" in name for name in names)


def test_merged_adapters_compute_the_same(model: AffectGPTForConditionalGeneration) -> None:
    section = TrainableSection.model_validate({"language_model": "lora", "lora": {"dropout": 0.0}})
    set_trainable(model, section)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    ids = torch.arange(10, 20)[None]
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    model.eval()
    with torch.no_grad():
        before = model(**inputs).logits
        merge_adapters(model)
        after = model(**inputs).logits
    assert not any("lora" in name for name, _ in model.named_parameters())
    torch.testing.assert_close(after, before, atol=1e-5, rtol=1e-4)


def test_vectors_do_not_decay(model: AffectGPTForConditionalGeneration) -> None:
    set_trainable(model, TrainableSection(language_model="full"))
    stage = StageSection(data={"fine": 1.0}, steps=1, weight_decay=0.3)
    groups = parameter_groups(model, stage)
    assert [group["weight_decay"] for group in groups] == [0.3, 0.0]
    assert all(parameter.ndim == 1 for parameter in groups[1]["params"])
    counted = sum(parameter.numel() for group in groups for parameter in group["params"])
    assert counted == sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def test_a_checkpoint_must_hold_what_is_trained_and_nothing_else(model: AffectGPTForConditionalGeneration) -> None:
    set_trainable(model, TrainableSection(language_model="full"))
    state = {name: parameter.detach() + 1 for name, parameter in model.named_parameters() if parameter.requires_grad}
    load_trained(model, state)
    name = next(iter(state))
    torch.testing.assert_close(dict(model.named_parameters())[name].detach(), state[name])
    with pytest.raises(ValueError, match=f"lacks trained parameters: {name}"):
        load_trained(model, {key: value for key, value in state.items() if key != name})
    with pytest.raises(ValueError, match="unknown parameters: other"):
        load_trained(model, {**state, "other.weight": torch.zeros(1)})


def test_a_checkpoint_may_name_a_tied_parameter_twice(model: AffectGPTForConditionalGeneration) -> None:
    set_trainable(model, TrainableSection(language_model="full"))
    state = {name: value.detach().clone() for name, value in model.named_parameters() if value.requires_grad}
    state["language_model.lm_head.weight"] = state["language_model.model.embed_tokens.weight"]
    load_trained(model, state)
