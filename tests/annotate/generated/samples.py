"""Samples for tests of generated steps, and the model that does them."""

from typing import Any

import numpy as np

from affectgpt.annotate.language_model.models import OpenAIModel
from affectgpt.annotate.sample import Clue, Sample
from affectgpt.clips.clip import Clip
from affectgpt.clips.media import Media
from tests.annotate.language_model.chat_server import ChatServer


def model(server: ChatServer, **settings: Any) -> OpenAIModel:
    """The model "tiny" of a server."""
    return OpenAIModel(engine="openai", model="tiny", base_url=server.base_url, max_retries=0, **settings)


def media(frames: int = 3, sound_s: float = 1.0) -> Media:
    """Grey frames, each lighter than the one before, and noise."""
    pictures = np.stack([np.full((8, 12, 3), 40 * n, np.uint8) for n in range(frames)]) if frames else None
    return Media(
        frames=np.zeros((0, 8, 12, 3), np.uint8) if pictures is None else pictures,
        frame_times_s=np.arange(frames) / 4,
        frames_expected=frames,
        sound=np.linspace(-1, 1, int(16_000 * sound_s), dtype=np.float32),
        duration_s=1.5,
        has_video=frames > 0,
        has_audio=sound_s > 0,
    )


def sample(clip_id: str = "one", subtitle: str | None = None, **known: Any) -> Sample:
    """A sample; ``visual`` and ``acoustic`` are given as text."""
    clues = {name: Clue(known.pop(name)) for name in ("visual", "acoustic") if name in known}
    return Sample(Clip(clip_id, f"/in/{clip_id}.mp4", subtitle=subtitle), **clues, **known)
