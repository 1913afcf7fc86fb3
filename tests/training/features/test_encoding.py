from pathlib import Path

import numpy as np
import pytest
import torch

from affectgpt.errors import ClipError
from affectgpt.model.encoders import encode_frames, encode_sound, load_encoder
from affectgpt.training.features.decoding import Preprocessed
from affectgpt.training.features.encoding import Encoded, Encoders
from affectgpt.training.features.settings import PreparationSettings
from affectgpt.training.recipe import ModelSection
from tests.model.tiny import tiny_wav2vec2, tiny_whisper
from tests.training.features.made import AUDIO, LANGUAGE_MODEL, VISION, make_settings, with_encoders

LENGTHS_S = (0.5, 1.2, 0.5, 2.0)


def made_clips(settings: PreparationSettings) -> list[Preprocessed]:
    """Clips of several lengths, of 1 to 4 frames; the last two have only one stream."""
    random = np.random.default_rng(0)
    clips = []
    for number, seconds in enumerate(LENGTHS_S):
        frames = random.integers(0, 256, (number + 1, 48, 64, 3), np.uint8)
        sound = random.normal(scale=0.1, size=round(seconds * 16_000)).astype(np.float32)
        processor = settings.processor()
        pixel_values = processor.preprocess_frames(frames) if number != 2 and settings.model.vision else None
        clips.append(Preprocessed(pixel_values, processor.preprocess_sound(sound) if number != 3 else None))
    return clips


def encoded(settings: PreparationSettings, clips: list[Preprocessed]) -> list[Encoded]:
    found = Encoders(settings).encode(clips)
    assert len(found) == len(clips)
    return [one for one in found if isinstance(one, Encoded)]


def test_features_are_what_each_encoder_gives_for_the_clip_alone(tmp_path: Path) -> None:
    model = with_encoders(tmp_path)
    settings = make_settings(tmp_path, model, batch_size=3)
    clips = made_clips(settings)
    vision = load_encoder(model.vision.encoder, None, "vision").eval()
    audio = load_encoder(model.audio.encoder, None, "audio").eval()
    for clip, found in zip(clips, encoded(settings, clips), strict=True):
        with torch.inference_mode():
            if clip.pixel_values is None:
                assert found.video_features is None
            else:
                features = encode_frames(vision, torch.from_numpy(clip.pixel_values)).numpy()
                assert found.video_features is not None
                assert found.video_features.dtype == np.float16
                np.testing.assert_allclose(found.video_features, features, rtol=2e-3, atol=2e-3)
            if clip.sound_inputs is None:
                assert found.audio_features is None
            else:
                features, _ = encode_sound(audio, torch.from_numpy(clip.sound_inputs)[None])
                np.testing.assert_allclose(found.audio_features, features[0].numpy(), rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("make", [tiny_wav2vec2, tiny_whisper])
def test_features_do_not_depend_on_the_batch(tmp_path: Path, make) -> None:
    audio = AUDIO.model_copy(update={"encoder": str(make(tmp_path / "audio"))})
    model = ModelSection(language_model=LANGUAGE_MODEL, vision=None, audio=audio)
    together, alone = (make_settings(tmp_path, model, batch_size=size) for size in (8, 1))
    clips = made_clips(together)
    for one, other in zip(encoded(together, clips), encoded(alone, clips), strict=True):
        if one.audio_features is None:
            assert other.audio_features is None
        else:
            np.testing.assert_allclose(one.audio_features, other.audio_features, rtol=2e-3, atol=2e-3)


def test_features_are_as_long_as_the_sound(tmp_path: Path) -> None:
    """Whisper's windows of 30 s are cut to what is heard."""
    audio = AUDIO.model_copy(update={"encoder": str(tiny_whisper(tmp_path / "audio"))})
    settings = make_settings(tmp_path, ModelSection(language_model=LANGUAGE_MODEL, vision=None, audio=audio))
    for seconds, found in zip(LENGTHS_S, encoded(settings, made_clips(settings)), strict=True):
        if found.audio_features is not None:
            assert found.audio_features.shape == (pytest.approx(50 * seconds, abs=2), 16)


def test_what_has_no_weights_is_kept_exactly(tmp_path: Path) -> None:
    settings = make_settings(tmp_path)
    clips = made_clips(settings)
    for clip, found in zip(clips, encoded(settings, clips), strict=True):
        if clip.sound_inputs is not None:
            assert found.audio_features is not None
            assert found.audio_features.dtype == np.float32
            np.testing.assert_array_equal(found.audio_features, clip.sound_inputs)
        if clip.pixel_values is not None:
            assert found.video_features is not None
            assert found.video_features.shape == (len(clip.pixel_values), 16, 3 * 8 * 8)


def test_bfloat16_encoders(tmp_path: Path) -> None:
    model = with_encoders(tmp_path)
    vision = model.vision.model_copy(update={"dtype": "bfloat16"})
    settings = make_settings(tmp_path, model.model_copy(update={"vision": vision}))
    clips = made_clips(settings)
    precise = encoded(make_settings(tmp_path, model), clips)
    for one, other in zip(encoded(settings, clips), precise, strict=True):
        if one.video_features is not None:
            np.testing.assert_allclose(one.video_features, other.video_features, rtol=0.1, atol=0.1)


def test_values_beyond_float16_are_kept_in_float32(tmp_path: Path) -> None:
    settings = make_settings(tmp_path, with_encoders(tmp_path))
    encoders = Encoders(settings)
    norm = encoders._encoders["audio"].encoder.layer_norm
    norm.bias.data[0] = 1e6
    found = encoders.encode(made_clips(settings)[:1])[0]
    assert isinstance(found, Encoded)
    assert found.audio_features is not None
    assert found.audio_features.dtype == np.float32
    assert found.audio_features.max() > 9e5
    assert found.video_features is not None
    assert found.video_features.dtype == np.float16


def test_features_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    settings = make_settings(tmp_path)
    clips = made_clips(settings)
    assert clips[1].sound_inputs is not None
    clips[1].sound_inputs[3, 2] = np.nan
    found = Encoders(settings).encode(clips)
    assert [isinstance(one, ClipError) for one in found] == [False, True, False, False]
    assert "not-finite" in str(found[1])
    assert VISION.encoder is None
