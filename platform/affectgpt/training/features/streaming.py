"""Clips decoded and preprocessed on the cluster's CPUs while the model trains, in the order in which it wants them."""

import pickle
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import ray.data
from numpy.typing import NDArray
from ray.data import DataContext, TaskPoolStrategy

from affectgpt.errors import ClipError, JobError
from affectgpt.training.features.blocks import ITEM, clip_of
from affectgpt.training.features.decoding import Preprocessed, preprocess
from affectgpt.training.features.preparation import ray_errors
from affectgpt.training.features.settings import PreparationSettings

Contents = tuple[NDArray[np.float32] | None, NDArray[np.float32] | None]

_COLUMNS = ["clip_key", "clip_id", "uri", "start_s", "end_s"]


class StreamedClips:
    """What the encoders take in of each clip, made anew each time; for use inside a training worker."""

    def __init__(
        self, clips: pa.Table, settings: PreparationSettings, num_cpus: float = 0.0, tasks: int = 2, ahead: int = 4
    ) -> None:
        """Set up; nothing runs yet.

        Args:
            clips: a table as ``prepare_clips`` returns it.
            settings: how they are decoded and preprocessed.
            num_cpus: what a task reserves. With 0 they run beside training workers that hold every CPU.
            tasks: how many tasks this worker has running at once.
            ahead: how many batches of ``features.batch_size`` clips are fetched before they are wanted.
        """
        usable = clips.filter(clips["error"].is_null()).select(_COLUMNS).combine_chunks()
        self._clips = usable
        keys: list[str] = usable["clip_key"].to_pylist()
        self._row_of = {key: row for row, key in enumerate(keys)}
        self._settings = settings
        self._num_cpus = num_cpus
        self._tasks = tasks
        self._ahead = ahead

    def iterate(self, clip_keys: Sequence[str]) -> Iterator[Contents]:
        """Give the clips with these keys, in this order.

        Yields:
            Frames (F, C, H, W) and the sound of one clip as the feature extractor gives it, unpadded, each float32 or
            None where the clip lacks the stream.

        Raises:
            JobError: a clip cannot be decoded, or a worker failed.
            StoppedError: the cluster failed.
        """
        if not clip_keys:
            return
        rows = self._clips.take(pa.array([self._row_of[key] for key in clip_keys], pa.int64())).combine_chunks()
        with ray_errors("the stage continues from its last checkpoint when it is started again"):
            for batch in self._batches(rows):
                for item in batch["item"]:
                    yield _contents(pickle.loads(item.as_buffer()))

    def _batches(self, rows: pa.Table) -> Iterator[pa.Table]:
        size = self._settings.features.batch_size
        context = DataContext.get_current().copy()
        context.execution_options.preserve_order = True
        context.enable_progress_bars = False
        context.print_on_execution_start = False
        with DataContext.current(context):
            dataset = ray.data.from_arrow([rows.slice(first, size) for first in range(0, rows.num_rows, size)])
            contents = dataset.map_batches(
                preprocess_block,
                batch_size=None,
                batch_format="pyarrow",
                fn_kwargs={"settings": self._settings},
                num_cpus=self._num_cpus,
                compute=TaskPoolStrategy(self._tasks),
            )
        yield from contents.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=self._ahead)


def preprocess_block(table: pa.Table, settings: PreparationSettings) -> pa.Table:
    """Decode and preprocess a table of clips; returns a table with the column ``item`` for each."""
    items = [pickle.dumps(_preprocess(row, settings), protocol=5) for row in table.to_pylist()]
    return pa.table({ITEM.name: pa.array(items, ITEM.type)})


def _preprocess(row: dict[str, Any], settings: PreparationSettings) -> Preprocessed | str:
    """Preprocess a clip, or say why that cannot be done."""
    try:
        return preprocess(clip_of(row), settings)
    except ClipError as error:
        return f"clip {row['clip_id']}: {error}"


def _contents(item: Preprocessed | str) -> Contents:
    if isinstance(item, str):
        raise JobError(f"{item}; it could be decoded when the clips were prepared: run again, which leaves it out")
    return item.pixel_values, item.sound_inputs
