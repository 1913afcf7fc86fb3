from collections.abc import Mapping
from pathlib import Path
from typing import Any

import peft
import pytest
import torch
from torch import Tensor
from transformers import BloomConfig, GPT2Config

from affectgpt.model import AffectGPTConfig, AffectGPTForConditionalGeneration, load_strictly
from tests.model import assembled
from tests.model.assembled import END, FUSED, MELS, PAD

PRE_FUSIONS = ["none", "attention", "qformer"]
GREEDY = {"do_sample": False, "max_new_tokens": 8, "pad_token_id": PAD, "eos_token_id": END}
BRANCHES = [
    {"fusion": "qformer"},
    {"fusion": "attention"},
    {"fusion": "mean", "statistics": 2},
    {"fusion": "qformer", "subsampling": 2, "statistics": 1},
]


def gradients(model: AffectGPTForConditionalGeneration) -> dict[str, Tensor]:
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


def without(inputs: Mapping[str, Tensor], *names: str) -> dict[str, Tensor]:
    return {name: value for name, value in inputs.items() if name not in names}


def reference_loss(logits: Tensor, labels: Tensor, weights: Tensor | None = None) -> tuple[float, float]:
    """The sum of the weighted cross entropies, and of the weights, token by token."""
    total = count = 0.0
    for row in range(labels.shape[0]):
        for place in range(1, labels.shape[1]):
            if labels[row, place] != -100:
                weight = 1.0 if weights is None else float(weights[row, place])
                total -= weight * float(logits[row, place - 1].log_softmax(-1)[labels[row, place]])
                count += weight
    return total, count


# --- features in the place of frames and sound ---


@pytest.mark.parametrize("pre_fusion", PRE_FUSIONS)
def test_features_give_the_same_as_what_they_were_made_of(pre_fusion: str) -> None:
    model = assembled.model(encoders=True, pre_fusion=pre_fusion)
    together = assembled.batch(assembled.clips(model, answer=3))
    senses = {name: together[name] for name in ("pixel_values", "frame_mask", "sound_inputs", "sound_mask")}
    features = model.encode(**senses)
    raw = model(**together)
    cached = model(**without(together, *senses), **features)
    torch.testing.assert_close(cached.logits, raw.logits)
    torch.testing.assert_close(cached.loss, raw.loss)


def test_a_model_without_encoders_takes_features_alone(tmp_path: Path) -> None:
    model = assembled.model(encoders=True)
    model.save_pretrained(tmp_path)
    light = load_strictly(tmp_path, with_encoders=False).eval()
    assert light.vision_encoder is None
    assert not any("encoder." in name and "branch" not in name for name in light.state_dict())
    together = assembled.batch(assembled.clips(model, answer=3))
    senses = {name: together[name] for name in ("pixel_values", "frame_mask", "sound_inputs", "sound_mask")}
    features = model.encode(**senses)
    output = light(**without(together, *senses), **features)
    torch.testing.assert_close(output.loss, model(**together).loss)
    with pytest.raises(ValueError, match="pixel_values: the model has no part that takes it"):
        light(**together)


# --- the loss ---


def test_the_loss_is_on_the_answer_alone_weighted_and_divided() -> None:
    model = assembled.model()
    together = assembled.batch(assembled.clips(model, answer=4))
    output = model(**together)
    total, count = reference_loss(output.logits, together["labels"])
    assert count == 4 + 5 + 6 + 7
    assert float(output.loss) == pytest.approx(total / count, rel=1e-5)
    assert float(model(**together, num_items=10).loss) == pytest.approx(total / 10, rel=1e-5)
    weights = torch.rand(together["labels"].shape) + 0.5
    total, count = reference_loss(output.logits, together["labels"], weights)
    assert float(model(**together, loss_weights=weights).loss) == pytest.approx(total / count, rel=1e-5)
    assert float(model(**together, loss_weights=weights, num_items=torch.tensor(7.0)).loss) == pytest.approx(
        total / 7, rel=1e-5
    )


def test_micro_batches_with_the_items_of_the_whole_add_up_to_its_loss() -> None:
    model = assembled.model()
    alone = assembled.clips(model, answer=4)
    whole = model(**assembled.batch(alone)).loss
    parts = [model(**assembled.batch(part), num_items=22).loss for part in (alone[:1], alone[1:])]
    torch.testing.assert_close(parts[0] + parts[1], whole)


@pytest.mark.parametrize("language_model", ["qwen3", "llama"])
def test_without_logits_the_loss_and_its_gradients_are_the_same(language_model: str) -> None:
    model = assembled.model(language_model)
    together = assembled.batch(assembled.clips(model, answer=4))
    full = model(**together)
    full.loss.backward()
    expected = gradients(model)
    model.zero_grad()
    seen: list[torch.Size] = []
    head = model.get_output_embeddings()
    head.register_forward_hook(lambda _m, _i, output: seen.append(output.shape))
    spare = model(**together, return_logits=False)
    spare.loss.backward()
    assert spare.logits is None
    assert seen[0][1] < together["input_ids"].shape[1]
    torch.testing.assert_close(spare.loss, full.loss)
    for name, gradient in gradients(model).items():
        torch.testing.assert_close(gradient, expected[name], msg=name)


def test_a_language_model_that_makes_logits_of_all_places_or_none_will_do() -> None:
    torch.manual_seed(0)
    config = assembled.config()
    for text in (
        GPT2Config(vocab_size=64, n_embd=16, n_layer=1, n_head=2, n_positions=128),
        BloomConfig(vocab_size=64, hidden_size=16, n_layer=1, n_head=2),
    ):
        model = AffectGPTForConditionalGeneration(AffectGPTConfig(**config.to_dict() | {"text_config": text})).eval()
        alone = assembled.clips(model, answer=3)
        together = assembled.batch(alone)
        torch.testing.assert_close(model(**together, return_logits=False).loss, model(**together).loss)
        prompts = assembled.batch(assembled.clips(model), "left")
        said = model.generate(**prompts, **GREEDY)
        assert said.shape[1] > prompts["input_ids"].shape[1]


def test_a_batch_without_labels_to_learn_has_no_loss_and_no_gradient() -> None:
    model = assembled.model()
    together = assembled.batch(assembled.clips(model))
    labels = torch.full_like(together["input_ids"], -100)
    for return_logits in (True, False):
        loss = model(**together, labels=labels, return_logits=return_logits).loss
        loss.backward()
        assert float(loss) == 0.0
        assert all(not bool(gradient.any()) for gradient in gradients(model).values())


# --- gradients ---


@pytest.mark.parametrize("pre_fusion", PRE_FUSIONS)
@pytest.mark.parametrize("branch", BRANCHES, ids=str)
@pytest.mark.parametrize(
    "mixed",
    [
        assembled.MIXED,
        [(True, False, 3)],
        [(False, True, 3)],
        [(False, False, 3)],
        [(False, False, 3), (True, True, 2)],
    ],
    ids=["mixed", "video", "sound", "text", "text-and-both"],
)
def test_every_part_has_finite_gradients_whatever_the_clips_have(
    pre_fusion: str, branch: dict[str, Any], mixed: list[tuple[bool, bool, int]]
) -> None:
    model = assembled.model(pre_fusion=pre_fusion, branch=branch).train()
    together = assembled.batch(assembled.clips(model, mixed, answer=3))
    output = model(**together, return_logits=False)
    output.loss.backward()
    assert bool(output.loss.isfinite())
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert bool(parameter.grad.isfinite().all()), name
    touched = gradients(model)
    for sense, there in (("vision", any(clip[0] for clip in mixed)), ("audio", any(clip[1] for clip in mixed))):
        gradient = touched[f"{sense}_branch.projection.weight"]
        assert bool(gradient.any()) == there, sense


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("pre_fusion", ["none", "qformer"])
def test_the_parts_run_in_one_order_whatever_the_clips_have(training: bool, pre_fusion: str) -> None:
    model = assembled.model(encoders=True, pre_fusion=pre_fusion)
    model.vision_encoder.requires_grad_(False)
    model.audio_encoder.requires_grad_(False)
    model.train(training)
    orders = []
    for mixed in (assembled.MIXED, [(True, False, 3)], [(False, True, 3)], [(False, False, 3)]):
        order: list[str] = []
        hooks = [
            module.register_forward_hook(lambda *_, name=name, order=order: order.append(name))
            for name, module in model.named_modules()
        ]
        model(**assembled.batch(assembled.clips(model, mixed, answer=3)), return_logits=False)
        for hook in hooks:
            hook.remove()
        orders.append(order)
    assert "vision_encoder" in orders[0]
    assert all(order == orders[0] for order in orders)


@pytest.mark.parametrize("mixed", [assembled.MIXED, [(False, False, 3), (False, True, 2)], [(False, False, 3)]])
def test_trained_encoders_have_finite_gradients_too(mixed: list[tuple[bool, bool, int]]) -> None:
    model = assembled.model(encoders=True)
    model.audio_encoder.config.apply_spec_augment = False
    model.audio_encoder.config.layerdrop = 0.0
    together = assembled.batch(assembled.clips(model, mixed, answer=3))
    model.train()(**together).loss.backward()
    named = dict(model.named_parameters())
    unused = ("masked_spec_embed", "post_layernorm")
    for name, parameter in named.items():
        if not any(part in name for part in unused):
            assert parameter.grad is not None, name
            assert bool(parameter.grad.isfinite().all()), name


def test_frozen_encoders_stay_as_in_evaluation_and_keep_no_graph() -> None:
    model = assembled.model(encoders=True)
    together = assembled.batch(assembled.clips(model, answer=3))
    model.vision_encoder.requires_grad_(False)
    model.audio_encoder.requires_grad_(False)
    expected = model(**together).loss
    model.train()
    assert not model.vision_encoder.training
    assert not model.audio_encoder.training
    assert model.vision_branch.training
    features = model.encode(**{name: together[name] for name in ("pixel_values", "sound_inputs", "sound_mask")})
    assert not any(value.requires_grad for value in features.values())
    torch.testing.assert_close(model(**together).loss, expected)


@pytest.mark.parametrize("frozen", [False, True])
def test_gradient_checkpointing_gives_the_same_gradients(frozen: bool) -> None:
    model = assembled.model(encoders=True).train()
    for encoder in (model.vision_encoder, model.audio_encoder):
        encoder.requires_grad_(False)
    model.language_model.requires_grad_(not frozen)
    model.train()
    together = assembled.batch(assembled.clips(model, answer=3))
    model(**together).loss.backward()
    expected = gradients(model)
    model.zero_grad()
    model.gradient_checkpointing_enable()
    assert any(getattr(module, "gradient_checkpointing", False) for module in model.language_model.modules())
    model(**together).loss.backward()
    found = gradients(model)
    assert found.keys() == expected.keys()
    for name, gradient in found.items():
        torch.testing.assert_close(gradient, expected[name], msg=name)


def test_low_rank_adapters_on_the_language_model_learn() -> None:
    model = assembled.model()
    together = assembled.batch(assembled.clips(model, answer=3))
    expected = model(**together).loss
    adapters = peft.LoraConfig(r=2, lora_alpha=4, target_modules="all-linear", task_type="CAUSAL_LM")
    model.requires_grad_(False)
    model.language_model = peft.get_peft_model(model.language_model, adapters)
    model.vision_branch.requires_grad_(True)
    model.gradient_checkpointing_enable()
    torch.testing.assert_close(model(**together).loss, expected)
    model.train()
    learnt = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(learnt, lr=1e-2)
    for _ in range(5):
        loss = model(**together, return_logits=False).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert float(loss) < 0.9 * float(expected)
    names = {name for name, p in model.named_parameters() if p.grad is not None}
    assert all("lora_" in name or name.startswith("vision_branch.") for name in names)
    model.language_model = model.language_model.merge_and_unload()
    assert float(model.eval()(**together).loss) < float(expected)
    prompts = assembled.batch(assembled.clips(model), "left")
    assert model.generate(**prompts, **GREEDY).shape[0] == len(assembled.MIXED)


@pytest.mark.parametrize("encoders", [False, True])
def test_bfloat16_gives_about_the_same(encoders: bool) -> None:
    model = assembled.model(encoders=encoders, pre_fusion="qformer", branch={"statistics": 1, "subsampling": 1})
    together = assembled.batch(assembled.clips(model, answer=3))
    expected = float(model(**together).loss)
    short = model.to(torch.bfloat16)
    loss = short(**together).loss
    loss.backward()
    assert float(loss) == pytest.approx(expected, rel=0.05)
    assert all(bool(gradient.isfinite().all()) for gradient in gradients(short).values())


def test_a_cast_leaves_the_places_of_tokens_precise() -> None:
    model = assembled.model()
    precise = {name: buffer.clone() for name, buffer in model.named_buffers() if "inv_freq" in name}
    assert precise
    for cast in (model.bfloat16(), model.to(torch.float16), model.float()):
        assert {p.dtype for p in cast.parameters()} == {cast.dtype}
        for name, buffer in cast.named_buffers():
            if name in precise:
                assert torch.equal(buffer, precise[name]), name


# --- what does not fit ---


def test_placeholders_that_do_not_fit_are_refused() -> None:
    model = assembled.model()
    [both, video, _, text] = assembled.clips(model)
    with pytest.raises(ValueError, match="placeholders for video, but none is given"):
        model(**without(video, "pixel_values", "frame_mask"))
    senses = without(both, "input_ids", "attention_mask")
    with pytest.raises(ValueError, match=r"placeholders for video by clip: \[0\], but vectors: \[3\]"):
        model(input_ids=text["input_ids"], **senses)
    cut = {name: both[name][:, 1:] for name in ("input_ids", "attention_mask")}
    with pytest.raises(ValueError, match=r"placeholders for sound by clip: \[2\], but vectors: \[3\]"):
        model(**cut, **senses)
    with pytest.raises(ValueError, match="give input_ids or inputs_embeds"):
        model(**senses)


def test_a_sense_that_the_model_lacks_is_refused() -> None:
    whole = assembled.config()
    settings = whole.to_dict() | {"audio_config": None, "audio_branch": None, "audio_token_id": None}
    model = AffectGPTForConditionalGeneration(AffectGPTConfig(**settings)).eval()
    assert model.audio_branch is None
    assert model.audio_encoder is None
    [video] = assembled.clips(model, [(True, False, 3)], answer=2)
    model.train()(**video).loss.backward()
    with pytest.raises(ValueError, match="sound: the model has no part that takes it"):
        model(**video, audio_features=torch.zeros(1, 4, MELS), audio_mask=torch.ones(1, 4, dtype=torch.bool))


def test_the_fused_placeholder_takes_what_both_senses_give() -> None:
    model = assembled.model(pre_fusion="attention")
    [both, video, *_] = assembled.clips(model)
    assert (both["input_ids"] == FUSED).sum() == 1
    vectors: list[Tensor] = []
    model.pre_fusion.register_forward_hook(lambda _m, _i, output: vectors.append(output.detach()))
    model(**both)
    other = both | {"sound_inputs": both["sound_inputs"] + torch.randn(both["sound_inputs"].shape)}
    model(**other)
    model(**video)
    assert not torch.allclose(vectors[0], vectors[1], atol=1e-5)
    assert bool(vectors[2].isfinite().all())
