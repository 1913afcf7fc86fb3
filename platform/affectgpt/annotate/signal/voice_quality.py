"""How regularly a voice vibrates: jitter and shimmer from the single periods of its vowels."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from affectgpt.annotate.signal.pitch import PitchTrack, stretches
from affectgpt.annotate.signal.short_time import HOP, Floats
from affectgpt.clips.media import SAMPLE_RATE

_LOW_PASS: Final = scipy.signal.butter(4, 900, fs=SAMPLE_RATE, output="sos")
_FEWEST_PERIODS: Final = 10
_LARGEST_PERIOD_RATIO: Final = 1.3
_LARGEST_AMPLITUDE_RATIO: Final = 1.6


@dataclass(frozen=True, slots=True)
class VoiceQuality:
    """Irregularity from one period to the next, in percent of the mean period (jitter) or amplitude (shimmer)."""

    jitter_percent: float
    shimmer_percent: float


def voice_quality(sound: Floats, track: PitchTrack) -> VoiceQuality | None:
    """Estimate local jitter and shimmer, or None where fewer than ten neighbouring periods were found.

    Both are the mean absolute difference of neighbours over their mean. Neighbours whose periods differ by more than
    the factor 1.3, or whose amplitudes by more than 1.6, are taken for missed or false periods and left out, as in
    P. Boersma & D. Weenink's Praat (https://www.fon.hum.uva.nl/praat/manual/Voice_3__Shimmer.html). The periods are
    found as peaks of the waveform below 900 Hz, so figures are comparable with each other more than with a clinic's.

    Args:
        sound: float32 of shape (S,) at 16 kHz.
        track: its pitch.
    """
    smooth = scipy.signal.sosfiltfilt(_LOW_PASS, sound)
    if np.mean(smooth**3) < 0:
        smooth = -smooth
    periods, changes, amplitudes, swings = [], [], [], []
    for first, after in stretches(track.hz > 0):
        times, heights = _pulses(
            smooth[first * HOP : after * HOP], SAMPLE_RATE / float(np.median(track.hz[first:after]))
        )
        gaps = np.diff(times)
        ratio = _ratio(gaps[1:], gaps[:-1])
        near = ratio < _LARGEST_PERIOD_RATIO
        even = near & (_ratio(heights[1:-1], heights[:-2]) < _LARGEST_AMPLITUDE_RATIO)
        periods.append(gaps[1:][near])
        changes.append(np.abs(np.diff(gaps))[near])
        amplitudes.append(heights[1:-1][even])
        swings.append(np.abs(heights[1:-1] - heights[:-2])[even])
    if sum(map(len, swings)) < _FEWEST_PERIODS:
        return None
    return VoiceQuality(
        jitter_percent=100 * float(np.concatenate(changes).mean() / np.concatenate(periods).mean()),
        shimmer_percent=100 * float(np.concatenate(swings).mean() / np.concatenate(amplitudes).mean()),
    )


def _pulses(wave: NDArray[np.float64], period: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Times in samples and heights of the highest peak of each period, refined by a parabola."""
    at, _ = scipy.signal.find_peaks(wave, height=0.0, distance=max(1.0, 0.7 * period))
    left, middle, right = wave[at - 1], wave[at], wave[at + 1]
    curvature = np.minimum(left - 2 * middle + right, -1e-12)
    shift = np.clip(0.5 * (left - right) / curvature, -0.5, 0.5)
    return at + shift, np.maximum(middle - 0.25 * (left - right) * shift, 1e-12)


def _ratio(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    ratio: NDArray[np.float64] = np.maximum(one, other) / np.minimum(one, other)
    return ratio
