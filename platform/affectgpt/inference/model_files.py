"""The files of a trained model: whether a folder holds them, and where they lie on this machine."""

import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pyarrow.fs as pafs

from affectgpt.clips.local_copies import local_folder
from affectgpt.clips.storage import join_uri, local_path, translated_errors
from affectgpt.dataset.ledger import Folder
from affectgpt.errors import ClipError, RequestError

MODEL_TYPE = "affectgpt"
_NEEDED = ("config.json", "processor_config.json", "tokenizer.json")
_WEIGHTS = ("model.safetensors", "model.safetensors.index.json")
_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")


def is_hub_name(path: str) -> bool:
    """Whether a path is the name of a model on the Hugging Face hub, ``owner/name``, and no folder that exists."""
    return _HUB_NAME.fullmatch(path) is not None and not path.startswith(".") and not Path(path).exists()


def check_model(path: str) -> None:
    """See that a folder holds the files of an AffectGPT; what lies on the hub is not looked at.

    Args:
        path: a folder, the URI of one, or a name on the hub.

    Raises:
        RequestError: there is no such folder, or it lacks files; the message names them.
    """
    if is_hub_name(path):
        if Path(path).parent.is_dir():
            raise RequestError(
                f"model {path}: the folder {Path(path).parent} is there, and holds no {Path(path).name}; name the "
                "folder or URI of a trained model"
            )
        return
    try:
        with translated_errors(path):
            folder = Folder.at(path)
            if folder.filesystem.get_file_info(folder.path).type != pafs.FileType.Directory:
                raise RequestError(f"model {path}: there is no such folder; name the folder or URI of a trained model")
            _check_files(path, folder)
    except ClipError as error:
        raise RequestError(f"model: {error.message}; name the folder or URI of a trained model") from error


def _check_files(path: str, folder: Folder) -> None:
    found = {info.base_name for info in folder.files()}
    missing = [name for name in _NEEDED if name not in found]
    if not found.intersection(_WEIGHTS):
        missing.append(_WEIGHTS[0])
    if missing:
        inner = "model"
        hint = f"; did you mean {join_uri(path, inner)}?" if (folder / inner).exists(_NEEDED[0]) else ""
        raise RequestError(f"model {path}: it lacks {', '.join(missing)}; name the folder of a trained model{hint}")
    try:
        settings = json.loads(folder.read_text(_NEEDED[0]))
        model_type = settings.get("model_type")
    except (ValueError, AttributeError) as error:
        raise RequestError(f"model {path}: its {_NEEDED[0]} is not readable ({error}); copy the model again") from error
    if model_type != MODEL_TYPE:
        raise RequestError(f"model {path}: it is of the type {model_type}, not {MODEL_TYPE}; name one that train wrote")


@contextlib.contextmanager
def local_source(path: str) -> Iterator[str]:
    """Give what ``from_pretrained`` can load a model from: its folder, a copy for as long as the context lasts, or the
    name on the hub.

    Raises:
        RequestError: as in ``check_model``, or the model cannot be copied.
    """
    check_model(path)
    if is_hub_name(path) or local_path(path) is not None:
        yield path if is_hub_name(path) else str(local_path(path))
        return
    with contextlib.ExitStack() as stack:
        try:
            with translated_errors(path):
                copy = stack.enter_context(local_folder(path))
        except ClipError as error:
            raise RequestError(f"model: {error.message}; name the folder or URI of a trained model") from error
        yield str(copy)
