"""Runs functions in a child process, so that a crash, a hang or a memory bomb costs one clip and not the job.

The child is a fresh Python process and talks over a socket. A message is a pickle (protocol 5) whose large buffers
travel beside it and are received in place. The child's standard input is its life line: when the parent is gone, in
whatever way, the kernel ends the child by SIGIO, even while it hangs in native code.
"""

import faulthandler
import fcntl
import os
import pickle
import resource
import signal
import socket
import struct
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar, cast

from affectgpt.errors import ClipError

_START_TIMEOUT_S = 120.0
# The child ends itself this much after the parent should have ended it.
_GRACE_S = 5.0
_STDERR_TAIL_BYTES = 4096
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

P = ParamSpec("P")
R = TypeVar("R")


class IsolatedProcess:
    """A child process that runs one function after another; it is started by the first call and used again.

    Not for use by several threads at once.
    """

    def __init__(self, timeout_s: float = 60.0, memory_gib: float = 4.0) -> None:
        """Set the limits; nothing is started yet.

        Args:
            timeout_s: how long a call may take.
            memory_gib: how much address space a call may add to what the child has after its imports.
        """
        self._timeout_s = timeout_s
        self._memory_bytes = int(memory_gib * 2**30)
        self._child: _Child | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the child; a later call starts another one."""
        if self._child is not None:
            self._child.kill()
            self._child = None

    def call(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a module-level function in the child and return what it returns.

        Raises:
            ClipError: what the function raised; or ``decoder-timeout``, ``decoder-crashed``, ``decoder-out-of-memory``.
            RuntimeError: the function raised anything else, or the child cannot start: an error of the program.
        """
        if self._child is not None and not self._child.is_alive():
            self.close()
        if self._child is None:
            self._child = _Child(self._timeout_s, self._memory_bytes)
        clip = "".join(str(getattr(argument, "uri", argument)) for argument in args[:1])[:500]
        try:
            outcome, value = self._child.ask((function, args, kwargs), self._timeout_s)
        except TimeoutError:
            self.close()
            raise ClipError(
                "decoder-timeout", f"{function.__name__} of {clip} took more than {self._timeout_s} s and was ended"
            ) from None
        except ConnectionError:
            died = self._child.describe_death()
            self.close()
            raise ClipError("decoder-crashed", f"{function.__name__} of {clip} ended the process {died}") from None
        except BaseException:
            # The answer to this call must not be taken for the answer to the next one.
            self.close()
            raise
        if outcome == "returned":
            return cast(R, value)
        if outcome == "refused":
            raise cast(ClipError, value)
        if outcome == "out of memory":
            self.close()
            limit_gib = self._memory_bytes / 2**30
            raise ClipError(
                "decoder-out-of-memory", f"{function.__name__} of {clip} needs more than {limit_gib:g} GiB of memory"
            )
        raise RuntimeError(f"{function.__name__} failed in the decoder process:\n{value}")


class _Child:
    """The parent's side of one child process."""

    def __init__(self, timeout_s: float, memory_bytes: int) -> None:
        self._socket, theirs = socket.socketpair()
        self._stderr = os.memfd_create("stderr of the decoder process")
        search_path = os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path)
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-P",
                "-m",
                "affectgpt.clips.isolation",
                str(theirs.fileno()),
                str(timeout_s),
                str(memory_bytes),
            ],
            stdin=subprocess.PIPE,
            stdout=self._stderr,
            stderr=self._stderr,
            pass_fds=[theirs.fileno()],
            env=os.environ | _ONE_THREAD | {"PYTHONPATH": search_path},
        )
        theirs.close()
        try:
            _receive(self._socket, time.monotonic() + _START_TIMEOUT_S)
        except (ConnectionError, TimeoutError):
            died = self.describe_death()
            self.kill()
            raise RuntimeError(f"the decoder process did not start; it ended {died}") from None

    def ask(self, request: Any, timeout_s: float) -> tuple[str, Any]:
        """Send a request and wait for its outcome.

        Raises:
            TimeoutError: it took too long.
            ConnectionError: the child died.
        """
        deadline = time.monotonic() + timeout_s
        self._socket.settimeout(timeout_s)
        _send(self._socket, _pack(request))
        outcome, value = _unpack(_receive(self._socket, deadline))
        return outcome, value

    def is_alive(self) -> bool:
        """Whether the child still runs."""
        return self._process.poll() is None

    def describe_death(self) -> str:
        """Say how the child ended and what it wrote last."""
        try:
            status = self._process.wait(timeout=_GRACE_S)
        except subprocess.TimeoutExpired:
            return "by closing its connection"
        how = f"with exit status {status}" if status >= 0 else f"by {signal.Signals(-status).name}"
        if status == -signal.SIGKILL:
            how += " (the kernel sends it when the machine runs out of memory)"
        written = os.fstat(self._stderr).st_size
        tail = os.pread(self._stderr, _STDERR_TAIL_BYTES, max(0, written - _STDERR_TAIL_BYTES))
        return f"{how}; it wrote: {tail.decode(errors='replace').strip() or 'nothing'}"

    def kill(self) -> None:
        """End the child and give back all that belongs to it."""
        self._process.kill()
        self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._socket.close()
        os.close(self._stderr)


def _pack(message: object) -> list[memoryview]:
    """Pickle a message; the first part is the pickle, the others are the buffers that it refers to."""
    buffers: list[pickle.PickleBuffer] = []
    body = pickle.dumps(message, protocol=5, buffer_callback=buffers.append)
    return [memoryview(body), *(buffer.raw() for buffer in buffers)]


def _unpack(parts: Sequence[bytearray]) -> Any:
    body, *buffers = parts
    return pickle.loads(body, buffers=buffers)


def _send(connection: socket.socket, parts: Sequence[memoryview]) -> None:
    header = struct.pack(f"<Q{len(parts)}Q", len(parts), *(part.nbytes for part in parts))
    connection.sendall(header + parts[0])
    for part in parts[1:]:
        connection.sendall(part)


def _receive(connection: socket.socket, deadline: float | None = None) -> list[bytearray]:
    (count,) = struct.unpack("<Q", _receive_exactly(connection, 8, deadline))
    sizes = struct.unpack(f"<{count}Q", _receive_exactly(connection, 8 * count, deadline))
    return [_receive_exactly(connection, size, deadline) for size in sizes]


def _receive_exactly(connection: socket.socket, size: int, deadline: float | None) -> bytearray:
    data = bytearray(size)
    missing = memoryview(data)
    while missing:
        if deadline is not None:
            connection.settimeout(max(1e-6, deadline - time.monotonic()))
        count = connection.recv_into(missing)
        if count == 0:
            raise ConnectionResetError("the other process is gone")
        missing = missing[count:]
    return data


def _serve(connection: socket.socket, timeout_s: float, memory_bytes: int) -> None:
    """Answer requests in the child until the parent is gone."""
    # What clips are decoded with is imported now, so that it counts neither as a call's time nor as its memory.
    import affectgpt.clips.decoding  # noqa: F401

    address_space = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (address_space + memory_bytes,) * 2)
    _send(connection, _pack("ready"))
    while True:
        try:
            request = _receive(connection)
        except ConnectionError:
            return
        os.ftruncate(sys.stderr.fileno(), 0)
        os.lseek(sys.stderr.fileno(), 0, os.SEEK_SET)
        # The default action of SIGALRM ends the process, whatever it is doing.
        signal.setitimer(signal.ITIMER_REAL, timeout_s + _GRACE_S)
        answer = _answer(request)
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        _send(connection, answer)


def _answer(request: Sequence[bytearray]) -> list[memoryview]:
    """Run what a request asks for and pack its outcome."""
    try:
        function, args, kwargs = _unpack(request)
        return _pack(("returned", function(*args, **kwargs)))
    except ClipError as error:
        return _pack(("refused", error))
    except MemoryError:
        return _pack(("out of memory", None))
    except Exception:
        return _pack(("failed", traceback.format_exc()))


def _main() -> None:
    descriptor, timeout_s, memory_bytes = sys.argv[1:]
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    fcntl.fcntl(sys.stdin.fileno(), fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(sys.stdin.fileno(), fcntl.F_SETFL, fcntl.fcntl(sys.stdin.fileno(), fcntl.F_GETFL) | os.O_ASYNC)
    faulthandler.enable()
    _serve(socket.socket(fileno=int(descriptor)), float(timeout_s), int(memory_bytes))


if __name__ == "__main__":
    _main()
