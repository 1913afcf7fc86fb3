import numpy as np
import pytest
from transformers import (
    ASTFeatureExtractor,
    SeamlessM4TFeatureExtractor,
    Wav2Vec2FeatureExtractor,
    WhisperFeatureExtractor,
)

from affectgpt.model.sound_features import LogMelFeatureExtractor
from affectgpt.model.sound_inputs import pad_sounds, prepare_sound

RATE = 16_000


def sound(seconds):
    return (0.1 * np.random.default_rng(0).standard_normal(round(RATE * seconds))).astype(np.float32)


@pytest.mark.parametrize("seconds", [0.25, 1.0, 1.0037, 29.99, 30.0, 31.0])
def test_whispers_window_is_what_its_extractor_makes(seconds):
    extractor = WhisperFeatureExtractor()
    prepared = prepare_sound(extractor, sound(seconds))
    batch, mask = pad_sounds(extractor, [prepared, None])
    whole = extractor(sound(seconds), sampling_rate=RATE, return_tensors="np")["input_features"][0]

    assert batch.shape == (2, 80, 3000) and np.array_equal(batch[0], whole)
    assert not mask[1].any()
    heard = min(3000, round(100 * seconds))
    assert heard <= mask[0].sum() <= min(3000, heard + 3)
    assert prepared.shape[1] <= min(3000, heard + 4)


@pytest.mark.parametrize("seconds", [0.25, 1.0, 1.0037, 10.2, 10.5])
def test_the_window_of_ast_is_what_its_extractor_makes(seconds):
    extractor = ASTFeatureExtractor()
    prepared = prepare_sound(extractor, sound(seconds))
    batch, mask = pad_sounds(extractor, [None, prepared])
    whole = extractor(sound(seconds), sampling_rate=RATE, return_tensors="np")["input_values"][0]

    assert batch.shape == (2, 1024, 128) and np.array_equal(batch[1], whole)
    silent = np.flatnonzero((whole == whole[-1]).all(1)) if seconds < 10.24 else ()
    assert mask[1].sum() == 1024 - len(silent)


@pytest.mark.parametrize(
    ("extractor", "steps", "form"),
    [
        (Wav2Vec2FeatureExtractor(), RATE, ()),
        (LogMelFeatureExtractor(), 100, (43,)),
        (SeamlessM4TFeatureExtractor(), 49, (160,)),
    ],
    ids=["wav2vec2", "log-mel", "seamless"],
)
def test_sounds_are_padded_to_the_longest(extractor, steps, form):
    prepared = [prepare_sound(extractor, sound(seconds)) for seconds in (0.5, 1.0)]
    batch, mask = pad_sounds(extractor, [prepared[0], None, prepared[1]])

    assert batch.shape == (3, steps, *form) and batch.dtype == np.float32
    assert mask.sum(-1).tolist() == [len(prepared[0]), 0, steps]
    assert np.array_equal(batch[0, : len(prepared[0])], prepared[0]) and np.array_equal(batch[2], prepared[1])


@pytest.mark.parametrize(
    "extractor",
    [WhisperFeatureExtractor(), ASTFeatureExtractor(), Wav2Vec2FeatureExtractor(), LogMelFeatureExtractor()],
)
def test_a_click_is_enough(extractor):
    prepared = prepare_sound(extractor, np.ones(1, np.float32))

    assert np.isfinite(prepared).all()
    assert pad_sounds(extractor, [prepared])[1].any()
