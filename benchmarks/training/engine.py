"""What a training function of Ray Train needs besides the loop: its place among the workers, and a DeepSpeed engine."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import deepspeed
import ray.train
import ray.train.torch
import torch
import torch.distributed as dist
from deepspeed.runtime.engine import DeepSpeedEngine
from ray.train import CheckpointConfig, RunConfig, ScalingConfig
from ray.train.torch import TorchConfig, TorchTrainer

from affectgpt.model.modeling import AffectGPTForConditionalGeneration
from affectgpt.training.deepspeed_config import deepspeed_config
from affectgpt.training.learning import Team
from affectgpt.training.order import micro_steps
from affectgpt.training.recipe import StageSection
from affectgpt.training.trainable import parameter_groups


def run_workers(function: Callable[[Any], Any], given: Any, storage: Path, workers: int = 1, gpu: bool = False) -> Any:
    """Run a function in training workers and return what the first of them returns."""
    trainer = TorchTrainer(
        function,
        train_loop_config=given,
        scaling_config=ScalingConfig(
            num_workers=workers, use_gpu=gpu, resources_per_worker={"CPU": 1, "GPU": int(gpu)}
        ),
        torch_config=TorchConfig(backend="nccl" if gpu else "gloo"),
        run_config=RunConfig(
            name="states", storage_path=str(storage), checkpoint_config=CheckpointConfig(num_to_keep=1)
        ),
    )
    return trainer.fit().return_value


def join_team() -> Team:
    """Set this worker up as ``train`` sets its workers up."""
    context = ray.train.get_context()
    deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False
    deepspeed.init_distributed(dist_backend=dist.get_backend(), auto_mpi_discovery=False, verbose=False)
    return Team(context.get_world_rank(), context.get_world_size(), ray.train.torch.get_device())


def make_engine(model: AffectGPTForConditionalGeneration, stage: StageSection, team: Team) -> DeepSpeedEngine:
    """Make the engine that ``train`` would make."""
    fused = team.device.type == "cuda"
    optimizer = torch.optim.AdamW(parameter_groups(model, stage), lr=stage.learning_rate, fused=fused)
    steps = micro_steps(stage.batch_size, team.workers, stage.micro_batch_size)
    engine, *_ = deepspeed.initialize(
        model=model,
        optimizer=optimizer,
        config=deepspeed_config(stage, steps, universal=False),
        dist_init_required=False,
    )
    return engine
