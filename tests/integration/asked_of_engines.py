"""What the engines of the service are asked, alike in both environments."""

from dataclasses import replace

import numpy as np

from affectgpt.clips.clip import Clip
from affectgpt.clips.decoding import DecodeSettings
from affectgpt.clips.media import SAMPLE_RATE
from affectgpt.inference.asking import Query
from affectgpt.inference.reading import Read
from affectgpt.serving.engines.engine import made_up_clip
from tests.media import picture, tone

TOKENS = 24
BATCH_SIZE = 3


def clip(number: int) -> Read:
    """A clip that differs from others in its pictures, its sound and its words."""
    made = made_up_clip(DecodeSettings(4, 32))
    frames = np.stack([picture(13 * number + shown, 32, 32) for shown in range(4)])
    media = replace(made.media, frames=frames, sound=tone(0.6 + 0.2 * number, SAMPLE_RATE))
    return Read(Clip(f"clip-{number}", f"clip-{number}", subtitle="Good morning. " * number or None), media)


def without_video(read: Read) -> Read:
    return replace(read, media=replace(read.media, frames=read.media.frames[:0], frames_expected=0, has_video=False))


QUERIES = [
    Query(clip(0), max_new_tokens=TOKENS),
    Query(clip(1), "zh", max_new_tokens=TOKENS),
    Query(without_video(clip(2)), max_new_tokens=TOKENS),
    Query(without_video(clip(3)), "zh", max_new_tokens=TOKENS),
    Query(clip(1), question="What is to be heard in this clip?", max_new_tokens=2 * TOKENS),
    Query(clip(0), max_new_tokens=3),
    Query(replace(clip(0), clip=Clip("long", "long", subtitle="word " * 2000)), max_new_tokens=TOKENS),
    *(Query(clip(number), max_new_tokens=TOKENS) for number in range(4, 8)),
]
