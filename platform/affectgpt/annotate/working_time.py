"""How long a piece of work took in a process whose threads work at once."""

import time
from collections.abc import Callable
from threading import Lock


class SharedTime:
    """A clock for threads of one process: each moment is shared evenly among those that work in it.

    What is charged adds up to the time in which any of them worked, so that a report's seconds stay seconds however
    many batches overlap.
    """

    def __init__(self, now: Callable[[], float] = time.perf_counter) -> None:
        """Start the clock.

        Args:
            now: tells the time, in seconds.
        """
        self._now = now
        self._lock = Lock()
        self._working = 0
        self._since = 0.0
        self._share = 0.0

    def begin(self) -> float:
        """Begin to work; what is returned is for ``end``."""
        return self._advance(1)

    def end(self, began: float) -> float:
        """Say how many seconds are charged to the work that began then, and end it."""
        return self._advance(-1) - began

    def _advance(self, workers: int) -> float:
        with self._lock:
            now = self._now()
            if self._working:
                self._share += (now - self._since) / self._working
            self._since = now
            self._working += workers
            return self._share
