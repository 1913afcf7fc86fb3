"""What each training worker runs: it sets itself up for one stage, from its start or from a checkpoint, and learns."""

from contextlib import ExitStack
from pathlib import Path

import ray.train
import torch
import torch.distributed as dist
from deepspeed.runtime.engine import DeepSpeedEngine

from affectgpt.clips.local_copies import local_folder
from affectgpt.dataset.ledger import Folder
from affectgpt.model.modeling import AffectGPTForConditionalGeneration, load_strictly
from affectgpt.model.processing import AffectGPTProcessor
from affectgpt.training.batches import BatchLoader, open_features, read_table
from affectgpt.training.engine import Team, join_team, make_engine
from affectgpt.training.learning import Learner
from affectgpt.training.memory import available_bytes, estimate
from affectgpt.training.metrics import MetricsLog
from affectgpt.training.stage_job import Ending, SampleTable, StageJob
from affectgpt.training.states import Position, load_states, made_universal
from affectgpt.training.trainable import set_trainable


def run_stage(job: StageJob) -> Ending:
    """Run a stage in this worker, beside the others: the training function of Ray Train's ``TorchTrainer``."""
    team = join_team()
    torch.manual_seed(job.recipe.seed)
    samples = SampleTable(read_table(job.samples))
    with ExitStack() as resources:
        folder = resources.enter_context(local_folder(job.start))
        loader = BatchLoader(
            samples, AffectGPTProcessor.from_pretrained(folder), open_features(job), job.recipe.workers.loaders
        )
        model = load_strictly(folder, with_encoders=not job.recipe.features.enabled)
        set_trainable(model, job.stage.trainable)
        if job.stage.deepspeed.gradient_checkpointing:
            model.gradient_checkpointing_enable()
        shortage = _memory_shortage(model, job, team, int(samples.lengths.max()))
        if shortage is not None:
            return shortage
        engine, step = _start(model, job, team)
        log = None
        if team.rank == 0:
            log = resources.enter_context(MetricsLog(Folder.at(job.output), job.name, step))
        return Learner(job, team, engine, samples, loader, log).learn(step)


def _memory_shortage(model: AffectGPTForConditionalGeneration, job: StageJob, team: Team, tokens: int) -> Ending | None:
    """See that every worker's device has the memory that the stage will need; all workers come to the same answer."""
    needed = estimate(model, job.stage, team.workers, tokens)
    # On a CPU the model is in memory already, and the workers of a machine share what is left.
    on_cpu = team.device.type == "cpu"
    sharing = ray.train.get_context().get_local_world_size() if on_cpu else 1
    wanted = (needed.device - (needed.parameters if on_cpu else 0)) * sharing
    free = available_bytes(team.device)
    if not team.sum(float(wanted > free)):
        return None
    return Ending(
        "not enough memory",
        f"stage {job.name} needs about {needed.explain()}, and a machine or GPU has {free / 2**30:.2f} GiB free for "
        f"{sharing} of them; lower stages.{job.name}.micro_batch_size or data.max_tokens, turn on deepspeed."
        "gradient_checkpointing, a higher deepspeed.zero with more workers, or deepspeed.offload",
    )


def _start(model: AffectGPTForConditionalGeneration, job: StageJob, team: Team) -> tuple[DeepSpeedEngine, int]:
    """Make the engine, go on from the latest checkpoint if there is one, and say how many steps are done."""
    checkpoint = ray.train.get_checkpoint()
    if checkpoint is None:
        return make_engine(model, job.stage, team), 0
    with checkpoint.as_directory() as directory:
        folder = Path(directory)
        position = Position.of(folder)
        universal = position.workers != team.workers
        engine = make_engine(model, job.stage, team, universal)
        if universal:
            with made_universal(folder) as converted:
                load_states(engine, converted, universal=True)
        else:
            load_states(engine, folder, universal=False)
        # On one machine the workers share the directory.
        dist.barrier()
    return engine, position.step
