"""Examples to batches: tensors aligned with the clips, and masks that say what each of them has."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers.feature_extraction_utils import FeatureExtractionMixin

from affectgpt.model.sound_inputs import pad_sounds

Array = NDArray[Any]
IGNORED = -100
"""The label of a token that is not learnt."""


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """One clip as the model takes it, not yet padded. A sense is given raw or encoded, or not at all.

    Attributes:
        input_ids: int64 of shape (L,): the prompt and, from ``answer_start``, the answer.
        answer_start: L where there is no answer.
        token_weights: float32 of shape (L - answer_start,), how much each token of the answer counts; None for 1 each.
        pixel_values: float32 of shape (F, C, H, W), the frames as the vision encoder takes them.
        video_features: shape (F, P, D), what it made of them.
        sound_inputs: the sound as the audio encoder takes it, from ``prepare_sound``.
        audio_features: shape (T, D), what it made of it.
    """

    input_ids: NDArray[np.int64]
    answer_start: int
    token_weights: NDArray[np.float32] | None = None
    pixel_values: NDArray[np.float32] | None = None
    video_features: Array | None = None
    sound_inputs: NDArray[np.float32] | None = None
    audio_features: Array | None = None


def collate(
    examples: Sequence[Example],
    pad_token_id: int,
    feature_extractor: FeatureExtractionMixin | None,
    padding_side: str,
    label: bool,
) -> dict[str, torch.Tensor]:
    """Put examples together to a batch.

    Args:
        examples: the examples.
        pad_token_id: what short rows of ``input_ids`` are filled up with.
        feature_extractor: that of the audio encoder, which knows how sound is padded.
        padding_side: ``right`` for training, ``left`` for generating.
        label: whether to add ``labels`` and ``loss_weights``.

    Returns:
        ``input_ids`` and ``attention_mask`` int64 (B, L); with ``label``, ``labels`` int64 (B, L), -100 but in the
        answer, and ``loss_weights`` float32 (B, L). Of a sense that at least one example has: ``pixel_values``
        (B, F, C, H, W) or ``video_features`` (B, F, P, D) with ``frame_mask`` bool (B, F); ``sound_inputs`` (B, ...)
        with ``sound_mask`` bool (B, S), or ``audio_features`` (B, T, D) with ``audio_mask`` bool (B, T).

    Raises:
        ValueError: there is no example, the side is unknown, or examples hold one sense in different forms.
    """
    if not examples:
        raise ValueError("there is no example to make a batch of; give at least one")
    if padding_side not in ("left", "right"):
        raise ValueError(f"padding_side {padding_side!r}: it is left or right")
    batch = _texts(examples, pad_token_id, padding_side == "left", label)
    frames = [example.pixel_values for example in examples]
    video = [example.video_features for example in examples]
    sounds = [example.sound_inputs for example in examples]
    audio = [example.audio_features for example in examples]
    _all_alike("pixel_values", frames, "video_features", video)
    _all_alike("sound_inputs", sounds, "audio_features", audio)
    for name, arrays, mask in (
        ("pixel_values", frames, "frame_mask"),
        ("video_features", video, "frame_mask"),
        ("audio_features", audio, "audio_mask"),
    ):
        if any(array is not None for array in arrays):
            batch[name], batch[mask] = _padded(name, arrays)
    if any(sound is not None for sound in sounds):
        if feature_extractor is None:
            raise ValueError("sound_inputs: this model does not hear; leave the sound out")
        batch["sound_inputs"], batch["sound_mask"] = pad_sounds(feature_extractor, sounds)
    return {name: torch.from_numpy(array) for name, array in batch.items()}


def _texts(examples: Sequence[Example], pad_token_id: int, left: bool, label: bool) -> dict[str, Array]:
    shape = (len(examples), max(len(example.input_ids) for example in examples))
    batch: dict[str, Array] = {
        "input_ids": np.full(shape, pad_token_id, np.int64),
        "attention_mask": np.zeros(shape, np.int64),
    }
    if label:
        batch["labels"] = np.full(shape, IGNORED, np.int64)
        batch["loss_weights"] = np.ones(shape, np.float32)
    for row, example in enumerate(examples):
        length = len(example.input_ids)
        begin = shape[1] - length if left else 0
        batch["input_ids"][row, begin : begin + length] = example.input_ids
        batch["attention_mask"][row, begin : begin + length] = 1
        if label:
            answer = slice(begin + example.answer_start, begin + length)
            batch["labels"][row, answer] = example.input_ids[example.answer_start :]
            if example.token_weights is not None:
                batch["loss_weights"][row, answer] = example.token_weights
    return batch


def _all_alike(raw: str, raws: Sequence[Array | None], encoded: str, encodeds: Sequence[Array | None]) -> None:
    if any(array is not None for array in raws) and any(array is not None for array in encodeds):
        raise ValueError(f"some examples have {raw} and some {encoded}; a batch holds one of the two")


def _padded(name: str, arrays: Sequence[Array | None]) -> tuple[Array, NDArray[np.bool_]]:
    """Arrays (T, ...) to one of shape (B, T, ...), and a mask (B, T) of what was there."""
    given = [array for array in arrays if array is not None]
    forms = sorted({str(array.shape[1:]) for array in given})
    if len(forms) > 1:
        raise ValueError(
            f"{name}: examples have shapes of {' and '.join(forms)} after the first axis; prepare them alike"
        )
    length = max(len(array) for array in given)
    batch = np.zeros((len(arrays), length, *given[0].shape[1:]), np.result_type(*given))
    mask = np.zeros((len(arrays), length), np.bool_)
    for row, array in enumerate(arrays):
        if array is not None:
            batch[row, : len(array)] = array
            mask[row, : len(array)] = True
    return batch, mask
