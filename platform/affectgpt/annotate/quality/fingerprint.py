"""Fingerprints that stay nearly the same when a clip is encoded again, and that tell other clips apart.

The picture is told by difference hashes of a few frames: where it gets brighter from each place to the next. The sound
is told as in J. Haitsma & T. Kalker, "A highly robust audio fingerprinting system" (ISMIR 2002): where the balance of
neighbouring bands rises from one stretch of time to the next. The stretches divide the whole clip, so that every
fingerprint has the same length; a copy that is cut a tenth of a second later has another one.
"""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from affectgpt.annotate.sample import Sample
from affectgpt.clips.media import SAMPLE_RATE, Media

PICTURES: Final = 4
"""How many moments of the clip are looked at, evenly over its length."""
SOUND_STEPS: Final = 16
SOUND_BANDS: Final = 16
PICTURE_BYTES: Final = 8 * PICTURES
FINGERPRINT_BYTES: Final = PICTURE_BYTES + SOUND_STEPS * SOUND_BANDS // 8

BRIGHTER: Final = 1.0
"""Grey levels by which a place must be brighter than the one before: less is noise of the encoder."""
RISING: Final = 1e-3
"""What counts as a rise of the balance, in nepers: in digital silence there is none."""
LOWEST_HZ: Final = 150.0
HIGHEST_HZ: Final = 3600.0
"""The part of speech that survives every usual encoding."""
FLOOR: Final = 1e-4
"""Of the mean energy of a band: what is fainter makes no difference."""
_WINDOW: Final = 512
_WINDOWS_PER_STEP: Final = 8


def fingerprint(sample: Sample) -> bytes | None:
    """Make the fingerprint of a clip, ``FINGERPRINT_BYTES`` long; None where neither picture nor sound tell anything.

    The bits of the picture come first, then those of the sound; all bits of a missing part are 0.
    """
    assert sample.media is not None, "the fingerprint needs a sample that still carries its media"
    bits = np.concatenate([_picture_bits(sample.media), _sound_bits(sample.media.sound)])
    return np.packbits(bits).tobytes() if bits.any() else None


def difference(first: NDArray[np.uint64], second: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Compare fingerprints pair by pair.

    Per part, it is the number of bits that differ (their Hamming distance) as a share of the bits that are set in
    either: 0 for the same, about 2/3 for unrelated sounds of which half of the bits are set. The larger of both parts
    counts, so that the same picture with other speech differs as much as its speech.

    Args:
        first: fingerprints as words of 64 bits, shape (N, FINGERPRINT_BYTES / 8).
        second: those that they are compared with, of the same shape.

    Returns:
        Of shape (N,), each in [0, 1].
    """
    differing, either = np.bitwise_count(first ^ second), np.bitwise_count(first | second)
    parts = slice(PICTURE_BYTES // 8), slice(PICTURE_BYTES // 8, None)
    shares = [differing[:, part].sum(axis=1) / np.maximum(either[:, part].sum(axis=1), 1) for part in parts]
    return np.asarray(np.maximum(*shares), np.float64)


def _picture_bits(media: Media) -> NDArray[np.bool_]:
    """Difference hashes of the frames nearest to the moments, shape (8 * PICTURE_BYTES,)."""
    if media.frames_got == 0:
        return np.zeros(8 * PICTURE_BYTES, dtype=np.bool_)
    moments = (np.arange(PICTURES) + 0.5) / PICTURES * media.duration_s
    nearest = np.abs(media.frame_times_s[:, np.newaxis] - moments).argmin(axis=0)
    return np.concatenate([_difference_hash(media.frames[place]) for place in nearest])


def _difference_hash(frame: NDArray[np.uint8]) -> NDArray[np.bool_]:
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float32)
    brighter: NDArray[np.bool_] = np.diff(cv2.resize(grey, (9, 8), interpolation=cv2.INTER_AREA), axis=1) > BRIGHTER
    return brighter.ravel()


def _sound_bits(sound: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Where the balance of each band and the next rises, shape (SOUND_STEPS * SOUND_BANDS,)."""
    if not sound.any():
        return np.zeros(SOUND_STEPS * SOUND_BANDS, dtype=np.bool_)
    energies = _band_energies(sound)
    balance = np.diff(np.log(energies + FLOOR * energies.mean()), axis=1)
    rising: NDArray[np.bool_] = np.diff(balance, axis=0) > RISING
    return rising.ravel()


def _band_energies(sound: NDArray[np.float32]) -> NDArray[np.float64]:
    """Mean energy per stretch of time and band, shape (SOUND_STEPS + 1, SOUND_BANDS + 1)."""
    stretches = SOUND_STEPS + 1
    padded = np.pad(sound, (0, max(0, _WINDOW * stretches - len(sound)))).astype(np.float64)
    hop = min(_WINDOW // 2, len(padded) // (_WINDOWS_PER_STEP * stretches))
    # Commands that only read a recipe would wait a second for it.
    from scipy.signal import stft

    frequencies, _, spectrum = stft(padded, SAMPLE_RATE, nperseg=_WINDOW, noverlap=_WINDOW - hop)
    edges = np.searchsorted(frequencies, np.geomspace(LOWEST_HZ, HIGHEST_HZ, SOUND_BANDS + 2))
    bands = np.add.reduceat(np.abs(spectrum) ** 2, edges, axis=0)[:-1]
    energies = [part.mean(axis=1) for part in np.array_split(bands, stretches, axis=1)]
    return np.stack(energies)
