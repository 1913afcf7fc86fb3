import ctypes
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest
from numpy.typing import NDArray

from affectgpt.clips.isolation import IsolatedProcess
from affectgpt.errors import ClipError


def double(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return values * 2


def process_id() -> int:
    return os.getpid()


def refuse(uri: str) -> None:
    raise ClipError("not-media", f"{uri} is a poem")


def crash(uri: str) -> None:
    ctypes.string_at(0)


def end(uri: str) -> None:
    sys.stderr.write("the last words")
    sys.stderr.flush()
    os.kill(os.getpid(), signal.SIGKILL)


def hang(uri: str) -> None:
    time.sleep(1000)


def hang_without_a_word(uri: str) -> None:
    """Hang in native code that never lets another thread of the interpreter run."""
    re.match("(a+)+$", "a" * 64 + uri)


def devour(uri: str) -> int:
    return sum(np.ones(1 << 28, np.uint8).nbytes for _ in [[np.ones(1 << 30, np.uint8) for _ in range(4)]])


def misprogrammed(uri: str) -> None:
    {}["a missing key"]


def test_arrays_go_there_and_back() -> None:
    values = np.arange(1_000_000, dtype=np.float32)
    with IsolatedProcess() as isolated:
        assert np.array_equal(isolated.call(double, values), values * 2)


def test_one_process_answers_all_calls() -> None:
    with IsolatedProcess() as isolated:
        first = isolated.call(process_id)
        assert first != os.getpid()
        assert isolated.call(process_id) == first
    assert not psutil.pid_exists(first)


def test_a_refusal_comes_back_as_it_is_and_the_process_stays() -> None:
    with IsolatedProcess() as isolated:
        before = isolated.call(process_id)
        with pytest.raises(ClipError, match=r"a\.mp4 is a poem") as refused:
            isolated.call(refuse, "a.mp4")
        assert refused.value.reason == "not-media"
        assert isolated.call(process_id) == before


@pytest.mark.parametrize(
    ("function", "reason", "said"),
    [
        (crash, "decoder-crashed", "SIGSEGV"),
        (end, "decoder-crashed", "the last words"),
        (hang, "decoder-timeout", "more than 1.0 s"),
        (devour, "decoder-out-of-memory", "1 GiB"),
    ],
)
def test_what_goes_wrong_costs_that_call_only(function, reason: str, said: str) -> None:
    with IsolatedProcess(timeout_s=1.0 if function is hang else 30.0, memory_gib=1.0) as isolated:
        with pytest.raises(ClipError) as failed:
            isolated.call(function, "bad clip.mp4")
        assert failed.value.reason == reason
        assert said in failed.value.message
        assert "bad clip.mp4" in failed.value.message
        assert isolated.call(process_id) != os.getpid()


def test_an_error_of_the_program_is_not_taken_for_a_bad_clip() -> None:
    with IsolatedProcess() as isolated, pytest.raises(RuntimeError, match="a missing key"):
        isolated.call(misprogrammed, "a.mp4")


@pytest.mark.parametrize("hanging", [hang, hang_without_a_word])
def test_the_child_does_not_outlive_a_killed_parent(hanging: Callable[[str], None], tmp_path: Path) -> None:
    """The parent is killed while its child hangs."""
    told = tmp_path / "pid"
    program = (
        "from pathlib import Path; import tests.clips.test_isolation as here; one = here.IsolatedProcess();"
        f"Path({str(told)!r}).write_text(str(one.call(here.process_id))); one.call(here.{hanging.__name__}, 'x')"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    parent = subprocess.Popen([sys.executable, "-c", program], env=environment)
    while not (told.exists() and told.read_text()):
        assert parent.poll() is None
        time.sleep(0.02)
    child = psutil.Process(int(told.read_text()))
    parent.kill()
    parent.wait()
    child.wait(timeout=20)
