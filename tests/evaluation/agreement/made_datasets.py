"""Data sets as build-dataset writes them, for tests."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from affectgpt.annotate.engines import STEP_NAMES
from affectgpt.dataset.schema import DATA, REJECTED

STEP = {"engine": "openai", "model": "Qwen3-8B", "revision": None, "prompt_sha256": "a" * 64, "sampling": None}


def annotated(clip_id: str, labels: Sequence[str], **changes: Any) -> dict[str, Any]:
    """Give a row of ``data``; ``steps`` changes how some of its steps were done."""
    steps: Mapping[str, Mapping[str, Any]] = changes.pop("steps", {})
    done = {step: {**STEP, **steps.get(step, {})} for step in STEP_NAMES}
    row = {
        "clip_id": clip_id,
        "uri": f"/in/{clip_id}.mp4",
        "content_sha256": f"content of {clip_id}",
        "duration_s": 2.0,
        "has_video": True,
        "has_audio": True,
        "visual_clue": f"A face is seen in {clip_id}.",
        "acoustic_clue": "The voice is low.",
        "description_en": f"The speaker seems {' and '.join(labels)}.",
        "labels": list(labels),
        "provenance": {"pipeline_version": "0.1.0", **done},
    }
    return row | changes


def rejected(
    clip_id: str, outcome: str = "rejected", stage: str = "decode", error: str = "undecodable"
) -> dict[str, Any]:
    """Give a row of ``rejected``."""
    return {"clip_id": clip_id, "uri": f"/in/{clip_id}.mp4", "outcome": outcome, "stage": stage, "error": error}


def write_dataset(
    folder: Path, rows: Iterable[Mapping[str, Any]], left_out: Iterable[Mapping[str, Any]] = (), is_whole: bool = True
) -> Path:
    """Write a data set."""
    for name, schema, content in (("data", DATA, rows), ("rejected", REJECTED, left_out)):
        (folder / name).mkdir(parents=True)
        pq.write_table(pa.Table.from_pylist(list(content), schema), folder / name / "part-0.parquet")
    if is_whole:
        (folder / "report.json").write_text("{}")
    return folder
