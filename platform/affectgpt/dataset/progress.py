"""A line on stderr, now and then, that says how far a run has come."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from affectgpt.dataset.ledger import Folder, rows_in

EVERY_S = 5.0
WAITS_S = 30.0


@contextmanager
def progress(verb: str, noun: str, total: int, before: int, done: Folder) -> Iterator[None]:
    """Say every few seconds how far a run has come, how fast, and how long it may take.

    Args:
        verb: what is being done.
        noun: to what.
        total: to how many of them.
        before: how many of them were finished by earlier runs.
        done: where finished rows are committed, those of earlier runs and of other recipes among them.
    """
    known: dict[str, int] = {}
    at_start = rows_in(done, known)
    start = time.monotonic()
    finished = threading.Event()

    def watch() -> None:
        while not finished.wait(EVERY_S):
            fresh = rows_in(done, known) - at_start
            if before + fresh >= total and not fresh:
                continue  # There was nothing to do, and the cluster is still starting.
            seconds = time.monotonic() - start
            waits = "; see whether another job holds the cluster's CPUs" if not fresh and seconds >= WAITS_S else ""
            say(_line(verb, noun, before, fresh, total, seconds) + waits)

    say(f"{verb} {total} {noun}" + (f" ({before} have been done before)" if before else ""))
    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        finished.set()
        watcher.join()


def _line(verb: str, noun: str, before: int, fresh: int, total: int, seconds: float) -> str:
    rate = fresh / seconds
    done = min(before + fresh, total)
    left = f", about {_duration((total - done) / rate)} left" if rate > 0 else ""
    return f"{verb}: {done} of {total} {noun}, {rate:.1f}/s{left}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(max(seconds, 0)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def say(line: str) -> None:
    """Tell the person who watches."""
    print(line, file=sys.stderr, flush=True)
