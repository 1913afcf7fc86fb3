"""Whole models at tiny sizes, their weights drawn at random, and batches of mixed clips for them."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import CLIPVisionConfig, HubertConfig, LlamaConfig, PreTrainedConfig, Qwen3Config

from affectgpt.model import AffectGPTBranchConfig, AffectGPTConfig, AffectGPTForConditionalGeneration
from affectgpt.model.encoder_free import LogMelConfig, PatchFeaturesConfig
from tests.model.tiny import FRAME_SIZE, TRANSFORMER, WAVEFORM

VOCABULARY = 64
PAD, END, VIDEO, AUDIO, FUSED = 0, 1, 61, 62, 63
MELS = 7
# What each clip of a batch has: video, sound, length of the question.
MIXED = ((True, True, 3), (True, False, 6), (False, True, 2), (False, False, 5))


def text_config(kind: str = "qwen3", **options: Any) -> PreTrainedConfig:
    sizes = TRANSFORMER | {"vocab_size": VOCABULARY, "eos_token_id": END, "pad_token_id": PAD} | options
    if kind == "llama":
        return LlamaConfig(**sizes)
    return Qwen3Config(num_key_value_heads=2, head_dim=8, tie_word_embeddings=True, **sizes)


def config(
    language_model: str = "qwen3",
    encoders: bool = False,
    pre_fusion: str = "none",
    branch: Mapping[str, Any] | None = None,
) -> AffectGPTConfig:
    """A model that sees and hears: by CLIP and HuBERT, or by patches and log-mels."""
    sizes: dict[str, Any] = {"hidden_size": 16, "layers": 2, "heads": 2, "queries": 3, "dropout": 0.0, "positions": 40}
    sizes |= branch or {}
    vision: PreTrainedConfig = PatchFeaturesConfig(patch_size=8, frame_size=FRAME_SIZE)
    audio: PreTrainedConfig = LogMelConfig(feature_size=MELS)
    if encoders:
        vision = CLIPVisionConfig(image_size=FRAME_SIZE, patch_size=8, **TRANSFORMER)
        audio = HubertConfig(feat_extract_norm="layer", do_stable_layer_norm=True, **TRANSFORMER, **WAVEFORM)
    return AffectGPTConfig(
        text_config=text_config(language_model),
        vision_config=vision,
        audio_config=audio,
        vision_branch=AffectGPTBranchConfig(**sizes),
        audio_branch=AffectGPTBranchConfig(**sizes),
        pre_fusion=pre_fusion,
        pre_fusion_tokens=2 if pre_fusion == "qformer" else 1,
        video_token_id=VIDEO,
        audio_token_id=AUDIO,
        fused_token_id=None if pre_fusion == "none" else FUSED,
    )


def model(*args: Any, **options: Any) -> AffectGPTForConditionalGeneration:
    torch.manual_seed(11)
    built = AffectGPTForConditionalGeneration(config(*args, **options))
    # Weights as small as they are drawn make a model that says the same whatever it sees, hears and reads.
    with torch.no_grad():
        for name, parameter in built.named_parameters():
            if parameter.ndim == 2:
                parameter.mul_(2 if "encoder." in name else 4)
    return built.eval()


def clips(
    of: AffectGPTForConditionalGeneration, mixed: Sequence[tuple[bool, bool, int]] = MIXED, answer: int = 0
) -> list[dict[str, Tensor]]:
    """Clips one by one, as batches of one; with an answer of so many tokens to learn from."""
    return [_clip(of.config, number, *what, answer + number if answer else 0) for number, what in enumerate(mixed)]


def _clip(of: AffectGPTConfig, number: int, has_video: bool, has_audio: bool, question: int, answer: int) -> Any:
    random = torch.Generator().manual_seed(number)
    ids: list[int] = []
    clip: dict[str, Tensor] = {}
    if has_audio:
        ids += [AUDIO] * of.audio_branch.tokens
        weightless = of.audio_config.model_type == "affectgpt_log_mel"
        shape = (1, 9 + 3 * number, MELS) if weightless else (1, 1700 + 500 * number)
        clip["sound_inputs"] = torch.randn(shape, generator=random)
        clip["sound_mask"] = torch.ones(shape[:2], dtype=torch.bool)
    if has_video:
        ids += [VIDEO] * of.vision_branch.tokens
        frames = 2 + number
        clip["pixel_values"] = torch.randn((1, frames, 3, FRAME_SIZE, FRAME_SIZE), generator=random)
        clip["frame_mask"] = torch.ones((1, frames), dtype=torch.bool)
    if of.pre_fusion != "none" and (has_video or has_audio):
        ids += [FUSED] * of.pre_fusion_tokens
    ids += torch.randint(2, 60, (question,), generator=random).tolist()
    start = len(ids)
    ids += torch.randint(2, 60, (answer,), generator=random).tolist()
    clip["input_ids"] = torch.tensor([ids])
    clip["attention_mask"] = torch.ones_like(clip["input_ids"])
    if answer:
        clip["labels"] = torch.where(torch.arange(len(ids)) < start, -100, clip["input_ids"])
    return clip


def batch(clips_alone: Sequence[Mapping[str, Tensor]], side: str = "right") -> dict[str, Tensor]:
    """One batch of clips, padded."""
    names = {name for clip in clips_alone for name in clip}
    return {name: _padded([clip.get(name) for clip in clips_alone], name, side) for name in names}


def _padded(tensors: list[Tensor | None], name: str, side: str) -> Tensor:
    there = [tensor for tensor in tensors if tensor is not None]
    length = max(tensor.shape[1] for tensor in there)
    value = -100 if name == "labels" else PAD
    whole = there[0].new_full((len(tensors), length, *there[0].shape[2:]), value)
    is_text = name in ("input_ids", "attention_mask", "labels")
    for row, tensor in enumerate(tensors):
        if tensor is not None:
            begin = length - tensor.shape[1] if side == "left" and is_text else 0
            whole[row, begin : begin + tensor.shape[1]] = tensor[0]
    return whole
