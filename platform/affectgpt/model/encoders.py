"""Encoders of frames and of sound: any of the Hugging Face hub's, the tower alone, and what it makes of its inputs."""

from typing import Any

import torch
from torch import Tensor
from transformers import AutoConfig, AutoModel, PreTrainedConfig, PreTrainedModel
from transformers.models.whisper.modeling_whisper import WhisperEncoder

from affectgpt.model.configuration import Sense

MAIN_INPUTS: dict[Sense, tuple[str, ...]] = {
    "vision": ("pixel_values",),
    "audio": ("input_values", "input_features"),
}
# Weights that checkpoints of other tasks lack, and that no feature depends on.
UNUSED_WEIGHTS = ("masked_spec_embed", "pooler", "head", "mask_token")


def load_encoder(
    source: str, revision: str | None, sense: Sense, dtype: torch.dtype = torch.float32
) -> PreTrainedModel:
    """Load the part of a pretrained model that encodes one sense.

    Of CLIP and SigLIP it is the vision model, of Whisper its encoder; DINO, HuBERT, wav2vec 2.0 and AST are it.

    Args:
        source: a name on the Hugging Face hub or a folder.
        revision: of the hub's repository; None is the newest.
        sense: what it must encode.
        dtype: of its weights.

    Raises:
        OSError: there is no such model.
        ValueError: the model encodes something else, or its checkpoint lacks weights of the encoder.
    """
    config = AutoConfig.from_pretrained(source, revision=revision)
    model, info = AutoModel.from_pretrained(
        source, config=config, revision=revision, dtype=dtype, output_loading_info=True
    )
    tower = _tower(model, sense)
    if tower.main_input_name not in MAIN_INPUTS[sense]:
        raise ValueError(f"{source} is no {sense} encoder: a {config.model_type} reads {tower.main_input_name}")
    name = next(name for name, module in model.named_modules() if module is tower)
    prefix = f"{name}." if name else ""
    lacking = [key for key in info["missing_keys"] if key.startswith(prefix) and not _is_unused(key)]
    if lacking:
        raise ValueError(f"{source}: the checkpoint lacks weights of the {sense} encoder: {', '.join(sorted(lacking))}")
    return tower


def encoder_from_config(config: PreTrainedConfig, sense: Sense) -> PreTrainedModel:
    """Build an encoder without its weights, from the configuration that ``load_encoder(...).config`` had.

    Args:
        config: the encoder's own.
        sense: what it encodes.
    """
    if config.model_type == "whisper":
        encoder: PreTrainedModel = WhisperEncoder._from_config(config)
        return encoder
    return _tower(AutoModel.from_config(config), sense)


def _tower(model: PreTrainedModel, sense: Sense) -> PreTrainedModel:
    if model.config.is_encoder_decoder:
        encoder: PreTrainedModel = model.get_encoder()
        return encoder
    tower: PreTrainedModel = getattr(model, f"{sense}_model", model)
    return tower


def _is_unused(key: str) -> bool:
    return any(part in UNUSED_WEIGHTS for part in key.split("."))


def feature_size(config: PreTrainedConfig) -> int:
    """Return how many values a feature vector of an encoder has.

    Raises:
        ValueError: the configuration does not say.
    """
    if (size := getattr(config, "hidden_size", None)) is not None:
        return int(size)
    if sizes := getattr(config, "hidden_sizes", None):
        return int(sizes[-1])
    raise ValueError(f"the configuration of a {config.model_type} does not say how wide its features are")


def encode_frames(encoder: PreTrainedModel, pixel_values: Tensor) -> Tensor:
    """Return the features (N, P, D) of frames (N, C, H, W): P vectors of each."""
    features: Tensor = encoder(pixel_values=_cast(encoder, pixel_values)).last_hidden_state
    # Convolutional encoders give maps (N, D, height, width).
    return features.flatten(2).transpose(1, 2) if features.ndim == 4 else features


def encode_sound(
    encoder: PreTrainedModel, sound_inputs: Tensor, sound_mask: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Return features of sounds over time, cut to the length of the longest one.

    Args:
        encoder: an audio encoder.
        sound_inputs: (N, ...) what its feature extractor gave, padded at the end.
        sound_mask: (N, S) 1 where there is sound; S counts samples or the steps of the inputs. None is all of it.

    Returns:
        features (N, T, D), and the mask (N, T), True where there is sound. AST's features are the means over frequency
        of its patches.
    """
    if sound_mask is None:
        sound_mask = sound_inputs.new_ones(sound_inputs.shape[0], _steps(encoder, sound_inputs), dtype=torch.bool)
    lengths = sound_mask.sum(-1)
    sound_inputs = _cast(encoder, sound_inputs)
    if _reads_waveforms(encoder.config):
        features, lengths = _encode_waveforms(encoder, sound_inputs, sound_mask)
    elif encoder.config.model_type == "audio-spectrogram-transformer":
        features, lengths = _encode_spectrogram_patches(encoder, sound_inputs, lengths, sound_mask.shape[1])
    else:
        features = encoder(**{encoder.main_input_name: sound_inputs}).last_hidden_state
        lengths = -(-lengths * features.shape[1] // sound_mask.shape[1])
    lengths = lengths.clamp(1, features.shape[1])
    longest = int(lengths.max())
    return features[:, :longest], torch.arange(longest, device=lengths.device) < lengths[:, None]


def _encode_waveforms(encoder: PreTrainedModel, waveforms: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Encode by a convolutional front end, as HuBERT and wav2vec 2.0 have it."""
    shortest = shortest_waveform(encoder.config)
    if waveforms.shape[1] < shortest:
        waveforms = torch.nn.functional.pad(waveforms, (0, shortest - waveforms.shape[1]))
        mask = torch.nn.functional.pad(mask, (0, shortest - mask.shape[1]))
    samples = mask.sum(-1).clamp(min=shortest)
    lengths = encoder._get_feat_extract_output_lengths(samples)  # type: ignore[operator]
    if encoder.config.feat_extract_norm == "group":
        # Its first layer normalises over the whole time, padding included, and knows no mask.
        each = [
            encoder(waveform[None, : int(length)]).last_hidden_state[0]
            for waveform, length in zip(waveforms, samples, strict=True)
        ]
        return torch.nn.utils.rnn.pad_sequence(each, batch_first=True), lengths
    attention_mask = torch.arange(mask.shape[1], device=mask.device) < samples[:, None]
    return encoder(waveforms, attention_mask=attention_mask.long()).last_hidden_state, lengths


def _encode_spectrogram_patches(
    encoder: PreTrainedModel, spectrograms: Tensor, lengths: Tensor, steps: int
) -> tuple[Tensor, Tensor]:
    """Encode by AST: its tokens are two for the whole, then patches, frequency by frequency, each over time."""
    config = encoder.config
    patches = encoder(spectrograms).last_hidden_state[:, 2:]
    bands = (config.num_mel_bins - config.patch_size) // config.frequency_stride + 1
    features = patches.unflatten(1, (bands, -1)).mean(1)
    lengths = lengths * config.max_length // steps
    return features, (lengths - config.patch_size) // config.time_stride + 1


def shortest_waveform(config: PreTrainedConfig) -> int:
    """Return how many samples a convolutional front end needs for one feature vector."""
    samples = 1
    for kernel, stride in reversed(list(zip(config.conv_kernel, config.conv_stride, strict=True))):
        samples = (samples - 1) * stride + kernel
    return samples


def blank_frames(config: PreTrainedConfig) -> Tensor:
    """Return one black frame (1, C, H, W) of the size that an encoder reads.

    Raises:
        ValueError: the encoder's configuration does not say its size.
    """
    size: Any = getattr(config, "image_size", None)
    if size is None:
        raise ValueError(f"the configuration of a {config.model_type} has no image_size; {_REMEDY.format('frames')}")
    height, width = size if isinstance(size, (list, tuple)) else (size, size)
    return torch.zeros(1, getattr(config, "num_channels", 3), height, width)


def blank_sound(config: PreTrainedConfig) -> Tensor:
    """Return one silent input (1, ...) of an audio encoder.

    Raises:
        ValueError: the encoder is of a family whose inputs are not known.
    """
    if _reads_waveforms(config):
        return torch.zeros(1, shortest_waveform(config))
    match config.model_type:
        case "whisper":
            return torch.zeros(1, config.num_mel_bins, 2 * config.max_source_positions)
        case "audio-spectrogram-transformer":
            return torch.zeros(1, config.max_length, config.num_mel_bins)
        case "affectgpt_log_mel":
            return torch.zeros(1, 1, config.feature_size)
    raise ValueError(f"the inputs of a {config.model_type} are not known; {_REMEDY.format('sound')}")


_REMEDY = "train on cached features, or let each batch have a clip with {}"


def _reads_waveforms(config: PreTrainedConfig) -> bool:
    return hasattr(config, "conv_kernel") and hasattr(config, "conv_stride") and hasattr(config, "feat_extract_norm")


def _steps(encoder: PreTrainedModel, sound_inputs: Tensor) -> int:
    return sound_inputs.shape[-1 if encoder.config.model_type == "whisper" else 1]


def _cast(encoder: PreTrainedModel, inputs: Tensor) -> Tensor:
    weight = next(encoder.parameters(), None)
    return inputs if weight is None else inputs.to(weight.dtype)
