"""Writes made pictures and sounds as the files that cameras and recorders write."""

import wave
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import OutputContainer
from av.subtitles.stream import SubtitleStream
from numpy.typing import NDArray

_ASS_HEADER = (
    b"[Script Info]\nScriptType: v4.00+\n\n[V4+ Styles]\nFormat: Name\nStyle: Default\n\n[Events]\nFormat: Text\n"
)
_AUDIO_FRAME = 1024
# With its tree of macroblocks (mbtree) x264 does not always give the same bytes again.
_H264 = {"preset": "veryfast", "crf": "24", "x264-params": "mbtree=0"}
_MILLISECONDS = Fraction(1, 1000)


def write_mp4(
    path: Path,
    frames: Iterable[NDArray[np.uint8]],
    frame_rate: int,
    sound: NDArray[np.float32] | None,
    sample_rate: int,
    subtitle: str | None,
) -> None:
    """Write an MP4 file with H.264 pictures.

    Args:
        path: where to.
        frames: uint8 RGB of shape (H, W, 3), both sides even.
        frame_rate: frames per second.
        sound: float32 mono of shape (S,) for an AAC track, or None for no track.
        sample_rate: samples a second.
        subtitle: text of a ``mov_text`` track that shows it all the time, or None for no track.
    """
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=frame_rate, options=_H264)
        video.codec_context.thread_count = 1
        audio = None if sound is None else container.add_stream("aac", rate=sample_rate, layout="mono", bit_rate=64_000)
        text = None if subtitle is None else _subtitle_stream(container)
        count = 0
        for frame in frames:
            if count == 0:
                video.height, video.width, video.pix_fmt = frame.shape[0], frame.shape[1], "yuv420p"
            container.mux(video.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
            count += 1
        container.mux(video.encode(None))
        if audio is not None and sound is not None:
            for chunk in _audio_frames(sound, sample_rate):
                container.mux(audio.encode(chunk))
            container.mux(audio.encode(None))
        if text is not None and subtitle is not None:
            _mux_subtitle(container, text, subtitle, count / frame_rate)


def write_wav(path: Path, sound: NDArray[np.float32], sample_rate: int) -> None:
    """Write a WAV file of 16-bit mono samples."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes((sound * 32767).astype("<i2").tobytes())


def write_srt(path: Path, text: str, seconds: float) -> None:
    """Write a SubRip file with one cue from the beginning to so many seconds, less than a minute."""
    end_s, end_ms = divmod(round(1000 * seconds), 1000)
    path.write_text(f"1\n00:00:00,000 --> 00:00:{end_s:02d},{end_ms:03d}\n{text}\n", encoding="utf-8")


def _audio_frames(sound: NDArray[np.float32], sample_rate: int) -> Iterator[av.AudioFrame]:
    for start in range(0, len(sound), _AUDIO_FRAME):
        frame = av.AudioFrame.from_ndarray(sound[None, start : start + _AUDIO_FRAME], format="fltp", layout="mono")
        frame.sample_rate = sample_rate
        frame.pts = start
        frame.time_base = Fraction(1, sample_rate)
        yield frame


def _subtitle_stream(container: OutputContainer) -> SubtitleStream:
    """A text track; its encoder wants the header of an ASS file, whatever it says."""
    stream = container.add_stream("mov_text")
    stream.codec_context.subtitle_header = _ASS_HEADER
    stream.time_base = _MILLISECONDS
    return stream


def _mux_subtitle(container: OutputContainer, stream: SubtitleStream, text: str, seconds: float) -> None:
    """Write one sample of 3GPP timed text: the length of the text in two bytes, then the text."""
    encoded = text.encode()
    packet = av.Packet(len(encoded).to_bytes(2, "big") + encoded)
    packet.stream = stream
    packet.time_base = _MILLISECONDS
    packet.pts = packet.dts = 0
    packet.duration = round(1000 * seconds)
    container.mux(packet)
