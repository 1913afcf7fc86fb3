"""Reads and writes groupings of labels that a language model made, one array per clip in a .zip file."""

import io
import json
import lzma
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from urllib.parse import quote, unquote

import numpy as np
from pydantic import TypeAdapter, ValidationError

from affectgpt.clips.sources import printable
from affectgpt.clips.storage import open_source, translated_errors
from affectgpt.errors import ClipError, RequestError
from affectgpt.evaluation.grouping import Groups
from affectgpt.evaluation.label_lists import split_groups

_LARGEST_ENTRY_BYTES = 1 << 20
_JSON_GROUPS = TypeAdapter(list[list[str]])


def read_groupings(uri: str) -> Mapping[str, Groups]:
    """Read the groups of each clip from the .npy files of a .zip, as the field's toolkit stores them.

    Each file is called by its clip, percent-encoded where that cannot be a name, and holds the text of a list of lists:
    JSON, whose labels are taken as they are, or what a model wrote, which is split as the toolkit does and lower-cased.

    Raises:
        RequestError: the file cannot be read, is no such .zip, or holds something else.
    """
    groupings: dict[str, Groups] = {}
    try:
        with open_source(uri) as stream, translated_errors(uri), zipfile.ZipFile(stream) as archive:
            for entry in archive.infolist():
                path = PurePosixPath(entry.filename)
                if path.suffix == ".npy":
                    groupings[unquote(path.stem)] = _groups(uri, entry, archive)
    except ClipError as error:
        raise RequestError(f"the stored groupings cannot be read: {error.message}") from error
    except (zipfile.BadZipFile, NotImplementedError) as error:
        raise RequestError(f"the stored groupings {uri} are no readable .zip file: {error}") from error
    if not groupings:
        raise RequestError(f"the stored groupings {uri} hold no .npy file; each clip has one, called by its id")
    return groupings


def _groups(uri: str, entry: zipfile.ZipInfo, archive: zipfile.ZipFile) -> Groups:
    name = printable(entry.filename)
    if entry.file_size > _LARGEST_ENTRY_BYTES:
        raise RequestError(f"{name} in {uri} has {entry.file_size} bytes; the groups of one clip are a few hundred")
    try:
        content = archive.read(entry)
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, RuntimeError) as error:
        raise RequestError(f"{name} in {uri} cannot be read: {error}; copy the file again") from error
    try:
        stored = np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)  # type: ignore[no-untyped-call]
        value = stored.item() if stored.ndim == 0 else None
    # NumPy answers numbers that are no characters by a SystemError.
    except (ValueError, MemoryError, SystemError) as error:
        raise RequestError(f"{name} in {uri} is no array of text: {error}") from error
    if not isinstance(value, str):
        raise RequestError(f"{name} in {uri} holds {stored.dtype} of shape {stored.shape}; a single text is needed")
    try:
        return _JSON_GROUPS.validate_json(value)
    except ValidationError:
        return [[label.lower() for label in group] for group in split_groups(value, split_apostrophes=True)]


def written_groupings(clip_ids: Sequence[str], groupings: Sequence[Groups]) -> bytes:
    """Give the bytes of a .zip with the groups of each clip, as ``read_groupings`` reads them."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for clip_id, groups in zip(clip_ids, groupings, strict=True):
            array = io.BytesIO()
            np.save(array, np.array(json.dumps([list(group) for group in groups], ensure_ascii=False)))
            # A fixed time makes equal groupings equal files.
            archive.writestr(zipfile.ZipInfo(f"{quote(clip_id, safe=' ')}.npy"), array.getvalue())
    return target.getvalue()
