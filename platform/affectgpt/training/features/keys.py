"""Identities in the feature cache: of a clip's content, and of the way in which features are made from it."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import AutoConfig

from affectgpt.errors import RequestError
from affectgpt.model.configuration import AffectGPTConfig
from affectgpt.training.features.settings import PreparationSettings, Sense, local_checkpoint

# Is raised whenever the same encoder would give other features, or the shards another layout.
FORMAT_VERSION = 1

_ENCODER_FILES = ("config.json", "*.safetensors", "*.bin")
# What a library writes beside the settings and what does not change the features.
_NO_SETTINGS = ("transformers_version", "_name_or_path", "processor_class")


def clip_key(content_sha256: str, start_s: float | None, end_s: float | None) -> str:
    """Name the content of a clip: hex SHA-256 over its source's content and its span.

    A span that begins with the source is the same whether it says so by 0 or by None.
    """
    span = [content_sha256, float(start_s or 0.0), None if end_s is None else float(end_s)]
    return hashlib.sha256(json.dumps(span).encode()).hexdigest()


@dataclass(frozen=True)
class Fingerprint:
    """The way in which the features of one sense are made.

    Attributes:
        sense: which one.
        digest: hex SHA-256 over everything that decides about the features.
        description: the same as JSON, for people.
    """

    sense: Sense
    digest: str
    description: str


def fingerprints_of(settings: PreparationSettings) -> tuple[Fingerprint, ...]:
    """Fingerprint each sense of the model.

    Raises:
        RequestError: an encoder is not where the recipe says.
    """
    return tuple(_fingerprint(settings, sense) for sense in settings.senses())


def _fingerprint(settings: PreparationSettings, sense: Sense) -> Fingerprint:
    processor = settings.processor()
    branch, decoding = settings.branch(sense), settings.decode_settings()
    assert branch is not None
    facts: dict[str, Any] = {"format": FORMAT_VERSION, "sense": sense, "dtype": branch.dtype}
    if branch.encoder is None:
        config = AffectGPTConfig.from_pretrained(local_checkpoint(settings.checkpoint))
        facts["encoder"] = _settings(getattr(config, f"{sense}_config").to_dict())
    else:
        facts["encoder"] = _encoder_identity(branch.encoder, branch.revision)
    if settings.model.vision is not None and sense == "vision":
        facts |= {"frames": decoding.frames, "frame_size": decoding.frame_size}
        facts["preprocessing"] = _settings(processor.image_processor.to_dict())
    if settings.model.audio is not None and sense == "audio":
        facts |= {"longest_s": settings.model.audio.longest_s}
        facts["preprocessing"] = _settings(processor.feature_extractor.to_dict())
    description = json.dumps(facts, indent=2, sort_keys=True, default=str)
    return Fingerprint(sense, hashlib.sha256(description.encode()).hexdigest(), description)


def _settings(told: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if name not in _NO_SETTINGS}


def _encoder_identity(source: str, revision: str | None) -> dict[str, str]:
    """Identify an encoder: a folder by its content, a model of the hub by the commit that its revision stands for."""
    folder = Path(source)
    if folder.is_dir():
        return {"sha256": _files_sha256(folder)}
    try:
        commit = getattr(AutoConfig.from_pretrained(source, revision=revision), "_commit_hash", None)
    except (OSError, ValueError) as error:
        raise RequestError(f"encoder {source}: it cannot be loaded ({error}); check its name or folder") from error
    if commit is None:
        raise RequestError(f"encoder {source}: the hub names no commit for it; give a folder that holds it")
    return {"name": source, "commit": commit}


def _files_sha256(folder: Path) -> str:
    digest = hashlib.sha256()
    files = sorted(file for pattern in _ENCODER_FILES for file in folder.glob(pattern))
    for file in files:
        with file.open("rb") as stream:
            digest.update(f"{file.name} {hashlib.file_digest(stream, 'sha256').hexdigest()}\n".encode())
    return digest.hexdigest()
