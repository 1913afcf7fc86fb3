"""From preprocessed clips to features: the frozen encoders of one process."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedModel

from affectgpt.errors import ClipError
from affectgpt.model.configuration import AffectGPTConfig
from affectgpt.model.encoders import encode_frames, encode_sound, encoder_from_config, load_encoder
from affectgpt.model.sound_inputs import pad_sounds
from affectgpt.training.features.decoding import Preprocessed
from affectgpt.training.features.settings import PreparationSettings, Sense, local_checkpoint
from affectgpt.training.features.shards import Features


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """What the encoders gave for a clip: video features (F, P, D) and audio features (T, D), None where there is no
    such stream or the encoder was not asked.
    """

    video_features: Features | None
    audio_features: Features | None


class Encoders:
    """The encoders of a model, on the GPU where the recipe reserves one."""

    def __init__(self, settings: PreparationSettings) -> None:
        """Load them.

        Raises:
            OSError: one cannot be loaded.
        """
        self._settings = settings
        self._device = torch.device("cuda" if settings.on_gpu() else "cpu")
        self._encoders = {sense: self._load(sense) for sense in settings.senses()}

    def _load(self, sense: Sense) -> PreTrainedModel:
        branch = self._settings.branch(sense)
        assert branch is not None
        if branch.encoder is None:
            config = AffectGPTConfig.from_pretrained(local_checkpoint(self._settings.checkpoint))
            encoder = encoder_from_config(getattr(config, f"{sense}_config"), sense)
        else:
            encoder = load_encoder(branch.encoder, branch.revision, sense, getattr(torch, branch.dtype))
        encoder.eval()
        torch.nn.Module.to(encoder, self._device)
        return encoder

    @torch.inference_mode()
    def encode(self, clips: Sequence[Preprocessed]) -> list[Encoded | ClipError]:
        """Encode clips, as many at once as the recipe says; what a clip gives does not depend on the others.

        Returns:
            Features in float32 where the sense has no encoder with weights, else in float16, which halves the cache, or
            in float32 too where a value is beyond its range. A clip with features that are no numbers gives
            ``features-not-finite``.
        """
        size = self._settings.features.batch_size
        batches = (clips[first : first + size] for first in range(0, len(clips), size))
        return [encoded for batch in batches for encoded in self._encode_batch(batch)]

    def _encode_batch(self, clips: Sequence[Preprocessed]) -> list[Encoded | ClipError]:
        video = self._encode_frames(
            {n: clip.pixel_values for n, clip in enumerate(clips) if clip.pixel_values is not None}
        )
        audio = self._encode_sounds(
            {n: clip.sound_inputs for n, clip in enumerate(clips) if clip.sound_inputs is not None}
        )
        return [_checked(Encoded(video.get(number), audio.get(number))) for number in range(len(clips))]

    def _encode_frames(self, clips: Mapping[int, NDArray[np.float32]]) -> dict[int, Features]:
        """Encode the frames (F, C, H, W) of clips, all at once."""
        if not clips:
            return {}
        frames = torch.from_numpy(np.concatenate(list(clips.values()))).to(self._device)
        lengths = [len(one) for one in clips.values()]
        features = torch.split(encode_frames(self._encoders["vision"], frames), lengths)
        return {number: self._stored(one, "vision") for number, one in zip(clips, features, strict=True)}

    def _encode_sounds(self, clips: Mapping[int, NDArray[np.float32]]) -> dict[int, Features]:
        """Encode the sounds of clips; together only those of one length, since padding changes what encoders give."""
        alike: defaultdict[tuple[int, ...], list[tuple[int, torch.Tensor, torch.Tensor]]] = defaultdict(list)
        for number, sound in clips.items():
            padded, there = pad_sounds(self._settings.processor().feature_extractor, [sound])
            alike[padded.shape].append((number, torch.from_numpy(padded), torch.from_numpy(there)))
        encoded: dict[int, Features] = {}
        for group in alike.values():
            numbers, inputs, masks = zip(*group, strict=True)
            features, steps = encode_sound(
                self._encoders["audio"], torch.cat(inputs).to(self._device), torch.cat(masks).to(self._device)
            )
            for number, one, heard in zip(numbers, features, steps, strict=True):
                encoded[number] = self._stored(one[heard], "audio")
        return encoded

    def _stored(self, features: torch.Tensor, sense: Sense) -> Features:
        branch = self._settings.branch(sense)
        precise: NDArray[np.float32] = features.float().cpu().numpy()
        if branch is None or branch.encoder is None or np.abs(precise).max(initial=0.0) > np.finfo(np.float16).max:
            return precise
        return precise.astype(np.float16)


def _checked(encoded: Encoded) -> Encoded | ClipError:
    for features in (encoded.video_features, encoded.audio_features):
        if features is not None and not np.isfinite(features).all():
            return ClipError("features-not-finite", "the encoder gives features that are no numbers; try float32")
    return encoded
