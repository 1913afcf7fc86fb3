from pathlib import Path
from typing import Any

import pytest
from transformers import AutoConfig, HubertConfig, Qwen3Config

from affectgpt.model import AffectGPTBranchConfig, AffectGPTConfig
from affectgpt.model.encoder_free import LogMelConfig, PatchFeaturesConfig
from tests.model import assembled

# What saving writes beside the settings.
WRITTEN = ("_name_or_path", "transformers_version")


@pytest.mark.parametrize(
    ("settings", "tokens"),
    [
        ({"fusion": "qformer", "queries": 8}, 8),
        ({"fusion": "attention", "queries": 8}, 1),
        ({"fusion": "mean", "queries": 8, "statistics": 3}, 7),
        ({"fusion": "qformer", "queries": 4, "statistics": 1}, 6),
    ],
)
def test_a_branch_says_how_many_vectors_it_gives(settings: dict[str, Any], tokens: int) -> None:
    assert AffectGPTBranchConfig(**settings).tokens == tokens


@pytest.mark.parametrize("encoders", [False, True])
def test_it_comes_back_as_it_was_saved(encoders: bool, tmp_path: Path) -> None:
    config = assembled.config("llama", encoders, "qformer", {"statistics": 2, "subsampling": 1})
    config.save_pretrained(tmp_path)
    loaded = AutoConfig.from_pretrained(tmp_path)
    assert type(loaded) is AffectGPTConfig
    assert loaded.to_dict() == config.to_dict() | {name: loaded.to_dict()[name] for name in WRITTEN}
    for part in ("text_config", "vision_config", "audio_config", "vision_branch", "audio_branch"):
        assert type(getattr(loaded, part)) is type(getattr(config, part)), part
    assert loaded.audio_branch.tokens == 7


def test_a_model_may_lack_a_sense(tmp_path: Path) -> None:
    AffectGPTConfig(
        text_config=assembled.text_config(),
        audio_config=HubertConfig(),
        audio_branch=AffectGPTBranchConfig(queries=4),
        audio_token_id=9,
    ).save_pretrained(tmp_path)
    loaded = AffectGPTConfig.from_pretrained(tmp_path)
    assert (loaded.vision_config, loaded.vision_branch, loaded.video_token_id) == (None, None, None)
    assert type(loaded.audio_config) is HubertConfig
    assert type(loaded.get_text_config(decoder=True)) is Qwen3Config
    assert loaded.tie_word_embeddings is True


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"vision_config": None}, "vision_config and vision_branch belong together"),
        ({"audio_branch": None}, "audio_config and audio_branch belong together"),
        ({"audio_token_id": None}, "audio_branch: its placeholder's token id is missing"),
        ({"pre_fusion": "attention"}, "fused_token_id is missing"),
        ({"pre_fusion": "attention", "fused_token_id": 5, "pre_fusion_tokens": 2}, "attention gives 1 vector"),
        (
            {"pre_fusion": "qformer", "fused_token_id": 5, "vision_config": None, "vision_branch": None},
            "fuses sight and sound; give both branches",
        ),
        ({"text_config": {"hidden_size": 8}}, "has no model_type"),
    ],
)
def test_parts_that_do_not_fit_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AffectGPTConfig(**assembled.config().to_dict() | change)


def test_sizes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="hidden_size 10 is no multiple of heads 4"):
        AffectGPTBranchConfig(hidden_size=10, heads=4)
    with pytest.raises(ValueError, match="frame_size 30 is no multiple of patch_size 8"):
        PatchFeaturesConfig(patch_size=8, frame_size=30)
    assert AffectGPTBranchConfig(fusion="mean", hidden_size=10, heads=4).tokens == 1
    assert LogMelConfig(feature_size=40).hidden_size == 40
