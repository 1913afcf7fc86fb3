"""Runs one stage on Ray Train, and makes a Hugging Face checkpoint of what it learnt."""

import contextlib
import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from ray.exceptions import RayError
from ray.train import Checkpoint, CheckpointConfig, FailureConfig, Result, RunConfig, ScalingConfig
from ray.train.torch import TorchConfig, TorchTrainer
from ray.train.v2.api.exceptions import ControllerError, TrainingFailedError

from affectgpt.dataset.ledger import Folder
from affectgpt.errors import JobError, RequestError, StoppedError
from affectgpt.training.model_folder import is_complete
from affectgpt.training.output import Output
from affectgpt.training.progress import stage_progress
from affectgpt.training.room import wait_for_workers, worker_count, worker_resources
from affectgpt.training.stage_job import VALIDATION_LOSS, SampleTable, StageJob, steps_of
from affectgpt.training.tasks import describe, export_stage, run_task

_CHECKPOINTS = "checkpoints"
_OUTCOME = "outcome.json"
_SAMPLES = "samples.sha256"
_EXPORT_TOLERANCE = {"float32": 1e-3, "bfloat16": 3e-2}


@dataclass(frozen=True)
class StageOutcome:
    """How a stage ended, as it is kept beside its model.

    Attributes:
        name: of the stage.
        parts: of each part of the model its architecture and the number of its parameters.
        parameters: of the model, adapters included.
        trained: those of them that the stage changed.
        steps: steps of the optimizer.
        epochs: passes over its leading data set.
        samples: samples learnt from, with repetition.
        wall_s: seconds from its start to its end, of the last attempt.
        first_step_at: when its first step was done, in seconds since 1970, or None if the last attempt took none.
        chosen_step: the step whose checkpoint is the model.
        chosen_loss: its validation loss in training, or None without validation.
        exported_loss: the same computed from the model as it was written, or None.
        descriptions: what the model says of the held-out clips that are described.
    """

    name: str
    parts: dict[str, list[Any]]
    parameters: int
    trained: int
    steps: int
    epochs: float
    samples: int
    wall_s: float
    first_step_at: float | None
    chosen_step: int
    chosen_loss: float | None
    exported_loss: float | None
    descriptions: list[str]


def stage_is_done(output: Output, name: str) -> bool:
    """Whether a stage has ended with a model."""
    return Folder.at(output.at("stages", name)).exists(_OUTCOME) and is_complete(Folder.at(output.stage_model(name)))


def check_samples(output: Output, name: str, samples_sha256: str) -> None:
    """See that a stage goes on with the samples that it began with, and note them if it begins.

    Raises:
        RequestError: it began with others.
    """
    folder = Folder.at(output.at("stages", name))
    if not folder.exists(_SAMPLES):
        folder.write_text(_SAMPLES, samples_sha256)
    elif folder.read_text(_SAMPLES) != samples_sha256:
        raise RequestError(
            f"output {output.uri}: its stage {name} began with other samples than the data hold now; name a new "
            "output, or give the data as they were"
        )


def read_outcome(output: Output, name: str) -> StageOutcome:
    """Read how a stage ended."""
    return StageOutcome(**json.loads(Folder.at(output.at("stages", name)).read_text(_OUTCOME)))


def run_stage_job(
    job: StageJob, output: Output, samples: SampleTable, described: list[int], say: Callable[[str], None]
) -> StageOutcome:
    """Train a stage, or go on training it, and write its model.

    Raises:
        JobError: it cannot go on: memory, a loss that is no number, or an error of a worker.
        StoppedError: workers were lost more often than the recipe allows; the same command goes on.
    """
    began = time.monotonic()
    wait_for_workers(job.recipe.workers, say)
    has_validation = len(samples.held_out(job.stage)) > 0
    order = samples.order(job.stage, job.recipe.seed)
    steps = steps_of(job.stage, order)
    with stage_progress(output.folder, job.name, steps, say):
        result = _fit(job, output, has_validation)
    ending = result.return_value
    if ending.kind != "done":
        raise JobError(ending.message)
    checkpoint, metrics = _chosen(result, has_validation)
    model = output.stage_model(job.name)
    exported = run_task(job.recipe, export_stage, job, checkpoint, model)
    descriptions, exported_loss = run_task(job.recipe, describe, job, model, described)
    chosen_loss = metrics.get(VALIDATION_LOSS)
    _check_export(job, chosen_loss, exported_loss)
    outcome = StageOutcome(
        name=job.name,
        parts={name: list(part) for name, part in exported.parts.items()},
        parameters=exported.parameters,
        trained=exported.trained,
        steps=steps,
        epochs=steps / order.steps_per_epoch,
        samples=sum(len(batch.samples) for batch in order.batches(0, steps)),
        wall_s=time.monotonic() - began,
        first_step_at=ending.first_step_at,
        chosen_step=int(metrics["step"]),
        chosen_loss=chosen_loss,
        exported_loss=exported_loss,
        descriptions=descriptions,
    )
    folder = Folder.at(output.at("stages", job.name))
    folder.write_text(_OUTCOME, json.dumps(asdict(outcome), ensure_ascii=False))
    _drop_unfinished_checkpoints(folder / _CHECKPOINTS, result)
    return outcome


def _drop_unfinished_checkpoints(folder: Folder, result: Result) -> None:
    """Delete what workers that were killed had begun to save, which Ray Train does not know of."""
    known = {checkpoint.path.rstrip("/").rpartition("/")[2] for checkpoint, _ in result.best_checkpoints or []}
    for name in folder.folders():
        if name.startswith("checkpoint_") and name not in known:
            folder.filesystem.delete_dir(f"{folder.path}/{name}")


def _fit(job: StageJob, output: Output, has_validation: bool) -> Result:
    from affectgpt.training.stage_worker import run_stage

    recipe = job.recipe
    folder = Folder.at(output.at("stages", job.name))
    trainer = TorchTrainer(
        run_stage,
        train_loop_config=job,
        scaling_config=ScalingConfig(
            num_workers=worker_count(recipe.workers),
            use_gpu=recipe.workers.gpu,
            resources_per_worker=worker_resources(recipe.workers),
        ),
        torch_config=TorchConfig(backend="nccl" if recipe.workers.gpu else "gloo"),
        run_config=RunConfig(
            name=_CHECKPOINTS,
            storage_path=folder.path,
            storage_filesystem=folder.filesystem,
            failure_config=FailureConfig(
                max_failures=recipe.workers.max_failures, controller_failure_limit=recipe.workers.max_failures
            ),
            checkpoint_config=CheckpointConfig(
                num_to_keep=recipe.checkpoints.keep,
                checkpoint_score_attribute=VALIDATION_LOSS if has_validation else None,
                checkpoint_score_order="min",
            ),
        ),
    )
    try:
        with _own_interrupt():
            return trainer.fit()
    except ControllerError as error:
        raise StoppedError(f"the cluster failed; the same command continues from what is finished\n{error}") from error
    except TrainingFailedError as error:
        raise JobError(
            f"stage {job.name}: the workers failed; the checkpoints so far are kept, and the same command goes on from "
            f"them\n{error}"
        ) from error
    except RayError as error:
        raise StoppedError(f"stage {job.name} was broken off; the same command continues it\n{error}") from error


@contextlib.contextmanager
def _own_interrupt() -> Iterator[None]:
    """Let Ctrl-C be an interrupt as elsewhere: Ray Train ends the process with a status of its own, without a word."""
    handler = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SystemExit as error:
        raise KeyboardInterrupt from error
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, handler)


def _chosen(result: Result, has_validation: bool) -> tuple[Checkpoint, dict[str, float]]:
    """The checkpoint with the least validation loss; without validation the last."""
    kept: list[tuple[Checkpoint, dict[str, float]]] = result.best_checkpoints or []
    if not kept:
        raise JobError("the stage ended without a checkpoint; run the same command again")
    if has_validation:
        return min(kept, key=lambda one: (one[1][VALIDATION_LOSS], one[1]["step"]))
    return max(kept, key=lambda one: one[1]["step"])


def _check_export(job: StageJob, trained: float | None, exported: float | None) -> None:
    """See that the model that was written is the one that was trained."""
    if trained is None or exported is None:
        return
    tolerance = _EXPORT_TOLERANCE[job.stage.deepspeed.dtype]
    if abs(trained - exported) > tolerance * max(1.0, abs(trained)):
        raise JobError(
            f"stage {job.name}: the validation loss was {trained:.4f} in training and is {exported:.4f} with the model "
            "that was written; they should agree. The checkpoints are kept; this is a fault of the software, please "
            "report it with recipe.yaml"
        )
