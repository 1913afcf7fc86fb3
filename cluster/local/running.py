"""A cluster of several nodes on this machine: where it is written down, and which processes belong to it."""

import contextlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import psutil

from affectgpt.errors import JobError, RequestError

MARK: Final = "AFFECTGPT_LOCAL_CLUSTER"
"""An environment variable of every process of the cluster, jobs included: the folder of the cluster."""

_FILE: Final = "cluster.json"
_END_S: Final = 15.0


def default_folder() -> Path:
    """Where this user's cluster keeps its files, unless told otherwise; Ray's sockets want a short path."""
    return Path(tempfile.gettempdir()) / f"affectgpt-cluster-{os.getuid()}"


@dataclass(frozen=True)
class LocalCluster:
    """A cluster that ``start`` started.

    Attributes:
        folder: of its sessions, logs and sockets.
        address: what ``RAY_ADDRESS`` names for a driver that joins it.
        dashboard: URL of its dashboard, which also takes jobs.
        auth_mode: ``RAY_AUTH_MODE`` of its processes, which clients need as well.
        nodes: how many there are, the head among them.
    """

    folder: str
    address: str
    dashboard: str
    auth_mode: str
    nodes: int

    def save(self) -> None:
        """Write it down, for ``find``."""
        (Path(self.folder) / _FILE).write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")

    def client_environment(self) -> dict[str, str]:
        """The environment of what joins it or submits jobs to it."""
        return {"RAY_ADDRESS": self.address, "RAY_AUTH_MODE": self.auth_mode}


def find(folder: Path) -> LocalCluster:
    """Read which cluster runs in a folder.

    Raises:
        RequestError: none does.
    """
    file = folder / _FILE
    if not file.exists() or not processes_of(folder):
        raise RequestError(f"no cluster runs in {folder}; start one: make cluster-local")
    return LocalCluster(**json.loads(file.read_text(encoding="utf-8")))


def marked(folder: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of the cluster's processes: another one with the mark, and of no other cluster."""
    return {**environment, MARK: str(folder)} | {"RAY_ADDRESS": ""}


def processes_of(folder: Path) -> list[psutil.Process]:
    """List the processes of the cluster of a folder: those that carry its mark, whoever started them."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get(MARK) == str(folder) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return [process for process in found if process.pid != os.getpid()]


def end(folder: Path) -> int:
    """End the cluster of a folder, its jobs included, and return how many processes that were.

    Raises:
        JobError: some do not end, not even when they are killed.
    """
    ended: set[int] = set()
    # Those that are told to end may start others until they have.
    for kill in (False, True):
        for process in (processes := processes_of(folder)):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill() if kill else process.terminate()
        psutil.wait_procs(processes, timeout=_END_S)
        ended.update(process.pid for process in processes)
    left = processes_of(folder)
    if left:
        raise JobError(f"these processes of the cluster do not end: {', '.join(str(process.pid) for process in left)}")
    (folder / _FILE).unlink(missing_ok=True)
    return len(ended)
