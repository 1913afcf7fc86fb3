"""The pitch of a voice over time, by autocorrelation and the cheapest path through its candidates.

P. Boersma, "Accurate short-term analysis of the fundamental frequency and the harmonics-to-noise ratio of a sampled
sound", IFA Proceedings 17 (1993): the window-corrected autocorrelation, its candidates, and their costs. The range is
then narrowed to the speaker's own, which removes most octave errors: C. De Looze & D. Hirst, "Detecting changes in key
and range for the automatic modelling and coding of intonation", Speech Prosody (2008).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from affectgpt.annotate.signal.short_time import LAGS_PER_SAMPLE, LONGEST_LAG, Floats
from affectgpt.clips.media import SAMPLE_RATE

LOWEST_HZ: Final = SAMPLE_RATE / LONGEST_LAG
HIGHEST_HZ: Final = 600.0
_CANDIDATES: Final = 8
_SHORTEST_VOICED: Final = 4
"""In frames: shorter stretches are bursts and clicks rather than vowels."""

# The costs are the standard settings of Boersma's method, which are stated for frames 10 ms apart.
_VOICING_THRESHOLD: Final = 0.45
_SILENCE_THRESHOLD: Final = 0.03
_OCTAVE_COST: Final = 0.01
_OCTAVE_JUMP_COST: Final = 0.35
_VOICED_UNVOICED_COST: Final = 0.14


@dataclass(frozen=True, slots=True, eq=False)
class PitchTrack:
    """The pitch per frame of 10 ms; both arrays have the shape (T,).

    Attributes:
        hz: the fundamental frequency; 0 where the frame is unvoiced.
        periodicity: height of the autocorrelation at that period, in [0, 1): the share of the power that repeats.
    """

    hz: NDArray[np.float64]
    periodicity: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class PitchCandidates:
    """What the pitch of each frame might be; both arrays have the shape (T, 8).

    Attributes:
        hz: possible fundamental frequencies, strongest first; 0 where there are fewer.
        periodicity: height of the autocorrelation at that period.
    """

    hz: NDArray[np.float64]
    periodicity: NDArray[np.float64]


def find_candidates(autocorrelation: Floats) -> PitchCandidates:
    """Find the peaks of the autocorrelation of every frame, refined by a parabola.

    Args:
        autocorrelation: of shape (T, L), one value per half sample of lag, as ``short_time.analyse_frames`` gives it.
    """
    shortest = int(LAGS_PER_SAMPLE * SAMPLE_RATE / HIGHEST_HZ)
    inner = autocorrelation[:, shortest:-1]
    before, after = autocorrelation[:, shortest - 1 : -2], autocorrelation[:, shortest + 1 :]
    frame, peak = np.nonzero((inner > before) & (inner >= after) & (inner > _VOICING_THRESHOLD / 2))
    left, middle, right = (side[frame, peak].astype(np.float64) for side in (before, inner, after))
    curvature = left - 2 * middle + right
    shift = np.clip(0.5 * (left - right) / np.minimum(curvature, -1e-9), -0.5, 0.5)
    height = np.clip(middle - 0.25 * (left - right) * shift, 0.0, 1.0 - 1e-6)
    hz = LAGS_PER_SAMPLE * SAMPLE_RATE / (peak + shortest + shift)

    order = np.lexsort((-(height + _OCTAVE_COST * np.log2(hz / LOWEST_HZ)), frame))
    frame, hz, height = frame[order], hz[order], height[order]
    rank = np.arange(len(frame)) - np.searchsorted(frame, frame)
    kept = rank < _CANDIDATES
    shape = (len(autocorrelation), _CANDIDATES)
    candidates = PitchCandidates(np.zeros(shape), np.zeros(shape))
    candidates.hz[frame[kept], rank[kept]] = hz[kept]
    candidates.periodicity[frame[kept], rank[kept]] = height[kept]
    return candidates


def track_pitch(blocks: Sequence[PitchCandidates], peaks: Floats) -> PitchTrack:
    """Choose one candidate, or none, per frame.

    Args:
        blocks: the candidates of consecutive blocks of frames, T frames in all.
        peaks: greatest absolute value per frame, shape (T,).
    """
    hz = np.concatenate([block.hz for block in blocks])
    periodicity = np.concatenate([block.periodicity for block in blocks])
    loudest = float(np.maximum(peaks.max(), np.finfo(np.float32).tiny))
    quietness = 2 - peaks / loudest * (1 + _VOICING_THRESHOLD) / _SILENCE_THRESHOLD
    unvoiced = _VOICING_THRESHOLD + np.maximum(0.0, quietness)

    in_range = (hz >= LOWEST_HZ) & (hz <= HIGHEST_HZ)
    chosen = _cheapest_path(hz, periodicity, in_range, unvoiced)
    if np.any(chosen.hz > 0):
        lower, upper = np.percentile(chosen.hz[chosen.hz > 0], [25, 75])
        own_range = in_range & (hz >= 0.75 * lower) & (hz <= 2.5 * upper)
        if np.any((chosen.hz > 0) & ((chosen.hz < 0.75 * lower) | (chosen.hz > 2.5 * upper))):
            chosen = _cheapest_path(hz, periodicity, own_range, unvoiced)
    return chosen


def _cheapest_path(
    hz: NDArray[np.float64],
    periodicity: NDArray[np.float64],
    allowed: NDArray[np.bool_],
    unvoiced: NDArray[np.float64],
) -> PitchTrack:
    """Viterbi's algorithm over one unvoiced state and the allowed candidates of every frame."""
    frames = len(hz)
    octaves = np.log2(np.where(allowed, hz, LOWEST_HZ))
    merit = np.empty((frames, hz.shape[1] + 1))
    merit[:, 0] = unvoiced
    merit[:, 1:] = np.where(allowed, periodicity + _OCTAVE_COST * (octaves - np.log2(LOWEST_HZ)), -np.inf)
    cost = np.full((frames, merit.shape[1], merit.shape[1]), _VOICED_UNVOICED_COST)
    cost[:, 0, 0] = 0.0
    cost[1:, 1:, 1:] = _OCTAVE_JUMP_COST * np.abs(octaves[1:, :, None] - octaves[:-1, None, :])

    origin = np.zeros(merit.shape, dtype=np.intp)
    best = merit[0]
    rows = np.arange(merit.shape[1])
    for frame in range(1, frames):
        reached = best - cost[frame]
        origin[frame] = reached.argmax(axis=1)
        best = reached[rows, origin[frame]] + merit[frame]
    state = np.empty(frames, dtype=np.intp)
    state[-1] = best.argmax()
    for frame in range(frames - 1, 0, -1):
        state[frame - 1] = origin[frame, state[frame]]

    for first, after in stretches(state > 0):
        if after - first < _SHORTEST_VOICED:
            state[first:after] = 0
    voiced = np.flatnonzero(state > 0)
    track = PitchTrack(np.zeros(frames), np.zeros(frames))
    track.hz[voiced] = hz[voiced, state[voiced] - 1]
    track.periodicity[voiced] = periodicity[voiced, state[voiced] - 1]
    return track


def stretches(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Where a mask is true, as a list of half-open intervals (first, after)."""
    edges = np.flatnonzero(np.diff(mask.astype(np.int8), prepend=0, append=0))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
