"""Columns of a table of clips as Arrow arrays, so that millions of rows cost no Python object each."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePath
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from affectgpt.clips.rows import parquet_batches
from affectgpt.clips.sources import printable
from affectgpt.clips.storage import open_source, split_uri, translated_errors
from affectgpt.errors import ClipError, RequestError
from affectgpt.evaluation.cells import are_numbers, label_lists
from affectgpt.evaluation.raw_columns import ChooseColumns, read_columns

Chunks = list[pa.Array]
_BLANK = r"^[\s\pZ]*$"
_MISSING = r"(?i)^[\s\pZ]*(nan|<na>|none|null)?[\s\pZ]*$"


def read_chunks(
    parts: Sequence[str], choose_columns: ChooseColumns, nested: Mapping[str, str] | None = None
) -> dict[str, Chunks]:
    """Read some columns of a table.

    Args:
        parts: URIs of its files, in their order, as ``affectgpt.evaluation.raw_columns.read_columns`` takes them.
        choose_columns: is told all columns and answers those to read; may refuse them.
        nested: the part to read of a column that is a structure, for example ``{"a": "a.b"}``; Parquet alone can leave
            out the rest.

    Returns:
        The cells of each chosen column in arrays whose types may differ from one another. A column that lacks its
        ``nested`` part is not among them.

    Raises:
        RequestError: as in ``read_columns``, or a column mixes kinds of values.
    """
    if PurePath(split_uri(parts[0])[1]).suffix.lower() != ".parquet":
        columns = read_columns(parts, choose_columns)
        return {name: [_array(f"{printable(name)} of {parts[0]}", cells)] for name, cells in columns.items()}
    gathered: dict[str, Chunks] = {}
    for part in parts:
        for name, chunks in _read_parquet(part, choose_columns, nested or {}).items():
            gathered.setdefault(name, []).extend(chunks)
    rows = {name: sum(map(len, chunks)) for name, chunks in gathered.items()}
    if not any(rows.values()):
        raise RequestError(f"the table {parts[0]} has no rows; give it one row for each clip")
    if len(set(rows.values())) > 1:
        raise RequestError(f"the files beside {parts[0]} have other columns; leave parts of one data set alone there")
    return gathered


def texts(column: str, chunks: Chunks, with_missing_words: bool = False) -> pa.ChunkedArray:
    """Read texts as they are written; blank ones are null.

    Args:
        column: what to call the column in messages.
        chunks: its cells.
        with_missing_words: whether ``nan``, ``none`` and ``null``, by which libraries write missing values, are null.

    Raises:
        RequestError: the column is none of texts.
    """
    return pa.chunked_array([_texts(column, chunk, with_missing_words) for chunk in chunks], pa.string())


def seconds(column: str, chunks: Chunks) -> pa.ChunkedArray:
    """Read numbers of seconds, which may be written as text; blank cells are null.

    Raises:
        RequestError: one is no finite number from 0.
    """
    try:
        found = pa.chunked_array([_numbers(column, chunk) for chunk in chunks], pa.float64())
    except pa.ArrowInvalid as error:
        raise RequestError(f"{column} holds what is no number of seconds: {error}; correct it") from error
    bad = pc.fill_null(pc.invert(pc.and_(pc.is_finite(found), pc.greater_equal(found, 0))), False)
    refuse_rows(bad, lambda number: f"row {number}, {column}: it holds {found[number - 1]}; give seconds from 0 on")
    return found


def labels(column: str, chunks: Chunks) -> tuple[pa.ChunkedArray | None, list[str]]:
    """Read lists of labels, real ones or such as text shows.

    Returns:
        The labels of each row, and notes on what is missing or looks damaged; no labels where the column holds numbers.

    Raises:
        RequestError: a cell holds something else.
    """
    kind = pa.list_(pa.string())
    if all(_is_text_list(chunk.type) for chunk in chunks):
        return pa.chunked_array([chunk.cast(kind) for chunk in chunks], kind), []
    cells: list[Any] = [cell for chunk in chunks for cell in chunk.to_pylist()]
    if are_numbers(cells):
        return None, [f"{column} holds numbers alone, no emotion words; it is not read"]
    found, notes = label_lists(column, cells, split_apostrophes=False)
    return pa.chunked_array([pa.array(found, kind)]), notes


def refuse_rows(bad: pa.ChunkedArray, message_of: Callable[[int], str]) -> None:
    """Refuse the first row for which ``bad`` is true.

    Args:
        bad: true for rows that cannot be used; without nulls.
        message_of: says what is wrong with the row of a number, which counts from 1.

    Raises:
        RequestError: there is such a row.
    """
    places = np.flatnonzero(bad.to_numpy())
    if len(places):
        others = f" (and {len(places) - 1} more rows like it)" if len(places) > 1 else ""
        raise RequestError(message_of(int(places[0]) + 1) + others)


def _array(column: str, cells: list[Any]) -> pa.Array:
    try:
        return pa.array(cells)
    except UnicodeEncodeError as error:
        raise RequestError(f"column {column} holds text that is no valid Unicode: {error}; correct it") from error
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise RequestError(f"column {column} mixes kinds of values: {error}; give it one kind") from error


def _read_parquet(part: str, choose_columns: ChooseColumns, nested: Mapping[str, str]) -> dict[str, Chunks]:
    def choose(names: Sequence[str]) -> list[str]:
        return [nested.get(name, name) for name in choose_columns(names)]

    gathered: dict[str, Chunks] = {}
    try:
        with open_source(part) as stream, translated_errors(part):
            for batch in parquet_batches(f"the table {part}", stream, choose):
                for name, column in zip(batch.schema.names, batch.columns, strict=True):
                    gathered.setdefault(name, []).append(column)
    except ClipError as error:
        raise RequestError(f"the table cannot be read: {error.message}") from error
    return gathered


def _texts(column: str, chunk: pa.Array, with_missing_words: bool) -> pa.Array:
    if not _is_text(chunk.type):
        raise RequestError(f"{column} holds values of the type {chunk.type}; give text")
    found = chunk.cast(pa.string())
    is_missing = pc.match_substring_regex(found, _MISSING if with_missing_words else _BLANK)
    if not pc.any(is_missing, min_count=0).as_py():
        return found
    return pc.if_else(is_missing, pa.scalar(None, pa.string()), found)


def _numbers(column: str, chunk: pa.Array) -> pa.Array:
    kind = chunk.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        found = chunk.cast(pa.float64(), safe=False)
        return pc.if_else(pc.fill_null(pc.is_nan(found), True), pa.scalar(None, pa.float64()), found)
    bare = pc.utf8_trim_whitespace(_texts(column, chunk, with_missing_words=True))
    return bare.cast(pa.float64())


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_string_view(kind)
        or pa.types.is_null(kind)
    )


def _is_text_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind)) and _is_text(kind.value_type)
