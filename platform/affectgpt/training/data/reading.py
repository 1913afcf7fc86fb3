"""Reads the data sets to learn from, EMER-Coarse and EMER-Fine, as tables of CLIPS."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from affectgpt.clips.sources import printable
from affectgpt.clips.storage import join_uri, split_uri
from affectgpt.errors import RequestError
from affectgpt.evaluation.cells import clip_ids
from affectgpt.evaluation.raw_columns import table_parts
from affectgpt.evaluation.text_language import language_of
from affectgpt.training.data.columns import Chunks, labels, read_chunks, refuse_rows, seconds, texts
from affectgpt.training.data.media import find_clips
from affectgpt.training.data.schema import CLIPS
from affectgpt.training.recipe import DatasetName, Language

LANGUAGES: tuple[Language, ...] = ("en", "zh")
_NAMES = {
    "clip_id": ("clip_id", "name", "names", "filename", "filenames", "id", "video_id"),
    "uri": ("uri",),
    "start_s": ("start_s",),
    "end_s": ("end_s",),
    "content_sha256": ("content_sha256",),
    "subtitle": ("subtitle", "subtitles"),
    "labels": ("openset", "labels", "ov_labels", "emotions_openset", "emotions", "emotion", "label"),
    "description_en": ("description_en", "english"),
    "description_zh": ("description_zh", "chinese"),
    "description": ("description", "reason", "reasons", "text"),
    "provenance": ("provenance",),
}
"""What is read, and the columns that hold it, in any case of letters, the first that is there being taken."""
_ABSOLUTE = r"^(/|[A-Za-z][A-Za-z0-9+.-]*:/)"


@dataclass(frozen=True)
class ClipTable:
    """The clips of one data set.

    Attributes:
        clips: rows of CLIPS, without keys and parts.
        missing: ids of the clips that have a description and lie nowhere; they are not among ``clips``.
        undescribed: ids of the clips that have no description in the languages read; they are not among them either.
        notes: what a reader of the results should know of how the table was read.
    """

    clips: pa.Table
    missing: list[str]
    undescribed: list[str]
    notes: list[str]


def read_coarse(uri: str, languages: Sequence[Language] = LANGUAGES) -> ClipTable:
    """Read EMER-Coarse.

    Args:
        uri: a folder that build-dataset wrote, or a table (Parquet, CSV, TSV, JSON Lines) with the columns ``clip_id``,
            ``uri`` and descriptions. A relative ``uri`` is a path below the folder, or below that of the file. A span
            is in ``start_s`` and ``end_s``, else in ``provenance.source``.
        languages: those of the descriptions to read; clips without any of them are left out.

    Raises:
        RequestError: the table cannot be read, lacks a column, has no rows with a description, a row without ``uri``,
            or one that holds what it may not.
    """
    table = _read(uri, "coarse", languages)
    if "uri" not in table.found:
        raise table.lacks("no column uri, which says where each clip lies")
    no_uri = pc.is_null(table.clips["uri"])
    refuse_rows(no_uri, lambda number: f"clip {table.clips['clip_id'][number - 1]} of {uri} has no uri; give it one")
    return ClipTable(table.clips, [], table.undescribed, table.notes)


def read_fine(uri: str, media_uri: str | None = None, languages: Sequence[Language] = LANGUAGES) -> ClipTable:
    """Read EMER-Fine, as its authors released it or as a table of our own.

    Args:
        uri: as for ``read_coarse``; ids may be called ``name`` too, descriptions ``english`` and ``chinese``. Clips are
            where ``uri`` says, if there is such a column.
        media_uri: a folder, a glob or a URI below which the clips are looked for by their ids (see
            ``affectgpt.training.data.media.find_clips``); what is found there comes before the table's own ``uri``.
        languages: as for ``read_coarse``.

    Raises:
        RequestError: as ``read_coarse``; or there is neither ``media_uri`` nor a column ``uri``, a name fits several
            files, or none of the clips is found.
    """
    table = _read(uri, "fine", languages)
    if media_uri is None and "uri" not in table.found:
        raise RequestError(
            f"the table {uri} has no column uri, so that nobody knows where its clips lie; give --media URI, the "
            "folder that holds them"
        )
    clips = table.clips if media_uri is None else _with_media(table.clips, media_uri)
    is_missing = pc.is_null(clips["uri"])
    missing: list[str] = clips.filter(is_missing)["clip_id"].to_pylist()
    if len(missing) == clips.num_rows:
        where = f"below --media {media_uri}" if media_uri is not None else "in its column uri"
        raise RequestError(
            f"none of the {len(missing)} clips of {uri} is found {where}; the first is {missing[0]}: give --media URI, "
            "the folder that holds files of these names"
        )
    found = clips.filter(pc.invert(is_missing)) if missing else clips
    return ClipTable(found, missing, table.undescribed, table.notes)


@dataclass(frozen=True)
class _Table:
    """A table as it was read: its rows with a description, the columns there are, and which of them were read."""

    uri: str
    clips: pa.Table
    names: list[str]
    found: dict[str, str]
    undescribed: list[str]
    notes: list[str]

    def lacks(self, what: str) -> RequestError:
        return _lacking(self.uri, self.names, what)


class _Choice:
    """Finds what is read among the columns of a table, and remembers it."""

    def __init__(self, uri: str, languages: Sequence[Language]) -> None:
        self._uri = uri
        self._languages = languages
        self.names: list[str] = []
        self.found: dict[str, str] = {}

    def __call__(self, names: Sequence[str]) -> list[str]:
        written = {"_".join(name.lower().replace("-", " ").split()): name for name in reversed(names)}
        found = {
            meaning: next(written[name] for name in usual if name in written)
            for meaning, usual in _NAMES.items()
            if any(name in written for name in usual)
        }
        for name in found.values():
            if list(names).count(name) > 1:
                raise RequestError(f"the table {self._uri} has the column {printable(name)} twice; keep one")
        if "clip_id" not in found:
            raise _lacking(self._uri, names, f"no column with the ids of the clips ({', '.join(_NAMES['clip_id'])})")
        if {"description_en", "description_zh"} & found.keys():
            found.pop("description", None)
        unwanted = {f"description_{language}" for language in LANGUAGES if language not in self._languages}
        found = {meaning: name for meaning, name in found.items() if meaning not in unwanted}
        if not {"description_en", "description_zh", "description"} & found.keys():
            wanted = [name for language in self._languages for name in _NAMES[f"description_{language}"]]
            raise _lacking(self._uri, names, f"no column of descriptions ({', '.join(wanted)})")
        self.names, self.found = list(names), found
        return list(found.values())


def _read(uri: str, dataset: DatasetName, languages: Sequence[Language]) -> _Table:
    parts = table_parts(uri)
    choice = _Choice(uri, languages)
    chunks = read_chunks(parts, choice, nested={"provenance": "provenance.source"})
    read = _Reader(uri, choice.found, chunks)
    descriptions, notes = read.descriptions(languages)
    found_labels, label_notes = read.labels()
    start_s, end_s = read.span()
    columns = {
        "clip_id": read.ids(),
        "uri": _located(read.texts("uri"), uri if parts != [uri] else split_uri(uri)[0]),
        "start_s": start_s,
        "end_s": end_s,
        "content_sha256": read.texts("content_sha256"),
        "subtitle": read.texts("subtitle"),
        **descriptions,
        "labels": found_labels,
    }
    rows = len(columns["clip_id"])
    arrays = [
        pa.repeat(pa.scalar(dataset), rows)
        if name == "dataset"
        else (pa.nulls(rows, kind) if columns.get(name) is None else columns[name])
        for name, kind in zip(CLIPS.names, CLIPS.types, strict=True)
    ]
    clips = pa.Table.from_arrays(arrays, schema=CLIPS)
    is_described = pc.or_(pc.is_valid(clips["description_en"]), pc.is_valid(clips["description_zh"]))
    described = clips if pc.all(is_described).as_py() else clips.filter(is_described)
    if described.num_rows == 0:
        raise RequestError(
            f"none of the {rows} clips of {uri} has a description in {' or '.join(languages)}; set data.languages to "
            "the languages that it has"
        )
    undescribed: list[str] = clips.filter(pc.invert(is_described))["clip_id"].to_pylist()
    if undescribed:
        notes.append(
            f"{len(undescribed)} of the {rows} clips of {uri} have no description in "
            f"{' or '.join(languages)} and are left out"
        )
    return _Table(uri, described, choice.names, choice.found, undescribed, [*notes, *label_notes])


class _Reader:
    """Reads each column of a table as what it is to hold."""

    def __init__(self, uri: str, found: dict[str, str], chunks: dict[str, Chunks]) -> None:
        self._uri = uri
        self._found = found
        self._chunks = chunks

    def _called(self, meaning: str) -> str:
        return f"column {printable(self._found[meaning])} of the table {self._uri}"

    def _cells(self, meaning: str) -> Chunks | None:
        return self._chunks.get(self._found[meaning]) if meaning in self._found else None

    def ids(self) -> pa.Array:
        cells: list[Any] = [cell for chunk in self._cells("clip_id") or () for cell in chunk.to_pylist()]
        return pa.array(clip_ids(self._called("clip_id"), cells), pa.string())

    def texts(self, meaning: str, with_missing_words: bool = False) -> pa.ChunkedArray | None:
        cells = self._cells(meaning)
        return None if cells is None else texts(self._called(meaning), cells, with_missing_words)

    def labels(self) -> tuple[pa.ChunkedArray | None, list[str]]:
        cells = self._cells("labels")
        return (None, []) if cells is None else labels(self._called("labels"), cells)

    def descriptions(self, languages: Sequence[Language]) -> tuple[dict[str, pa.ChunkedArray], list[str]]:
        """Read the descriptions of each language, and note the languages that there is no column for."""
        unnamed = self.texts("description", with_missing_words=True)
        if unnamed is not None:
            told = [None if text is None else language_of(text) for text in unnamed.to_pylist()]
            in_language = {one: pa.array([language == one for language in told]) for one in languages}
            null = pa.scalar(None, pa.string())
            return {f"description_{one}": pc.if_else(its, unnamed, null) for one, its in in_language.items()}, []
        read = {f"description_{one}": self.texts(f"description_{one}", with_missing_words=True) for one in languages}
        found = {name: column for name, column in read.items() if column is not None}
        lacking = [one for one in languages if f"description_{one}" not in found]
        return found, [f"{self._uri} has no descriptions in {one}" for one in lacking]

    def span(self) -> tuple[pa.ChunkedArray | None, pa.ChunkedArray | None]:
        """Read the begin and the end of each clip's span, out of columns of their own or out of the provenance."""
        if "start_s" in self._found or "end_s" in self._found:
            start_s, end_s = (self._seconds(name, self._cells(name)) for name in ("start_s", "end_s"))
        else:
            start_s, end_s = (self._seconds("provenance", self._source_field(name)) for name in ("start_s", "end_s"))
        if end_s is not None:
            begin = pa.scalar(0.0) if start_s is None else pc.fill_null(start_s, 0.0)
            backwards = pc.fill_null(pc.less_equal(end_s, begin), False)
            refuse_rows(
                backwards, lambda number: f"row {number} of {self._uri} ends before it begins; correct its span"
            )
        return start_s, end_s

    def _seconds(self, meaning: str, cells: Chunks | None) -> pa.ChunkedArray | None:
        return None if cells is None else seconds(self._called(meaning), cells)

    def _source_field(self, name: str) -> Chunks | None:
        cells = self._cells("provenance")
        if cells is None or all(chunk.null_count == len(chunk) for chunk in cells):
            return None
        if not all(pa.types.is_struct(chunk.type) for chunk in cells):
            raise RequestError(
                f"{self._called('provenance')} is no structure, so that the spans in it cannot be read; give them as "
                "columns start_s and end_s (empty cells for whole files), or give the Parquet files"
            )
        return [_nested(chunk, ("source", name)) for chunk in cells]


def _nested(chunk: pa.Array, path: Sequence[str]) -> pa.Array:
    """Give a field of a structure in a structure; nulls where there is none."""
    for name in path:
        if not pa.types.is_struct(chunk.type) or chunk.type.get_field_index(name) < 0:
            return pa.nulls(len(chunk))
        chunk = pc.struct_field(chunk, name)
    return chunk


def _located(uris: pa.ChunkedArray | None, folder: str) -> pa.ChunkedArray | None:
    """Name the places of relative paths from their table's folder."""
    if uris is None or pc.all(pc.match_substring_regex(uris, _ABSOLUTE), min_count=0).as_py():
        return uris
    absolute = re.compile(_ABSOLUTE)
    located = (one if one is None or absolute.match(one) else join_uri(folder, one) for one in uris.to_pylist())
    return pa.chunked_array([pa.array(located, pa.string())])


def _with_media(clips: pa.Table, media_uri: str) -> pa.Table:
    """Put in the place of a clip's file the one found for it; what the table told of the content no longer counts."""
    found = pa.array(find_clips(clips["clip_id"].to_pylist(), media_uri), pa.string())
    content = pc.if_else(pc.is_valid(found), pa.scalar(None, pa.string()), clips["content_sha256"])
    clips = clips.set_column(CLIPS.get_field_index("uri"), CLIPS.field("uri"), pc.coalesce(found, clips["uri"]))
    return clips.set_column(CLIPS.get_field_index("content_sha256"), CLIPS.field("content_sha256"), content)


def _lacking(uri: str, names: Sequence[str], what: str) -> RequestError:
    listed = ", ".join(printable(name) for name in names[:30])
    return RequestError(f"the table {uri} has {what}; its columns are {listed}: name one so, or give another table")
