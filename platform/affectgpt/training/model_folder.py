"""Models below an output, on any file system: written whole or not at all, read from a local copy."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow.fs as pafs

from affectgpt.dataset.ledger import Folder
from affectgpt.model.modeling import AffectGPTForConditionalGeneration
from affectgpt.model.processing import AffectGPTProcessor

MARKER = "complete.json"
"""Written last: a model folder without it is the remains of a killed run."""


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
    folder.clear()
    with tempfile.TemporaryDirectory(prefix="affectgpt-model-") as temporary:
        model.save_pretrained(temporary)
        processor.save_pretrained(temporary)
        pafs.copy_files(temporary, folder.path, pafs.LocalFileSystem(), folder.filesystem)
    folder.write_text(MARKER, "{}")


def copy_model(source: Folder, target: Folder, texts: Mapping[str, str]) -> None:
    """Copy a whole model, and add further files by name."""
    target.clear()
    for info in source.files():
        if info.base_name != MARKER:
            pafs.copy_files(info.path, f"{target.path}/{info.base_name}", source.filesystem, target.filesystem)
    for name, text in texts.items():
        target.write_text(name, text)
    target.write_text(MARKER, "{}")


@contextlib.contextmanager
def local_model(uri: str) -> Iterator[Path]:
    """Give a local folder with a model's files: its own, or a copy for as long as the context lasts."""
    folder = Folder.at(uri)
    if isinstance(folder.filesystem, pafs.LocalFileSystem):
        yield Path(folder.path)
        return
    temporary = Path(tempfile.mkdtemp(prefix="affectgpt-model-"))
    try:
        pafs.copy_files(folder.path, str(temporary), folder.filesystem, pafs.LocalFileSystem())
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
