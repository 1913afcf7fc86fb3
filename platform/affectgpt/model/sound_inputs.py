"""From sound to what any audio encoder of transformers takes, one clip at a time, and from clips to batches."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from transformers import ASTFeatureExtractor, WhisperFeatureExtractor
from transformers.feature_extraction_utils import FeatureExtractionMixin

from affectgpt.clips.media import SAMPLE_RATE

# Below this the convolutions in front of an encoder have nothing to work on.
_SHORTEST: Final = SAMPLE_RATE // 10


@dataclass(frozen=True, slots=True)
class _Window:
    """What encoders take that know one length only, whatever the sound's.

    Attributes:
        axis: that of time, in the features of one clip.
        steps: how many there are in the window.
        length: of the spectra's own window, in samples.
        hop: from one step to the next, in samples.
        centred: whether the first spectrum has its middle, not its begin, at the begin of the sound.
    """

    axis: int
    steps: int
    length: int
    hop: int
    centred: bool

    def steps_of(self, samples: int) -> int:
        """How many steps, from the first, hear something of a sound."""
        reach = samples + self.length // 2 if self.centred else samples - self.length + self.hop
        return min(self.steps, -(-reach // self.hop) if self.centred else reach // self.hop)


def prepare_sound(feature_extractor: FeatureExtractionMixin, sound: NDArray[np.float32]) -> NDArray[np.float32]:
    """Compute what the encoder takes of one clip.

    Sound of less than 0.1 s is followed by silence up to that. Of the windows that Whisper and AST take (30 s, 10 s),
    the steps that hear something and one of the silence behind them are kept; ``pad_sounds`` makes them whole again.

    Args:
        feature_extractor: that of the encoder.
        sound: float32 mono of shape (S,) at 16 kHz.

    Returns:
        float32: samples of shape (S,), features of shape (T, D), or Whisper's of shape (D, T).

    Raises:
        ValueError: the sound is empty, not mono, or holds values that are not finite.
    """
    if sound.ndim != 1 or sound.size == 0:
        raise ValueError(f"the sound has shape {sound.shape}; give one channel with at least one sample")
    if not np.all(np.isfinite(sound)):
        raise ValueError("the sound holds values that are not finite; decode it again")
    heard = np.pad(sound, (0, max(0, _SHORTEST - len(sound)))).astype(np.float32, copy=False)
    extract: Any = feature_extractor
    features = extract(heard, sampling_rate=SAMPLE_RATE, return_tensors="np")
    prepared: NDArray[np.float32] = np.asarray(features[extract.model_input_names[0]][0], np.float32)
    window = _window(feature_extractor)
    if window is None:
        return prepared
    return prepared.take(np.arange(min(window.steps, window.steps_of(len(heard)) + 1)), axis=window.axis)


def pad_sounds(
    feature_extractor: FeatureExtractionMixin, sounds: Sequence[NDArray[np.float32] | None]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Put clips together to a batch.

    Args:
        feature_extractor: that of the encoder.
        sounds: what ``prepare_sound`` gave for each clip, None for a clip without sound; one at least is not None.

    Returns:
        The batch of shape (B, S), (B, T, D) or, for Whisper, (B, D, T), and a mask of shape (B, S) or (B, T) that is
        True where there is sound.
    """
    window = _window(feature_extractor)
    given = [sound for sound in sounds if sound is not None]
    axis = 0 if window is None else window.axis
    length = max(sound.shape[axis] for sound in given) if window is None else window.steps
    shape = list(given[0].shape)
    shape[axis] = length
    batch = np.full((len(sounds), *shape), getattr(feature_extractor, "padding_value", 0.0), np.float32)
    mask = np.zeros((len(sounds), length), np.bool_)
    for row, sound in enumerate(sounds):
        if sound is None:
            continue
        steps = sound.shape[axis]
        if window is None:
            batch[row, :steps] = sound
        else:
            # The level of silence differs between clips: it is that of the last step that was kept.
            widths = [(0, length - steps if number == axis else 0) for number in range(sound.ndim)]
            batch[row] = np.pad(sound, widths, mode="edge")
            steps = steps if steps == length else steps - 1
        mask[row, :steps] = True
    return batch, mask


def _window(feature_extractor: FeatureExtractionMixin) -> _Window | None:
    if isinstance(feature_extractor, WhisperFeatureExtractor):
        extractor = feature_extractor
        return _Window(1, extractor.nb_max_frames, extractor.n_fft, extractor.hop_length, centred=True)
    if isinstance(feature_extractor, ASTFeatureExtractor):
        # Kaldi's usual windows: 25 ms every 10 ms.
        return _Window(0, feature_extractor.max_length, SAMPLE_RATE // 40, SAMPLE_RATE // 100, centred=False)
    return None
