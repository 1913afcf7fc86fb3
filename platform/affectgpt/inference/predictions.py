"""The table of predictions: one row for each clip, as ``evaluate`` reads it, in one of three formats."""

import csv
import io
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from affectgpt.clips.storage import split_uri, translated_errors
from affectgpt.dataset.ledger import Folder
from affectgpt.errors import ClipError, JobError, RequestError
from affectgpt.evaluation.text_language import Language


def predictions_schema(language: Language) -> pa.Schema:
    """Return the columns of a table of predictions.

    A clip that could not be described has ``error`` and ``message``, no description and no labels.
    """
    return pa.schema(
        [
            ("clip_id", pa.string()),
            ("uri", pa.string()),
            ("start_s", pa.float64()),
            ("end_s", pa.float64()),
            ("has_video", pa.bool_()),
            ("has_audio", pa.bool_()),
            ("subtitle", pa.string()),
            (description_column(language), pa.string()),
            ("labels", pa.list_(pa.string())),
            ("error", pa.string()),
            ("message", pa.string()),
        ]
    )


def description_column(language: Language) -> str:
    """Return the name of the column that holds the descriptions."""
    return f"description_{language}"


def check_output(uri: str) -> None:
    """See that a table can be written: its suffix is known and its folder can be written to.

    Raises:
        RequestError: it cannot.
    """
    if _suffix(uri) not in _FORMATS:
        raise RequestError(f"output {uri}: it ends in none of {' '.join(_FORMATS)}; name a file of one of these kinds")
    try:
        with translated_errors(uri, writing=True):
            folder, name = _folder_and_name(uri)
            info = folder.filesystem.get_file_info(f"{folder.path}/{name}")
            if info.type == pafs.FileType.Directory:
                raise RequestError(f"output {uri}: it is a folder; name a file")
            folder.check_writable()
    except ClipError as error:
        raise RequestError(f"output: {error.message}; name another --output") from error


def write_predictions(table: pa.Table, uri: str) -> None:
    """Write a table whole: readers see the earlier one or this one.

    Args:
        table: of the columns of ``predictions_schema``.
        uri: a file or URI that ends in ``.parquet``, ``.csv`` or ``.jsonl``.

    Raises:
        JobError: it cannot be written.
    """
    content = _FORMATS[_suffix(uri)](table)
    try:
        with translated_errors(uri, writing=True):
            folder, name = _folder_and_name(uri)
            folder.write_bytes(name, content)
    except ClipError as error:
        raise JobError(f"output: {error.message}; mend that and run again") from error


def _folder_and_name(uri: str) -> tuple[Folder, str]:
    folder, name = split_uri(uri)
    return Folder.at(folder), name


def _suffix(uri: str) -> str:
    return "." + uri.partition("?")[0].lower().rpartition(".")[2]


def _parquet(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _csv(table: pa.Table) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, table.schema.names)
    writer.writeheader()
    for batch in table.to_batches():
        writer.writerows({**row, "labels": _json(row["labels"])} for row in batch.to_pylist())
    return text.getvalue().encode()


def _jsonl(table: pa.Table) -> bytes:
    return "".join(_json(row) + "\n" for batch in table.to_batches() for row in batch.to_pylist()).encode()


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


_FORMATS: Final[Mapping[str, Callable[[pa.Table], bytes]]] = {".parquet": _parquet, ".csv": _csv, ".jsonl": _jsonl}
