"""Folders that a comparison of labels is written to: only what such a job wrote is replaced there."""

import json
import re
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow.fs import FileSelector

from affectgpt.clips.storage import translated_errors
from affectgpt.dataset.ledger import Folder
from affectgpt.errors import ClipError, JobError, RequestError

_ROWS = "clips.parquet"


def check_folder(uri: str, kind: str, ours: re.Pattern[str]) -> None:
    """See that a folder can take the files of a job: it is new, empty, or holds earlier ones, whole or not.

    Args:
        uri: the folder.
        kind: what the job writes, for messages: ``an evaluation``.
        ours: matches the names of its files. ``clips.parquet``, which every run writes first, is among them.

    Raises:
        RequestError: it holds something else, is a file, or cannot be written.
    """
    try:
        with translated_errors(uri, writing=True):
            folder = Folder.at(uri)
            if not folder.is_empty() and not _holds(folder, ours):
                raise RequestError(
                    f"the output {uri} holds something else than {kind}; name a new folder, or empty this one"
                )
            folder.check_writable()
    except ClipError as error:
        raise RequestError(f"output: {error.message}; name another --output") from error


def write_folder(uri: str, contents: Mapping[str, bytes], ours: re.Pattern[str]) -> None:
    """Write files in their order; the last says that all are there, and earlier ones that are not written anew go.

    Raises:
        JobError: they cannot be written.
    """
    try:
        with translated_errors(uri, writing=True):
            folder = Folder.at(uri)
            folder.delete(list(contents)[-1])
            for earlier in folder.files():
                if ours.fullmatch(earlier.base_name) and earlier.base_name not in contents:
                    folder.delete(earlier.base_name)
            for name, content in contents.items():
                folder.write_bytes(name, content)
    except ClipError as error:
        raise JobError(f"output: {error.message}; mend that and run again") from error


def parquet_bytes(table: pa.Table) -> bytes:
    """Give a table as the content of a Parquet file."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    return bytes(sink.getvalue())


def json_bytes(report: Mapping[str, Any]) -> bytes:
    """Give a report as the content of a JSON file."""
    return (json.dumps(report, ensure_ascii=False, indent=1) + "\n").encode()


def _holds(folder: Folder, ours: re.Pattern[str]) -> bool:
    names = [info.base_name for info in folder.filesystem.get_file_info(FileSelector(folder.path))]
    return any(name.startswith(_ROWS) for name in names) and all(ours.fullmatch(name) for name in names)
