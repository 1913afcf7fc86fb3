"""Work on whole models, run as tasks of Ray, so that it happens on a machine of the cluster and not in the driver."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import ray
from ray.exceptions import RayError, RayTaskError
from ray.train import Checkpoint

from affectgpt.clips.local_copies import local_folder
from affectgpt.dataset.cluster import BLOCKS_PER_CPU, cpus
from affectgpt.dataset.ledger import Folder
from affectgpt.errors import JobError, RequestError, StoppedError
from affectgpt.training.data.samples import samples_of
from affectgpt.training.data.schema import SAMPLES
from affectgpt.training.model_folder import is_complete, write_model
from affectgpt.training.recipe import DataSection, ModelSection, Recipe
from affectgpt.training.stage_job import SampleTable, StageJob

P = ParamSpec("P")
R = TypeVar("R")


def run_task(recipe: Recipe, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run a function as a task of Ray with a training worker's resources, and return what it returns.

    Raises:
        RequestError: as the function does.
        JobError: the function raised it, or anything else.
        StoppedError: the cluster failed.
    """
    workers = recipe.workers
    task = ray.remote(num_cpus=workers.num_cpus, num_gpus=1 if workers.gpu else 0, max_retries=3)(function)
    try:
        returned: R = ray.get(task.remote(*args, **kwargs))
    except RayTaskError as error:
        if isinstance(error.cause, RequestError | JobError):
            raise error.cause from None
        raise JobError(f"{function.__name__} failed; what is finished is kept for the next run\n{error}") from error
    except RayError as error:
        raise StoppedError(f"the cluster failed; the same command continues from what is finished\n{error}") from error
    return returned


def make_initial_model(uri: str, section: ModelSection, texts: Sequence[str], seed: int) -> None:
    """Build the model that training begins with, unless it is there."""
    from affectgpt.training.initial_model import build_initial_model

    folder = Folder.at(uri)
    if not is_complete(folder):
        model, processor = build_initial_model(section, texts, seed)
        write_model(model, processor, folder)


def write_samples(clips: pa.Table, model_uri: str, section: DataSection, uri: str) -> SampleTable:
    """Make the samples of prepared clips on Ray Data, write them as Parquet, sorted by id.

    Raises:
        RequestError: a prompt does not fit.
        JobError: a worker failed.
    """
    usable = clips.filter(pc.is_null(clips["error"]))
    blocks = max(1, min(cpus() * BLOCKS_PER_CPU, usable.num_rows // 2048))
    made = (
        ray.data.from_arrow(usable)
        .repartition(blocks)
        .map_batches(
            _samples_of,
            batch_size=None,
            batch_format="pyarrow",
            fn_kwargs={"model_uri": model_uri, "section": section},
        )
    )
    try:
        tables = [ray.get(reference) for reference in made.to_arrow_refs()]
    except RayTaskError as error:
        cause = error.cause
        raise cause if isinstance(cause, RequestError) else JobError(f"the samples cannot be made\n{error}") from error
    made_tables = [table.cast(SAMPLES) for table in tables if table.num_rows]
    samples = pa.concat_tables([SAMPLES.empty_table(), *made_tables])
    samples = samples.sort_by("sample_id").combine_chunks()
    folder, _, name = uri.rpartition("/")
    sink = pa.BufferOutputStream()
    pq.write_table(samples, sink, row_group_size=4096)
    Folder.at(folder).write_bytes(name, sink.getvalue())
    return SampleTable(samples)


def _samples_of(clips: pa.Table, model_uri: str, section: DataSection) -> pa.Table:
    from affectgpt.model.processing import AffectGPTProcessor
    from affectgpt.training.features.settings import local_checkpoint

    processor = AffectGPTProcessor.from_pretrained(local_checkpoint(model_uri))
    return samples_of(clips, processor, section.languages, section.max_tokens, section.label_weight, section.seed)


@dataclass(frozen=True)
class ExportedModel:
    """What is known of a model that was written.

    Attributes:
        parts: of each part its architecture and the number of its parameters, without adapters.
        parameters: of the whole model, adapters included.
        trained: those of them that the stage changed.
    """

    parts: dict[str, tuple[str, int]]
    parameters: int
    trained: int


def export_stage(job: StageJob, checkpoint: Checkpoint, uri: str) -> ExportedModel:
    """Make one Hugging Face checkpoint of what a stage has learnt: consolidated, adapters merged, encoders included."""
    from affectgpt.model.modeling import load_strictly
    from affectgpt.model.processing import AffectGPTProcessor
    from affectgpt.training.states import trained_parameters
    from affectgpt.training.trainable import load_trained, merge_adapters, set_trainable

    with local_folder(job.start) as start, checkpoint.as_directory() as states:
        model = load_strictly(start, with_encoders=True)
        parts = {
            name.replace("_", " "): (_architecture(part), sum(parameter.numel() for parameter in part.parameters()))
            for name, part in model.named_children()
        }
        set_trainable(model, job.stage.trainable)
        every = list(model.parameters())
        load_trained(model, trained_parameters(Path(states)))
        exported = ExportedModel(
            parts,
            sum(parameter.numel() for parameter in every),
            sum(parameter.numel() for parameter in every if parameter.requires_grad),
        )
        merge_adapters(model)
        write_model(model, AffectGPTProcessor.from_pretrained(start), Folder.at(uri))
    return exported


def _architecture(part: Any) -> str:
    fusion = getattr(part, "fusion", None)
    return type(part).__name__ + ("" if fusion is None else f" with {type(fusion).__name__}")


def describe(job: StageJob, model_uri: str, places: Sequence[int]) -> tuple[list[str], float | None]:
    """Describe held-out clips; see ``affectgpt.training.describing.describe``."""
    from affectgpt.training import describing

    return describing.describe(job, model_uri, places)
