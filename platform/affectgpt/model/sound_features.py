"""Features of the sound without weights: log-mel spectra, pitch, voicing and energy."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from transformers import BatchFeature, SequenceFeatureExtractor
from transformers.audio_utils import mel_filter_bank

from affectgpt.clips.media import SAMPLE_RATE

Floats = NDArray[np.float32]

HOP: Final = SAMPLE_RATE // 100
_WINDOW: Final = 4 * HOP
# At least twice the window, so that the autocorrelation does not wrap around.
_FFT: Final = 2 * _WINDOW
_LOWEST_HZ: Final = 60.0
_HIGHEST_HZ: Final = 500.0
_VOICED: Final = 0.45
_OCTAVE_COST: Final = 0.01
_RANGE_DB: Final = 80.0
_SILENCE: Final = 1e-10
_LEAST_DEVIATION: Final = 1e-3
_BLOCK: Final = 4096
_EXTRAS: Final = 3


class LogMelFeatureExtractor(SequenceFeatureExtractor):
    """Sound to features every 10 ms: log-mels, log-f0, voicing and log energy, in this order.

    The mels span 60 Hz to 8 kHz. Voicing is the height, in [0, 1], of the peak of the normalised autocorrelation
    between 60 and 500 Hz, and log-f0 the octaves of its place above 100 Hz, 0 in voiceless frames: P. Boersma,
    "Accurate short-term analysis of the fundamental frequency", IFA Proceedings 17 (1993), without its search for a
    path. The autocorrelation comes from the power spectrum that the mels come from. Levels are natural logarithms of
    power, and end 80 dB below the loudest of the clip.
    """

    model_input_names = ["input_features", "attention_mask"]  # noqa: RUF012

    def __init__(
        self,
        feature_size: int = 43,
        sampling_rate: int = SAMPLE_RATE,
        padding_value: float = 0.0,
        normalisation: str = "clip",
        **kwargs: Any,
    ) -> None:
        """Make the feature extractor.

        Args:
            feature_size: D, how many features there are in all; D - 3 of them are mels.
            sampling_rate: of the sound, in Hz; it has to be 16 kHz.
            padding_value: what follows a clip that is shorter than the longest of its batch.
            normalisation: ``clip`` gives levels and log-f0 mean 0 and deviation 1 in each clip; ``none`` leaves them.
            kwargs: further settings of transformers' sequence feature extractors.

        Raises:
            ValueError: a setting is out of range.
        """
        if feature_size <= _EXTRAS:
            raise ValueError(f"feature_size {feature_size}: give 4 or more, of which {_EXTRAS} are no mels")
        if sampling_rate != SAMPLE_RATE:
            raise ValueError(f"sampling_rate {sampling_rate}: these features are made of sound at {SAMPLE_RATE} Hz")
        if normalisation not in ("clip", "none"):
            raise ValueError(f"normalisation {normalisation!r}: it is clip or none")
        super().__init__(feature_size, sampling_rate, padding_value, **kwargs)
        self.normalisation = normalisation

    def __call__(
        self,
        raw_speech: Floats | Sequence[Floats],
        sampling_rate: int | None = None,
        padding: bool | str = True,
        return_tensors: str | None = None,
        return_attention_mask: bool | None = None,
    ) -> BatchFeature:
        """Compute the features of one clip or of several.

        Args:
            raw_speech: mono sound of shape (S,), full scale at 1, or a sequence of such.
            sampling_rate: of the sound, to be checked.
            padding: as transformers has it.
            return_tensors: ``np`` or ``pt`` for arrays of one shape.
            return_attention_mask: whether to tell features from padding; by default it does.

        Returns:
            ``input_features`` of shape (N, T, D) with T = ceil(S / 160), and ``attention_mask`` of shape (N, T).

        Raises:
            ValueError: the sound is empty, of another rate, not mono or not finite.
        """
        if sampling_rate is not None and sampling_rate != self.sampling_rate:
            raise ValueError(f"the sound has {sampling_rate} Hz; resample it to {self.sampling_rate} Hz")
        one = isinstance(raw_speech, np.ndarray) and raw_speech.ndim == 1
        sounds = [raw_speech] if one else raw_speech
        features = [self._features(np.asarray(sound, np.float32)) for sound in sounds]
        return self.pad(
            BatchFeature({"input_features": features}),
            padding=padding,
            return_tensors=return_tensors,
            return_attention_mask=return_attention_mask,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the settings, without what is computed from them."""
        return {name: value for name, value in super().to_dict().items() if name != "_mels"}

    @cached_property
    def _mels(self) -> Floats:
        """Filters of shape (bins, mels)."""
        mels = mel_filter_bank(
            num_frequency_bins=_FFT // 2 + 1,
            num_mel_filters=self.feature_size - _EXTRAS,
            min_frequency=_LOWEST_HZ,
            max_frequency=SAMPLE_RATE / 2,
            sampling_rate=SAMPLE_RATE,
        )
        return np.asarray(mels, np.float32)

    def _features(self, sound: Floats) -> Floats:
        if sound.ndim != 1 or sound.size == 0:
            raise ValueError(f"the sound has shape {sound.shape}; give one channel with at least one sample")
        if not np.all(np.isfinite(sound)):
            raise ValueError("the sound holds values that are not finite; decode it again")
        count = -(-len(sound) // HOP)
        # The middle of frame t is the middle of hop t.
        before = (_WINDOW - HOP) // 2
        padded = np.pad(sound, (before, count * HOP - len(sound) + before))
        frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::HOP]
        blocks = [self._analyse(frames[start : start + _BLOCK]) for start in range(0, count, _BLOCK)]
        features = np.concatenate(blocks)
        levels = np.r_[: self.feature_size - _EXTRAS, self.feature_size - 1]
        features[:, levels] = _above_floor(features[:, levels])
        if self.normalisation == "clip":
            features[:, levels] = _standardised(features[:, levels])
            octaves = features[:, -3]
            voiced = features[:, -2] > _VOICED
            octaves[voiced] = _standardised(octaves[voiced])
        return features

    def _analyse(self, frames: Floats) -> Floats:
        """Features of shape (T, D) of frames of shape (T, window), with levels as powers."""
        spectrum = np.fft.rfft(frames * _HANN, _FFT)
        power: Floats = (spectrum.real**2 + spectrum.imag**2).astype(np.float32, copy=False)
        octaves, voicing = _pitch(power)
        energy = power.mean(axis=1)
        return np.column_stack([power @ self._mels, octaves, voicing, energy]).astype(np.float32, copy=False)


def _pitch(power: Floats) -> tuple[Floats, Floats]:
    """Octaves above 100 Hz (0 where voiceless) and voicing, each of shape (T,), from power spectra (T, bins)."""
    correlation = np.fft.irfft(power, _FFT)[:, : _LAGS[-1] + 2]
    normalised = correlation / np.maximum(correlation[:, :1], _SILENCE) / _HANN_CORRELATION
    left, middle, right = (normalised[:, _LAGS + shift] for shift in (-1, 0, 1))
    is_peak = (middle >= left) & (middle > right)
    # A parabola through three lags: its top lies between samples, and may be higher than any of them.
    curvature = np.minimum(left - 2 * middle + right, -_SILENCE)
    heights = np.where(is_peak, middle - (left - right) ** 2 / (8 * curvature), 0.0)
    best = np.argmax(heights - _COSTS, axis=1)
    rows = np.arange(len(power))
    voicing = np.clip(heights[rows, best], 0.0, 1.0)
    shift = (0.5 * (left - right) / curvature)[rows, best]
    octaves = np.log2(SAMPLE_RATE / (_LAGS[best] + np.clip(shift, -0.5, 0.5)) / 100)
    return np.where(voicing > _VOICED, octaves, 0.0), voicing


def _above_floor(power: Floats) -> Floats:
    """Natural logarithms of powers (T, K), none lower than 80 dB below the greatest in the clip."""
    floor = max(_SILENCE, float(power.max()) * 10 ** (-_RANGE_DB / 10))
    levels: Floats = np.log(np.maximum(power, floor))
    return levels


def _standardised(values: Floats) -> Floats:
    """Values (T, ...) with mean 0 and deviation 1 over T; what hardly varies becomes 0."""
    if len(values) == 0:
        return values
    centred: Floats = values - values.mean(axis=0, dtype=np.float64).astype(np.float32)
    centred /= np.maximum(values.std(axis=0), _LEAST_DEVIATION)
    return centred


def _hann_correlation() -> Floats:
    power = np.abs(np.fft.rfft(_HANN, _FFT)) ** 2
    correlation = np.fft.irfft(power, _FFT)[: _LAGS[-1] + 2]
    normalised: Floats = (correlation / correlation[0]).astype(np.float32)
    return normalised


_HANN: Final[Floats] = np.hanning(_WINDOW + 1)[:-1].astype(np.float32)
_LAGS: Final = np.arange(int(SAMPLE_RATE / _HIGHEST_HZ), int(SAMPLE_RATE / _LOWEST_HZ) + 1)
_COSTS: Final = (_OCTAVE_COST * np.log2(_LOWEST_HZ * _LAGS / SAMPLE_RATE)).astype(np.float32)
_HANN_CORRELATION: Final = _hann_correlation()
