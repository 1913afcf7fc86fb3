"""Short-time analysis of sound: level, autocorrelation and spectral balance of overlapping frames, in one pass.

A frame is 48 ms long, three periods of the lowest pitch that is looked for, and a new one starts every 10 ms. One
Fourier transform per frame serves both the pitch (by the autocorrelation) and the spectral measures.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from affectgpt.clips.media import SAMPLE_RATE

HOP_S: Final = 0.01
HOP: Final = round(HOP_S * SAMPLE_RATE)
FRAME: Final = 768
SPECTRUM: Final = 1024
LAGS_PER_SAMPLE: Final = 2
LONGEST_LAG: Final = SPECTRUM - FRAME
"""In samples: longer lags would wrap around; this is one period of 62.5 Hz."""

_BLOCK: Final = 256
_WINDOW: Final = np.hanning(FRAME + 2)[1:-1].astype(np.float32)
_FREQUENCIES: Final = np.fft.rfftfreq(SPECTRUM, 1 / SAMPLE_RATE)
_RUMBLE: Final = int(np.searchsorted(_FREQUENCIES, 40.0))

Floats = NDArray[np.float32]


def _autocorrelation(power: Floats) -> Floats:
    correlation = scipy.fft.irfft(power, n=LAGS_PER_SAMPLE * SPECTRUM, axis=-1)
    lags = correlation[..., : LAGS_PER_SAMPLE * LONGEST_LAG + 1]
    normalised: Floats = lags / np.maximum(lags[..., :1], np.finfo(np.float32).tiny)
    return normalised


_WINDOW_AUTOCORRELATION: Final = _autocorrelation(np.abs(scipy.fft.rfft(_WINDOW, n=SPECTRUM)) ** 2)


@dataclass(frozen=True, slots=True, eq=False)
class Spectra:
    """Spectral balance per frame; every array has the shape (T,).

    Attributes:
        alpha_ratio_db: energy in 1-5 kHz over energy in 50-1000 Hz, in dB; higher is brighter.
        hammarberg_db: strongest partial in 0-2 kHz over the strongest in 2-5 kHz, in dB; lower is brighter.
        slope_low_db_per_khz: slope of a line through the power spectrum in dB over 0-500 Hz.
        slope_middle_db_per_khz: the same over 500-1500 Hz.
        centroid_hz: centre of gravity of the power spectrum in 50-8000 Hz.
        flatness: geometric over arithmetic mean of the power in 0.3-7 kHz: near 0 for tones, 0.56 for white noise.
    """

    alpha_ratio_db: Floats
    hammarberg_db: Floats
    slope_low_db_per_khz: Floats
    slope_middle_db_per_khz: Floats
    centroid_hz: Floats
    flatness: Floats


def _band(low_hz: float, high_hz: float) -> slice:
    first, after = np.searchsorted(_FREQUENCIES, [low_hz, high_hz])
    return slice(int(first), int(after))


_BELOW_1K, _ABOVE_1K = _band(50, 1000), _band(1000, 5000)
_BELOW_2K, _ABOVE_2K = _band(50, 2000), _band(2000, 5000)
_LOW, _MIDDLE, _BROAD, _SPEECH = _band(50, 500), _band(500, 1500), _band(50, 8000), _band(300, 7000)


def _slope_weights(band: slice) -> Floats:
    """Weights that turn decibels in a band into the slope of the least-squares line, in dB per kHz."""
    offset = _FREQUENCIES[band] / 1000 - np.mean(_FREQUENCIES[band] / 1000)
    weights: Floats = (offset / np.sum(offset**2)).astype(np.float32)
    return weights


_LOW_SLOPE, _MIDDLE_SLOPE = _slope_weights(_LOW), _slope_weights(_MIDDLE)
_CENTROID_WEIGHTS: Final = _FREQUENCIES[_BROAD].astype(np.float32)


def _decibels(power: Floats) -> Floats:
    return 10 * np.log10(power)


def _spectra(power: Floats) -> Spectra:
    power = power + np.float32(1e-12)
    decibels = _decibels(power)
    log_mean = np.mean(decibels[:, _SPEECH], axis=1)
    return Spectra(
        alpha_ratio_db=_decibels(power[:, _ABOVE_1K].sum(axis=1) / power[:, _BELOW_1K].sum(axis=1)),
        hammarberg_db=decibels[:, _BELOW_2K].max(axis=1) - decibels[:, _ABOVE_2K].max(axis=1),
        slope_low_db_per_khz=decibels[:, _LOW] @ _LOW_SLOPE,
        slope_middle_db_per_khz=decibels[:, _MIDDLE] @ _MIDDLE_SLOPE,
        centroid_hz=power[:, _BROAD] @ _CENTROID_WEIGHTS / power[:, _BROAD].sum(axis=1),
        flatness=10 ** (log_mean / 10) / power[:, _SPEECH].mean(axis=1),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """A block of consecutive frames.

    Attributes:
        autocorrelation: normalised, corrected for the window (Boersma 1993), shape (T, 2 * LONGEST_LAG + 1): one value
            per half sample of lag.
        peaks: greatest absolute value per frame, shape (T,).
        spectra: the frames' spectral balance.
    """

    autocorrelation: Floats
    peaks: Floats
    spectra: Spectra


def analyse_frames(sound: Floats) -> Iterator[Frames]:
    """Analyse sound block by block, so that memory does not grow with its length.

    Frame t is centred on the middle of hop t, at (t + 0.5) * 10 ms; there are as many frames as whole hops.

    Args:
        sound: float32 of shape (S,) at 16 kHz, within [-1, 1]; S is at least one hop.
    """
    margin = (FRAME - HOP) // 2
    padded = np.pad(sound, margin)
    frames = np.lib.stride_tricks.sliding_window_view(padded, FRAME)[::HOP]
    for start in range(0, len(frames), _BLOCK):
        block = frames[start : start + _BLOCK]
        centred = block - block.mean(axis=1, keepdims=True)
        spectrum = scipy.fft.rfft(centred * _WINDOW, n=SPECTRUM, axis=1)
        power = spectrum.real**2 + spectrum.imag**2
        power[:, :_RUMBLE] = 0
        yield Frames(
            autocorrelation=_autocorrelation(power) / _WINDOW_AUTOCORRELATION,
            peaks=np.abs(centred).max(axis=1),
            spectra=_spectra(power),
        )


def hop_levels(sound: Floats) -> Floats:
    """Mean square of every whole hop of 10 ms, shape (S // HOP,)."""
    hops = sound[: len(sound) // HOP * HOP].reshape(-1, HOP)
    mean_squares: Floats = np.einsum("ts,ts->t", hops, hops) / np.float32(HOP)
    return mean_squares
