"""What a trained model takes of a clip: how many frames, at which size, and how much of the sound."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from affectgpt.clips.decoding import DecodeSettings
from affectgpt.clips.media import SAMPLE_RATE
from affectgpt.errors import RequestError
from affectgpt.model import AffectGPTBranchConfig, AffectGPTForConditionalGeneration, AffectGPTProcessor
from affectgpt.model.encoders import encode_sound
from affectgpt.model.sound_inputs import pad_sounds


@dataclass(frozen=True, slots=True)
class Perception:
    """What a model takes of a clip.

    Attributes:
        decoding: how many frames, and their size; no frames for a model that does not see.
        samples: the most of the sound, in samples; what lies behind is not heard. 0 for a model that does not hear.
    """

    decoding: DecodeSettings
    samples: int


def perception_of(model: AffectGPTForConditionalGeneration, processor: AffectGPTProcessor) -> Perception:
    """Read off a model what it takes.

    It is what the processor says in ``frames`` and ``longest_s``; where it does not say, as much as the model has
    learned positions for.

    Raises:
        RequestError: the image processor does not say the size of its pictures.
    """
    decoding = DecodeSettings(frames=0)
    if processor.image_processor is not None:
        decoding = DecodeSettings(_frames(model, processor), shorter_side(processor.image_processor))
    samples = 0
    if processor.feature_extractor is not None:
        longest_s = getattr(processor, "longest_s", None)
        samples = _longest(model, processor) if longest_s is None else round(longest_s * SAMPLE_RATE)
    return Perception(decoding, samples)


def shorter_side(image_processor: Any) -> int:
    """Return the shorter side in pixels of the pictures that an image processor scales to, before it crops them.

    Raises:
        RequestError: it does not say.
    """
    if (frame_size := getattr(image_processor, "frame_size", None)) is not None:
        return int(frame_size)
    size: Mapping[str, int | None] = getattr(image_processor, "size", None) or {}
    sides = [side for name in ("shortest_edge", "height", "width") if (side := size.get(name)) is not None]
    if not sides:
        raise RequestError(
            f"the model's image processor scales pictures to {dict(size)}; it has to say shortest_edge, or both sides"
        )
    return int(min(sides))


def _frames(model: AffectGPTForConditionalGeneration, processor: AffectGPTProcessor) -> int:
    told: int | None = getattr(processor, "frames", None)
    return _steps_of(model.config.vision_branch) if told is None else told


def _steps_of(branch: AffectGPTBranchConfig) -> int:
    """How many steps in time a branch takes."""
    return branch.positions << branch.subsampling


def _longest(model: AffectGPTForConditionalGeneration, processor: AffectGPTProcessor) -> int:
    """How many samples give no more steps than the branch takes; encoders make steps at a steady rate."""
    limit = _steps_of(model.config.audio_branch)
    one, two = (_steps(model, processor, seconds * SAMPLE_RATE) for seconds in (1, 2))
    samples = int((limit - one) / (two - one) * SAMPLE_RATE) + SAMPLE_RATE
    while _steps(model, processor, samples) > limit:
        samples -= SAMPLE_RATE // (two - one) + 1
    return samples


@torch.inference_mode()
def _steps(model: AffectGPTForConditionalGeneration, processor: AffectGPTProcessor, samples: int) -> int:
    assert processor.feature_extractor is not None and model.audio_encoder is not None
    silence = processor.preprocess_sound(np.zeros(samples, np.float32))
    batch, mask = (torch.from_numpy(array) for array in pad_sounds(processor.feature_extractor, [silence]))
    features, _ = encode_sound(model.audio_encoder, batch.to(model.device), mask.to(model.device))
    return int(features.shape[1])
