"""A cluster of one node that most jobs of a test process join: to start one takes longer than a small job."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from cluster.local.running import end, marked
from tests.ports import free_port

_AUTHENTICATION = {"RAY_AUTH_MODE": "disabled"}
_TRIES = 3


class SharedCluster:
    """Starts when the first job wants it."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._address = ""

    def environment(self) -> dict[str, str]:
        """What a job needs to join it; it is started for the first of them."""
        if self._folder is None:
            self._start()
        return {"RAY_ADDRESS": self._address, **_AUTHENTICATION}

    def _start(self) -> None:
        folder = Path(tempfile.mkdtemp(prefix="ray-"))
        environment = marked(folder, {**os.environ, **_AUTHENTICATION})
        # A port that is free now may be taken by somebody else before Ray listens on it.
        for _ in range(_TRIES):
            port = free_port()
            options = ["--head", f"--port={port}", "--node-ip-address=127.0.0.1", "--include-dashboard=false"]
            options += [f"--ray-client-server-port={free_port()}", f"--dashboard-agent-listen-port={free_port()}"]
            options += ["--min-worker-port=0", "--max-worker-port=0", "--num-cpus=2", "--num-gpus=0"]
            options += [f"--object-store-memory={512 << 20}", "--disable-usage-stats", f"--temp-dir={folder}"]
            command = [sys.executable, "-m", "ray.scripts.scripts", "start", *options]
            tried = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900, check=False)
            if tried.returncode == 0:
                self._folder, self._address = folder, f"127.0.0.1:{port}"
                return
            end(folder)
        raise RuntimeError(f"Ray does not start: {tried.stdout}{tried.stderr}")

    def end(self) -> None:
        """End it, if it was started."""
        if self._folder is not None:
            end(self._folder)
            shutil.rmtree(self._folder, ignore_errors=True)


SHARED_CLUSTER = SharedCluster()
