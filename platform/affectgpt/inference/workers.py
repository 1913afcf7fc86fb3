"""``describe`` on Ray Data: sources are inspected in tasks, their clips described by actors that hold the model."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import ray
from ray.data import ActorPoolStrategy, DataContext, Dataset
from ray.exceptions import RayError, RayTaskError

from affectgpt.clips.isolation import IsolatedProcess
from affectgpt.clips.spans import Cutting
from affectgpt.dataset.cluster import BLOCKS_PER_CPU, cpus
from affectgpt.dataset.inspecting import inspect_rows
from affectgpt.dataset.outcomes import clip_of
from affectgpt.errors import ClipError, JobError, RequestError, StoppedError
from affectgpt.evaluation.text_language import Language
from affectgpt.inference.description import Description
from affectgpt.inference.predictions import description_column, predictions_schema
from affectgpt.inference.recipe import DecodeSection, Recipe

if TYPE_CHECKING:
    from affectgpt.inference.affectgpt import AffectGPT

_SAY_EVERY_S = 5.0

Say = Callable[[str], None]
Row = Mapping[str, Any]


def describe_sources(sources: pa.Table, model: str, language: Language, recipe: Recipe, on_progress: Say) -> pa.Table:
    """Describe the clips of sources; needs a connection to Ray (``affectgpt.dataset.connection.connect``).

    Args:
        sources: a table of ``affectgpt.dataset.schema.SOURCES``.
        model: folder, URI or hub name of the model; every node has to reach it.
        language: that of the descriptions.
        recipe: the settings.
        on_progress: is told, now and then, a line about how far it is.

    Returns:
        A table of ``predictions_schema``, one row for each clip and for each source that cannot be used, by clip_id.

    Raises:
        RequestError: the model cannot be loaded.
        JobError: a worker failed, or the cluster lacks what the recipe reserves.
        StoppedError: the cluster failed.
    """
    schema = predictions_schema(language)
    tables = [schema.empty_table()]
    done, began, said = 0, time.monotonic(), time.monotonic()
    context = DataContext.get_current().copy()
    context.raise_original_map_exception = True
    with DataContext.current(context):
        dataset = _dataset(sources, model, language, recipe)
    try:
        for table in dataset.iter_batches(batch_size=None, batch_format="pyarrow"):
            tables.append(table.cast(schema))
            done += table.num_rows
            now = time.monotonic()
            if now - said >= _SAY_EVERY_S:
                said = now
                on_progress(f"described: {done} clips, {done / (now - began):.1f}/s")
    except RayTaskError as error:
        if isinstance(error.cause, RequestError):
            # Ray Data adds lines of its own about retries.
            raise RequestError(str(error.cause).partition("\n")[0]) from None
        raise JobError(f"a worker failed; nothing was written\n{error}") from error
    except RayError as error:
        raise StoppedError(f"the cluster failed; nothing was written, run the same command again\n{error}") from error
    return pa.concat_tables(tables).sort_by([("clip_id", "ascending"), ("uri", "ascending")])


def _dataset(sources: pa.Table, model: str, language: Language, recipe: Recipe) -> Dataset:
    workers, rows = recipe.workers, sources.num_rows
    actors, reserved_cpus = _actors(recipe)
    rounds = max(BLOCKS_PER_CPU, math.ceil(rows / (workers.batch_size * cpus())))
    dataset = ray.data.from_arrow(sources).repartition(max(1, min(rows, rounds * cpus())))
    inspected = dataset.map_batches(
        _inspect,
        batch_size=None,
        batch_format="pyarrow",
        fn_kwargs={"cutting": recipe.cutting.settings(), "decode": recipe.decode},
    )
    # A long video is many clips, which several models share.
    return inspected.repartition(target_num_rows_per_block=workers.batch_size).map_batches(
        DescribingActor,
        batch_size=workers.batch_size,
        batch_format="pyarrow",
        fn_constructor_kwargs={"model": model, "language": language, "recipe": recipe},
        compute=ActorPoolStrategy(min_size=1, max_size=actors),
        num_cpus=reserved_cpus,
        num_gpus=workers.num_gpus,
    )


def _actors(recipe: Recipe) -> tuple[int, float]:
    """Say how many actors there may be, and how many CPUs each reserves; one CPU at least is left for inspecting."""
    workers = recipe.workers
    spare = cpus() - 1
    reserved = min(workers.num_cpus, spare)
    if workers.num_gpus > 0:
        gpus = ray.cluster_resources().get("GPU", 0.0)
        if gpus < workers.num_gpus:
            raise JobError(
                f"workers.num_gpus is {workers.num_gpus:g}, and the cluster has {gpus:g} GPUs; start it with GPUs, or "
                "set workers.num_gpus to 0"
            )
        most = int(gpus / workers.num_gpus)
    else:
        most = max(1, int(spare / reserved)) if reserved else 1
    return (most if workers.actors == "auto" else min(workers.actors, most)), reserved


def _inspect(table: pa.Table, cutting: Cutting, decode: DecodeSection) -> pa.Table:
    return inspect_rows(table, cutting, _isolated(decode).call)


@lru_cache(maxsize=4)
def _isolated(decode: DecodeSection) -> IsolatedProcess:
    """Return the child of this process that looks into containers."""
    return IsolatedProcess(decode.timeout_s, decode.memory_gib)


class DescribingActor:
    """A model in a process of its own."""

    def __init__(self, model: str, language: Language, recipe: Recipe) -> None:
        self._source = model
        self._language: Language = language
        self._recipe = recipe
        self._model: AffectGPT | None = None

    def __call__(self, table: pa.Table) -> pa.Table:
        """Describe a batch of ``affectgpt.dataset.schema.CLIPS`` and return a table of ``predictions_schema``."""
        rows = table.to_pylist()
        usable = [row for row in rows if row["error"] is None]
        found = iter(self._describe(usable))
        outcomes = [
            _outcome(row, next(found) if row["error"] is None else ClipError(row["error"], row["message"]))
            for row in rows
        ]
        for outcome in outcomes:
            outcome[description_column(self._language)] = outcome.pop("description")
        return pa.Table.from_pylist(outcomes, predictions_schema(self._language))

    def _describe(self, rows: Sequence[Row]) -> list[Description | ClipError]:
        if not rows:
            return []
        # Loaded by the first batch, since an error of a constructor reaches nobody.
        if self._model is None:
            self._model = self._loaded()
        generation = self._recipe.generation
        clips = [clip_of(dict(row)) for row in rows]
        return self._model.try_batch(clips, self._language, generation.max_new_tokens, generation.temperature)

    def _loaded(self) -> "AffectGPT":
        from transformers.utils import logging

        from affectgpt.inference.affectgpt import AffectGPT
        from affectgpt.inference.reading import ClipReader

        logging.disable_progress_bar()
        workers, decode = self._recipe.workers, self._recipe.decode
        reader = ClipReader(max(1, int(workers.num_cpus)), decode.timeout_s, decode.memory_gib)
        device = "cuda" if workers.num_gpus > 0 else "cpu"
        return AffectGPT.from_pretrained(self._source, device, self._recipe.generation.dtype, reader)


def _outcome(row: Row, found: Description | ClipError) -> dict[str, Any]:
    outcome = {name: row[name] for name in ("clip_id", "uri", "start_s", "end_s", "subtitle")}
    if isinstance(found, ClipError):
        return {**outcome, "description": None, "labels": [], "error": found.reason, "message": found.message}
    return {
        **outcome,
        "has_video": found.has_video,
        "has_audio": found.has_audio,
        "description": found.text,
        "labels": list(found.labels),
    }
