"""The service with which the demo ends, at a terminal: it stays until Ctrl-C."""

import contextlib
import json
import os
import pty
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from affectgpt.training.initial_model import build_initial_model
from tests.integration.conftest import PROJECT
from tests.media import Sound, Video, write_media
from tests.training.features.made import SMALL

pytestmark = pytest.mark.cluster

# What a shell starts in its background ignores Ctrl-C, and so would what these tests start there.
SCRIPT = """
import signal, sys
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)
from affectgpt.demo.serving import Question, is_attended, serve_model
model, samples, clip = map(Path, sys.argv[1:4])
serve_model(model, samples, Question(clip, "Good morning."), int(sys.argv[4]), keep=is_attended())
print("ended")
"""


@contextlib.contextmanager
def started(command: list[object], terminal: int) -> Iterator[subprocess.Popen[str]]:
    """Start a command at a terminal."""
    with subprocess.Popen(
        list(map(str, command)),
        stdin=terminal,
        stdout=subprocess.PIPE,
        text=True,
        cwd=PROJECT,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_the_service_stays_until_ctrl_c_and_then_all_is_well(tmp_path: Path) -> None:
    for part in build_initial_model(SMALL, ["She feels calm.", "He feels sad."] * 20, seed=0):
        part.save_pretrained(tmp_path / "model")
    clip = write_media(tmp_path / "clip.mp4", Video(), Sound())
    samples = tmp_path / "samples"
    samples.mkdir()
    shutil.copy(clip, samples)
    ours, terminal = pty.openpty()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-c", SCRIPT, tmp_path / "model", samples, clip, str(port)]
        with started(command, terminal) as demo:
            assert demo.stdout is not None
            said = []
            for line in demo.stdout:
                said.append(line)
                if "Ctrl-C ends it" in line:
                    break
            text = "".join(said)
            assert f"port {port} is taken; the service takes " in text
            described, _ = json.JSONDecoder().raw_decode(text, text.index("{"))
            assert described["clip"]["seen"] and described["clip"]["subtitle"] == "Good morning."
            assert described["tokens"]["description"] > 0
            url = text.partition("Open ")[2].split()[0]
            assert "<!DOCTYPE html>" in httpx2.get(url).text
            assert [sample["name"] for sample in httpx2.get(f"{url}/page/samples.json").json()] == ["clip.mp4"]
            demo.send_signal(signal.SIGINT)
            assert demo.wait(timeout=300) == 0
            assert demo.stdout.read().split() == ["ending", "the", "service", "ended"]
    for end in (ours, terminal):
        os.close(end)
