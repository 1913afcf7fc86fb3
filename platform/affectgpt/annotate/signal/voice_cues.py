"""The cues by which a listener hears emotion in a voice, each as a deviation from what is usual."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from affectgpt.annotate.signal.voice_reference import PITCH_GROUPS, REFERENCE_RANGES, pitch_group_shares

CUES: Final[Mapping[str, Mapping[str, float]]] = {
    "pitch": {"pitch_median_st": 1.0},
    "range": {"pitch_range_st": 1.0},
    "rise": {"pitch_slope_st_per_s": 0.5, "pitch_final_st": 0.5},
    "tempo": {"syllables_per_s": 1.0},
    "pauses": {"pause_share": 1.0},
    "dynamics": {"level_variation_db": 1.0},
    "brightness": {"alpha_ratio_db": 0.5, "hammarberg_db": -0.5},
    "clarity": {"harmonics_to_noise_db": 1.0},
    "roughness": {"jitter_percent": 0.5, "shimmer_percent": 0.5},
}
"""Each cue as a weighted mean of standardised measurements. Loudness is not among them: without a calibrated microphone
it says how a clip was recorded; vocal effort is heard in the brightness."""

_FARTHEST: Final = 3.0


def voice_cues(measured: Mapping[str, float], reference: Mapping[str, float] | None) -> Mapping[str, float]:
    """Express a voice as deviations from the usual, in standard deviations, at most 3 either way.

    Args:
        measured: what ``prosody.measure_voice`` gave.
        reference: the speaker's usual voice from ``voice_reference``, or None for the reference ranges.

    Returns:
        The deviation of each cue of ``CUES`` whose measurements are there.
    """
    cues = {}
    for cue, parts in CUES.items():
        if all(name in measured and (reference is None or f"{name}.centre" in reference) for name in parts):
            total = sum(weight * _deviation(name, measured[name], reference) for name, weight in parts.items())
            cues[cue] = float(np.clip(total, -_FARTHEST, _FARTHEST))
    return cues


def _deviation(name: str, value: float, reference: Mapping[str, float] | None) -> float:
    if reference is not None:
        return (value - reference[f"{name}.centre"]) / reference[f"{name}.spread"]
    if name == "pitch_median_st":
        shares = pitch_group_shares(value)
        return sum(
            share * (value - 12 * float(np.log2(group.median_hz / 100))) / group.spread_st
            for share, group in zip(shares, PITCH_GROUPS, strict=True)
        )
    usual = REFERENCE_RANGES[name]
    return (value - usual.centre) / usual.spread
