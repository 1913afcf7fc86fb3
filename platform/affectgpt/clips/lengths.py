"""How long a file says that it is, in time and in bytes; and whether it is all there."""

from collections.abc import Sequence

import av
from av.container import InputContainer
from av.stream import Stream

HEAD_BYTES = 4096
"""So many of a file's first bytes tell how many it should have."""

# These hold no length: FFmpeg derives one from the bit rate, or from first and last time stamps and so leaves out the
# last frame.
_WITHOUT_LENGTH = frozenset({"mpeg", "mpegts", "mpegvideo", "h264", "hevc", "m4v", "mp3", "aac", "ac3", "eac3", "amr"})
# The length that these state counts from time stamp zero, not from the first one.
_LENGTH_FROM_ZERO = frozenset({"matroska", "flv"})
# Whether the length that these state counts from zero depends on who wrote the file; those of their streams count from
# the first time stamp, unless the file is in fragments.
_LENGTH_OF_STREAMS = frozenset({"mov"})
# Of these FFmpeg finds the last time stamps at the end of the file.
_LENGTH_AT_THE_END = frozenset({"mpeg", "mpegts"})
# What writers that cannot go back, since they write into a pipe, put for the length of a RIFF file.
_RIFF_UNKNOWN = range(0x7FFF0000, 0x100000000)
_RIFF, _EBML, _SEGMENT = b"RIFF", b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"


def stated_duration_s(container: InputContainer, media: Sequence[Stream], at_the_end: bool = False) -> float | None:
    """Give the length that a container holds, in seconds from its first time stamp on, or None where it holds none.

    Args:
        container: the container.
        media: its video and sound.
        at_the_end: whether the last time stamps, which FFmpeg reads where there are options for it, will do too.
    """
    name = container.format.name.split(",")[0]
    if container.duration is None or (name in _WITHOUT_LENGTH and not (at_the_end and name in _LENGTH_AT_THE_END)):
        return None
    late = max(0, container.start_time or 0)
    if late and name in _LENGTH_OF_STREAMS:
        return _length_of_streams_s(media, late / av.time_base)
    ticks = container.duration - (late if name in _LENGTH_FROM_ZERO else 0)
    return ticks / av.time_base if ticks > 0 else None


def _length_of_streams_s(streams: Sequence[Stream], origin_s: float) -> float | None:
    ends = [
        float((stream.start_time + stream.duration) * stream.time_base) - origin_s
        for stream in streams
        # A stream in fragments has no frames in the file's index.
        if stream.frames and stream.start_time is not None and stream.duration is not None and stream.time_base
    ]
    return max(ends) if len(ends) == len(streams) and max(ends) > 0 else None


def missing_s(
    container: InputContainer, media: Sequence[Stream], first_bytes: bytes, size_bytes: int, ended_s: float
) -> float:
    """Give how many seconds a file lacks behind its last packets since it is cut off; 0 where it is not.

    It is where it has fewer bytes than it says: in the index of an MP4, in the head of a Matroska or RIFF file (AVI,
    WAV). Files in fragments and streams without a head say nothing of the kind.

    Args:
        container: the container, read to its end.
        media: its video and sound.
        first_bytes: the file's first ``HEAD_BYTES``, or all where it has fewer.
        size_bytes: how many it has.
        ended_s: when the last packets ended, in seconds from the first time stamp on.
    """
    if container.format.name.split(",")[0] == "mov":
        last = [stream.index_entries[-1] for stream in media if len(stream.index_entries)]
        is_cut_off = any(entry.pos + entry.size > size_bytes for entry in last)
    else:
        claimed = _claimed_bytes(first_bytes)
        if claimed is not None and first_bytes.startswith(_RIFF):
            # The length that FFmpeg gives of these is that of the bytes that are there.
            return max(0.0, ended_s * (claimed / size_bytes - 1.0))
        is_cut_off = claimed is not None and claimed > size_bytes
    stated_s = stated_duration_s(container, media) if is_cut_off else None
    return 0.0 if stated_s is None else max(0.0, stated_s - ended_s)


def _claimed_bytes(head: bytes) -> int | None:
    """Read how many bytes a file should have, None where its head does not say."""
    if head.startswith(_RIFF):
        size = int.from_bytes(head[4:8], "little")
        return None if size == 0 or size in _RIFF_UNKNOWN else 8 + size
    if not head.startswith(_EBML):
        return None
    # RFC 8794: an element is its id, its length, and what it holds; the segment holds all but the header.
    length, place = _ebml_length(head, 4)
    if length is None or head[place + length :][:4] != _SEGMENT:
        return None
    length, place = _ebml_length(head, place + length + 4)
    return None if length is None else place + length


def _ebml_length(head: bytes, place: int) -> tuple[int | None, int]:
    """Read a length in bytes, None where it is unknown, and give the place behind it."""
    if place >= len(head) or not head[place]:
        return None, place
    width = 9 - head[place].bit_length()
    digits = int.from_bytes(head[place : place + width], "big") & ((1 << 7 * width) - 1)
    return None if digits == (1 << 7 * width) - 1 else digits, place + width
