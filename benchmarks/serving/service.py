"""A service with a small model, on a Ray cluster of its own, and what its processes are."""

import contextlib
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import psutil
import ray
import torch
from ray import serve

from affectgpt.demo.sentences import SENTENCES
from affectgpt.inference.affectgpt import AffectGPT
from affectgpt.serving.application import build
from affectgpt.training.initial_model import build_initial_model
from affectgpt.training.recipe import load_recipe

CLUSTER_CPUS = 8
ROLES = {
    "ServeReplica:affectgpt:Describer": "model worker",
    "ServeReplica:affectgpt:Ingress": "ingress",
    "affectgpt.clips.isolation": "decoder",
    "ProxyActor": "proxy",
    "ServeController": "controller",
}
REPLICAS = ("model worker", "ingress")
OTHER = "the rest of Ray"
IDLE = "ray::IDLE"
"""Processes that Ray has at hand, and ends when it likes to."""


@dataclass(frozen=True, slots=True)
class Service:
    """A service that runs.

    Attributes:
        url: where it answers.
        model: the folder of its model.
    """

    url: str
    model: Path

    def processes(self) -> dict[str, list[psutil.Process]]:
        """All of its processes by what they do; those that do nothing are left out."""
        found: dict[str, list[psutil.Process]] = {role: [] for role in (*ROLES.values(), OTHER)}
        for process in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                said = " ".join(process.cmdline())
                if not said.startswith(IDLE):
                    found[next((role for name, role in ROLES.items() if name in said), OTHER)].append(process)
        return found

    def replicas(self) -> set[int]:
        """The process ids of its replicas."""
        found = self.processes()
        return {process.pid for role in REPLICAS for process in found[role]}

    def memory_mib(self) -> dict[str, float]:
        """What the processes of each role hold in memory that no other process has."""
        return {role: sum(map(_own_mib, processes)) for role, processes in self.processes().items()}

    def cpu_s(self) -> float:
        """CPU time of all of its processes so far."""
        return sum(_cpu_s(process) for processes in self.processes().values() for process in processes)


def save_model(folder: Path) -> Path:
    """Write a model of random weights with the sizes of the recipe ``laptop``, whose texts never end by themselves."""
    texts = [text for of_emotion in SENTENCES.values() for of_language in of_emotion.values() for text in of_language]
    model, processor = build_initial_model(load_recipe("laptop", []).model, texts * 5, seed=0)
    with torch.no_grad():
        model.get_output_embeddings().weight[processor.end_token_id] = 0.0
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def load_model(folder: Path) -> AffectGPT:
    """Load the model as a model worker does."""
    return AffectGPT.from_pretrained(str(folder), "cpu")


@contextmanager
def served(model: Path, settings: Mapping[str, object]) -> Iterator[Service]:
    """Serve a model on this machine.

    Args:
        model: its folder.
        settings: of the service, as ``serve run`` takes them.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    ray.init(
        address="local", num_cpus=CLUSTER_CPUS, include_dashboard=False, log_to_driver=False, logging_level="warning"
    )
    try:
        serve.start(http_options={"host": "127.0.0.1", "port": port})
        serve.run(build({"model": str(model), **settings}), name="affectgpt", route_prefix="/")
        service = Service(f"http://127.0.0.1:{port}", model)
        _await_ready(service)
        yield service
    finally:
        serve.shutdown()
        ray.shutdown()


def _await_ready(service: Service) -> None:
    while httpx2.get(f"{service.url}/readyz").status_code != 200:
        time.sleep(0.1)


def _own_mib(process: psutil.Process) -> float:
    with contextlib.suppress(psutil.NoSuchProcess):
        return float(process.memory_full_info().uss) / 2**20
    return 0.0


def _cpu_s(process: psutil.Process) -> float:
    with contextlib.suppress(psutil.NoSuchProcess):
        times = process.cpu_times()
        return float(times.user + times.system)
    return 0.0
