"""Samples for tests of measures: real clips, and the same clips encoded again."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from affectgpt.annotate.sample import Sample
from affectgpt.clips.clip import Clip
from affectgpt.clips.decoding import DecodeSettings, decode
from affectgpt.clips.media import SAMPLE_RATE, Media


def sample_of(media: Media) -> Sample:
    return Sample(Clip("clip", "clip.mp4"), media)


def decoded(path: Path, frames: int = 8) -> Media:
    return decode(Clip(path.stem, str(path)), DecodeSettings(frames=frames))


def encoded_again(media: Media, path: Path, size: tuple[int, int] = (180, 144)) -> Path:
    """Write a clip with small pictures at a low bitrate, and its sound as Opus of 24 kbit/s."""
    rate = Fraction(len(media.frames)) / Fraction(media.duration_s).limit_denominator(1000)
    with av.open(path, "w") as output:
        video = output.add_stream("libx264", rate=rate.limit_denominator(1000), options={"crf": "35"})
        sound = output.add_stream("libopus", rate=48_000, layout="mono")
        assert isinstance(video, VideoStream)
        assert isinstance(sound, AudioStream)
        video.width, video.height, video.pix_fmt, sound.bit_rate = *size, "yuv420p", 24_000
        for picture in media.frames:
            frame = VideoFrame.from_ndarray(picture, "rgb24").reformat(*size, format="yuv420p")
            output.mux(video.encode(frame))
        output.mux(video.encode(None))
        samples = AudioFrame.from_ndarray(media.sound[np.newaxis], "flt", "mono")
        samples.sample_rate, samples.time_base, samples.pts = SAMPLE_RATE, Fraction(1, SAMPLE_RATE), 0
        output.mux([*sound.encode(samples), *sound.encode(None)])
    return path
