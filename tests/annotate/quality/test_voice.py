"""A voice is heard where it is, and nowhere in noise and silence."""

import numpy as np
import pytest
from numpy.typing import NDArray

from affectgpt.annotate.quality.voice import voiced_hops
from affectgpt.clips.media import SAMPLE_RATE


def buzz(seconds: float) -> NDArray[np.float32]:
    """A sound with the harmonics of a voice of 120 Hz."""
    time_s = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    harmonics = np.arange(1, 20)[:, np.newaxis]
    return np.sum(np.sin(2 * np.pi * 120 * harmonics * time_s) / harmonics, axis=0, dtype=np.float32) / 4


@pytest.mark.parametrize("gain", [1.0, 0.01])
def test_voice_is_found_where_it_is(gain: float) -> None:
    sound = np.concatenate([np.zeros(SAMPLE_RATE, np.float32), gain * buzz(1.0), np.zeros(SAMPLE_RATE, np.float32)])
    voiced = voiced_hops(sound)
    assert voiced.shape == (300,)
    assert voiced[105:195].all()
    assert not voiced[:95].any()
    assert not voiced[205:].any()


def test_no_voice_is_found_in_noise_and_silence() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, SAMPLE_RATE).astype(np.float32)
    assert voiced_hops(noise).mean() < 0.02
    assert not voiced_hops(np.zeros(SAMPLE_RATE, np.float32)).any()
    assert not voiced_hops(np.full(SAMPLE_RATE, 0.3, np.float32)).any()
    assert voiced_hops(np.zeros(1, np.float32)).shape == (1,)
