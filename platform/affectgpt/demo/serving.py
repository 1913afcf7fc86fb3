"""The end of the demo: the trained model as a service, asked once by ``curl``."""

import json
import logging
import os
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

from affectgpt.client import Client, ServiceError
from affectgpt.errors import ClipError, JobError

HOST = "127.0.0.1"
PORT = 8000
_NAME = "affectgpt"
_PORTS_TRIED = 100


@dataclass(frozen=True, slots=True)
class Question:
    """A clip that the service is asked about, with what is said in it."""

    clip: Path
    subtitle: str


def serve_model(model: Path, samples: Path, question: Question, first_port: int, keep: bool) -> None:
    """Serve a model on a Ray cluster of its own, ask it about a clip, and show command, answer and address.

    Args:
        model: its folder.
        samples: a folder of clips that the page offers.
        question: what it is asked.
        first_port: the service takes it, or the next one that is free.
        keep: whether the service stays until Ctrl-C; otherwise it ends behind the answer.

    Raises:
        JobError: no port is free, or there is no answer.
    """
    port = free_port(first_port)
    if port != first_port:
        print(f"port {first_port} is taken; the service takes {port}")
    print("starting the service", flush=True)
    with _served(model, samples, port) as url:
        ask(url, question)
        print(f"\nOpen {url} in a browser: the page describes your clips, and offers those below {samples}", flush=True)
        if keep:
            _wait()


def is_attended() -> bool:
    """Whether somebody at a terminal can end what stays."""
    return sys.stdin is not None and sys.stdin.isatty()


def ask(url: str, question: Question) -> None:
    """Ask a service, and show the command, which can be pasted, with its answer.

    Raises:
        JobError: there is no answer.
    """
    command = ["curl", "-s", f"{url}/v1/describe", "-F", f"file=@{question.clip}"]
    command += ["--form-string", f"subtitle={question.subtitle}"]
    print(f"$ {shlex.join(command)}", flush=True)
    answer = _by_curl(command) if shutil.which("curl") else _by_python(url, question)
    print(json.dumps(answer, ensure_ascii=False, indent=2), flush=True)


def free_port(first: int) -> int:
    """Find a port of this machine that nobody listens on, from one on upwards.

    Raises:
        JobError: many in a row are taken.
    """
    for port in range(first, first + _PORTS_TRIED):
        try:
            socket.create_server((HOST, port)).close()
        except OSError:
            continue
        return port
    raise JobError(f"the ports from {first} to {port} of {HOST} are all taken; end what listens on one of them")


@contextmanager
def _served(model: Path, samples: Path, port: int) -> Iterator[str]:
    """Serve a model, and give the address of the service."""
    # Importing Ray Serve takes seconds, which the steps before should not cost.
    import ray
    from ray import serve

    from affectgpt.dataset.connection import connect
    from affectgpt.serving.application import build

    logging.getLogger("ray.serve").setLevel(logging.WARNING)
    # On a cluster that runs already, somebody else may serve.
    os.environ["RAY_ADDRESS"] = "local"
    connect(show_workers=False)
    try:
        serve.start(http_options={"host": HOST, "port": port})
        serve.run(build({"model": str(model), "samples": str(samples)}), name=_NAME, route_prefix="/")
        yield f"http://{HOST}:{port}"
        # Requests that are still worked on are answered, and their files deleted.
        serve.delete(_NAME)
    finally:
        ray.shutdown()


def _by_curl(command: list[str]) -> dict[str, Any]:
    asked = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        answer: dict[str, Any] = json.loads(asked.stdout)
    except ValueError:
        raise JobError(f"curl got no answer from {command[2]} (exit status {asked.returncode})") from None
    if "error" in answer:
        raise JobError(f"the service gave no answer: {answer['error']}")
    return answer


def _by_python(url: str, question: Question) -> dict[str, Any]:
    print("(curl is not installed; Python asks the same)", flush=True)
    with Client(url) as client:
        try:
            return client.describe(question.clip, subtitle=question.subtitle).model_dump()
        except (ClipError, ServiceError) as error:
            raise JobError(f"the service gave no answer: {error}") from error


def _wait() -> None:
    print("The service is up; Ctrl-C ends it", flush=True)
    try:
        Event().wait()
    except KeyboardInterrupt:
        print("\nending the service", flush=True)
