"""A training worker's place among the workers, and the DeepSpeed engine that it learns with."""

from dataclasses import dataclass

import deepspeed
import ray.train
import ray.train.torch
import torch
import torch.distributed as dist
from deepspeed.runtime.engine import DeepSpeedEngine

from affectgpt.model.modeling import AffectGPTForConditionalGeneration
from affectgpt.training.deepspeed_config import deepspeed_config
from affectgpt.training.order import micro_steps
from affectgpt.training.recipe import StageSection
from affectgpt.training.trainable import parameter_groups


@dataclass(frozen=True, slots=True)
class Team:
    """A worker among all workers."""

    rank: int
    workers: int
    device: torch.device

    def sum(self, value: float | torch.Tensor) -> float:
        """Sum a number over all workers, who all have to ask."""
        summed = torch.as_tensor(value, dtype=torch.float64).to(self.device)
        dist.all_reduce(summed)
        return float(summed)


def join_team() -> Team:
    """Let DeepSpeed take over the connection that Ray Train has made, and find this worker among the workers."""
    context = ray.train.get_context()
    # It would be compiled here, by a compiler that not every machine has; gloo does the same work.
    deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False
    deepspeed.init_distributed(dist_backend=dist.get_backend(), auto_mpi_discovery=False, verbose=False)
    return Team(context.get_world_rank(), context.get_world_size(), ray.train.torch.get_device())


def make_engine(
    model: AffectGPTForConditionalGeneration, stage: StageSection, team: Team, universal: bool = False
) -> DeepSpeedEngine:
    """Make the engine of a stage.

    Args:
        model: with the parameters that the stage changes, and those alone, wanting gradients.
        stage: its settings.
        team: this worker.
        universal: whether it will load a universal checkpoint.
    """
    fused = team.device.type == "cuda" and stage.deepspeed.offload == "none"
    optimizer = torch.optim.AdamW(parameter_groups(model, stage), lr=stage.learning_rate, fused=fused)
    steps = micro_steps(stage.batch_size, team.workers, stage.micro_batch_size)
    engine, *_ = deepspeed.initialize(
        model=model,
        optimizer=optimizer,
        config=deepspeed_config(stage, steps, universal),
        dist_init_required=False,
    )
    return engine
