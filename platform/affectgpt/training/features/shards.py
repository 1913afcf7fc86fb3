"""The feature cache on disk or in an object store: what frozen encoders gave for each clip, to be read one by one.

Layout below the cache, per sense and fingerprint: ``<sense>/<digest>/encoder.json`` says how the features were made;
``shards/<unique>.arrow`` are Arrow IPC files with one record batch per clip, uncompressed, so that a clip is read
without the others and mapped into memory where the file is local; ``index/<unique>.parquet`` says which clips the shard
of the same name holds, and which clips lack the stream. The index is written after its shard: a shard without index
is what a killed run left behind, and nobody reads it.
"""

import uuid
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset as pads
import pyarrow.fs as pafs
import pyarrow.parquet as pq
from numpy.typing import NDArray

from affectgpt.dataset.ledger import Folder
from affectgpt.errors import JobError
from affectgpt.training.features.keys import Fingerprint
from affectgpt.training.features.settings import Sense

SHARD = pa.schema(
    [
        ("clip_key", pa.string()),
        ("dtype", pa.string()),
        ("shape", pa.list_(pa.int32())),
        ("features", pa.large_binary()),
    ]
)
INDEX = pa.schema(
    [
        ("clip_key", pa.string()),
        ("has_stream", pa.bool_()),
        ("shard", pa.string()),
        ("row", pa.int32()),
    ]
)

# Far below the usual limit of 1024 open files per process.
_OPEN_SHARDS = 128

Features = NDArray[np.float16] | NDArray[np.float32]


class SenseCache:
    """The features of one sense, made in one way."""

    def __init__(self, root: str, sense: Sense, digest: str) -> None:
        self._folder = Folder.at(root) / sense / digest
        self._shards = self._folder / "shards"
        self._index = self._folder / "index"

    def describe(self, fingerprint: Fingerprint) -> None:
        """Say beside the features, for people, how they are made."""
        if not self._folder.exists("encoder.json"):
            self._folder.write_text("encoder.json", fingerprint.description)

    def write(self, entries: Sequence[tuple[str, Features | None]]) -> None:
        """Add clips: the key of each, and its features or None where it lacks the stream."""
        if not entries:
            return
        name = uuid.uuid4().hex
        present = [(key, features) for key, features in entries if features is not None]
        if present:
            self._shards.write_bytes(f"{name}.arrow", _shard(present))
        rows = {key: row for row, (key, _) in enumerate(present)}
        keys = [key for key, _ in entries]
        index = pa.table(
            {
                "clip_key": keys,
                "has_stream": [key in rows for key in keys],
                "shard": [name if key in rows else None for key in keys],
                "row": [rows.get(key) for key in keys],
            },
            INDEX,
        )
        sink = pa.BufferOutputStream()
        pq.write_table(index, sink)
        self._index.write_bytes(f"{name}.parquet", sink.getvalue())

    def read_index(self) -> pa.Table:
        """Return a table of INDEX with every clip whose features are there."""
        files = [info.path for info in self._index.files(".parquet")]
        if not files:
            return INDEX.empty_table()
        index = pads.dataset(files, INDEX, format="parquet", filesystem=self._index.filesystem).to_table()
        there = pa.array([info.base_name.removesuffix(".arrow") for info in self._shards.files(".arrow")], pa.string())
        return index.filter(pads.field("shard").is_null() | pads.field("shard").isin(there))

    def open_shard(self, name: str) -> pa.RecordBatchFileReader:
        """Open a shard for reading single clips.

        Raises:
            JobError: it is not there or damaged.
        """
        path = f"{self._shards.path}/{name}.arrow"
        try:
            if isinstance(self._shards.filesystem, pafs.LocalFileSystem):
                return pa.ipc.open_file(pa.memory_map(path))
            return pa.ipc.open_file(self._shards.filesystem.open_input_file(path))
        except (OSError, pa.ArrowException) as error:
            raise _damaged(path, error) from error

    def read(self, shard: pa.RecordBatchFileReader, name: str, row: int) -> Features:
        """Read one clip of an open shard; the array is a read-only view where the shard is mapped into memory.

        Raises:
            JobError: the shard is damaged.
        """
        try:
            batch = shard.get_batch(row)
            dtype, shape = batch.column(1)[0].as_py(), batch.column(2)[0].as_py()
            count = int(np.prod(shape))
            return np.frombuffer(batch.column(3).buffers()[2], dtype=dtype, count=count).reshape(shape)
        except (OSError, ValueError, pa.ArrowException) as error:
            raise _damaged(f"{self._shards.path}/{name}.arrow", error) from error


def _shard(entries: Sequence[tuple[str, Features]]) -> pa.Buffer:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, SHARD) as writer:
        for key, features in entries:
            columns = [
                pa.array([key], pa.string()),
                pa.array([features.dtype.name], pa.string()),
                pa.array([features.shape], SHARD.field("shape").type),
                _binary(features),
            ]
            writer.write_batch(pa.record_batch(columns, schema=SHARD))
    return sink.getvalue()


def _binary(features: Features) -> pa.Array:
    """Wrap an array as the one value of a binary column, without copying it."""
    content = pa.py_buffer(np.ascontiguousarray(features))
    offsets = pa.py_buffer(np.array([0, content.size], np.int64))
    return pa.Array.from_buffers(pa.large_binary(), 1, [None, offsets, content])


def _damaged(path: str, error: Exception) -> JobError:
    return JobError(
        f"features {path}: not readable ({error}); delete that file and run again, its clips are then encoded anew"
    )


class CachedFeatures:
    """The features of all clips, read by key; for use inside a training worker, by several threads if need be.

    The index is read when the cache is opened, and so again in each process that is handed one.
    """

    def __init__(self, root: str, digests: Mapping[Sense, str]) -> None:
        """Open the cache.

        Args:
            root: folder or URI of the cache.
            digests: of the fingerprint of each sense that the model has.
        """
        self._root = root
        self._digests = dict(digests)
        self._senses = {sense: _OpenSense(SenseCache(root, sense, digest)) for sense, digest in digests.items()}

    def __reduce__(self) -> tuple[type["CachedFeatures"], tuple[str, dict[Sense, str]]]:
        return (type(self), (self._root, self._digests))

    def load(self, clip_key: str) -> tuple[Features | None, Features | None]:
        """Read what the encoders gave for a clip.

        Returns:
            Video features (F, P, D) and audio features (T, D), read-only, in the precision in which they are kept
            (float16 or float32); None where the clip lacks the stream or the model the sense.

        Raises:
            JobError: the clip is not in the cache, or its shard is damaged.
        """
        found = {sense: opened.load(clip_key) for sense, opened in self._senses.items()}
        return found.get("vision"), found.get("audio")


class _OpenSense:
    """The features of one sense with its index in memory and the shards used last held open."""

    def __init__(self, cache: SenseCache) -> None:
        self._cache = cache
        index = cache.read_index()
        names = index["shard"].combine_chunks().dictionary_encode()
        self._names: list[str] = names.dictionary.to_pylist()
        self._shard_of: NDArray[np.int64] = names.indices.fill_null(-1).to_numpy().astype(np.int64)
        self._row_of: NDArray[np.int32] = index["row"].combine_chunks().fill_null(-1).to_numpy()
        self._position: dict[str, int] = dict(zip(index["clip_key"].to_pylist(), range(index.num_rows), strict=True))
        self._open: Any = lru_cache(maxsize=_OPEN_SHARDS)(cache.open_shard)

    def load(self, clip_key: str) -> Features | None:
        position = self._position.get(clip_key)
        if position is None:
            raise JobError(f"clip {clip_key}: its features are not in the cache; run again, so that they are encoded")
        if self._shard_of[position] < 0:
            return None
        name = self._names[self._shard_of[position]]
        return self._cache.read(self._open(name), name, int(self._row_of[position]))
