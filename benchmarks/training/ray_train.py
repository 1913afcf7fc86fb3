"""Runs a training function of a benchmark on Ray Train, as ``train`` runs its own."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ray.train import CheckpointConfig, RunConfig, ScalingConfig
from ray.train.torch import TorchConfig, TorchTrainer


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
