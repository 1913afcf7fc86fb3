"""From sources to clips: what each source holds, as rows of the ledger."""

import time
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa

from affectgpt.clips.clip import Clip
from affectgpt.clips.inspection import Caller, Inspection, inspect_source
from affectgpt.clips.sources import Source
from affectgpt.clips.spans import Cutting
from affectgpt.clips.storage import local_path, stat_source
from affectgpt.dataset.attempts import Attempts
from affectgpt.dataset.schema import CLIPS, SOURCES
from affectgpt.errors import ClipError

BATCH_ROWS = 10_000


def source_batches(sources: Iterable[Source], cutting: Cutting, attempts: Attempts) -> Iterator[pa.RecordBatch]:
    """Turn sources into rows of SOURCES, each under the key of the attempt that counts."""
    rows: list[dict[str, Any]] = []
    for source in sources:
        key, attempt = attempts.of(_facts(source, cutting))
        rows.append(
            {
                "source_key": key,
                "source_id": source.source_id,
                "uri": source.uri,
                "start_s": source.start_s,
                "end_s": source.end_s,
                "subtitle": source.subtitle,
                "language": source.language,
                "speaker": source.speaker,
                "problem": source.problem.reason if source.problem else None,
                "problem_message": source.problem.message if source.problem else None,
                "attempt": attempt,
            }
        )
        if len(rows) == BATCH_ROWS:
            yield pa.RecordBatch.from_pylist(rows, SOURCES)
            rows = []
    if rows:
        yield pa.RecordBatch.from_pylist(rows, SOURCES)


def _facts(source: Source, cutting: Cutting) -> list[Any]:
    problem = source.problem.reason if source.problem else None
    told = [source.start_s, source.end_s, source.subtitle, source.language, source.speaker, problem]
    return [source.source_id, source.uri, *_version(source), *told, repr(cutting)]


def _version(source: Source) -> tuple[int | None, str | None]:
    """Tell versions of a file apart: by the listing, or else by the local file itself; unknown for remote manifests."""
    if source.modified is not None or source.problem is not None or local_path(source.uri) is None:
        return source.size_bytes, source.modified
    try:
        found = stat_source(source.uri)
    except ClipError:
        return None, None  # inspecting it will say why
    return found.size_bytes, found.modified


def inspect_rows(table: pa.Table, cutting: Cutting, call: Caller) -> pa.Table:
    """Inspect a table of SOURCES and return the CLIPS that they hold; a source that cannot be used gives one row."""
    rows: list[dict[str, Any]] = []
    for row in table.to_pylist():
        start = time.perf_counter()
        try:
            inspection = inspect_source(_source(row), cutting, call)
        except ClipError as error:
            found = [_rejected(row, error)]
        else:
            found = [_clip_row(row, clip, inspection) for clip in inspection.clips]
        seconds = (time.perf_counter() - start) / len(found)
        rows += [{**clip_row, "inspect_s": seconds} for clip_row in found]
    return pa.Table.from_pylist(rows, CLIPS)


def _source(row: dict[str, Any]) -> Source:
    problem = ClipError(row["problem"], row["problem_message"]) if row["problem"] else None
    return Source(
        source_id=row["source_id"],
        uri=row["uri"],
        start_s=row["start_s"],
        end_s=row["end_s"],
        subtitle=row["subtitle"],
        language=row["language"],
        speaker=row["speaker"],
        problem=problem,
    )


def _rejected(row: dict[str, Any], error: ClipError) -> dict[str, Any]:
    return {
        "source_key": row["source_key"],
        "work_id": row["source_key"],
        "clip_id": row["source_id"],
        "uri": row["uri"],
        "error": error.reason,
        "message": error.message,
        "attempts": row["attempt"],
    }


def _clip_row(row: dict[str, Any], clip: Clip, inspection: Inspection) -> dict[str, Any]:
    start_s, end_s = clip.start_s or 0.0, clip.end_s if clip.end_s is not None else inspection.info.duration_s
    return {
        "source_key": row["source_key"],
        "clip_id": clip.clip_id,
        "uri": clip.uri,
        "start_s": clip.start_s,
        "end_s": clip.end_s,
        "subtitle": clip.subtitle,
        "subtitle_source": clip.subtitle_source,
        "language": clip.language,
        "speaker": clip.speaker,
        "content_sha256": inspection.content_sha256,
        "source_version": inspection.version,
        "duration_s": None if end_s is None else end_s - start_s,
        "has_video": inspection.info.has_video,
        "has_audio": inspection.info.has_audio,
        "attempts": 1,
    }
