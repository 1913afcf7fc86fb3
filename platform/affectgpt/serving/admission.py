"""How many requests an ingress holds at a time."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from affectgpt.serving.refusals import RefusedError

_RETRY_AFTER_S: Final = 1.0


class Admission:
    """Counts the requests that wait or are worked on, and refuses more than a number of them."""

    def __init__(self, most: int, on_change: Callable[[int], None] = lambda held: None) -> None:
        """Set up.

        Args:
            most: requests at a time.
            on_change: told the number whenever it changes.
        """
        self._most = most
        self._held = 0
        self._on_change = on_change

    @contextmanager
    def place(self) -> Iterator[None]:
        """Hold a place as long as the context lasts.

        Raises:
            RefusedError: 429, all places are taken.
        """
        if self._held >= self._most:
            raise RefusedError(
                429,
                "queue-full",
                f"{self._held} requests are waiting already; come again",
                retry_after_s=_RETRY_AFTER_S,
            )
        self._change(+1)
        try:
            yield
        finally:
            self._change(-1)

    def _change(self, by: int) -> None:
        self._held += by
        self._on_change(self._held)
