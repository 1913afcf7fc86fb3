"""Rows of the ledger's tables, as tests need them."""

from typing import Any

import pyarrow as pa

from affectgpt.dataset.schema import CLIPS, OUTCOMES, SOURCES


def sources(*keys: str) -> pa.RecordBatch:
    rows = [{"source_key": key, "source_id": key, "uri": f"/in/{key}.mp4", "attempt": 1} for key in keys]
    return pa.RecordBatch.from_pylist(rows, SOURCES)


def clip(name: str, **changes: Any) -> dict[str, Any]:
    row = {
        "source_key": name,
        "clip_id": name,
        "uri": f"/in/{name}.mp4",
        "content_sha256": f"sha of {name}",
        "duration_s": 2.0,
        "has_video": True,
        "has_audio": True,
        "subtitle_source": "none",
        "attempts": 1,
        "inspect_s": 0.5,
    }
    return row | changes


def clips(*rows: dict[str, Any]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(list(rows), CLIPS)


def outcome(work_id: str, outcome: str = "annotated", **changes: Any) -> dict[str, Any]:
    row = {
        "work_id": work_id,
        "clip_id": f"clip of {work_id}",
        "uri": "/where/it/was.mp4",
        "outcome": outcome,
        "attempts": 1,
        "seconds": [("decode", 0.25)],
    }
    if outcome == "annotated":
        row |= {"duration_s": 2.0, "has_video": True, "has_audio": True, "labels": ["happy"], "description_en": "..."}
    else:
        row |= {"stage": "decode", "error": "undecodable", "message": "it is broken"}
    return row | changes


def outcomes(*rows: dict[str, Any]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(list(rows), OUTCOMES)
