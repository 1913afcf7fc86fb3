"""Measures a command with everything that it starts, daemons included."""

import contextlib
import ctypes
import os
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

PR_SET_CHILD_SUBREAPER = 36
POLL_S = 0.1


@dataclass(frozen=True)
class Cost:
    """What a command cost: wall clock and CPU seconds, and the largest resident memory of its first process in MB."""

    wall_s: float
    cpu_s: float
    driver_mb: float
    output: str


def measure(
    command: Sequence[str],
    environment: Mapping[str, str] | None = None,
    watch: Callable[[], None] | None = None,
) -> Cost:
    """Run a command to its end and measure it with all its descendants; daemons that it orphans are adopted.

    CPU time is read while processes live, since Ray's daemons never wait for theirs: what a process does in its last
    tenth of a second is missed.

    Args:
        command: what to run; it must succeed.
        environment: added to this process's own.
        watch: called ten times a second while it runs.
    """
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    known = {child.pid for child in psutil.Process().children(recursive=True)}
    cpu_s: dict[tuple[int, float], float] = {}
    began = time.perf_counter()
    run = subprocess.Popen(
        command,
        env=os.environ | dict(environment or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said: list[str] = []
    reader = threading.Thread(target=lambda: said.append(run.stdout.read() if run.stdout else ""), daemon=True)
    reader.start()
    driver_kib = 0
    while run.poll() is None:
        driver_kib = max(driver_kib, _peak_resident_kib(run.pid))
        cpu_s |= _cpu_seconds(known)
        if watch is not None:
            watch()
        time.sleep(POLL_S)
    wall_s = time.perf_counter() - began
    _reap()
    reader.join(timeout=5)
    output = "".join(said)
    if run.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {run.returncode}:\n{output[-4000:]}")
    return Cost(wall_s, sum(cpu_s.values()), driver_kib * 1024 / 1e6, output)


def _cpu_seconds(known: set[int]) -> dict[tuple[int, float], float]:
    spent = {}
    for process in psutil.Process().children(recursive=True):
        if process.pid not in known:
            with contextlib.suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                spent[process.pid, process.create_time()] = times.user + times.system
    return spent


def _peak_resident_kib(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    lines = [line.split() for line in status.splitlines() if line.startswith("VmHWM")]
    return int(lines[0][1]) if lines else 0


def _reap() -> None:
    while True:
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return
