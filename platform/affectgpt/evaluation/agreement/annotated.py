"""A data set that build-dataset wrote, as it is compared with others: labels, texts, origin, and what was left out."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from affectgpt.annotate.engines import STEP_NAMES
from affectgpt.clips.sources import printable
from affectgpt.clips.storage import open_source, translated_errors
from affectgpt.dataset.ledger import Folder
from affectgpt.dataset.schema import REJECTED, STEP_PROVENANCE
from affectgpt.errors import ClipError, RequestError
from affectgpt.evaluation.extraction.lexicon import extract_by_lexicon
from affectgpt.evaluation.labelled_clips import LabelledClips, label_clips
from affectgpt.evaluation.raw_columns import table_parts
from affectgpt.evaluation.tables import ColumnNames, free_name, read_table

TEXTS: Final = ("visual_clue", "acoustic_clue", "description_en")
STEP_FIELDS: Final = tuple(field.name for field in STEP_PROVENANCE)
ORIGINS: Final = ("pipeline_version", *(f"{step}.{field}" for step in STEP_NAMES for field in STEP_FIELDS))
"""What tells of how a clip was annotated: the version, and each step's engine, model, revision, prompt and sampling."""

_OWN: Final = ("content_sha256", *TEXTS)
_ROWS: Final = pa.schema([*((name, pa.large_string()) for name in _OWN), *((name, pa.string()) for name in ORIGINS)])
"""Texts of many clips may pass the 2 GiB that a plain array of strings holds."""


@dataclass(frozen=True, slots=True)
class LeftOutClip:
    """How a clip ended that a data set has not: its outcome (filtered, rejected), the stage and the reason."""

    outcome: str
    stage: str
    error: str


@dataclass(frozen=True, slots=True, eq=False)
class AnnotatedDataset:
    """One data set.

    Attributes:
        name: what it is called in reports.
        source: the folder or URI that was read.
        clips: its clips with their labels.
        rows: for each clip, in the order of ``clips``, its ``content_sha256``, its ``TEXTS`` and its ``ORIGINS``.
        left_out: its clips that were filtered or rejected, by id.
        notes: what a reader of the results should know.
    """

    name: str
    source: str
    clips: LabelledClips
    rows: pa.Table
    left_out: Mapping[str, LeftOutClip]
    notes: Sequence[str]

    @property
    def outcomes(self) -> dict[str, int]:
        """How many clips were filtered and rejected."""
        return dict(Counter(clip.outcome for clip in self.left_out.values()))


def read_dataset(uri: str, taken: Collection[str]) -> AnnotatedDataset:
    """Read a data set.

    Args:
        uri: a folder or URI that build-dataset wrote.
        taken: names that other data sets have already.

    Raises:
        RequestError: it cannot be read, or is no such data set.
    """
    parts = table_parts(uri)
    if parts == [uri]:
        raise RequestError(f"{uri} is a file; give the folder of a data set that build-dataset wrote")
    rows = pa.concat_tables([_read_part(uri, part) for part in parts])
    table = read_table(uri, with_truth=False, with_descriptions=False)
    if len(rows) != len(table.clip_ids):
        raise RequestError(f"the data set {uri} changed while it was read; run again when its build has ended")
    try:
        with translated_errors(uri):
            folder = Folder.at(uri)
            is_whole = folder.exists("report.json")
            left_out = _left_out(folder)
    except ClipError as error:
        raise RequestError(f"the data set cannot be read: {error.message}") from error
    clips = label_clips(table, ColumnNames(), extract_by_lexicon, english_only=False)
    notes = list(clips.notes)
    if not is_whole:
        notes.append("it has no report.json, so its build has not ended; the clips that it has so far are compared")
    return AnnotatedDataset(free_name(table, taken), uri, clips, rows, left_out, notes)


def _read_part(uri: str, part: str) -> pa.Table:
    try:
        with open_source(part) as stream, translated_errors(part):
            file = pq.ParquetFile(stream)
            names = file.schema_arrow.names
            missing = [name for name in ("labels", *_OWN, "provenance") if name not in names]
            if missing:
                raise RequestError(
                    f"the data set {uri} has no column {missing[0]} (its columns: "
                    f"{', '.join(map(printable, names[:30]))}); give one that build-dataset wrote"
                )
            return _flat(file.read([*_OWN, *(f"provenance.{origin}" for origin in ORIGINS)]))
    except ClipError as error:
        raise RequestError(f"the data set cannot be read: {error.message}") from error


def _flat(table: pa.Table) -> pa.Table:
    """Turn provenance into columns of text, called as in ``ORIGINS``; what is missing is empty."""
    while any(pa.types.is_struct(field.type) for field in table.schema):
        table = table.flatten()
    table = table.rename_columns([name.removeprefix("provenance.") for name in table.column_names])
    for origin in set(ORIGINS) - set(table.column_names):
        # Earlier versions noted less of how a step was done.
        table = table.append_column(origin, pa.nulls(len(table), pa.string()))
    return table.select(_ROWS.names).cast(_ROWS)


def _left_out(folder: Folder) -> dict[str, LeftOutClip]:
    columns = ["clip_id", "outcome", "stage", "error"]
    return {
        row["clip_id"]: LeftOutClip(row["outcome"] or "", row["stage"] or "", row["error"] or "")
        for batch in (folder / "rejected").read_batches(columns, REJECTED)
        for row in batch.to_pylist()
    }
