"""Models below an output, on any file system: written whole or not at all."""

import json
import tempfile
from collections.abc import Mapping
from typing import Any, Final

import pyarrow.fs as pafs

from affectgpt.dataset.ledger import Folder
from affectgpt.model.modeling import AffectGPTForConditionalGeneration
from affectgpt.model.processing import AffectGPTProcessor

MARKER = "complete.json"
"""Written last: a model folder without it is the remains of a killed run."""
_CONFIG: Final = "config.json"


def is_complete(folder: Folder) -> bool:
    """Whether a model lies there whole."""
    return folder.exists(MARKER)


def write_model(
    model: AffectGPTForConditionalGeneration,
    processor: AffectGPTProcessor,
    folder: Folder,
) -> None:
    """Write a model and its processor as Hugging Face's ``from_pretrained`` reads them.

    Args:
        model: whole, with its encoders.
        processor: its processor.
        folder: is emptied before.
    """
    _empty(folder)
    with tempfile.TemporaryDirectory(prefix="affectgpt-model-") as temporary:
        model.save_pretrained(temporary)
        processor.save_pretrained(temporary)
        pafs.copy_files(temporary, folder.path, pafs.LocalFileSystem(), folder.filesystem)
    folder.write_text(MARKER, "{}")


def copy_model(
    source: Folder, target: Folder, texts: Mapping[str, str], facts: Mapping[str, Any] | None = None
) -> None:
    """Copy a whole model, and add to it.

    Args:
        source: a model.
        target: is emptied before.
        texts: further files, by name.
        facts: further entries of its ``config.json``, which ``from_pretrained`` and ``save_pretrained`` keep.
    """
    _empty(target)
    for info in source.filesystem.get_file_info(pafs.FileSelector(source.path, recursive=True)):
        name = info.path.removeprefix(f"{source.path}/")
        if info.type == pafs.FileType.File and name != MARKER:
            target.filesystem.create_dir((target / name).path.rpartition("/")[0], recursive=True)
            pafs.copy_files(info.path, (target / name).path, source.filesystem, target.filesystem)
    if facts:
        config = {**json.loads(source.read_text(_CONFIG)), **facts}
        target.write_text(_CONFIG, json.dumps(config, indent=2, sort_keys=True) + "\n")
    for name, text in texts.items():
        target.write_text(name, text)
    target.write_text(MARKER, "{}")


def _empty(folder: Folder) -> None:
    # The marker goes first, so that what a kill leaves of an old model is not taken for a whole one.
    folder.delete(MARKER)
    folder.clear()
