"""Measures a command with everything that it starts, daemons included."""

import ctypes
import os
import resource
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
POLL_S = 0.1


@dataclass(frozen=True)
class Cost:
    """What a command cost: wall clock and CPU seconds, and the driver's largest resident memory in MiB."""

    wall_s: float
    cpu_s: float
    driver_mib: float
    output: str


def measure(
    command: Sequence[str],
    environment: Mapping[str, str] | None = None,
    watch: Callable[[], None] | None = None,
) -> Cost:
    """Run a command to its end and measure it; orphans that it leaves are adopted, so that their CPU time counts.

    Args:
        command: what to run; it must succeed.
        environment: added to this process's own.
        watch: called ten times a second while it runs.
    """
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
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
        driver_kib = max(driver_kib, _resident_kib(run.pid))
        if watch is not None:
            watch()
        time.sleep(POLL_S)
    wall_s = time.perf_counter() - began
    _reap()
    reader.join(timeout=5)
    output = "".join(said)
    if run.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {run.returncode}:\n{output[-4000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(wall_s, cpu_s, driver_kib / 1024, output)


def _resident_kib(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    lines = [line.split() for line in status.splitlines() if line.startswith("VmRSS")]
    return int(lines[0][1]) if lines else 0


def _reap() -> None:
    while True:
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return
