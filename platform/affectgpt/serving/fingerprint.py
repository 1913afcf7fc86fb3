"""Tells one model from another by its files."""

import hashlib
from pathlib import Path

_SUFFIXES = {".safetensors", ".json", ".jinja", ".model"}


def fingerprint(folder: Path) -> str:
    """Hash the weights and settings of a model, in hexadecimal; its card and whatever else lies there do not count.

    Args:
        folder: the model's folder.
    """
    whole = hashlib.sha256()
    for file in sorted(folder.iterdir()):
        if file.suffix in _SUFFIXES and file.is_file():
            with file.open("rb") as stream:
                content = hashlib.file_digest(stream, "sha256").hexdigest()
            whole.update(f"{content}  {file.name}\n".encode())
    return whole.hexdigest()
