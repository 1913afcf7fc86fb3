"""Where a voice is heard, moment by moment."""

import numpy as np
from numpy.typing import NDArray

from affectgpt.annotate.signal.pitch import find_candidates, track_pitch
from affectgpt.annotate.signal.prosody import SILENCE_DBFS
from affectgpt.annotate.signal.rhythm import find_rhythm
from affectgpt.annotate.signal.short_time import HOP, Floats, analyse_frames, hop_levels


def voiced_hops(sound: Floats) -> NDArray[np.bool_]:
    """Tell which stretches of 10 ms hold a pitch and are within 25 dB of the loudest; none of what is silence.

    Args:
        sound: float32 mono of shape (S,) at 16 kHz, full scale at 1; S is at least 1.

    Returns:
        Of shape (T,), T being S / 160, rounded up.
    """
    centred = sound - np.mean(sound, dtype=np.float32)
    whole_hops = np.pad(centred, (0, -len(sound) % HOP))
    if 20 * np.log10(max(float(np.abs(centred).max()), 1e-6)) < SILENCE_DBFS:
        return np.zeros(len(whole_hops) // HOP, dtype=np.bool_)
    blocks = list(analyse_frames(whole_hops))
    track = track_pitch(
        [find_candidates(block.autocorrelation) for block in blocks], np.concatenate([b.peaks for b in blocks])
    )
    return (track.hz > 0) & find_rhythm(hop_levels(whole_hops), track).active
