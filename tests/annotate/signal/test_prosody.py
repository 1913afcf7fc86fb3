import math
from itertools import pairwise

import numpy as np
import pytest
import scipy.signal

from affectgpt.annotate.signal.prosody import measure_voice
from affectgpt.clips.media import SAMPLE_RATE

FORMANTS = ((600, 90), (1200, 110), (2600, 160), (3600, 220))


def voice(
    seconds: float = 2.0,
    hz: float = 150.0,
    end_hz: float | None = None,
    syllables_per_s: float = 0.0,
    jitter: float = 0.0,
    shimmer: float = 0.0,
    softness: float = 0.9,
) -> np.ndarray:
    """Pulses through the resonances of a neutral vowel: pitch from hz to end_hz, irregular as asked."""
    rng = np.random.default_rng(7)
    pulses = np.zeros(int(seconds * SAMPLE_RATE))
    time = 0.01
    while time < seconds - 0.02:
        period = 1 / (hz * ((end_hz or hz) / hz) ** (time / seconds))
        pulses[round(time * SAMPLE_RATE)] += 1 + shimmer * rng.normal()
        time += period * (1 + jitter * rng.normal())
    sound = scipy.signal.lfilter([1, -1], np.convolve([1, -softness], [1, -softness]), pulses)
    for centre, width in FORMANTS:
        radius = math.exp(-math.pi * width / SAMPLE_RATE)
        angle = 2 * math.pi * centre / SAMPLE_RATE
        sound = scipy.signal.lfilter([1], [1, -2 * radius * math.cos(angle), radius**2], sound)
    if syllables_per_s:
        times = np.arange(len(sound)) / SAMPLE_RATE
        sound = sound * (0.05 + 0.95 * np.sin(math.pi * syllables_per_s * times) ** 2)
    return (0.5 * sound / np.abs(sound).max()).astype(np.float32)


def test_pitch_median_range_and_slope_of_a_glide() -> None:
    measured = measure_voice(voice(hz=120, end_hz=240))
    assert measured["pitch_median_hz"] == pytest.approx(120 * math.sqrt(2), rel=0.02)
    assert measured["pitch_median_st"] == pytest.approx(12 * math.log2(measured["pitch_median_hz"] / 100))
    assert measured["pitch_range_st"] == pytest.approx(0.8 * 12, abs=0.5)
    assert measured["pitch_slope_st_per_s"] == pytest.approx(6, abs=0.3)
    assert measured["pitch_final_st"] == pytest.approx(6, abs=1)
    assert measure_voice(voice(hz=240, end_hz=120))["pitch_final_st"] == pytest.approx(-6, abs=1)


@pytest.mark.parametrize("rate", [2.0, 4.0, 6.0])
def test_syllable_rate_follows_the_modulation(rate: float) -> None:
    measured = measure_voice(voice(seconds=3, syllables_per_s=rate))
    assert measured["syllables"] == pytest.approx(3 * rate, abs=1)
    assert measured["syllables_per_s"] == pytest.approx(rate, rel=0.1)


def test_a_pause_is_counted_and_left_out_of_the_rate() -> None:
    sound = voice(seconds=3, syllables_per_s=4)
    sound[SAMPLE_RATE : 2 * SAMPLE_RATE] = 0
    measured = measure_voice(sound)
    assert measured["pauses"] == 1
    assert measured["pause_share"] == pytest.approx(1 / 3, abs=0.06)
    assert measured["syllables_per_s"] == pytest.approx(4, rel=0.15)
    assert measured["silent_share"] == pytest.approx(1 / 3, abs=0.12)


def test_jitter_and_shimmer_rise_with_irregularity_and_apart() -> None:
    regular = measure_voice(voice(hz=125))
    jittered = measure_voice(voice(hz=125, jitter=0.02))
    shimmered = measure_voice(voice(hz=125, shimmer=0.1))
    assert regular["jitter_percent"] < 0.3
    # Neighbouring periods with independent deviations of s differ by 2 s / sqrt(pi) on average.
    assert jittered["jitter_percent"] == pytest.approx(100 * 0.02 * 2 / math.sqrt(math.pi), rel=0.35)
    assert shimmered["shimmer_percent"] > regular["shimmer_percent"] + 5
    assert shimmered["jitter_percent"] < jittered["jitter_percent"]


def test_harmonics_to_noise_falls_as_noise_rises() -> None:
    clean = voice(hz=160)
    rng = np.random.default_rng(3)
    ratios = [
        measure_voice(clean + rng.normal(0, amplitude, len(clean)).astype(np.float32))["harmonics_to_noise_db"]
        for amplitude in (0.0, 0.01, 0.05)
    ]
    assert all(earlier > later + 2 for earlier, later in pairwise(ratios))


def test_the_noise_of_a_tone_is_measured_in_decibels() -> None:
    times = np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE
    tone = 0.3 * math.sqrt(2) * np.sin(2 * np.pi * 200 * times)
    noise = np.random.default_rng(4).normal(0, 0.3 / 10**0.5, len(times))
    measured = measure_voice((tone + noise).astype(np.float32))
    assert measured["harmonics_to_noise_db"] == pytest.approx(10, abs=1)


def test_a_brighter_voice_is_brighter_by_every_spectral_measure() -> None:
    soft, bright = measure_voice(voice(softness=0.97)), measure_voice(voice(softness=0.5))
    assert bright["alpha_ratio_db"] > soft["alpha_ratio_db"] + 6
    assert bright["hammarberg_db"] < soft["hammarberg_db"] - 6
    assert bright["centroid_hz"] > soft["centroid_hz"] + 100
    assert bright["slope_middle_db_per_khz"] > soft["slope_middle_db_per_khz"]


def test_spectral_balance_of_two_tones_is_their_ratio() -> None:
    times = np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE
    sound = 0.5 * np.sin(2 * np.pi * 250 * times) + 0.05 * np.sin(2 * np.pi * 2500 * times)
    measured = measure_voice(sound.astype(np.float32))
    assert measured["alpha_ratio_db"] == pytest.approx(-20, abs=0.3)
    assert measured["hammarberg_db"] == pytest.approx(20, abs=1.5)
    assert measured["centroid_hz"] == pytest.approx((250 + 2500 / 100) / 1.01, rel=0.03)


def test_only_the_level_depends_on_the_gain() -> None:
    loud = measure_voice(voice(syllables_per_s=4))
    quiet = measure_voice(voice(syllables_per_s=4) * np.float32(0.1))
    assert quiet["level_dbfs"] == pytest.approx(loud["level_dbfs"] - 20, abs=0.01)
    assert quiet["peak_dbfs"] == pytest.approx(loud["peak_dbfs"] - 20, abs=0.01)
    for name in loud.keys() - {"level_dbfs", "peak_dbfs"}:
        assert quiet[name] == pytest.approx(loud[name], rel=1e-3, abs=1e-3), name


def test_a_constant_offset_changes_nothing() -> None:
    plain, shifted = measure_voice(voice()), measure_voice(voice() + np.float32(0.3))
    assert plain.keys() == shifted.keys()
    for name in plain:
        assert shifted[name] == pytest.approx(plain[name], rel=1e-2, abs=1e-2), name


def test_clipping_is_told_from_a_loud_low_tone() -> None:
    assert measure_voice(np.clip(4 * voice(), -0.5, 0.5))["clipped_share"] > 0.01
    hum = np.sin(2 * np.pi * 80 * np.arange(SAMPLE_RATE) / SAMPLE_RATE).astype(np.float32)
    assert measure_voice(hum)["clipped_share"] == 0


def test_steady_tones_are_told_from_speech() -> None:
    notes = np.concatenate([voice(seconds=0.6, hz=hz) for hz in (220, 262, 330)])
    assert measure_voice(notes)["steady_share"] > 0.8
    assert measure_voice(voice(hz=120, end_hz=180))["steady_share"] < 0.1


def test_noise_is_flat_and_has_no_voice() -> None:
    noise = np.random.default_rng(5).normal(0, 0.1, 2 * SAMPLE_RATE).astype(np.float32)
    measured = measure_voice(noise)
    assert measured["flatness"] == pytest.approx(0.56, abs=0.03)
    assert measured["voiced_share"] < 0.05
    assert "pitch_median_hz" not in measured


def test_the_floor_is_measured_below_the_voice() -> None:
    sound = voice(seconds=3, syllables_per_s=4)
    sound[: SAMPLE_RATE // 2] = 0
    noise = np.random.default_rng(6).normal(0, 1, len(sound)).astype(np.float32)
    rms = float(np.sqrt(np.mean(sound[SAMPLE_RATE // 2 :] ** 2)))
    assert measure_voice(sound + noise * rms / 10)["above_floor_db"] == pytest.approx(20, abs=2)


@pytest.mark.parametrize(
    "sound",
    [
        np.zeros(SAMPLE_RATE),
        np.zeros(1),
        np.full(SAMPLE_RATE, 0.7),
        np.ones(1),
        np.array([1.0, -1.0]),
        voice()[:160],
        voice()[:100],
        voice()[:1700],
        voice(seconds=0.2),
        np.eye(1, SAMPLE_RATE, 500)[0],
        np.tile([1.0, -1.0], SAMPLE_RATE),
        voice() * 1e30,
        voice() * 1e-30,
        np.sign(voice()),
        np.sin(np.arange(SAMPLE_RATE) * 0.001),
        np.concatenate([voice(), np.zeros(SAMPLE_RATE * 30)]),
    ],
)
def test_degenerate_sound_gives_finite_measurements(sound: np.ndarray) -> None:
    measured = measure_voice(sound.astype(np.float32))
    assert all(math.isfinite(value) for value in measured.values()), measured
    assert 0 <= measured["silent_share"] <= 1


@pytest.mark.parametrize("silence", [np.zeros(800), np.full(800, 0.5), np.tile([1e-4, -1e-4], 400)])
def test_silence_has_no_other_measures(silence: np.ndarray) -> None:
    measured = measure_voice(silence.astype(np.float32))
    assert measured.keys() == {"duration_s", "peak_dbfs", "level_dbfs", "silent_share"}
    assert measured["silent_share"] == 1


@pytest.mark.parametrize("bad", [[], [0.1, np.nan], [np.inf]])
def test_what_is_no_sound_is_refused(bad: list[float]) -> None:
    with pytest.raises(ValueError, match="sound"):
        measure_voice(np.array(bad, dtype=np.float32))
