"""Checkpoints of a stage in the middle: DeepSpeed's states and the position, written by all workers together."""

import contextlib
import json
import shutil
import tempfile
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from deepspeed.checkpoint import ds_to_universal
from deepspeed.runtime.engine import DeepSpeedEngine
from deepspeed.utils.zero_to_fp32 import get_fp32_state_dict_from_zero_checkpoint

_TAG = "state"
_UNIVERSAL_TAG = "universal"
_POSITION = "position.json"


@dataclass(frozen=True, slots=True)
class Position:
    """Where a stage stands.

    Attributes:
        step: how many steps are done.
        steps: how many the stage has.
        workers: how many workers wrote the checkpoint.
        samples_sha256: which samples it learns, in which order.
    """

    step: int
    steps: int
    workers: int
    samples_sha256: str

    @staticmethod
    def of(folder: Path) -> "Position":
        """Read the position of a checkpoint."""
        return Position(**json.loads((folder / _POSITION).read_text(encoding="utf-8")))


def save_states(engine: DeepSpeedEngine, position: Position, folder: Path, rank: int) -> None:
    """Write this worker's part of a checkpoint into a folder of its own; frozen parameters are left out."""
    engine.save_checkpoint(str(folder), tag=_TAG, exclude_frozen_parameters=True)
    if rank == 0:
        (folder / _POSITION).write_text(json.dumps(asdict(position)), encoding="utf-8")


def load_states(engine: DeepSpeedEngine, folder: Path, universal: bool) -> None:
    """Go on from a checkpoint.

    Args:
        engine: fresh, made with ``load_universal`` where the checkpoint is.
        folder: with the parts of all workers, or what ``made_universal`` made of them.
        universal: whether it is the latter.

    Raises:
        ValueError: there is no usable checkpoint.
    """
    tag = _UNIVERSAL_TAG if universal else _TAG
    groups = engine.optimizer.optimizer.param_groups
    settings = [{name: value for name, value in group.items() if name != "params"} for group in groups]
    path, _ = engine.load_checkpoint(str(folder), tag=tag, load_module_strict=False, load_lr_scheduler_states=False)
    if path is None:
        raise ValueError(f"the checkpoint {folder} holds no states that can be loaded; delete it to go on without it")
    # Out of a universal checkpoint, DeepSpeed gives every group the settings of the first one, weight decay among them,
    # and all parameters one counter of steps, which then runs too fast.
    for group, own in zip(engine.optimizer.optimizer.param_groups, settings, strict=True):
        group.update(own)
    for state in engine.optimizer.optimizer.state.values():
        if isinstance(state.get("step"), torch.Tensor):
            state["step"] = state["step"].clone()


@contextlib.contextmanager
def made_universal(folder: Path) -> Iterator[Path]:
    """Convert a checkpoint so that another number of workers can load it; DeepSpeed's universal checkpoint.

    Lian et al., Universal Checkpointing (arXiv 2406.18820).
    """
    with tempfile.TemporaryDirectory(prefix="universal-checkpoint-") as made:
        source = Path(made) / _TAG
        shutil.copytree(folder / _TAG, source)
        settings: dict[str, Any] = {
            "input_folder": str(source),
            "output_folder": str(Path(made) / _UNIVERSAL_TAG),
            "num_extract_workers": 1,
            "num_merge_workers": 1,
            "keep_temp_folder": False,
            "strict": True,
            "inject_missing_state": True,
        }
        with contextlib.redirect_stdout(None):
            ds_to_universal.main(Namespace(**settings))
        yield Path(made)


def trained_parameters(folder: Path) -> dict[str, torch.Tensor]:
    """Gather the trained parameters out of the parts of all workers, in float32, whatever ZeRO stage wrote them."""
    state: dict[str, torch.Tensor] = get_fp32_state_dict_from_zero_checkpoint(
        str(folder), tag=_TAG, exclude_frozen_parameters=True
    )
    return state
