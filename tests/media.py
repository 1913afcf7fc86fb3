"""Makes media for tests with PyAV: any container and codec, with the oddities that real files have."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

_BITS = 8


@dataclass(frozen=True)
class Video:
    """A video stream whose pictures carry their own number, see ``picture`` and ``read_number``.

    Attributes:
        codec: FFmpeg's name of the encoder.
        frames: how many pictures.
        rate: pictures per second.
        size: width and height.
        pixel_format: FFmpeg's name.
        options: of the encoder.
        times_s: when each picture appears; by default evenly, from ``start_s`` on.
        start_s: when the first picture appears.
        rotation: by how many degrees counter-clockwise players turn the pictures.
        mirrored: whether players mirror them.
        pixel_aspect: width of a pixel divided by its height.
    """

    codec: str = "libx264"
    frames: int = 50
    rate: int = 25
    size: tuple[int, int] = (96, 64)
    pixel_format: str = "yuv420p"
    options: Mapping[str, str] = field(default_factory=dict)
    times_s: Sequence[float] | None = None
    start_s: float = 0.0
    rotation: int = 0
    mirrored: bool = False
    pixel_aspect: Fraction = Fraction(1)

    def time_s(self, number: int) -> float:
        """When a picture appears."""
        return self.start_s + number / self.rate if self.times_s is None else self.times_s[number]


@dataclass(frozen=True)
class Sound:
    """A sound stream: a tone that rises, so that each moment sounds different.

    Attributes:
        codec: FFmpeg's name of the encoder.
        seconds: how long.
        rate: samples per second.
        layout: of the channels; all of them carry the same.
        start_s: when it begins.
        gaps_s: begin and length of stretches whose packets are missing.
    """

    codec: str = "aac"
    seconds: float = 2.0
    rate: int = 44_100
    layout: str = "mono"
    start_s: float = 0.0
    gaps_s: Sequence[tuple[float, float]] = ()


def picture(number: int, width: int, height: int) -> NDArray[np.uint8]:
    """Draw an RGB picture: a moving texture, and in its upper third the number as white and black bars."""
    rows, columns = np.mgrid[0:height, 0:width]
    texture = 96 + 48 * np.sin((columns + 3 * number) / 9.0) + 48 * np.cos((rows - 2 * number) / 7.0)
    image = np.stack([texture, np.roll(texture, number, 1), 255 - texture], axis=-1).astype(np.uint8)
    bars = np.array([255 if number >> bit & 1 else 0 for bit in range(_BITS)], np.uint8)
    image[: height // 3] = bars[np.arange(width) * _BITS // width][np.newaxis, :, np.newaxis]
    return image


def read_number(frame: NDArray[np.uint8]) -> int:
    """Read the number that ``picture`` wrote, modulo 256, at any size."""
    height, width, _ = frame.shape
    centres = ((np.arange(_BITS) + 0.5) * width / _BITS).astype(int)
    return int(sum(1 << bit for bit, column in enumerate(centres) if frame[height // 6, column].mean() > 127))


def tone(seconds: float, rate: int) -> NDArray[np.float32]:
    """Make a tone that rises from 200 to 800 Hz in every 10 s, at a third of full scale."""
    time_s = np.arange(round(seconds * rate)) / rate
    phase = 2 * np.pi * (200 * time_s + 30 * (time_s % 10) ** 2)
    return np.asarray(np.sin(phase) / 3, np.float32)


def write_media(
    path: Path,
    video: Video | None = None,
    sound: Sound | None = None,
    *,
    container: str | None = None,
    options: Mapping[str, str] | None = None,
    repeats: int = 1,
) -> Path:
    """Write a file.

    Args:
        path: where to; its suffix tells the container unless ``container`` does.
        video: the video stream, or none.
        sound: the sound stream, or none.
        container: FFmpeg's name of the container.
        options: of the container.
        repeats: how many times the streams follow one another; cheap, as they are encoded once. Both streams should
            be equally long.

    Returns:
        The path.
    """
    with av.open(path, "w", format=container, options=dict(options or {})) as output:
        packets: list[tuple[float, Packet]] = []
        video_stream = None if video is None else _add_video(output, video)
        sound_stream = None if sound is None else _add_sound(output, sound)
        output.start_encoding()
        if video is not None and video_stream is not None:
            packets += _encode_video(video_stream, video)
        if sound is not None and sound_stream is not None:
            packets += _encode_sound(sound_stream, sound)
        packets.sort(key=lambda pair: pair[0])
        length_s = 0.0 if video is None else video.frames / video.rate
        length_s = max(length_s, 0.0 if sound is None else sound.seconds)
        if repeats > 1:
            # Encoders of sound put a packet before the beginning and one behind the end.
            packets = [(at, p) for at, p in packets if p.stream is video_stream or 0.0 <= at < length_s]
        for repeat in range(repeats):
            for _, packet in packets:
                _mux_copy(output, packet, repeat * length_s)
    return path


def _mux_copy(output: OutputContainer, packet: Packet, later_s: float) -> None:
    copy = Packet(bytes(packet))
    copy.stream, copy.time_base, copy.is_keyframe = packet.stream, packet.time_base, packet.is_keyframe
    later = round(later_s / packet.time_base)
    copy.pts, copy.dts, copy.duration = packet.pts + later, packet.dts + later, packet.duration
    output.mux(copy)


def _add_video(output: OutputContainer, video: Video) -> VideoStream:
    stream = output.add_stream(video.codec, rate=video.rate, options=dict(video.options))
    assert isinstance(stream, VideoStream)
    stream.width, stream.height = video.size
    stream.pix_fmt = video.pixel_format
    stream.codec_context.sample_aspect_ratio = video.pixel_aspect
    # Some containers and codecs know steady rates only.
    stream.codec_context.time_base = Fraction(1, video.rate if video.times_s is None else 1000)
    if video.rotation or video.mirrored:
        stream.set_display_rotation(video.rotation, hflip=video.mirrored)
    return stream


def _encode_video(stream: VideoStream, video: Video) -> list[tuple[float, Packet]]:
    packets = []
    unit = stream.codec_context.time_base
    for number in range(video.frames):
        frame = VideoFrame.from_ndarray(picture(number, *video.size), "rgb24").reformat(format=video.pixel_format)
        frame.pts, frame.time_base = round(video.time_s(number) / unit), unit
        packets += stream.encode(frame)
    packets += stream.encode(None)
    return [(float(packet.dts * packet.time_base), packet) for packet in packets]


def _add_sound(output: OutputContainer, sound: Sound) -> AudioStream:
    stream = output.add_stream(sound.codec, rate=sound.rate, layout=sound.layout)
    assert isinstance(stream, AudioStream)
    return stream


def _encode_sound(stream: AudioStream, sound: Sound) -> list[tuple[float, Packet]]:
    samples = np.repeat(tone(sound.seconds, sound.rate), stream.codec_context.layout.nb_channels)
    frame = AudioFrame.from_ndarray(samples[np.newaxis], "flt", sound.layout)
    frame.sample_rate, frame.time_base = sound.rate, Fraction(1, sound.rate)
    frame.pts = round(sound.start_s * sound.rate)
    packets = [*stream.encode(frame), *stream.encode(None)]
    timed = [(float(packet.dts * packet.time_base), packet) for packet in packets]
    return [(at, packet) for at, packet in timed if not any(0 <= at - begin < length for begin, length in sound.gaps_s)]
