"""Rows of the tables that people write: CSV, JSON Lines and Parquet, with errors that name the table and the line."""

import csv
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from io import TextIOWrapper
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from affectgpt.errors import RequestError

Row = Mapping[str, Any]


def csv_rows(
    table: str, stream: BinaryIO, on_columns: Callable[[Sequence[str]], object], delimiter: str = ","
) -> Iterator[Row]:
    """Read a table in UTF-8 whose first line holds the headings; lines without any cell are passed over.

    Args:
        table: what to call it in messages, for example ``the manifest clips.csv``.
        stream: its bytes.
        on_columns: is told the headings, without blanks around them, before the first row is read; may refuse them.
        delimiter: what stands between cells.

    Returns:
        A row for each line; it lacks the headings for which a short line has no cells.

    Raises:
        RequestError: a line is broken, is no UTF-8, or has more cells than there are headings.
    """
    # Subtitles may be longer than the module's limit of 128 KiB; the longest C long is 4 bytes on some systems.
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    with TextIOWrapper(stream, encoding="utf-8-sig", newline="") as text:
        reader = csv.reader(text, strict=True, delimiter=delimiter)
        columns: list[str] = []
        try:
            for cells in reader:
                if not cells:
                    continue
                if not columns:
                    columns = [cell.strip() for cell in cells]
                    on_columns(columns)
                elif len(cells) > len(columns):
                    raise RequestError(
                        f"line {reader.line_num} of {table} has {len(cells)} cells under {len(columns)} headings; put "
                        f"cells that hold {'commas' if delimiter == ',' else 'tabs'} into double quotes"
                    )
                else:
                    yield dict(zip(columns, cells, strict=False))
        except UnicodeDecodeError as error:
            raise RequestError(
                f"line {reader.line_num + 1} of {table}, or one soon after it, is broken: byte "
                f"{error.object[error.start]:#04x} is no UTF-8; save it as CSV in UTF-8 (Chinese text is often in "
                "GB18030: iconv -f GB18030 -t UTF-8 OLD > NEW)"
            ) from error
        except csv.Error as error:
            raise RequestError(
                f"line {reader.line_num + 1} of {table} is broken: {error}; save it as CSV in UTF-8"
            ) from error


def json_rows(table: str, stream: BinaryIO, on_columns: Callable[[Sequence[str]], object]) -> Iterator[Row]:
    """Read a table in JSON Lines: an object on each line that is not blank.

    Args:
        table: what to call it in messages.
        stream: its bytes.
        on_columns: is told the keys of the first row before it is given; may refuse them.

    Raises:
        RequestError: a line is broken or holds no object.
    """
    columns_told = False
    for number, line in enumerate(stream, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line.decode("utf-8-sig"))
        except (ValueError, RecursionError) as error:
            raise RequestError(f"line {number} of {table} is broken: {error}; give one object a line") from error
        if not isinstance(row, dict):
            raise RequestError(f"line {number} of {table} is no object; give one JSON object a line")
        if not columns_told:
            on_columns(list(row))
            columns_told = True
        yield row


def parquet_batches(
    table: str, stream: BinaryIO, choose_columns: Callable[[Sequence[str]], Sequence[str]]
) -> Iterator[pa.RecordBatch]:
    """Read some columns of a Parquet file in batches.

    Args:
        table: what to call it in messages.
        stream: its bytes.
        choose_columns: is told all columns and answers those to read; may refuse them.

    Raises:
        RequestError: it is no Parquet file or a damaged one.
    """
    try:
        file = pq.ParquetFile(stream)
        yield from file.iter_batches(batch_size=4096, columns=list(choose_columns(file.schema_arrow.names)))
    except (pa.ArrowException, OSError) as error:
        raise RequestError(f"{table} is no readable Parquet file: {error}; write it again") from error
