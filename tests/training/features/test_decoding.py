from pathlib import Path

import numpy as np
import pytest

from affectgpt.clips.clip import Clip
from affectgpt.clips.decoding import DecodeSettings, decode
from affectgpt.errors import ClipError
from affectgpt.training.features.decoding import preprocess, streams
from affectgpt.training.recipe import ModelSection
from tests.media import Sound, Video, write_media
from tests.training.features.made import AUDIO, LANGUAGE_MODEL, VISION, make_settings, with_encoders


def clip_at(path: Path, start_s: float | None = None, end_s: float | None = None) -> Clip:
    return Clip(path.stem, str(path), start_s, end_s)


def test_a_clip_becomes_what_the_processor_makes_of_it(tmp_path: Path) -> None:
    settings = make_settings(tmp_path)
    clip = clip_at(write_media(tmp_path / "a.mp4", Video(), Sound(seconds=2.0)))
    found = preprocess(clip, settings)
    media = decode(clip, DecodeSettings(frames=4, frame_size=32))
    np.testing.assert_array_equal(found.pixel_values, settings.processor().preprocess_frames(media.frames))
    np.testing.assert_array_equal(found.sound_inputs, settings.processor().preprocess_sound(media.sound))
    assert found.pixel_values is not None
    assert found.pixel_values.shape == (4, 3, 32, 32)


def test_frames_are_decoded_at_the_size_that_the_encoder_sees(tmp_path: Path) -> None:
    settings = make_settings(tmp_path, with_encoders(tmp_path))
    assert settings.decode_settings() == DecodeSettings(frames=4, frame_size=16)
    found = preprocess(clip_at(write_media(tmp_path / "a.mp4", Video(), Sound())), settings)
    assert found.pixel_values is not None
    assert found.pixel_values.shape == (4, 3, 16, 16)


def test_a_missing_stream_is_none(tmp_path: Path) -> None:
    settings = make_settings(tmp_path)
    silent = clip_at(write_media(tmp_path / "silent.mp4", Video()))
    blind = clip_at(write_media(tmp_path / "blind.wav", sound=Sound(codec="pcm_s16le")))
    assert preprocess(silent, settings).sound_inputs is None
    assert preprocess(blind, settings).pixel_values is None
    assert streams(silent, settings) == (True, False)
    assert streams(blind, settings) == (False, True)


@pytest.mark.parametrize("sense", ["vision", "audio"])
def test_a_model_without_a_sense_is_given_nothing_of_it(tmp_path: Path, sense: str) -> None:
    senses = {"vision": VISION, "audio": AUDIO} | {sense: None}
    settings = make_settings(tmp_path, ModelSection(language_model=LANGUAGE_MODEL, **senses))
    clip = clip_at(write_media(tmp_path / "a.mp4", Video(), Sound()))
    found = preprocess(clip, settings)
    assert (found.pixel_values is None, found.sound_inputs is None) == (sense == "vision", sense == "audio")
    assert streams(clip, settings) == (sense != "vision", sense != "audio")


def test_a_silent_clip_gives_a_model_that_only_hears_nothing(tmp_path: Path) -> None:
    settings = make_settings(tmp_path, ModelSection(language_model=LANGUAGE_MODEL, vision=None, audio=AUDIO))
    silent = write_media(tmp_path / "silent.mp4", Video())
    for clip in (clip_at(silent), clip_at(silent, 0.5, 1.0)):
        found = preprocess(clip, settings)
        assert found.pixel_values is None
        assert found.sound_inputs is None
        assert streams(clip, settings) == (False, False)


def test_long_sound_is_cut(tmp_path: Path) -> None:
    settings = make_settings(tmp_path)
    clip = clip_at(write_media(tmp_path / "long.wav", sound=Sound(codec="pcm_s16le", seconds=8.0, rate=16_000)))
    found = preprocess(clip, settings)
    assert found.sound_inputs is not None
    assert len(found.sound_inputs) == 500


def test_a_span_is_decoded(tmp_path: Path) -> None:
    settings = make_settings(tmp_path)
    path = write_media(tmp_path / "a.mp4", Video(), Sound())
    found = preprocess(clip_at(path, 0.5, 1.0), settings)
    assert found.sound_inputs is not None
    assert len(found.sound_inputs) == 50


def test_a_clip_that_cannot_be_decoded_says_why(tmp_path: Path) -> None:
    settings = make_settings(tmp_path)
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video" * 100)
    for function in (preprocess, streams):
        with pytest.raises(ClipError, match=r"broken\.mp4"):
            function(clip_at(broken), settings)
