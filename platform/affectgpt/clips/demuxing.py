"""Opens a source and reads the compressed packets of one span of it."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Generic, TypeAlias, TypeVar, cast

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Discard, Disposition
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from affectgpt.clips.lengths import HEAD_BYTES, missing_s
from affectgpt.clips.storage import local_path, open_source, stat_source, translated_errors
from affectgpt.errors import ClipError

# Text, playlists and lists of files must not pass for media: some of them make FFmpeg open other files.
_CONTAINERS = (
    "mov,matroska,avi,mpeg,mpegts,mpegvideo,flv,live_flv,asf,mxf,nut,ivf,dv,rm,h264,hevc,m4v,"
    "wav,w64,flac,mp3,ogg,aac,ac3,eac3,aiff,au,caf,amr,wv,tta,ape"
)
_ALWAYS = {
    "format_whitelist": _CONTAINERS,
    "protocol_whitelist": "file,crypto,data",
    # Without it FFmpeg reads the end of the file for a duration that nobody here asks for.
    "skip_estimate_duration_from_pts": "1",
}
# What is tried until all streams are known: the first packets without decoding any, the first packets, many packets.
_GLANCE = _ALWAYS | {"probesize": "32768", "skip_frame": "all"}
_LOOK = _ALWAYS | {"probesize": "32768"}
_STUDY = _ALWAYS | {"analyzeduration": "20000000"}
# FFmpeg finds out how these reorder pictures, and from that when a stream starts, by decoding some; MP4 says it.
_REORDERING = {"h264", "hevc", "vvc"}
_MP4 = "mov,mp4,m4a,3gp,3g2,mj2"
# These containers have no header: a stream is there from its first packet on.
_HEADERLESS = {"mpeg", "mpegts", "flv", "live_flv"}

_LONGEST_SIDE = 16_384
_MOST_PIXELS = 134_217_728

# Decoders of sound need some packets before the first good sample (AAC 1, MP3 10, Opus 80 ms).
_PREROLL_S = 0.5
# How far the packets of one moment may lie apart in a file.
_INTERLEAVING_S = 4.0
_JUMP_S = 1.0

StreamT = TypeVar("StreamT", VideoStream, AudioStream)

if TYPE_CHECKING:
    MediaPacket: TypeAlias = Packet[VideoStream | AudioStream]
else:
    # PyAV's class is generic in its type stub only.
    MediaPacket: TypeAlias = Packet


@dataclass(frozen=True, slots=True)
class Track(Generic[StreamT]):
    """One stream of a source, with its clock.

    Attributes:
        stream: the stream.
        index: its number in the container.
        container: FFmpeg's name of the container.
        tick_s: length of one unit of its time stamps.
        origin_s: the time stamp, in seconds, that is time zero of the source: the container's start.
    """

    stream: StreamT
    index: int
    container: str
    tick_s: float
    origin_s: float

    def seconds(self, stamp: int) -> float:
        """Convert a time stamp to seconds after time zero of the source."""
        return stamp * self.tick_s - self.origin_s

    def due_s(self, packet: MediaPacket) -> float | None:
        """Tell when a packet is due to be decoded, in seconds after time zero, or None where it does not say."""
        stamp = packet.pts if packet.dts is None else packet.dts
        return None if stamp is None else self.seconds(stamp)


class Demuxer:
    """Reads the packets of spans of one open source.

    Attributes:
        uri: where the source lies.
        video: its video, None where there is none; cover art is not video.
        audio: its sound, None where there is none.
    """

    def __init__(self, uri: str, container: InputContainer, first_bytes: bytes, size_bytes: int) -> None:
        """Choose the streams; ``open_demuxer`` is what users call."""
        self.uri = uri
        self._container = container
        self._first_bytes = first_bytes
        self._size_bytes = size_bytes
        origin_s = (container.start_time or 0) / av.time_base
        pictures = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
        self.video = _track(pictures, origin_s)
        self.audio = _track(container.streams.audio, origin_s)
        self._tracks: dict[int, Track[VideoStream] | Track[AudioStream]] = {
            track.index: track for track in (self.video, self.audio) if track is not None
        }
        for stream in container.streams:
            if stream.index not in self._tracks:
                stream.discard = Discard.all

    def missing_after(self, ended_s: float) -> float:
        """Say how many seconds the file lacks after its end, since it is cut off; 0 where it is not.

        Args:
            ended_s: when what was read to the end of the file ended.
        """
        media = [track.stream for track in self._tracks.values()]
        return missing_s(self._container, media, self._first_bytes, self._size_bytes, ended_s)

    def read(self, start_s: float, end_s: float) -> Iterator[MediaPacket]:
        """Read the packets of a span, in the order of the file.

        Reading starts at a key frame at or before the span and early enough for the sound. It ends where every stream
        has passed the end of the span, or where a truncated file breaks off.

        Raises:
            ClipError: ``not-seekable``, or the reasons of ``affectgpt.clips.storage`` where the store fails.
        """
        # Pictures of 8 bits per pixel may have a palette that comes once, with the first packet.
        paletted = self.video is not None and 0 < self.video.stream.bits_per_coded_sample <= 8
        lead_s = _PREROLL_S
        moved = False
        while True:
            from_beginning = paletted or start_s <= lead_s
            if moved or not from_beginning:
                self._seek(max(0.0, start_s - lead_s))
                moved = True
            packets = self._demux()
            head = list(self._head(packets, start_s))
            if from_beginning:
                return self._until(chain(head, packets), end_s)
            if self._covers(head, start_s, lead_s):
                return self._until(chain(self._from_key_frame(head), packets), end_s)
            lead_s *= 4

    def _seek(self, time_s: float) -> None:
        """Go to a time, or to the key frame before it where the container knows its key frames.

        In MP3, and in FLV without an index, FFmpeg reads all that lies before: nothing else tells exactly where a
        time lies.
        """
        track = self.video or self.audio
        assert track is not None
        # Where FFmpeg searches for the time, it finds the first packet only if it is asked for an earlier one.
        targets_s = [time_s] if time_s > 0.0 else [-_JUMP_S, 0.0]
        with translated_errors(self.uri):
            for target_s in targets_s:
                try:
                    self._container.seek(int((target_s + track.origin_s) / track.tick_s), stream=track.stream)
                except av.error.FFmpegError as error:
                    failure = error
                else:
                    return
        raise ClipError("not-seekable", f"{self.uri} cannot be sought in ({failure}); remux it to mkv") from failure

    def _head(self, packets: Iterable[MediaPacket], start_s: float) -> Iterator[MediaPacket]:
        """Take the packets up to the first one that lies behind the begin of the span."""
        for packet in packets:
            yield packet
            due_s = self._tracks[packet.stream_index].due_s(packet)
            if due_s is not None and due_s > start_s:
                return

    def _covers(self, head: Sequence[MediaPacket], start_s: float, lead_s: float) -> bool:
        """Whether these packets begin early enough to decode the span from its begin on."""
        begun = set()
        for packet in head:
            track = self._tracks[packet.stream_index]
            stamp = packet.dts if packet.pts is None else packet.pts
            if stamp is not None and track.seconds(stamp) <= start_s and (packet.is_keyframe or track is self.audio):
                begun.add(track.index)
        if self.audio is not None and lead_s >= _INTERLEAVING_S:
            begun.add(self.audio.index)
        return len(begun) == len(self._tracks)

    def _from_key_frame(self, head: Iterable[MediaPacket]) -> Iterator[MediaPacket]:
        """Leave out the pictures before the first key frame, which cannot be decoded."""
        begun = False
        for packet in head:
            is_picture = self.video is not None and packet.stream_index == self.video.index
            begun = begun or (is_picture and packet.is_keyframe)
            if begun or not is_picture:
                yield packet

    def _until(self, packets: Iterable[MediaPacket], end_s: float) -> Iterator[MediaPacket]:
        """Take packets until every stream has passed the end of the span."""
        passed = set()
        for packet in packets:
            yield packet
            due_s = self._tracks[packet.stream_index].due_s(packet)
            if due_s is not None and due_s >= end_s:
                passed.add(packet.stream_index)
                if len(passed) == len(self._tracks) or due_s >= end_s + _INTERLEAVING_S:
                    return

    def _demux(self) -> Iterator[MediaPacket]:
        """Read packets; a stream whose time stamps jump backwards goes on from where it was."""
        latest: dict[int, int] = {}
        shifts = dict.fromkeys(self._tracks, 0)
        for packet in self._packets():
            index, dts = packet.stream_index, packet.dts
            if dts is not None:
                dts += shifts[index]
                if dts < latest.get(index, dts) - _JUMP_S / self._tracks[index].tick_s:
                    step = latest[index] + (packet.duration or 0) - dts
                    shifts[index] += step
                    dts += step
                latest[index] = dts
            if shifts[index]:
                packet.dts = dts
                packet.pts = None if packet.pts is None else packet.pts + shifts[index]
            yield packet

    def _packets(self) -> Iterator[MediaPacket]:
        """Read packets until the file ends or breaks off."""
        packets = self._container.demux(*(track.stream for track in self._tracks.values()))
        with translated_errors(self.uri):
            try:
                for packet in cast(Iterator[MediaPacket], packets):
                    if packet.size:
                        yield packet
            except (OSError, MemoryError):
                raise
            except IndexError as error:
                # PyAV fails so where damage makes FFmpeg find streams that the file's head does not name.
                raise ClipError(
                    "not-media", f"{self.uri} is damaged: streams appear in its middle; repair it"
                ) from error
            except av.error.FFmpegError:
                return


@contextmanager
def open_demuxer(uri: str) -> Iterator[Demuxer]:
    """Open a source.

    Raises:
        ClipError: ``not-media``, ``no-streams``, ``undecodable-video`` or ``undecodable-sound`` (FFmpeg has no decoder
            for it), ``too-large``, ``empty-file``, ``not-found`` and the other reasons of ``affectgpt.clips.storage``.
    """
    size_bytes = stat_source(uri).size_bytes
    path = local_path(uri)
    opened: AbstractContextManager[str | BinaryIO] = nullcontext(str(path)) if path is not None else open_source(uri)
    with opened as file, _open_container(uri, file) as container:
        demuxer = Demuxer(uri, container, _first_bytes(uri, file), size_bytes)
        if demuxer.video is None and demuxer.audio is None:
            raise ClipError("no-streams", f"{uri} holds neither video nor sound; give a file that does")
        for track, kind in ((demuxer.video, "video"), (demuxer.audio, "sound")):
            if track is not None and track.stream.codec_context is None:
                raise ClipError(f"undecodable-{kind}", f"the {kind} of {uri} has a codec that FFmpeg cannot decode")
        if demuxer.video is not None:
            _check_size(uri, demuxer.video.stream.codec_context)
        yield demuxer


def _first_bytes(uri: str, file: str | BinaryIO) -> bytes:
    with translated_errors(uri):
        if isinstance(file, str):
            with Path(file).open("rb") as local:
                return local.read(HEAD_BYTES)
        place = file.tell()
        file.seek(0)
        content = file.read(HEAD_BYTES)
        file.seek(place)
        return content


def _open_container(uri: str, file: str | BinaryIO) -> InputContainer:
    """Open a container by its first bytes, or by many more where those do not tell all streams."""
    failure: av.error.FFmpegError | None = None
    with translated_errors(uri):
        for options, suffices in ((_GLANCE, _is_told), (_LOOK, _is_complete), (_STUDY, None)):
            if not isinstance(file, str):
                file.seek(0)
            try:
                container = av.open(file, "r", options=options, metadata_errors="replace")
            except (OSError, MemoryError):
                raise
            except av.error.FFmpegError as error:
                failure = error
                continue
            if suffices is None or suffices(container):
                return container
            container.close()
    raise ClipError("not-media", f"{uri} is not video or sound of a known kind, or is damaged at its root") from failure


def _is_told(container: InputContainer) -> bool:
    """Whether a container is complete, and tells by itself when its streams start."""
    reordering = any(stream.codec_context and stream.codec_context.name in _REORDERING for stream in container.streams)
    return _is_complete(container) and (container.format.name == _MP4 or not reordering)


def _is_complete(container: InputContainer) -> bool:
    """Whether all streams of a container and their kinds are known."""
    videos, audios = container.streams.video, container.streams.audio
    if container.format.name in _HEADERLESS and not (videos and audios):
        return False
    known = all(stream.codec_context and stream.codec_context.width for stream in videos)
    return known and all(stream.codec_context and stream.codec_context.sample_rate for stream in audios)


def _track(streams: Sequence[StreamT], origin_s: float) -> Track[StreamT] | None:
    """Take the stream that the container marks as the default one, else the first."""
    if not streams:
        return None
    stream = next((stream for stream in streams if stream.disposition & Disposition.default), streams[0])
    return Track(stream, stream.index, stream.container.format.name, float(stream.time_base or 1), origin_s)


def _check_size(uri: str, codec: VideoCodecContext) -> None:
    if max(codec.width, codec.height) > _LONGEST_SIDE or codec.width * codec.height > _MOST_PIXELS:
        raise ClipError(
            "too-large",
            f"the pictures of {uri} are {codec.width}x{codec.height}; scale them to {_LONGEST_SIDE} pixels at most",
        )
