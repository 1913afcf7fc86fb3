"""A batch's frames and sound, from the encoders to their places among the embeddings of the prompt."""

from typing import NamedTuple

import torch
from torch import Tensor
from transformers import PreTrainedConfig, PreTrainedModel

from affectgpt.model.branches import Branch
from affectgpt.model.encoders import blank_frames, blank_sound, encode_frames, encode_sound, feature_size


class Features(NamedTuple):
    """What an encoder made of a batch.

    Attributes:
        values: (B, F, P, D) of frames, (B, T, D) of sound.
        mask: (B, F) or (B, T) bool, False for padding and for clips without the sense.
    """

    values: Tensor
    mask: Tensor


def given(values: Tensor | None, mask: Tensor | None) -> Features | None:
    """Return features with their mask, None where there are none; without a mask all of them are meant."""
    if values is None:
        return None
    return Features(values, values.new_ones(values.shape[:2], dtype=torch.bool) if mask is None else mask.bool())


def encode_video(encoder: PreTrainedModel, pixel_values: Tensor, frame_mask: Tensor | None) -> Features:
    """Encode frames (B, F, C, H, W), of those only that the mask (B, F) names, but at least one."""
    frames = pixel_values.flatten(0, 1)
    chosen = frames.new_ones(len(frames), dtype=torch.bool) if frame_mask is None else frame_mask.bool().flatten()
    mask = chosen.view(pixel_values.shape[:2])
    chosen = _with_first(chosen)
    with torch.set_grad_enabled(_is_trained(encoder)):
        encoded = encode_frames(encoder, frames[chosen])
        values = encoded.new_zeros(len(frames), *encoded.shape[1:])
        values[chosen] = encoded
    return Features(values.view(*mask.shape, *values.shape[1:]), mask)


def encode_audio(encoder: PreTrainedModel, sound_inputs: Tensor, sound_mask: Tensor | None) -> Features:
    """Encode sounds (B, ...), of those only that have any by the mask (B, S), but at least one."""
    if sound_mask is None:
        present = sound_inputs.new_ones(len(sound_inputs), dtype=torch.bool)
        chosen, chosen_mask = present, None
    else:
        present = sound_mask.bool().any(-1)
        chosen = _with_first(present)
        # A row that is encoded though it has no sound is encoded as silence: encoders fail where all is masked.
        chosen_mask = sound_mask.bool()[chosen] | ~present[chosen][:, None]
    with torch.set_grad_enabled(_is_trained(encoder)):
        encoded, encoded_mask = encode_sound(encoder, sound_inputs[chosen], chosen_mask)
        values = encoded.new_zeros(len(sound_inputs), *encoded.shape[1:])
        values[chosen] = encoded
    mask = encoded_mask.new_zeros(len(sound_inputs), encoded_mask.shape[1])
    mask[chosen] = encoded_mask
    return Features(values, mask & present[:, None])


def no_video(encoder: PreTrainedModel | None, config: PreTrainedConfig, like: Tensor) -> Features:
    """Return features of a batch of clips none of which has video; the encoder, where there is one, has run for them.

    Args:
        encoder: the vision encoder, or None.
        config: its configuration.
        like: (B, ...), a tensor of the batch, for its size and device.
    """
    if encoder is None:
        values = torch.zeros(1, 1, 1, feature_size(config), device=like.device)
    else:
        values = encode_video(encoder, blank_frames(config).to(like.device)[:, None], None).values
    return _masked(values, like)


def no_audio(encoder: PreTrainedModel | None, config: PreTrainedConfig, like: Tensor) -> Features:
    """Return features of a batch of clips none of which has sound, as ``no_video`` does of those without video."""
    if encoder is None:
        values = torch.zeros(1, 1, feature_size(config), device=like.device)
    else:
        values = encode_audio(encoder, blank_sound(config).to(like.device), None).values
    return _masked(values, like)


def fuse_video(branch: Branch, video: Features) -> Tensor:
    """Return the vectors (B, K, text_hidden_size) that the vision branch makes; a frame's features share its place."""
    batch, frames, patches, _ = video.values.shape
    positions = torch.arange(frames, device=video.values.device).repeat_interleave(patches).expand(batch, -1)
    mask = video.mask[..., None].expand(-1, -1, patches).flatten(1)
    vectors: Tensor = branch(video.values.flatten(1, 2), mask, positions, patches)
    return vectors


def fuse_audio(branch: Branch, audio: Features) -> Tensor:
    """Return the vectors (B, K, text_hidden_size) that the audio branch makes."""
    positions = torch.arange(audio.values.shape[1], device=audio.values.device).expand(len(audio.values), -1)
    vectors: Tensor = branch(audio.values, audio.mask, positions)
    return vectors


def put_in_place(
    inputs_embeds: Tensor, places: Tensor, vectors: Tensor | None, present: Tensor | None, name: str
) -> Tensor:
    """Put the vectors of one sense in the places of its placeholders.

    Args:
        inputs_embeds: (B, L, D) of the prompts.
        places: (B, L) bool, where the placeholders are.
        vectors: (B, K, D), or None: no clip has this sense.
        present: (B,) bool, which clips have it; the vectors of the others are not used.
        name: of the sense, for errors.

    Raises:
        ValueError: a clip has fewer or more placeholders than vectors.
    """
    found = places.sum(-1)
    if vectors is None or present is None:
        if bool(found.any()):
            raise ValueError(f"the prompt has placeholders for {name}, but none is given")
        return inputs_embeds
    expected = present * vectors.shape[1]
    if not torch.equal(found, expected):
        raise ValueError(
            f"placeholders for {name} by clip: {found.tolist()}, but vectors: {expected.tolist()}; "
            "prepare the clips with the processor that was saved with the model"
        )
    embeds = inputs_embeds.masked_scatter(places[..., None], vectors[present].to(inputs_embeds.dtype))
    # Every parameter takes part in every step's gradients, or workers of a distributed run would wait for each other.
    return embeds + 0.0 * vectors.sum().to(embeds.dtype) if vectors.requires_grad else embeds


def _masked(values: Tensor, like: Tensor) -> Features:
    values = values.expand(len(like), *values.shape[1:])
    return Features(values, values.new_zeros(values.shape[:2], dtype=torch.bool))


def _with_first(chosen: Tensor) -> Tensor:
    """Return the choice, with the first added: an encoder that is run for no worker's batch must run for all."""
    chosen = chosen.clone()
    chosen[0] = True
    return chosen


def _is_trained(encoder: PreTrainedModel) -> bool:
    return torch.is_grad_enabled() and any(parameter.requires_grad for parameter in encoder.parameters())
