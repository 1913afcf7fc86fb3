import numpy as np
import pytest

from affectgpt.annotate.signal.pitch import HIGHEST_HZ, LOWEST_HZ, PitchTrack, find_candidates, stretches, track_pitch
from affectgpt.annotate.signal.short_time import analyse_frames
from affectgpt.clips.media import SAMPLE_RATE


def track(sound: np.ndarray) -> PitchTrack:
    blocks = list(analyse_frames(sound.astype(np.float32)))
    return track_pitch(
        [find_candidates(block.autocorrelation) for block in blocks], np.concatenate([block.peaks for block in blocks])
    )


def harmonics(hz: np.ndarray, amplitudes: list[float]) -> np.ndarray:
    phase = 2 * np.pi * np.cumsum(hz) / SAMPLE_RATE
    return 0.3 * sum(a * np.sin((n + 1) * phase) for n, a in enumerate(amplitudes))


@pytest.mark.parametrize("hz", [70.0, 98.3, 155.0, 221.7, 333.3, 480.0, 590.0])
def test_finds_a_steady_pitch_to_a_tenth_of_a_semitone(hz: float) -> None:
    found = track(harmonics(np.full(SAMPLE_RATE, hz), [1, 0.6, 0.4, 0.3])).hz[5:-5]
    assert np.all(np.abs(12 * np.log2(found / hz)) < 0.1)


def test_follows_a_glide_over_an_octave_without_octave_errors() -> None:
    hz = np.geomspace(120, 240, 2 * SAMPLE_RATE)
    found = track(harmonics(hz, [1, 0.5, 0.3])).hz[5:-5]
    truth = hz[80::160][5:-5]
    assert np.all(np.abs(12 * np.log2(found / truth)) < 0.3)


def test_a_missing_fundamental_is_found_from_its_harmonics() -> None:
    found = track(harmonics(np.full(SAMPLE_RATE, 140.0), [0, 1, 1, 1])).hz[5:-5]
    assert np.median(found) == pytest.approx(140, rel=0.005)


def test_a_dominant_second_harmonic_is_not_taken_for_the_pitch() -> None:
    found = track(harmonics(np.full(SAMPLE_RATE, 150.0), [0.4, 1.0, 0.3])).hz[5:-5]
    assert np.median(found) == pytest.approx(150, rel=0.005)


def test_noise_and_silence_are_unvoiced() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, SAMPLE_RATE)
    assert np.mean(track(noise).hz > 0) < 0.05
    assert not np.any(track(np.zeros(SAMPLE_RATE)).hz)


def test_periodicity_falls_with_added_noise() -> None:
    clean = harmonics(np.full(SAMPLE_RATE, 150.0), [1, 0.5])
    noisy = clean + np.random.default_rng(0).normal(0, 0.05, SAMPLE_RATE)
    assert np.median(track(clean).periodicity[5:-5]) > 0.99
    # The share of the power that repeats: 0.3 ** 2 / 2 * (1 + 0.25) against 0.05 ** 2.
    assert np.median(track(noisy).periodicity[5:-5]) == pytest.approx(0.05625 / (0.05625 + 0.0025), abs=0.02)


def test_quiet_frames_beside_loud_ones_are_unvoiced() -> None:
    sound = harmonics(np.full(SAMPLE_RATE, 150.0), [1, 0.5])
    sound[SAMPLE_RATE // 2 :] *= 0.002
    found = track(sound).hz
    assert np.all(found[5:45] > 0)
    assert not np.any(found[55:])


def test_everything_found_is_within_the_range() -> None:
    rng = np.random.default_rng(1)
    found = track(np.cumsum(rng.normal(0, 1, SAMPLE_RATE)) * 0.01).hz
    assert np.all((found == 0) | ((found >= LOWEST_HZ) & (found <= HIGHEST_HZ)))


def test_stretches_are_half_open_intervals() -> None:
    assert stretches(np.array([True, True, False, True])) == [(0, 2), (3, 4)]
    assert stretches(np.zeros(3, dtype=bool)) == []
