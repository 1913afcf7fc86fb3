"""Small talking clips for tests of whole jobs: a moving square and a humming voice, different for each seed."""

from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

RATE = 16_000


def write_clip(path: Path, seed: int = 0, seconds: float = 1.0) -> Path:
    """Write a clip of 64 x 64 pixels with sound, in the container of its suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", format="mp4") as container:
        video = container.add_stream("libx264", rate=10)
        video.width = video.height = 64
        video.pix_fmt = "yuv420p"
        audio = container.add_stream("aac", rate=RATE, layout="mono")
        for number in range(int(seconds * 10)):
            picture = np.full((64, 64, 3), (seed * 37) % 200, np.uint8)
            picture[number : number + 16, seed % 40 : seed % 40 + 16] = 255
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        sound = av.AudioFrame.from_ndarray(_babble(seconds, seed)[None], format="fltp", layout="mono")
        sound.sample_rate = RATE
        container.mux([*audio.encode(sound), *audio.encode(None), *video.encode(None)])
    return path


def _babble(seconds: float, seed: int) -> NDArray[np.float32]:
    """A buzzing voice whose pitch glides and whose level rises and falls with about four syllables a second."""
    times = np.arange(int(seconds * RATE)) / RATE
    pitch = (110 + seed % 90) * 2 ** (0.3 * np.sin(2 * np.pi * 1.3 * times + seed))
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    buzz = sum(np.sin(k * phase) / k for k in range(1, 25))
    return (0.15 * buzz * (0.1 + np.sin(2 * np.pi * 2 * times) ** 2)).astype(np.float32)


def write_clips(folder: Path, count: int) -> Path:
    """Write clips that all differ; the later ones are the first ones with other bytes behind their end."""
    encoded = [write_clip(folder / f"{number:05d}.mp4", seed=number) for number in range(min(count, 20))]
    for number in range(len(encoded), count):
        content = encoded[number % len(encoded)].read_bytes()
        (folder / f"{number:05d}.mp4").write_bytes(content + b"\0\0\0\x0cfree" + number.to_bytes(4, "big"))
    return folder
