"""Tables of clips to learn from, as tests need them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from affectgpt.dataset.schema import DATA
from affectgpt.training.data.schema import CLIPS, PREPARED_CLIPS


def clips(dataset: str, *rows: Mapping[str, Any]) -> pa.Table:
    """Give clips as they are before parts are assigned, described in English unless a row says otherwise."""
    made = [{"dataset": dataset, "uri": f"/in/{row['clip_id']}.mp4", "description_en": "Calm.", **row} for row in rows]
    return pa.Table.from_pylist(made, CLIPS)


def named(dataset: str, ids: range, prefix: str = "clip ") -> pa.Table:
    return clips(dataset, *({"clip_id": f"{prefix}{one}"} for one in ids))


def prepared(*rows: Mapping[str, Any]) -> pa.Table:
    """Give prepared fine clips of the training part, with video and sound unless a row says otherwise."""
    usual = {"dataset": "fine", "part": "train", "has_video": True, "has_audio": True}
    made = [{**usual, "clip_key": f"key of {row['clip_id']}", **row} for row in rows]
    return pa.Table.from_pylist(made, PREPARED_CLIPS)


def write_data_set(folder: Path, *parts: list[Mapping[str, Any]]) -> str:
    """Write annotated clips as build-dataset publishes them."""
    (folder / "data").mkdir(parents=True)
    for number, rows in enumerate(parts):
        pq.write_table(
            pa.Table.from_pylist([dict(row) for row in rows], DATA), folder / "data" / f"part-{number}.parquet"
        )
    return str(folder)
