"""The work on Ray Data: which blocks run where, committed block by block so that a killed run can continue."""

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping

import pyarrow as pa
import ray
from ray.data import ActorPoolStrategy, DataContext, Dataset
from ray.data.checkpoint import CheckpointConfig, CheckpointManager
from ray.exceptions import GetTimeoutError, RayError, RayTaskError

from affectgpt.annotate.language_model.checking import check_resident
from affectgpt.annotate.language_model.models import Resident
from affectgpt.clips.spans import Cutting
from affectgpt.dataset.annotating import Stage, isolated_process, run_stage, stages_of
from affectgpt.dataset.inspecting import inspect_rows
from affectgpt.dataset.ledger import Folder, Ledger, Results
from affectgpt.dataset.logs import log_outcomes, log_unusable
from affectgpt.dataset.metrics import count_outcomes
from affectgpt.dataset.progress import say
from affectgpt.dataset.recipe import Recipe
from affectgpt.dataset.room import wait_for_room
from affectgpt.dataset.voices import measure_rows
from affectgpt.errors import (
    DISK_FULL,
    STORE_FAILS,
    JobError,
    RequestError,
    StoppedError,
    is_disk_full,
    is_store_failure,
)

BLOCKS_PER_CPU = 2
SOURCES_PER_BLOCK = 512
# What cannot come up says so in seconds; a busy machine may take a minute to import an engine.
CHECK_TIMEOUT_S = 300.0
ONE_THAT_DECODES = {"CPU": 1.0}
ROOM_REMEDY = (
    "models, and steps with workers of their own, are held all at once, beside a process that decodes: lower their "
    "actors, num_cpus or num_gpus, add nodes, or raise run.timeout_s for a cluster that takes longer to grow"
)


def cpus() -> int:
    """Return how many CPUs the cluster has now."""
    return max(1, int(ray.cluster_resources().get("CPU", 1)))


def check_models(recipe: Recipe) -> None:
    """See on the cluster that all actors have room at once, and that the models that are to run there can come up.

    Raises:
        RequestError: a model cannot come up as the recipe has it.
        JobError: there is no room, or the nodes do not answer in ``CHECK_TIMEOUT_S``.
    """
    residents = {
        (model, step == "subtitle")
        for step in recipe.step_names()
        if isinstance(model := recipe.model_of(step), Resident)
    }
    pools = [stage.workers for stage in stages_of(recipe) if stage.workers is not None]
    if pools:
        actors = [{"CPU": pool.num_cpus, "GPU": pool.num_gpus} for pool in pools for _ in range(pool.actors)]
        wait_for_room([*actors, ONE_THAT_DECODES], recipe.run.timeout_s, ROOM_REMEDY, say)
    checks = [
        ray.remote(num_cpus=model.num_cpus, num_gpus=model.num_gpus, max_retries=0)(check_resident).remote(
            model, speech
        )
        for model, speech in residents
    ]
    try:
        ray.get(checks, timeout=CHECK_TIMEOUT_S)
    except GetTimeoutError:
        raise JobError(
            f"the cluster did not look at its models within {CHECK_TIMEOUT_S:.0f} s; see that no other job holds it"
        ) from None
    except RayTaskError as error:
        if isinstance(error.cause, RequestError):
            raise error.cause from None
        raise JobError(f"a model cannot be looked at\n{error}") from error


def inspect(ledger: Ledger, rows: int, recipe: Recipe, run_id: str) -> None:
    """Inspect the sources that the ledger lists as uninspected, in the name of a run."""
    cutting = recipe.cutting.settings()

    def stage(dataset: Dataset) -> Dataset:
        return dataset.map_batches(
            _inspect,
            batch_size=None,
            batch_format="pyarrow",
            fn_kwargs={"cutting": cutting, "recipe": recipe, "run_id": run_id},
        )

    _run(ledger.uninspected, rows, SOURCES_PER_BLOCK, stage, ledger.clips, "source_key")


def annotate(ledger: Ledger, rows: int, recipe: Recipe) -> None:
    """Annotate the clips that the ledger lists as work."""

    def all_stages(dataset: Dataset) -> Dataset:
        for stage in stages_of(recipe):
            dataset = _with_stage(dataset, stage)
        return dataset

    _run(ledger.work, rows, recipe.run.clips_per_block, all_stages, ledger.outcomes, "work_id")


def measure_voices(clips: pa.Table, recipe: Recipe) -> list[Mapping[str, str]]:
    """Measure the voice in each of these clips."""
    blocks = _blocks(clips.num_rows, recipe.run.clips_per_block)
    dataset = ray.data.from_arrow(clips).repartition(blocks)
    measured = dataset.map_batches(measure_rows, batch_size=None, batch_format="pyarrow", fn_kwargs={"recipe": recipe})
    with _ray_errors():
        return list(measured.take_all())


def _inspect(table: pa.Table, cutting: Cutting, recipe: Recipe, run_id: str) -> pa.Table:
    clips = inspect_rows(table, cutting, isolated_process(recipe).call)
    log_unusable(clips, run_id)
    return clips


def _with_stage(dataset: Dataset, stage: Stage) -> Dataset:
    workers = stage.workers
    if workers is None:
        return dataset.map_batches(_run_stage, batch_size=None, batch_format="pyarrow", fn_kwargs={"stage": stage})
    return dataset.map_batches(
        StageActor,
        batch_size=stage.batch_size,
        batch_format="pyarrow",
        fn_constructor_kwargs={"stage": stage},
        compute=ActorPoolStrategy(size=workers.actors, enable_true_multi_threading=True),
        num_cpus=workers.num_cpus,
        num_gpus=workers.num_gpus,
        # Said even where it is one: Ray Data would run tasks of the same resources in the actor, which would decode
        # while its model waits.
        max_concurrency=stage.batches_at_once,
    )


class StageActor:
    """A stage in an actor of its own."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def __call__(self, table: pa.Table) -> pa.Table:
        """Run the stage on a batch."""
        return _run_stage(table, self._stage)


def _run_stage(table: pa.Table, stage: Stage) -> pa.Table:
    done = run_stage(table, stage)
    if stage.is_last:
        count_outcomes(done)
        log_outcomes(done)
    return done


def _run(
    rows_from: Folder,
    rows: int,
    rows_per_block: int,
    stages: Callable[[Dataset], Dataset],
    results: Results,
    id_column: str,
) -> None:
    if rows == 0:
        return
    # The checkpoint needs a Parquet read, and commits per block: the repartition decides how much work a kill can cost.
    with _checkpoint(results.done, id_column), _ray_errors():
        dataset = ray.data.read_parquet(rows_from.path, filesystem=rows_from.filesystem)
        dataset = stages(dataset.repartition(_blocks(rows, rows_per_block)))
        dataset.write_parquet(results.path, filesystem=results.filesystem)


def _blocks(rows: int, rows_per_block: int) -> int:
    """As many blocks as keep all CPUs busy to the end: a multiple of their number, as far as there are rows."""
    workers = cpus()
    rounds = max(BLOCKS_PER_CPU, math.ceil(rows / (rows_per_block * workers)))
    return max(1, min(rows, rounds * workers))


@contextlib.contextmanager
def _ray_errors() -> Iterator[None]:
    try:
        yield
    except RayTaskError as error:
        if isinstance(error.cause, RequestError):
            raise RequestError(f"{_said(error)}; what is finished is kept, and the same command continues") from None
        if isinstance(error.cause, JobError):
            raise StoppedError(f"{_said(error)}; what is finished is kept") from None
        if is_disk_full(error.cause):
            raise StoppedError(
                f"{DISK_FULL} on a node ({error.cause.strerror}); what is finished is kept: make room, and run the "
                "same command again"
            ) from None
        if is_store_failure(error.cause):
            raise StoppedError(
                f"{STORE_FAILS} ({_said(error)}); what is finished is kept, and the same command continues once it "
                "answers again"
            ) from None
        raise JobError(f"a worker failed; what is finished is kept for the next run\n{error}") from error
    except RayError as error:
        raise StoppedError(f"the cluster failed; the same command continues from what is finished\n{error}") from error


def _said(error: RayTaskError) -> str:
    """What a worker has to say to the user; Ray Data adds lines of its own about retries."""
    return str(error.cause).partition("\n")[0]


class _NothingDone(CheckpointManager):  # type: ignore[misc]  # Ray's class has no types
    """Says that no row was done before: those that were are not read, and Ray's filter would hold a whole CPU."""

    def load_checkpoint(self, *_: object, **__: object) -> tuple[None, int]:
        """Give no identifiers, so that no filter is added."""
        return None, 0


@contextlib.contextmanager
def _checkpoint(done: Folder, id_column: str) -> Iterator[None]:
    context = DataContext.get_current()
    context.checkpoint_config = CheckpointConfig(
        id_column,
        done.path,
        delete_checkpoint_on_success=False,
        override_filesystem=done.filesystem,
        checkpoint_manager_cls=_NothingDone,
    )
    try:
        yield
    finally:
        context.checkpoint_config = None
