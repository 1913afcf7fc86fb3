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


class SharedCluster:
    """Starts when the first job wants it."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._address = ""

    def environment(self) -> dict[str, str]:
        """What a job needs to join it; it is started for the first of them."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="ray-"))
            self._address = f"127.0.0.1:{free_port()}"
            options = ["--head", f"--port={self._address.partition(':')[2]}", "--node-ip-address=127.0.0.1"]
            options += ["--include-dashboard=false", f"--ray-client-server-port={free_port()}"]
            options += [f"--dashboard-agent-listen-port={free_port()}", "--min-worker-port=0", "--max-worker-port=0"]
            options += ["--num-cpus=2", "--num-gpus=0", f"--object-store-memory={512 << 20}", "--disable-usage-stats"]
            environment = {**os.environ, **_AUTHENTICATION}
            start = [sys.executable, "-m", "ray.scripts.scripts", "start", *options, f"--temp-dir={self._folder}"]
            subprocess.run(start, env=marked(self._folder, environment), check=True, capture_output=True, timeout=200)
        return {"RAY_ADDRESS": self._address, **_AUTHENTICATION}

    def end(self) -> None:
        """End it, if it was started."""
        if self._folder is not None:
            end(self._folder)
            shutil.rmtree(self._folder, ignore_errors=True)


SHARED_CLUSTER = SharedCluster()
