"""Columns of a table in any of the formats in which references and predictions are kept, cell by cell as written."""

import codecs
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
from pyarrow import fs

from affectgpt.clips.rows import csv_rows, json_rows, parquet_batches
from affectgpt.clips.storage import (
    content_sha256,
    filesystem_of,
    is_http,
    join_uri,
    open_source,
    split_uri,
    stat_source,
    translated_errors,
)
from affectgpt.dataset.ledger import Folder
from affectgpt.errors import ClipError, RequestError

ChooseColumns = Callable[[Sequence[str]], Sequence[str]]
Columns = dict[str, list[Any]]

_HEADING_BYTES = 1 << 16

_PICKLED = (
    "{table} holds {name} as a pickled Python object, which can run any code when it is opened and is therefore not "
    "read; save it as an array of text, or, if it is a dictionary and you trust the file, as JSON Lines: python -c "
    '\'import json, sys, numpy; [print(json.dumps({{"name": name, "reason": text}})) for name, text in numpy.load('
    "sys.argv[1], "
    'allow_pickle=True)["{name}"].item().items()]\' OLD.npz > NEW.jsonl'
)


def table_parts(uri: str) -> list[str]:
    """Give the files that a table consists of: itself, or ``data/*.parquet`` of a folder that build-dataset wrote.

    Raises:
        RequestError: there is no such file or folder, it cannot be listed, or the folder is no such data set.
    """
    try:
        if not _is_folder(uri):
            stat_source(uri)
            return [uri]
        with translated_errors(uri):
            infos = (Folder.at(uri) / "data").files(".parquet")
    except ClipError as error:
        raise RequestError(f"the table cannot be read: {error.message}") from error
    if not infos:
        raise RequestError(
            f"the folder {uri} holds no data/*.parquet; give one that build-dataset wrote to, or a file in it"
        )
    return [join_uri(uri, f"data/{info.base_name}") for info in infos]


def read_columns(parts: Sequence[str], choose_columns: ChooseColumns) -> Columns:
    """Read some columns of a table.

    Args:
        parts: URIs of its files, in their order: ``.csv`` and ``.tsv`` (UTF-8), ``.parquet``, ``.jsonl``, ``.ndjson``,
            or ``.npz`` with arrays of one length.
        choose_columns: is told all columns and answers those to read; may refuse them.

    Returns:
        The cells of each chosen column: text in CSV, TSV and NPZ, else what the file holds; None where there is none.

    Raises:
        RequestError: a file cannot be read, has another suffix, is damaged, or there are no rows.
    """
    gathered: Columns = {}
    for part in parts:
        columns = _read_part(part, choose_columns)
        if gathered and columns and columns.keys() != gathered.keys():
            raise RequestError(
                f"{part} has other columns than {parts[0]}; leave parts of one data set alone in its folder"
            )
        for name, cells in columns.items():
            gathered.setdefault(name, []).extend(cells)
    if not any(gathered.values()):
        raise RequestError(f"the table {parts[0]} has no rows; give it one row for each clip")
    return gathered


def parts_sha256(parts: Sequence[str]) -> list[str]:
    """Hash the content of each file.

    Raises:
        RequestError: one cannot be read.
    """
    try:
        return [content_sha256(part) for part in parts]
    except ClipError as error:
        raise RequestError(f"the table cannot be read: {error.message}") from error


def _is_folder(uri: str) -> bool:
    if is_http(uri):
        return False
    filesystem, path = filesystem_of(uri)
    with translated_errors(uri):
        return bool(filesystem.get_file_info(path).type == fs.FileType.Directory)


def _read_part(uri: str, choose_columns: ChooseColumns) -> Columns:
    read = _READERS.get(PurePath(split_uri(uri)[1]).suffix.lower())
    if read is None:
        raise RequestError(
            f"the table {uri} ends in none of {' '.join(_READERS)} and is no folder; save it as one of these"
        )
    try:
        with open_source(uri) as stream, translated_errors(uri):
            return read(f"the table {uri}", stream, choose_columns)
    except ClipError as error:
        raise RequestError(f"the table cannot be read: {error.message}") from error


def _read_delimited(
    table: str, stream: BinaryIO, choose_columns: ChooseColumns, delimiter: str | None = None
) -> Columns:
    headings: list[str] = []
    rows = list(csv_rows(table, stream, headings.extend, delimiter or _delimiter(table, stream)))
    names = choose_columns(headings) if headings else []
    whole = len(set(headings))
    # Spreadsheets leave lines of empty cells behind the last row.
    while rows and not any(cell.strip() for cell in rows[-1].values()):
        rows.pop()
    for number, row in enumerate(rows, start=1):
        if len(row) < whole:
            raise RequestError(
                f"row {number} of {table} has {len(row)} cells under {whole} headings; the file may be cut off: copy "
                "it again, or complete the row"
            )
    return {name: [row[name] for row in rows] for name in names}


def _delimiter(table: str, stream: BinaryIO) -> str:
    """Tell by the headings what separates cells: spreadsheets write semicolons where a comma is the decimal sign."""
    start = stream.read(_HEADING_BYTES)
    stream.seek(0)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise RequestError(f"{table} is in UTF-16; save it as CSV in UTF-8 (iconv -f UTF-16 -t UTF-8 OLD > NEW)")
    heading = start.partition(b"\n")[0]
    counts = {delimiter: heading.count(delimiter.encode()) for delimiter in (",", ";", "\t")}
    return max(counts, key=lambda delimiter: counts[delimiter])


def _read_tabbed(table: str, stream: BinaryIO, choose_columns: ChooseColumns) -> Columns:
    return _read_delimited(table, stream, choose_columns, "\t")


def _read_json_lines(table: str, stream: BinaryIO, choose_columns: ChooseColumns) -> Columns:
    rows = list(json_rows(table, stream, len))
    keys = list(dict.fromkeys(key for row in rows for key in row))
    names = choose_columns(keys) if rows else []
    return {name: [row.get(name) for row in rows] for name in names}


def _read_parquet(table: str, stream: BinaryIO, choose_columns: ChooseColumns) -> Columns:
    cells: Columns = {}
    for batch in parquet_batches(table, stream, choose_columns):
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            cells.setdefault(name, []).extend(_python_values(column))
    return cells


def _python_values(column: pa.Array) -> Iterator[Any]:
    """Give the cells of a column; lists of text many times faster than Arrow does, and each distinct text once."""
    kind = column.type
    is_list = pa.types.is_list(kind) or pa.types.is_large_list(kind)
    if not is_list or not (pa.types.is_string(kind.value_type) or pa.types.is_large_string(kind.value_type)):
        yield from column.to_pylist()
        return
    encoded = column.flatten().dictionary_encode()
    distinct = [*encoded.dictionary.to_pylist(), None]
    values = [distinct[index] for index in encoded.indices.fill_null(len(distinct) - 1).to_pylist()]
    start = 0
    for length in column.value_lengths().to_pylist():
        yield None if length is None else values[start : start + length]
        start += length or 0


def _read_npz(table: str, stream: BinaryIO, choose_columns: ChooseColumns) -> Columns:
    if not zipfile.is_zipfile(stream):
        raise RequestError(
            f"{table} is no NumPy archive, or its end is missing; copy it again, or write it by numpy.savez"
        )
    try:
        arrays = np.load(stream, allow_pickle=False)
        if "name2reason" in arrays.files and "filenames" not in arrays.files:
            raise RequestError(_PICKLED.format(table=table, name="name2reason"))
        columns = {name: _array_cells(table, name, arrays) for name in choose_columns(arrays.files)}
    except (zipfile.BadZipFile, zlib.error, ValueError, EOFError, OSError, RuntimeError, MemoryError) as error:
        raise RequestError(f"{table} is no readable NumPy archive: {error}; write it again by numpy.savez") from error
    lengths = {name: len(cells) for name, cells in columns.items()}
    if len(set(lengths.values())) > 1:
        stated = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise RequestError(f"{table} has arrays of several lengths ({stated}); give each clip one place in all of them")
    return columns


def _array_cells(table: str, name: str, arrays: Mapping[str, Any]) -> list[Any]:
    try:
        array = np.asarray(arrays[name])
    except ValueError as error:
        if "allow_pickle" not in str(error):
            raise
        raise RequestError(_PICKLED.format(table=table, name=name)) from error
    if array.ndim != 1:
        raise RequestError(
            f"{table} has the array {name} in {array.ndim} dimensions; give it one, with a value per clip"
        )
    return list((np.char.decode(array, "utf-8") if array.dtype.kind == "S" else array).tolist())


_READERS: dict[str, Callable[[str, BinaryIO, ChooseColumns], Columns]] = {
    ".csv": _read_delimited,
    ".tsv": _read_tabbed,
    ".parquet": _read_parquet,
    ".jsonl": _read_json_lines,
    ".ndjson": _read_json_lines,
    ".npz": _read_npz,
}
