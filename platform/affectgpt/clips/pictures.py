"""The pictures of one span: the wanted ones are decoded, the others only as far as those rest on them."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import cast

import av
import numpy as np
from av.packet import PktSideDataT
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from affectgpt.clips.demuxing import MediaPacket, Track
from affectgpt.clips.sampling import choose_frames, fitted_size

# What a packet may carry that decides how later packets are decoded.
_STATEFUL: tuple[PktSideDataT, ...] = ("palette", "new_extradata", "param_change")
# AVFieldOrder: the two fields of an interlaced picture may come in packets of their own.
_UNKNOWN_ORDER, _PROGRESSIVE = 0, 1
_FALLBACK_RATE = 25


@dataclass(frozen=True, slots=True)
class Pictures:
    """The chosen pictures of a span.

    Attributes:
        frames: uint8 RGB of shape (N, H, W, 3).
        times_s: float64 of shape (N,): when each appears, in seconds after time zero of the source, ascending.
        end_s: when the last picture that was read ends.
    """

    frames: NDArray[np.uint8]
    times_s: NDArray[np.float64]
    end_s: float


class PictureDecoder:
    """Decodes the chosen pictures of one span."""

    def __init__(
        self, track: Track[VideoStream], packets: Sequence[MediaPacket], start_s: float, end_s: float, count: int
    ) -> None:
        """Prepare the decoder.

        Args:
            track: the video.
            packets: its packets in the order of the file, from a key frame at or before the span on.
            start_s: begin of the span in seconds after time zero of the source.
            end_s: end of the span.
            count: how many pictures are asked for.
        """
        self._track = track
        self._packets = packets
        self._span = (start_s, end_s, count)
        self._codec = track.stream.codec_context
        self._codec.thread_count = 1
        # Opened before skip_frame is ever set: some decoders (dav1d) read it when they are opened, and only then.
        self._codec.open(strict=False)

    def decode(self, frame_size: int) -> Pictures | None:
        """Decode the chosen pictures; None means that not a single one of the packets can be decoded.

        The result is always that of decoding every packet. Where the packets tell beforehand which of them are
        wanted, only the groups of pictures that hold those are decoded; where a wanted picture then fails to appear,
        or the packets do not tell, everything is decoded.

        Args:
            frame_size: length of the shorter side of the frames, see ``fitted_size``.
        """
        return self._decode_wanted(frame_size) or self._decode_everything(frame_size)

    def _decode_wanted(self, frame_size: int) -> Pictures | None:
        """Decode what the wanted pictures need; None where that cannot be told or does not succeed."""
        stamps = self._stamps()
        shown = sorted((stamp, number) for number, stamp in enumerate(stamps) if not self._packets[number].is_discard)
        if not shown:
            return None
        times_s = [self._track.seconds(stamp) for stamp, _ in shown]
        end_s = self._end_s(times_s, self._packets[shown[-1][1]].duration)
        chosen = choose_frames(times_s, end_s, *self._span)
        canvas = _Canvas(self._track.stream, len(chosen), frame_size)
        slots = {shown[k][0]: slot for slot, k in enumerate(chosen)}
        wanted = {shown[k][1] for k in chosen}
        try:
            for first, last in self._stretches(stamps, wanted):
                for frame in self._decode_stretch(first, last, wanted):
                    if frame.pts in slots:
                        canvas.put(slots.pop(frame.pts), frame)
        except MemoryError:
            raise
        except av.error.FFmpegError:
            return None
        return None if slots else Pictures(canvas.frames, np.array([times_s[k] for k in chosen]), end_s)

    def _stamps(self) -> list[int]:
        """Give the time stamp of each packet, or none where packets do not tell pictures apart.

        They do where each is one picture with a time of its own, decodable from the key frame before it.
        """
        stamps = [packet.pts for packet in self._packets if packet.pts is not None]
        interlaced = self._codec.field_order not in (_UNKNOWN_ORDER, _PROGRESSIVE)
        if interlaced or self._guessed_times() or len(set(stamps)) < len(self._packets):
            return []
        if any(packet.has_sidedata(kind) for packet in self._packets for kind in _STATEFUL):
            return []
        return stamps

    def _stretches(self, stamps: Sequence[int], wanted: Iterable[int]) -> list[tuple[int, int]]:
        """Give the first and last packet of each stretch that must be decoded to see the wanted packets.

        A stretch begins at the key frame before a wanted packet. A picture that is shown before the key frame that
        it is stored behind (in an open group of pictures) may also rest on the group before that.
        """
        keys = [number for number, packet in enumerate(self._packets) if packet.is_keyframe]
        stretches: list[tuple[int, int]] = []
        for number in sorted(wanted):
            group = bisect_right(keys, number) - 1
            if group >= 0 and stamps[number] < stamps[keys[group]]:
                group -= 1
            begin = keys[group] if group >= 0 else 0
            while stretches and begin <= stretches[-1][1]:
                begin = min(begin, stretches.pop()[0])
            stretches.append((begin, number))
        return stretches

    def _decode_stretch(self, first: int, last: int, wanted: set[int]) -> Iterator[VideoFrame]:
        """Decode some packets, leaving out pictures that are neither wanted nor needed by others."""
        for number in range(first, last + 1):
            self._codec.skip_frame = "DEFAULT" if number in wanted else "NONREF"
            yield from self._codec.decode(self._packets[number])
        yield from self._codec.decode(None)
        self._codec.flush_buffers()

    def _decode_everything(self, frame_size: int) -> Pictures | None:
        """Decode all packets twice, first for the times of the pictures, then for the chosen ones."""
        self._codec.skip_frame = "DEFAULT"
        stamps: list[int | None] = []
        duration = 0
        for frame in self._decode_all():
            stamps.append(frame.pts)
            duration = frame.duration
        if not stamps:
            return None
        times_s = self._complete(stamps)
        order = sorted(range(len(times_s)), key=times_s.__getitem__)
        times_s.sort()
        end_s = self._end_s(times_s, duration)
        chosen = choose_frames(times_s, end_s, *self._span)
        canvas = _Canvas(self._track.stream, len(chosen), frame_size)
        slots = {order[k]: slot for slot, k in enumerate(chosen)}
        for number, frame in enumerate(self._decode_all()):
            if number in slots:
                canvas.put(slots[number], frame)
        return Pictures(canvas.frames, np.array([times_s[k] for k in chosen]), end_s)

    def _decode_all(self) -> Iterator[VideoFrame]:
        """Decode all packets, leaving out those that are damaged."""
        self._codec.flush_buffers()
        for packet in (*self._packets, None):
            try:
                frames = self._codec.decode(packet)
            except MemoryError:
                raise
            except av.error.FFmpegError:
                continue
            yield from frames

    def _guessed_times(self) -> bool:
        """Whether the container stores no times of presentation and FFmpeg's guess at them is often wrong."""
        return self._track.container == "avi" and self._codec.name in {"h264", "hevc"}

    def _complete(self, stamps: Sequence[int | None]) -> list[float]:
        """Turn the time stamps of all pictures, in the order in which they are shown, into seconds, none missing."""
        if self._guessed_times():
            stamps = sorted(packet.dts for packet in self._packets if packet.dts is not None)[: len(stamps)]
        step = 1 / float(self._track.stream.average_rate or _FALLBACK_RATE)
        first = next((number for number, stamp in enumerate(stamps) if stamp is not None), 0)
        times_s = [self._track.seconds(stamps[first] or 0) - first * step]
        for stamp in stamps[1:]:
            times_s.append(times_s[-1] + step if stamp is None else self._track.seconds(stamp))
        return times_s

    def _interval_s(self) -> float:
        """The usual time from one picture to the next, as the container states it."""
        return 1 / float(self._track.stream.average_rate or _FALLBACK_RATE)

    def _end_s(self, times_s: Sequence[float], duration: int | None) -> float:
        """Tell when the last picture ends: by its own duration, else by the usual interval."""
        if duration:
            return times_s[-1] + duration * self._track.tick_s
        steps = [after - before for before, after in pairwise(times_s)]
        return times_s[-1] + (median(steps) if steps else self._interval_s())


class _Canvas:
    """The chosen pictures as one array; the first picture decides the size of all."""

    def __init__(self, stream: VideoStream, count: int, frame_size: int) -> None:
        self._stream = stream
        self._count = count
        self._frame_size = frame_size
        self._size = (0, 0)
        self._turn = _Turn()
        self._reformatter = VideoReformatter()
        self.frames: NDArray[np.uint8] = np.zeros((0, 0, 0, 3), np.uint8)

    def put(self, slot: int, frame: VideoFrame) -> None:
        """Scale a picture, turn it upright and store it."""
        if not self.frames.size:
            self._turn = _Turn.of(frame)
            self._size = fitted_size(frame.width, frame.height, self._stream.sample_aspect_ratio, self._frame_size)
            width, height = self._size if not self._turn.transposed else self._size[::-1]
            self.frames = np.empty((self._count, height, width, 3), np.uint8)
        width, height = self._size
        scaled = self._reformatter.reformat(
            frame, width, height, "rgb24", interpolation=Interpolation.BILINEAR, threads=1
        )
        self.frames[slot] = self._turn.apply(cast(NDArray[np.uint8], scaled.to_ndarray()))


@dataclass(frozen=True, slots=True)
class _Turn:
    """How stored pictures are turned by multiples of 90 degrees and mirrored to stand upright."""

    transposed: bool = False
    flipped_across: bool = False
    flipped_down: bool = False

    @classmethod
    def of(cls, frame: VideoFrame) -> "_Turn":
        """Read the display matrix, which takes (x, y) to (a x + c y, b x + d y); see libavutil/display.h."""
        matrix = frame.side_data.get("DISPLAYMATRIX")
        if matrix is None:
            return cls()
        a, b, _, c, d, *_ = np.frombuffer(cast(memoryview, matrix), np.int32).tolist()
        if abs(a) >= abs(b):
            return cls(False, a < 0, d < 0)
        return cls(True, c < 0, b < 0)

    def apply(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Turn a picture of shape (H, W, 3)."""
        turned = picture.swapaxes(0, 1) if self.transposed else picture
        return turned[:: -1 if self.flipped_down else 1, :: -1 if self.flipped_across else 1]
