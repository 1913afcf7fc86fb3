"""The work on a block of clips: decode, preprocess, encode, and write to the cache; what runs inside the cluster."""

import pickle
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pyarrow as pa
from transformers.utils import logging

from affectgpt.clips.clip import Clip
from affectgpt.errors import ClipError
from affectgpt.training.features.decoding import Preprocessed, preprocess, streams
from affectgpt.training.features.encoding import Encoders
from affectgpt.training.features.keys import Fingerprint
from affectgpt.training.features.settings import PreparationSettings, Sense
from affectgpt.training.features.shards import SenseCache

# A clip to prepare, and the senses whose features are not in the cache.
WORK = pa.schema(
    [
        ("clip_key", pa.string()),
        ("clip_id", pa.string()),
        ("uri", pa.string()),
        ("start_s", pa.float64()),
        ("end_s", pa.float64()),
        ("senses", pa.list_(pa.string())),
    ]
)
# What became of it; has_video and has_audio are null where that sense was not asked for.
OUTCOMES = pa.schema(
    [
        ("clip_key", pa.string()),
        ("has_video", pa.bool_()),
        ("has_audio", pa.bool_()),
        ("error", pa.string()),
        ("message", pa.string()),
    ]
)
ITEM = pa.field("item", pa.large_binary())

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Plan:
    """What every process of a preparation needs to know."""

    settings: PreparationSettings
    fingerprints: tuple[Fingerprint, ...]

    def cache(self, sense: Sense) -> SenseCache:
        """Open the cache of a sense of the model."""
        digest = next(one.digest for one in self.fingerprints if one.sense == sense)
        return SenseCache(self.settings.cache, sense, digest)


def check_block(table: pa.Table, settings: PreparationSettings) -> pa.Table:
    """Decode a table of WORK and say what is there; returns OUTCOMES."""
    outcomes: list[dict[str, Any]] = []
    for row in table.to_pylist():
        try:
            has_video, has_audio = streams(clip_of(row), settings)
        except ClipError as error:
            outcomes.append(_failed(row, error))
        else:
            outcomes.append({"clip_key": row["clip_key"], "has_video": has_video, "has_audio": has_audio})
    return pa.Table.from_pylist(outcomes, OUTCOMES)


def decode_block(table: pa.Table, settings: PreparationSettings) -> Iterator[pa.Table]:
    """Decode and preprocess a table of WORK; yields it in pieces, with the column ``item`` for ``encode_block``."""
    size = settings.features.batch_size
    for first in range(0, table.num_rows, size):
        piece = table.slice(first, size)
        items = [pickle.dumps(_preprocess(row, settings), protocol=5) for row in piece.to_pylist()]
        yield piece.append_column(ITEM, pa.array(items, ITEM.type))


def encode_block(table: pa.Table, plan: Plan) -> pa.Table:
    """Encode and cache a table of WORK, which is decoded first unless it has the column ``item``; returns OUTCOMES."""
    rows = table.select(WORK.names).to_pylist()
    if ITEM.name in table.column_names:
        items = [pickle.loads(item.as_buffer()) for item in table[ITEM.name]]
    else:
        items = [_preprocess(row, plan.settings) for row in rows]
    return _encode(rows, items, plan)


class EncodingActor:
    """``encode_block`` in a process of its own, which loads the encoders once."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        # Its bars would run through what the job prints.
        logging.disable_progress_bar()
        _encoders(plan.settings)

    def __call__(self, table: pa.Table) -> pa.Table:
        """Run ``encode_block``."""
        return encode_block(table, self._plan)


def clip_of(row: Row) -> Clip:
    """Read a clip from a row of WORK."""
    return Clip(row["clip_id"], row["uri"], row["start_s"], row["end_s"])


@lru_cache(maxsize=1)
def _encoders(settings: PreparationSettings) -> Encoders:
    return Encoders(settings)


def _preprocess(row: Row, settings: PreparationSettings) -> Preprocessed | ClipError:
    """Preprocess a clip for the senses that are wanted of it."""
    try:
        found = preprocess(clip_of(row), settings)
    except ClipError as error:
        return error
    return Preprocessed(
        found.pixel_values if "vision" in row["senses"] else None,
        found.sound_inputs if "audio" in row["senses"] else None,
    )


def _encode(rows: Sequence[Row], items: Sequence[Preprocessed | ClipError], plan: Plan) -> pa.Table:
    """Encode what could be decoded, and write it to the cache, before anything says that it is there."""
    encoded = iter(_encoders(plan.settings).encode([item for item in items if isinstance(item, Preprocessed)]))
    results = [item if isinstance(item, ClipError) else next(encoded) for item in items]
    pairs = list(zip(rows, results, strict=True))
    for sense in plan.settings.senses():
        plan.cache(sense).write(
            [
                (row["clip_key"], result.video_features if sense == "vision" else result.audio_features)
                for row, result in pairs
                if not isinstance(result, ClipError) and sense in row["senses"]
            ]
        )
    outcomes = [
        _failed(row, result)
        if isinstance(result, ClipError)
        else {
            "clip_key": row["clip_key"],
            "has_video": result.video_features is not None if "vision" in row["senses"] else None,
            "has_audio": result.audio_features is not None if "audio" in row["senses"] else None,
        }
        for row, result in pairs
    ]
    return pa.Table.from_pylist(outcomes, OUTCOMES)


def _failed(row: Row, error: ClipError) -> dict[str, Any]:
    return {"clip_key": row["clip_key"], "error": error.reason, "message": error.message}
