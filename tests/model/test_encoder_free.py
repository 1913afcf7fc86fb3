from pathlib import Path

import torch
from transformers import AutoConfig, AutoModel

from affectgpt.model.encoder_free import LogMelConfig, LogMelModel, PatchFeaturesConfig, PatchFeaturesModel

# What saving writes beside the settings.
WRITTEN = ("_name_or_path", "transformers_version")


def test_patches_are_cut_row_by_row() -> None:
    model = PatchFeaturesModel(PatchFeaturesConfig(patch_size=2, frame_size=6))
    frames = torch.randn(2, 3, 6, 6)
    patches = model(frames).last_hidden_state
    assert patches.shape == (2, 9, 12)
    for number in range(9):
        top, left = 2 * (number // 3), 2 * (number % 3)
        assert torch.equal(patches[1, number], frames[1, :, top : top + 2, left : left + 2].flatten())


def test_spectra_are_handed_on() -> None:
    spectra = torch.randn(2, 5, 7)
    assert torch.equal(LogMelModel(LogMelConfig(feature_size=7))(spectra).last_hidden_state, spectra)


def test_the_auto_classes_know_them(tmp_path: Path) -> None:
    for config, kind in (
        (PatchFeaturesConfig(patch_size=4, frame_size=8), PatchFeaturesModel),
        (LogMelConfig(), LogMelModel),
    ):
        config.save_pretrained(tmp_path)
        loaded = AutoConfig.from_pretrained(tmp_path)
        assert loaded.to_dict() == config.to_dict() | {name: loaded.to_dict()[name] for name in WRITTEN}
        model = AutoModel.from_config(loaded)
        assert type(model) is kind
        assert model.state_dict() == {}
