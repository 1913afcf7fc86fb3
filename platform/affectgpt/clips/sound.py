"""The sound of one span: decoded, aligned to the span, mixed to one channel and resampled."""

import av
import numpy as np
from av.audio.fifo import AudioFifo
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from numpy.typing import NDArray

from affectgpt.clips.demuxing import MediaPacket, Track
from affectgpt.clips.media import SAMPLE_RATE

# Time stamps are coarser than samples: only a larger difference is a gap.
_GAP_S = 0.1
# How much sound is resampled at once: few calls for a clip, little memory for a long one.
_CHUNK_S = 10
# Unless told so, FFmpeg keeps the power of unrelated channels and lets their mix grow beyond full scale.
_KEEP_LEVEL = {"rematrix_maxval": "1.0"}


class SoundTrack:
    """Collects the sound of one span.

    Attributes:
        index: number of the stream in the container.
        packets: how many packets were given to the decoder.
        decoded: whether any of them could be decoded.
        end_s: where the sound ends, in seconds after time zero of the source; 0 before anything is decoded.
    """

    def __init__(self, track: Track[AudioStream], start_s: float, end_s: float) -> None:
        """Prepare the decoder.

        Args:
            track: the sound.
            start_s: begin of the span in seconds after time zero of the source.
            end_s: end of the span.
        """
        self.index = track.index
        self.packets = 0
        self.decoded = False
        self.end_s = 0.0
        self._track = track
        self._start_s = start_s
        self._span_end_s = end_s
        self._runs: list[_Run] = []
        self._codec = track.stream.codec_context
        self._codec.thread_count = 1

    def feed(self, packet: MediaPacket | None) -> None:
        """Decode one packet, or what the decoder still holds; damaged packets leave a gap."""
        if packet is not None:
            due_s = self._track.due_s(packet)
            if due_s is not None and due_s >= self._span_end_s:
                return
            self.packets += 1
        try:
            frames = self._codec.decode(packet)
        except MemoryError:
            raise
        except av.error.FFmpegError:
            return
        for frame in frames:
            self.decoded = True
            self._place(frame)

    def _place(self, frame: AudioFrame) -> None:
        """Append a frame to the run of sound that it continues, or begin another one."""
        time_s = self.end_s if frame.pts is None else self._track.seconds(frame.pts)
        kind = (frame.format.name, frame.layout.name, frame.sample_rate)
        run = self._runs[-1] if self._runs else None
        if run is None or run.kind != kind or abs(time_s - run.end_s) > _GAP_S:
            end_s = time_s + frame.samples / frame.sample_rate
            if end_s <= self._start_s or time_s >= self._span_end_s:
                return
            run = _Run(time_s, kind)
            self._runs.append(run)
        run.write(frame)
        self.end_s = run.end_s

    def render(self) -> NDArray[np.float32]:
        """Give the sound from the begin of the span to where it ends, silence where there is none.

        Returns:
            float32 of shape (S,) at ``SAMPLE_RATE`` Hz in [-1, 1]; empty where the span holds no sound.
        """
        length = max(0, round((min(self.end_s, self._span_end_s) - self._start_s) * SAMPLE_RATE)) if self._runs else 0
        sound = np.zeros(length, np.float32)
        for run in self._runs:
            samples = run.close()
            begin = round((run.start_s - self._start_s) * SAMPLE_RATE)
            samples = samples[max(0, -begin) :][: max(0, length - max(0, begin))]
            sound[max(0, begin) : max(0, begin) + len(samples)] = samples
        return np.clip(sound, -1.0, 1.0, out=sound)


class _Run:
    """A stretch of sound without a gap and without a change of format."""

    def __init__(self, start_s: float, kind: tuple[str, str, int]) -> None:
        self.start_s = start_s
        self.kind = kind
        self._rate = kind[2]
        self._samples = 0
        self._fifo = AudioFifo()
        self._resampler = AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE, options=_KEEP_LEVEL)
        self._resampled: list[NDArray[np.float32]] = []

    @property
    def end_s(self) -> float:
        return self.start_s + self._samples / self._rate

    def write(self, frame: AudioFrame) -> None:
        self._samples += frame.samples
        frame.pts = None
        self._fifo.write(frame)
        if self._fifo.samples >= _CHUNK_S * self._rate:
            self._resample(self._fifo.read())

    def close(self) -> NDArray[np.float32]:
        if self._fifo.samples:
            self._resample(self._fifo.read())
        self._resample(None)
        return np.concatenate(self._resampled) if self._resampled else np.zeros(0, np.float32)

    def _resample(self, frame: AudioFrame | None) -> None:
        if frame is not None and " " in frame.layout.name:
            frame = _mean_of_channels(frame)
        for piece in self._resampler.resample(frame):
            if piece is not None:
                self._resampled.append(piece.to_ndarray().astype(np.float32, copy=False).reshape(-1))


def _mean_of_channels(frame: AudioFrame) -> AudioFrame:
    """Mix channels of which nobody knows what they are, giving each the same weight."""
    samples = frame.to_ndarray()
    if not frame.format.is_planar:
        samples = samples.reshape(frame.samples, -1).T
    mixed = samples.mean(axis=0, dtype=np.float64)
    if samples.dtype == np.uint8:
        mixed = (mixed - 128) / 128
    elif samples.dtype.kind == "i":
        mixed /= 2.0 ** (8 * samples.dtype.itemsize - 1)
    mono = AudioFrame.from_ndarray(mixed.astype(np.float32)[np.newaxis], format="flt", layout="mono")
    mono.sample_rate = frame.sample_rate
    return mono
