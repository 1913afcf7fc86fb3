"""Weights: in the cache of each node, on the Hugging Face hub, or in a folder or bucket that the node can read."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pyarrow.fs as pafs

from affectgpt.clips.storage import local_path, translated_errors
from affectgpt.dataset.ledger import Folder
from affectgpt.doctor.check import Check, Finding, Node
from affectgpt.doctor.needs import Needs, Weights
from affectgpt.errors import ClipError
from affectgpt.inference.model_files import is_hub_name

_CONFIGURATION = "config.json"
_SUFFIXES = (".safetensors", ".bin")
_HUB_S = 8.0
_CLIENTS = ("httpx", "httpx2", "httpcore", "requests")


@dataclass(frozen=True)
class Place:
    """Where a node finds a model.

    Attributes:
        found: where, or None where it does not.
        trouble: why it does not.
    """

    found: str | None
    trouble: str = ""


class WeightsCheck(Check[Mapping[Weights, Place]]):
    """Whether each node reaches the weights that the recipe names."""

    name = "weights"

    def look(self, needs: Needs) -> Mapping[Weights, Place]:
        """Look for each model from here; nothing is downloaded."""
        return {weights: _place(weights) for weights in needs.weights}

    def judge(self, needs: Needs, seen: Mapping[Node, Mapping[Weights, Place]]) -> list[Finding]:
        """Say of each model where it is, or on which nodes it is not."""
        findings = []
        for weights in needs.weights:
            places = {node.name: here[weights] for node, here in seen.items()}
            for name, place in places.items():
                if place.found is None:
                    findings.append(self.failed(name, f"{weights.source}: {place.trouble}", _remedy(weights)))
            kinds = sorted({place.found for place in places.values() if place.found is not None})
            if kinds and all(place.found is not None for place in places.values()):
                findings.append(self.ok(f"{weights.source}: {', '.join(kinds)}"))
        return findings


def _place(weights: Weights) -> Place:
    if is_hub_name(weights.source):
        return _on_the_hub(weights)
    try:
        with translated_errors(weights.source):
            folder = Folder.at(weights.source)
            if folder.filesystem.get_file_info(folder.path).type != pafs.FileType.Directory:
                return Place(None, "there is no such folder")
            names = {info.base_name for info in folder.files()}
    except ClipError as error:
        return Place(None, error.message)
    if _CONFIGURATION not in names:
        return Place(None, f"the folder has no {_CONFIGURATION}")
    if not any(name.endswith(_SUFFIXES) for name in names):
        return Place(None, "the folder has no weights")
    return Place("a folder" if local_path(weights.source) is not None else "in the store")


def _on_the_hub(weights: Weights) -> Place:
    if find_spec("huggingface_hub") is None:
        return Place(None, "huggingface_hub is not installed")
    from huggingface_hub import get_hf_file_metadata, get_token, hf_hub_url, try_to_load_from_cache

    cached = try_to_load_from_cache(weights.source, _CONFIGURATION, revision=weights.revision)
    if isinstance(cached, str) and any(file.name.endswith(_SUFFIXES) for file in Path(cached).parent.iterdir()):
        return Place("in the cache")
    url = hf_hub_url(weights.source, _CONFIGURATION, revision=weights.revision)
    try:
        get_hf_file_metadata(url, token=get_token(), timeout=_HUB_S)
    except Exception as error:
        # The hub's client raises what its HTTP client does, whichever that is, beside errors of its own.
        if not isinstance(error, OSError | ValueError) and type(error).__module__.partition(".")[0] not in _CLIENTS:
            raise
        return Place(None, f"the hub does not give it: {str(error).strip().partition(chr(10))[0]}")
    return Place("on the hub, to be downloaded by each node")


def _remedy(weights: Weights) -> str:
    if is_hub_name(weights.source):
        return (
            "see that the name and revision exist, that the node reaches the hub (HF_ENDPOINT, proxy), and set "
            f"HF_TOKEN for a gated model; or download it there beforehand: hf download {weights.source}"
        )
    return "copy the model to the same folder on each node, or name a URI or a folder that all nodes share"
