"""How clips are prepared: what the decoding, the encoders and the cache need to know."""

import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import pyarrow.fs as pafs

from affectgpt.clips.decoding import DecodeSettings
from affectgpt.clips.storage import filesystem_of, local_path
from affectgpt.model.processing import AffectGPTProcessor
from affectgpt.training.recipe import BranchSection, FeaturesSection, ModelSection

Sense = Literal["vision", "audio"]
SENSES: tuple[Sense, ...] = ("vision", "audio")

_WEIGHTS = (".safetensors", ".bin", ".pt")


@dataclass(frozen=True)
class PreparationSettings:
    """How clips become what the model takes in.

    Attributes:
        model: what the model is made of.
        features: how features are computed and cached.
        checkpoint: folder or URI of the initial model, which holds its processor and its configuration. The encoders
            themselves come from their own sources: they are frozen, so the copy in the checkpoint is the same.
        cache: folder or URI of the cache.

    Every node of the cluster has to reach the checkpoint, the cache and the sources of the encoders.
    """

    model: ModelSection
    features: FeaturesSection
    checkpoint: str
    cache: str

    def branch(self, sense: Sense) -> BranchSection | None:
        """Return the section of a sense, or None where the model lacks it."""
        return self.model.vision if sense == "vision" else self.model.audio

    def senses(self) -> tuple[Sense, ...]:
        """Return the senses that the model has."""
        return tuple(sense for sense in SENSES if self.branch(sense) is not None)

    def has_weights(self) -> bool:
        """Whether any sense has an encoder with weights, rather than features that are computed directly."""
        return any((branch := self.branch(sense)) is not None and branch.encoder is not None for sense in SENSES)

    def on_gpu(self) -> bool:
        """Whether the encoders run on a GPU; what has no weights is computed faster where the clips are decoded."""
        return self.features.num_gpus > 0 and self.has_weights()

    def processor(self) -> AffectGPTProcessor:
        """Return the processor of the checkpoint, loaded once per process."""
        return _processor(self.checkpoint)

    def decode_settings(self) -> DecodeSettings:
        """Return what is taken out of each clip: as many frames as the recipe says, at the size that is looked at."""
        vision = self.model.vision
        if vision is None:
            return DecodeSettings(frames=0)
        return DecodeSettings(frames=vision.frames, frame_size=self.processor().frame_size)


@lru_cache(maxsize=2)
def local_checkpoint(checkpoint: str) -> Path:
    """Give the folder of a checkpoint on this machine; of a remote one, a copy without its weights.

    The copy lasts as long as the process.
    """
    path = local_path(checkpoint)
    if path is not None:
        return path
    filesystem, folder = filesystem_of(checkpoint)
    copy = Path(_copies().name) / str(len(list(Path(_copies().name).iterdir())))
    copy.mkdir()
    for info in filesystem.get_file_info(pafs.FileSelector(folder)):
        if info.type == pafs.FileType.File and not info.base_name.endswith(_WEIGHTS):
            with filesystem.open_input_stream(info.path) as stream:
                (copy / info.base_name).write_bytes(stream.read())
    return copy


@lru_cache(maxsize=1)
def _copies() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="affectgpt-checkpoint-")


@lru_cache(maxsize=2)
def _processor(checkpoint: str) -> AffectGPTProcessor:
    return AffectGPTProcessor.from_pretrained(local_checkpoint(checkpoint))
