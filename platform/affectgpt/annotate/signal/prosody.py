"""What can be measured of a voice: pitch, loudness, rhythm, voice quality and spectral balance."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Final

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from affectgpt.annotate.signal.pitch import PitchCandidates, PitchTrack, find_candidates, track_pitch
from affectgpt.annotate.signal.rhythm import Rhythm, find_rhythm
from affectgpt.annotate.signal.short_time import HOP, HOP_S, Floats, Spectra, analyse_frames, hop_levels
from affectgpt.annotate.signal.voice_quality import voice_quality
from affectgpt.clips.media import SAMPLE_RATE

SILENCE_DBFS: Final = -60.0
"""Sound whose peak stays below this is called silence."""

_LEAST_AMPLITUDE: Final = 1e-6
_NO_RUMBLE: Final = scipy.signal.butter(2, 50, "highpass", fs=SAMPLE_RATE, output="sos")
_LEAST_VOICED: Final = round(0.1 / HOP_S)
_FINAL: Final = round(0.3 / HOP_S)
_STEADY: Final = round(0.15 / HOP_S)
_STEADY_ST: Final = 0.3


def measure_voice(sound: Floats) -> Mapping[str, float]:
    """Measure a voice. A measure that the sound does not allow is absent, never made up.

    Always present: ``duration_s``, ``peak_dbfs``, ``level_dbfs``, ``silent_share``. Present where the sound is not
    silence: ``level_variation_db``, ``above_floor_db``, ``clipped_share``, ``voiced_share``, ``flatness``. Present
    where at least 0.1 s is voiced:

    - ``voiced_s``; ``pitch_median_hz``, ``pitch_p10_hz``, ``pitch_p90_hz``; ``pitch_median_st`` (semitones above
      100 Hz); ``pitch_range_st`` (10th to 90th percentile in semitones); ``pitch_slope_st_per_s``;
      ``pitch_final_st`` (the last 0.3 s of voice against what precedes); ``steady_share`` (share of the voiced time in
      stretches of 0.15 s or more that keep within 0.3 semitones: notes and hums do, speech hardly ever does);
    - ``syllables``, ``syllables_per_s`` (pauses left out), ``pauses``, ``pause_share``;
    - ``harmonics_to_noise_db`` (Boersma 1993), ``jitter_percent``, ``shimmer_percent`` (absent for very short voices);
    - ``alpha_ratio_db``, ``hammarberg_db``, ``slope_low_db_per_khz``, ``slope_middle_db_per_khz``, ``centroid_hz``:
      the spectral balance of voiced frames as in F. Eyben et al., "The Geneva Minimalistic Acoustic Parameter Set
      (GeMAPS)", IEEE Transactions on Affective Computing 7 (2016).

    All but ``peak_dbfs`` and ``level_dbfs`` are independent of how loudly the sound was recorded.

    Args:
        sound: float32 mono of shape (S,) at 16 kHz, full scale at 1.

    Raises:
        ValueError: the sound is empty or holds values that are not finite.
    """
    if sound.size == 0:
        raise ValueError("there is no sound to measure: it has no samples")
    if not np.all(np.isfinite(sound)):
        raise ValueError("the sound holds values that are not finite; decode it again")
    centred = sound.astype(np.float64) - np.mean(sound, dtype=np.float64)
    peak = float(np.abs(centred).max())
    peak_dbfs = 20 * float(np.log10(max(peak, _LEAST_AMPLITUDE)))
    measured = {"duration_s": len(sound) / SAMPLE_RATE, "peak_dbfs": peak_dbfs}
    if peak_dbfs < SILENCE_DBFS:
        level = float(np.sqrt(np.mean(centred**2)))
        return measured | {"level_dbfs": 20 * float(np.log10(max(level, _LEAST_AMPLITUDE))), "silent_share": 1.0}
    audible = scipy.signal.sosfiltfilt(_NO_RUMBLE, centred / peak, padlen=min(len(sound) - 1, HOP))
    whole_hops = np.pad(audible.astype(np.float32), (0, -len(sound) % HOP))

    track, spectra = _analyse(whole_hops)
    rhythm = find_rhythm(hop_levels(whole_hops), track)
    voiced = (track.hz > 0) & rhythm.active
    measured |= _loudness(peak_dbfs, rhythm) | {"clipped_share": _clipped_share(sound)}
    measured["voiced_share"] = float(np.count_nonzero(voiced) / np.count_nonzero(rhythm.active))
    measured["flatness"] = float(np.mean(spectra.flatness[rhythm.active]))
    if np.count_nonzero(voiced) >= _LEAST_VOICED:
        measured |= _melody(track, voiced) | _tempo(rhythm)
        measured |= _quality(whole_hops, track, voiced) | _balance(spectra, voiced)
    return measured


def _analyse(sound: Floats) -> tuple[PitchTrack, Spectra]:
    candidates: list[PitchCandidates] = []
    peaks: list[Floats] = []
    blocks: list[Spectra] = []
    for frames in analyse_frames(sound):
        candidates.append(find_candidates(frames.autocorrelation))
        peaks.append(frames.peaks)
        blocks.append(frames.spectra)
    whole = (np.concatenate([getattr(block, measure.name) for block in blocks]) for measure in fields(Spectra))
    return track_pitch(candidates, np.concatenate(peaks)), Spectra(*whole)


def _clipped_share(sound: Floats) -> float:
    """Share of the samples that lie within a plateau, three samples or more, at the greatest value."""
    flat = np.abs(sound) >= 0.9999 * np.abs(sound).max()
    return float(np.mean(flat[2:] & flat[1:-1] & flat[:-2])) if len(flat) > 2 else 0.0


def _loudness(peak_dbfs: float, rhythm: Rhythm) -> dict[str, float]:
    """Level relative to full scale, and what is independent of it."""
    levels = rhythm.level_db[rhythm.active]
    level = 10 * np.log10(np.mean(10 ** (levels / 10)))
    return {
        "level_dbfs": float(level) + peak_dbfs,
        "silent_share": float(np.mean(~rhythm.active)),
        "level_variation_db": float(np.std(levels)),
        "above_floor_db": float(level - np.percentile(rhythm.level_db, 5)),
    }


def _melody(track: PitchTrack, voiced: NDArray[np.bool_]) -> dict[str, float]:
    """Height, range and shape of the pitch."""
    at = np.flatnonzero(voiced)
    semitones = 12 * np.log2(track.hz[at] / 100)
    low, middle, high = np.percentile(semitones, [10, 50, 90])
    offset = (at - at.mean()) * HOP_S
    measured = {
        "voiced_s": len(at) * HOP_S,
        "pitch_median_hz": 100 * float(2 ** (middle / 12)),
        "pitch_p10_hz": 100 * float(2 ** (low / 12)),
        "pitch_p90_hz": 100 * float(2 ** (high / 12)),
        "pitch_median_st": float(middle),
        "pitch_range_st": float(high - low),
        "pitch_slope_st_per_s": float(offset @ semitones / (offset @ offset)),
        "steady_share": _steady_share(track, voiced),
    }
    if len(at) >= 2 * _FINAL:
        measured["pitch_final_st"] = float(np.median(semitones[-_FINAL:]) - np.median(semitones[:-_FINAL]))
    return measured


def _steady_share(track: PitchTrack, voiced: NDArray[np.bool_]) -> float:
    """Share of the voiced frames that lie in stretches which keep one pitch, as notes do."""
    semitones = np.where(voiced, 12 * np.log2(np.maximum(track.hz, 1.0)), np.nan)
    steady = np.zeros(len(voiced), dtype=np.bool_)
    if len(voiced) >= _STEADY:
        windows = np.lib.stride_tricks.sliding_window_view(semitones, _STEADY)
        for start in np.flatnonzero(windows.max(axis=1) - windows.min(axis=1) <= _STEADY_ST):
            steady[start : start + _STEADY] = True
    return float(np.count_nonzero(steady) / np.count_nonzero(voiced))


def _tempo(rhythm: Rhythm) -> dict[str, float]:
    """Syllables and pauses."""
    paused = float(rhythm.pauses_s.sum())
    return {
        "syllables": float(rhythm.syllables),
        "syllables_per_s": rhythm.syllables / (rhythm.span_s - paused),
        "pauses": float(len(rhythm.pauses_s)),
        "pause_share": paused / rhythm.span_s,
    }


def _quality(sound: Floats, track: PitchTrack, voiced: NDArray[np.bool_]) -> dict[str, float]:
    """How regular and how clean the voice is."""
    periodicity = track.periodicity[voiced]
    measured = {"harmonics_to_noise_db": float(np.mean(10 * np.log10(periodicity / (1 - periodicity))))}
    quality = voice_quality(sound, track)
    if quality is not None:
        measured |= {"jitter_percent": quality.jitter_percent, "shimmer_percent": quality.shimmer_percent}
    return measured


def _balance(spectra: Spectra, voiced: NDArray[np.bool_]) -> dict[str, float]:
    """Mean spectral balance of the voiced frames."""
    return {
        field.name: float(np.mean(getattr(spectra, field.name)[voiced]))
        for field in fields(Spectra)
        if field.name != "flatness"
    }
