from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoFeatureExtractor, HubertConfig, HubertModel

import affectgpt.model  # noqa: F401
from affectgpt.model.configuration import Sense
from affectgpt.model.encoder_free import LogMelConfig, PatchFeaturesConfig
from affectgpt.model.encoders import (
    blank_frames,
    blank_sound,
    encode_frames,
    encode_sound,
    encoder_from_config,
    feature_size,
    load_encoder,
)
from tests.model import tiny

VISION = [tiny.tiny_clip, tiny.tiny_siglip, tiny.tiny_dinov2]
WAVEFORM = [tiny.tiny_hubert, tiny.tiny_wav2vec2]
AUDIO = [*WAVEFORM, tiny.tiny_whisper, tiny.tiny_ast]
Maker = Callable[[Path], Path]


@pytest.mark.parametrize(("make", "sense"), [(make, "vision") for make in VISION] + [(make, "audio") for make in AUDIO])
def test_the_tower_alone_is_loaded_and_is_rebuilt_from_its_own_configuration(
    make: Maker, sense: Sense, tmp_path: Path
) -> None:
    loaded = load_encoder(str(make(tmp_path)), None, sense)
    rebuilt = encoder_from_config(loaded.config, sense)
    assert type(rebuilt) is type(loaded)
    assert not any("text_model" in name or "decoder" in name for name in loaded.state_dict())
    rebuilt.load_state_dict(loaded.state_dict())
    blank = blank_frames(loaded.config) if sense == "vision" else blank_sound(loaded.config)
    with torch.inference_mode():
        encode = encode_frames if sense == "vision" else lambda *of: encode_sound(*of)[0]
        features = encode(loaded.eval(), blank)
        torch.testing.assert_close(features, encode(rebuilt.eval(), blank))
    assert features.shape[0] == 1
    assert features.shape[2] == feature_size(loaded.config)


@pytest.mark.parametrize("make", VISION)
def test_a_frame_gives_its_patches_whatever_stands_beside_it(make: Maker, tmp_path: Path) -> None:
    encoder = load_encoder(str(make(tmp_path)), None, "vision").eval()
    frames = torch.rand(3, 3, tiny.FRAME_SIZE, tiny.FRAME_SIZE)
    with torch.inference_mode():
        features = encode_frames(encoder, frames)
        alone = encode_frames(encoder, frames[1:2])
    assert features.shape[1] in (4, 5)  # patches, with or without one for the whole
    torch.testing.assert_close(features[1:2], alone)
    assert not torch.allclose(features[0], features[1])


def test_weights_are_those_of_the_checkpoint(tmp_path: Path) -> None:
    source = tiny.tiny_clip(tmp_path)
    whole = load_file(source / "model.safetensors")
    loaded = load_encoder(str(source), None, "vision")
    for name, value in loaded.state_dict().items():
        assert torch.equal(value, whole[f"vision_model.{name}"]), name


def test_the_type_of_the_weights_is_as_asked(tmp_path: Path) -> None:
    encoder = load_encoder(str(tiny.tiny_hubert(tmp_path)), None, "audio", torch.bfloat16)
    features, _ = encode_sound(encoder.eval(), torch.rand(1, 1600))
    assert features.dtype == torch.bfloat16


@pytest.mark.parametrize("make", WAVEFORM)
def test_a_padded_waveform_gives_what_it_gives_alone(make: Maker, tmp_path: Path) -> None:
    encoder = load_encoder(str(make(tmp_path)), None, "audio").eval()
    lengths = [1600, 4000, 3210]
    waveforms = torch.zeros(3, 4000)
    mask = torch.zeros(3, 4000, dtype=torch.bool)
    for row, length in enumerate(lengths):
        waveforms[row, :length] = torch.randn(length)
        mask[row, :length] = True
    with torch.inference_mode():
        features, feature_mask = encode_sound(encoder, waveforms, mask)
        for row, length in enumerate(lengths):
            alone, alone_mask = encode_sound(encoder, waveforms[row : row + 1, :length])
            assert bool(alone_mask.all())
            assert feature_mask[row].sum() == alone.shape[1]
            torch.testing.assert_close(features[row, : alone.shape[1]], alone[0], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("make", WAVEFORM)
def test_a_waveform_shorter_than_one_step_gives_one(make: Maker, tmp_path: Path) -> None:
    encoder = load_encoder(str(make(tmp_path)), None, "audio").eval()
    with torch.inference_mode():
        features, mask = encode_sound(encoder, torch.randn(1, 50))
    assert mask.tolist() == [[True]]
    assert bool(features.isfinite().all())


@pytest.mark.parametrize("seconds", [0.5, 2.0, 30.0])
def test_whisper_is_cut_to_the_length_of_the_sound(seconds: float, tmp_path: Path) -> None:
    source = tiny.tiny_whisper(tmp_path)
    encoder = load_encoder(str(source), None, "audio").eval()
    extractor = AutoFeatureExtractor.from_pretrained(source)
    sound = torch.randn(int(seconds * 16_000)).numpy()
    inputs = extractor(sound, sampling_rate=16_000, return_attention_mask=True, return_tensors="pt")
    with torch.inference_mode():
        features, mask = encode_sound(encoder, inputs.input_features, inputs.attention_mask)
        whole, _ = encode_sound(encoder, inputs.input_features)
    assert features.shape == (1, round(seconds * 50), 16)
    assert bool(mask.all())
    assert whole.shape == (1, 1500, 16)
    assert torch.equal(features, whole[:, : features.shape[1]])


def test_ast_gives_one_vector_for_each_step_of_its_patches(tmp_path: Path) -> None:
    source = tiny.tiny_ast(tmp_path)
    encoder = load_encoder(str(source), None, "audio").eval()
    spectrogram = torch.randn(2, 128, 32)
    mask = torch.zeros(2, 128, dtype=torch.bool)
    mask[0, :36], mask[1] = True, True
    with torch.inference_mode():
        features, feature_mask = encode_sound(encoder, spectrogram, mask)
        tokens = encoder(spectrogram).last_hidden_state
    # Patches of 16 at strides of 10: 12 steps of time in each of 2 bands of frequency.
    assert features.shape == (2, 12, 32)
    assert feature_mask.sum(1).tolist() == [3, 12]
    torch.testing.assert_close(features[1, 4], (tokens[1, 2 + 4] + tokens[1, 2 + 12 + 4]) / 2)


def test_an_encoder_of_another_sense_is_refused(tmp_path: Path) -> None:
    source = str(tiny.tiny_hubert(tmp_path))
    with pytest.raises(ValueError, match=r"is no vision encoder: a hubert reads input_values"):
        load_encoder(source, None, "vision")


def test_a_language_model_is_no_encoder(tmp_path: Path) -> None:
    source = str(tiny.tiny_llama(tmp_path))
    with pytest.raises(ValueError, match="is no audio encoder: a llama reads input_ids"):
        load_encoder(source, None, "audio")


def test_a_checkpoint_without_weights_of_the_encoder_is_refused(tmp_path: Path) -> None:
    source = tiny.tiny_hubert(tmp_path)
    model = HubertModel(HubertConfig.from_pretrained(source))
    kept = {name: value for name, value in model.state_dict().items() if "layers.1." not in name}
    model.save_pretrained(source, state_dict=kept)
    with pytest.raises(ValueError, match=r"lacks weights of the audio encoder: encoder\.layers\.1\."):
        load_encoder(str(source), None, "audio")


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="nowhere"):
        load_encoder(str(tmp_path / "nowhere"), None, "audio")


def test_features_without_weights_pass_the_same_way() -> None:
    patches = encoder_from_config(PatchFeaturesConfig(patch_size=4, frame_size=8), "vision")
    mels = encoder_from_config(LogMelConfig(feature_size=5), "audio")
    assert encode_frames(patches, blank_frames(patches.config)).shape == (1, 4, feature_size(patches.config))
    spectra = torch.randn(2, 6, 5)
    mask = torch.tensor([[True] * 3 + [False] * 3, [True] * 4 + [False] * 2])
    features, feature_mask = encode_sound(mels, spectra, mask)
    assert torch.equal(features, spectra[:, :4])
    assert torch.equal(feature_mask, mask[:, :4])


def test_blank_sound_of_an_unknown_family_is_refused() -> None:
    with pytest.raises(ValueError, match="inputs of a affectgpt_patches are not known; train on cached features"):
        blank_sound(PatchFeaturesConfig())
