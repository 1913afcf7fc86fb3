"""Manifests: tables that name sources, their spans and what is known about them."""

import functools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO
from urllib.parse import unquote

from affectgpt.clips.rows import Row, csv_rows, json_rows, parquet_batches
from affectgpt.clips.sources import Source, UsedIds, asked_id, id_problem, path_id, printable, span_id
from affectgpt.clips.storage import (
    is_http,
    join_uri,
    local_path,
    open_source,
    split_uri,
    stat_source,
    translated_errors,
)
from affectgpt.clips.subtitles import MAX_SUBTITLE_CHARS
from affectgpt.errors import ClipError, RequestError

COLUMNS = ("uri", "clip_id", "subtitle", "language", "speaker", "start_s", "end_s")
_TEXT_COLUMNS = ("uri", "clip_id", "subtitle", "language", "speaker")


def read_manifest(uri: str, wanted: Callable[[str], bool] | None = None) -> Iterator[Source]:
    """Read the sources that a CSV (UTF-8), Parquet or JSON Lines file names, in its order, one for each row.

    ``wanted`` says by an id, as ``asked_id`` gives it, whether its sources are wanted; memory is that of the ids that
    are.

    The column ``uri`` is required; ``clip_id``, ``subtitle``, ``language``, ``speaker``, ``start_s`` and ``end_s`` are
    optional, others are ignored, and an empty cell is no value. A ``uri`` without scheme that does not begin with ``/``
    is a literal path below the manifest's own folder, on an object store and on the web too. Rows are numbered from 1,
    the heading not counted.

    Without ``clip_id`` the id is the path below the manifest's folder without its media suffix; for a source that lies
    elsewhere its path from the top (for a URL the path behind the host, for an object the key). A span is added as in
    ``span_id``.

    A row that cannot be used becomes a source with a problem: ``bad-manifest-row``, ``bad-clip-id``, ``duplicate-id``
    (the first row keeps the id) or ``subtitle-too-long``.

    Raises:
        RequestError: the manifest cannot be read, is no such table, has no column ``uri`` or no rows, or has a broken
            line, which is named.
    """
    suffix = "." + uri.partition("?")[0].lower().rpartition(".")[2]
    rows_of = _READERS.get(suffix)
    if rows_of is None:
        raise RequestError(f"the manifest {uri} ends in none of {' '.join(_READERS)}; save it as one of these")
    folder = split_uri(uri)[0]
    used = UsedIds()
    number = 0
    try:
        stat_source(uri)
        with open_source(uri) as stream, translated_errors(uri):
            rows = rows_of(f"the manifest {uri}", stream, functools.partial(_check_columns, uri))
            for number, row in enumerate(rows, start=1):
                yield from _sources(row, number, folder, used, wanted)
    except ClipError as error:
        raise RequestError(f"the manifest cannot be read: {error.message}") from error
    if number == 0:
        raise RequestError(f"the manifest {uri} has no rows; give it one row for each clip")


def _parquet_rows(table: str, stream: BinaryIO, on_columns: Callable[[Sequence[str]], object]) -> Iterator[Row]:
    def choose_columns(columns: Sequence[str]) -> Sequence[str]:
        on_columns(columns)
        return [name for name in COLUMNS if name in columns]

    for batch in parquet_batches(table, stream, choose_columns):
        yield from batch.to_pylist()


_READERS: dict[str, Callable[[str, BinaryIO, Callable[[Sequence[str]], object]], Iterator[Row]]] = {
    ".csv": csv_rows,
    ".parquet": _parquet_rows,
    ".jsonl": json_rows,
    ".ndjson": json_rows,
}


def _check_columns(uri: str, columns: Sequence[str]) -> None:
    if "uri" not in columns:
        names = ", ".join(printable(column) for column in columns[:20])
        raise RequestError(
            f"the manifest {uri} has no column uri (it has: {names}); name the column with the paths uri, and separate "
            "the columns of a CSV file by commas"
        )
    repeated = sorted({column for column in columns if column in COLUMNS and columns.count(column) > 1})
    if repeated:
        raise RequestError(f"the manifest {uri} has the column {repeated[0]} twice; keep one")


def _sources(
    row: Row, number: int, folder: str, used: UsedIds, wanted: Callable[[str], bool] | None
) -> Iterator[Source]:
    """Make the source of one row, with the problem that keeps it from being used; none where it is not wanted."""
    problem: ClipError | None = None
    texts: dict[str, str | None] = {}
    start_s = end_s = None
    try:
        texts = {column: _text(row, column, number) for column in _TEXT_COLUMNS}
        if texts["uri"] is None:
            raise _bad_row(number, "has no uri")
        start_s, end_s = _span(row, number)
    except ClipError as error:
        problem = error
    uri, source_id = _located(texts.get("uri"), folder)
    source_id = texts.get("clip_id") or span_id(source_id, start_s, end_s)
    bad = id_problem(source_id)
    if bad is not None:
        source_id = printable(source_id)
    if wanted is not None and not wanted(asked_id(source_id)):
        return
    subtitle = texts.get("subtitle")
    if problem is None and subtitle is not None and len(subtitle) > MAX_SUBTITLE_CHARS:
        problem = ClipError(
            "subtitle-too-long",
            f"row {number} has a subtitle of {len(subtitle)} characters; {MAX_SUBTITLE_CHARS} are the most: "
            "give what is said in this clip alone",
        )
        subtitle = None
    source_id, problem = _unique_id(source_id, bad, number, used, problem)
    yield Source(source_id, uri, start_s, end_s, subtitle, texts.get("language"), texts.get("speaker"), problem)


def _unique_id(
    source_id: str, bad: ClipError | None, number: int, used: UsedIds, problem: ClipError | None
) -> tuple[str, ClipError | None]:
    """Give a row the id it asks for, or one of its own with the problem that says why not."""
    place = f"row {number}"
    if not source_id:
        return used.take_variant("", place, number), problem or _bad_row(number, "has no uri")
    if bad is not None:
        found = ClipError(bad.reason, f"row {number}: {bad.message}")
        return used.take_variant(source_id, place, number), problem or found
    other = used.take(source_id, place)
    if other is not None:
        found = ClipError(
            "duplicate-id", f"row {number} has the same id {source_id} as {other}; give each row a clip_id of its own"
        )
        return used.take_variant(source_id, place, number), problem or found
    return source_id, problem


def _located(uri: str | None, folder: str) -> tuple[str, str]:
    """Give the full URI of a cell and the id that follows from it."""
    if uri is None:
        return "", ""
    try:
        path = local_path(uri)
    except ClipError:
        # A file:// URI of another host: reading it will say so.
        return uri, path_id(uri.partition("://")[2])
    if path is None:
        full = uri
    elif path.is_absolute():
        full = join_uri(str(path), "")
    else:
        full = join_uri(folder, str(path))
    return full, path_id(_path_below(full, folder))


def _path_below(uri: str, folder: str) -> str:
    """Give the path of a URI below a folder, or below its host or bucket where it lies elsewhere."""
    is_local = local_path(uri) is not None
    base, _, options = (uri, "", "") if is_local else uri.partition("?")
    root = folder.partition("?")[0].rstrip("/") + "/"
    if base.startswith(root):
        below = base[len(root) :]
    elif is_local:
        below = base.lstrip("/")
    else:
        below = base.partition("://")[2].partition("/")[2] or base.partition("://")[2]
    name = below if is_local else unquote(below)
    # A query can name the file itself (download?id=7), and is then part of what tells two sources apart.
    return f"{name}?{options}" if options and is_http(uri) and path_id(name) == name else name


def _text(row: Row, column: str, number: int) -> str | None:
    value = row.get(column)
    if column == "clip_id" and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if not isinstance(value, str):
        raise _bad_row(number, f"has {printable(repr(value))} for {column}, which is no text")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise _bad_row(number, f"has text for {column} that is no valid Unicode")
    return value


def _span(row: Row, number: int) -> tuple[float | None, float | None]:
    start_s, end_s = _seconds(row, "start_s", number), _seconds(row, "end_s", number)
    if end_s is not None and end_s <= (start_s or 0.0):
        raise _bad_row(number, f"ends at {end_s} s, which is not behind its start at {start_s or 0.0} s")
    return start_s, end_s


def _seconds(row: Row, column: str, number: int) -> float | None:
    value = row.get(column)
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    try:
        if isinstance(value, bool):
            raise TypeError
        seconds = float(value)
    except (TypeError, ValueError):
        raise _bad_row(number, f"has {printable(repr(value))} for {column}, which is no number of seconds") from None
    if not math.isfinite(seconds) or seconds < 0:
        raise _bad_row(number, f"has {seconds} for {column}; give seconds from 0 on")
    return seconds


def _bad_row(number: int, what: str) -> ClipError:
    return ClipError("bad-manifest-row", f"row {number} {what}; correct the row")
