"""What a model worker runs a model with; every engine says the same of the same clip."""

from collections.abc import Callable
from typing import Final, Protocol

import numpy as np

from affectgpt.clips.clip import Clip
from affectgpt.clips.decoding import DecodeSettings
from affectgpt.clips.media import SAMPLE_RATE, Media
from affectgpt.errors import ClipError
from affectgpt.inference.asking import Answer, Query
from affectgpt.inference.reading import Read
from affectgpt.serving.batching import Done
from affectgpt.serving.exchange import ModelFacts

OnText = Callable[[str], None]
Outcome = Done[Answer | ClipError]

WARM_UP_TOKENS: Final = 2


class Engine(Protocol):
    """A model that is loaded and describes the clips of many callers at a time."""

    @property
    def facts(self) -> ModelFacts:
        """What is known of the model."""
        ...

    def check(self, query: Query) -> None:
        """See that a query is what the model can do.

        Raises:
            RequestError: it is not; the message says what.
        """
        ...

    async def answer(self, query: Query, on_text: OnText | None = None) -> Outcome:
        """Describe a clip; when the caller is cancelled, the model stops writing for it.

        Args:
            query: one that ``check`` lets pass.
            on_text: told the text so far as it grows, in the caller's event loop.
        """
        ...

    async def check_health(self) -> None:
        """See that the engine runs; the first call also lets it describe a made-up clip.

        Raises:
            RequestError: the engine cannot run this model.
            RuntimeError: it has broken down, and another worker has to take its place.
        """
        ...

    def close(self) -> None:
        """End what the engine started."""
        ...


def made_up_clip(decoding: DecodeSettings) -> Read:
    """Make a second of grey silence, as a model takes it."""
    side = decoding.frame_size
    frames = np.full((decoding.frames, side, side, 3), 127, np.uint8)
    times_s = np.linspace(0.0, 1.0, len(frames), endpoint=False)
    media = Media(frames, times_s, len(frames), np.zeros(SAMPLE_RATE, np.float32), 1.0, True, True)
    return Read(Clip("warm-up", "warm-up", subtitle="Good morning."), media)
