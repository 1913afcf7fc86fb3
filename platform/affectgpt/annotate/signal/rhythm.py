"""The rhythm of speech: where there is sound at all, its syllables, and its pauses."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from affectgpt.annotate.signal.pitch import PitchTrack, stretches
from affectgpt.annotate.signal.short_time import HOP_S, Floats

_SMOOTHING: Final = np.hanning(9)[1:-1] / np.hanning(9).sum()
_BELOW_LOUDEST_DB: Final = 25.0
_DIP_DB: Final = 2.0
_SHORTEST_PAUSE: Final = round(0.25 / HOP_S)


@dataclass(frozen=True, slots=True, eq=False)
class Rhythm:
    """Where sound, syllables and pauses lie.

    Attributes:
        level_db: smoothed level per hop of 10 ms, in dB re full scale, shape (T,).
        active: whether the hop is within 25 dB of the loudest, shape (T,).
        syllables: how many syllable nuclei there are.
        pauses_s: length of each pause of at least 0.25 s between the first and the last active hop, shape (P,).
        span_s: time from the first to the last active hop.
    """

    level_db: NDArray[np.float64]
    active: NDArray[np.bool_]
    syllables: int
    pauses_s: NDArray[np.float64]
    span_s: float


def find_rhythm(mean_squares: Floats, track: PitchTrack) -> Rhythm:
    """Find syllable nuclei and pauses in the level and the voicing.

    A syllable nucleus is a voiced peak of the level, within 25 dB of the loudest, that stands at least 2 dB above the
    dips beside it: N. H. de Jong & T. Wempe, "Praat script to detect syllable nuclei and measure speech rate
    automatically", Behavior Research Methods 41 (2009). A pause lasts at least 250 ms: F. Goldman-Eisler,
    "Psycholinguistics" (1968).

    Args:
        mean_squares: mean square per hop of 10 ms, shape (T,).
        track: the pitch, T frames.
    """
    smooth = np.convolve(mean_squares.astype(np.float64), _SMOOTHING, mode="same")[: len(mean_squares)]
    level_db = 10 * np.log10(np.maximum(smooth, 1e-12))
    active = level_db > np.percentile(level_db, 99) - _BELOW_LOUDEST_DB
    nuclei, _ = scipy.signal.find_peaks(level_db, prominence=_DIP_DB)
    syllables = int(np.count_nonzero(active[nuclei] & (track.hz[nuclei] > 0)))

    where = np.flatnonzero(active)
    first, after = (int(where[0]), int(where[-1]) + 1) if len(where) else (0, 0)
    silences = np.array([end - start for start, end in stretches(~active[first:after])], dtype=np.float64)
    return Rhythm(
        level_db=level_db,
        active=active,
        syllables=syllables,
        pauses_s=silences[silences >= _SHORTEST_PAUSE] * HOP_S,
        span_s=(after - first) * HOP_S,
    )
