"""Lets torchvision be imported where it is built for CUDA and torch is not.

There is no build of it for the torch that vLLM has on CPUs. What processors of pictures want of it is Python alone, but
its import looks for two operators, which are declared here as soon as somebody imports it. To be installed as
``sitecustomize.py``.
"""

import sys
from importlib.abc import MetaPathFinder

OPERATORS = ("nms", "qnms")
SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"


class BeforeTorchvision(MetaPathFinder):
    """Declares the operators before torchvision is looked for, and leaves finding it to others."""

    def find_spec(self, name: str, path: object, target: object = None) -> None:
        """Act on the name alone."""
        if name == "torchvision":
            sys.meta_path.remove(self)
            import torch

            for operator in OPERATORS:
                torch.library.define(f"torchvision::{operator}", SCHEMA)


sys.meta_path.insert(0, BeforeTorchvision())
