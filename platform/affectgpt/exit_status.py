"""How a command ends: its exit status, and the line on stderr that says why it ended early."""

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

from affectgpt.dataset.progress import say
from affectgpt.errors import (
    DISK_FULL,
    STORE_FAILS,
    JobError,
    RequestError,
    StoppedError,
    is_disk_full,
    is_store_failure,
)

DONE, FAILED, REFUSED, STOPPED = 0, 1, 2, 3


def run_command(name: str, action: Callable[[], None], stopped: str) -> int:
    """Do what a command does and return its exit status; SIGTERM then stops the process as Ctrl-C does.

    Args:
        name: of the command; begins the line on stderr.
        action: what it does. It raises ``RequestError``, ``JobError`` or ``StoppedError`` where it cannot be done, or
            an ``OSError`` where a disk is full or an object store fails; any other error is a fault of the program and
            passes through.
        stopped: what a person is told who stopped it: what is kept, and how it goes on.

    Returns:
        ``DONE``, ``FAILED`` for a failed job, ``REFUSED`` for a wrong request, or ``STOPPED`` half-way.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        action()
    except RequestError as error:
        say(f"{name}: {error}")
        return REFUSED
    except JobError as error:
        say(f"{name}: {error}")
        return FAILED
    except StoppedError as error:
        say(f"{name}: {error}")
        return STOPPED
    except KeyboardInterrupt:
        say(f"{name}: {stopped}")
        return STOPPED
    except BrokenPipeError:
        # Who reads what is printed has seen enough; Python would complain when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        if is_disk_full(error):
            say(f"{name}: {DISK_FULL} ({error}); make room, and run the same command again")
        elif is_store_failure(error):
            say(f"{name}: {STORE_FAILS} ({error}); run the same command again once it answers")
        else:
            raise
        return STOPPED
    return DONE


def _interrupt(signum: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
