"""Runs a model in vLLM's own process, and lets that process end with the worker that started it."""

import ctypes
import multiprocessing
import os
import signal
from typing import Final

from vllm.v1.executor.uniproc_executor import UniProcExecutor

_PR_SET_PDEATHSIG: Final = 1


class BoundExecutor(UniProcExecutor):  # type: ignore[misc]
    """Runs the model on one device, and never outlives the process that asks for it.

    vLLM's process would go on when its parent is killed, and hold the GPU's memory, so that no other worker could take
    the place of the one that was lost.
    """

    def _init_executor(self) -> None:
        _end_with_parent()
        super()._init_executor()


def _end_with_parent() -> None:
    """Let the kernel kill this process as soon as its parent is gone (``prctl(2)``, ``PR_SET_PDEATHSIG``)."""
    parent = multiprocessing.parent_process()
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if parent is not None and os.getppid() != parent.pid:
        os.kill(os.getpid(), signal.SIGKILL)
