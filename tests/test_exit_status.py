"""How each ending of a command is told to the shell and to the person."""

import errno
import signal
from collections.abc import Iterator

import pytest

from affectgpt.errors import JobError, RequestError, StoppedError
from affectgpt.exit_status import run_command

KEPT = "stopped; all is kept"
AGAIN = "run the same command again"


@pytest.fixture(autouse=True)
def handler() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize(
    ("error", "status", "told"),
    [
        (RequestError("no such folder; name another"), 2, "no such folder; name another"),
        (JobError("no engine came up"), 1, "no engine came up"),
        (StoppedError("a node was lost"), 3, "a node was lost"),
        (KeyboardInterrupt(), 3, KEPT),
        (OSError("AWS Error SLOW_DOWN"), 3, f"the object store fails (AWS Error SLOW_DOWN); {AGAIN} once it answers"),
        (OSError(errno.ENOSPC, "No room"), 3, f"a disk is full ([Errno 28] No room); make room, and {AGAIN}"),
    ],
)
def test_an_early_end_has_a_status_and_a_line(
    error: BaseException, status: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def action() -> None:
        raise error

    assert run_command("build", action, KEPT) == status
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", f"build: {told}\n")


def test_sigterm_stops_it_and_lets_it_close_what_is_open(capsys: pytest.CaptureFixture[str]) -> None:
    closed = []

    def action() -> None:
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            closed.append("file")

    assert run_command("build", action, KEPT) == 3
    assert closed == ["file"]
    assert capsys.readouterr().err == f"build: {KEPT}\n"


def test_what_is_done_is_done_quietly(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command("build", lambda: print("2 clips"), KEPT) == 0
    assert tuple(capsys.readouterr()) == ("2 clips\n", "")


def test_a_fault_of_the_program_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        run_command("build", lambda: print(1 // 0), KEPT)
