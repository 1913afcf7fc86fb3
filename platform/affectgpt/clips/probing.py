"""What a source is, from its container alone: its length, its streams, its embedded subtitles. Nothing is decoded."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Discard, Disposition, Stream

from affectgpt.clips.languages import language_tag
from affectgpt.clips.lengths import stated_duration_s
from affectgpt.clips.storage import local_path, open_source, stat_source, translated_errors
from affectgpt.clips.subtitles import Cue, collapsed
from affectgpt.errors import ClipError

# Text, playlists and lists of files must not pass for media: some of them make FFmpeg open other files.
_OPTIONS = {
    "format_whitelist": "mov,matroska,avi,mpeg,mpegts,mpegvideo,flv,live_flv,asf,mxf,nut,ivf,dv,rm,h264,hevc,m4v,"
    "wav,w64,flac,mp3,ogg,aac,ac3,eac3,aiff,au,caf,amr,wv,tta,ape",
    "protocol_whitelist": "file",
}
_TEXT_CODECS = frozenset({"subrip", "srt", "text", "webvtt", "mov_text", "ass", "ssa"})
_STILL_CODECS = frozenset({"mjpeg", "png", "bmp"})
_ASS_OVERRIDE = re.compile(r"\{[^{}]*\}")
_ASS_DRAWING = re.compile(r"\{[^{}]*\\p[1-9]")
_JUMP_S = 1.0
# A cue may have begun this long before the span that it reaches into.
_LONGEST_CUE_S = 10.0
# How far the packets of one moment may lie apart in a file.
_INTERLEAVING_S = 4.0


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What the container of a source tells.

    Times count from the source's time zero, which is its first time stamp.

    Attributes:
        duration_s: seconds from time zero to the end, or None where no time stamp tells.
        has_video: whether it has moving pictures; cover art does not count.
        has_audio: whether it has sound.
        embedded_cues: the subtitles of its text track, by their beginning.
        embedded_language: the text track's language as a BCP 47 tag, or None.
        audio_language: the sound's language as a BCP 47 tag, or None.
        has_text_track: whether subtitles are embedded, read or not.
    """

    duration_s: float | None
    has_video: bool
    has_audio: bool
    embedded_cues: tuple[Cue, ...] = ()
    embedded_language: str | None = None
    audio_language: str | None = None
    has_text_track: bool = False


def probe(uri: str, head_only: bool = False) -> SourceInfo:
    """Look into the container of a source.

    Where there is a text track, or where the container does not hold its own length, all packets are read (none is
    decoded); otherwise the headers alone. Of several text tracks the one in the language of the sound is taken, else
    the default one, else the first.

    Args:
        uri: the source.
        head_only: whether to read as little as tells the length and the streams: no cues are given, and the length of
            MPEG streams is the one that FFmpeg finds at their end, which may lack the last frame.

    Raises:
        ClipError: ``not-media``, ``no-streams`` (neither video nor sound), ``zero-duration`` (no packet in any stream),
            ``empty-file``, ``not-found`` and the other reasons of ``affectgpt.clips.storage``.
    """
    stat_source(uri)
    with _opened(uri) as container:
        videos = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
        audios = list(container.streams.audio)
        if audios:
            videos = [stream for stream in videos if not _is_single_picture(uri, stream)]
        if not videos and not audios:
            raise ClipError("no-streams", f"{uri} holds neither video nor sound; give a file that does")
        audio_language = language_tag(audios[0].language) if audios else None
        text = _text_track(container.streams.subtitles, audio_language)
        duration_s = stated_duration_s(container, [*videos, *audios], at_the_end=head_only)
        cues: tuple[Cue, ...] = ()
        if (text is not None and not head_only) or duration_s is None:
            read = None if head_only else text
            cues, scanned_s = _scan(uri, container, read, [*videos, *audios] if duration_s is None else [])
            duration_s = scanned_s if duration_s is None else duration_s
        language = language_tag(text.language) if text is not None else None
    return SourceInfo(duration_s, bool(videos), bool(audios), cues, language, audio_language, text is not None)


def cues_of_part(uri: str, start_s: float, end_s: float) -> tuple[Cue, ...]:
    """Read the embedded subtitles of one part of a source, and no other part of it.

    Of several text tracks the same is taken as by ``probe``. Cues that lie elsewhere in the file than the part itself,
    as where a track was not interleaved with the others, are not found.

    Args:
        uri: the source, which has a text track.
        start_s: where the part begins, in seconds from the source's time zero.
        end_s: where it ends.

    Raises:
        ClipError: ``not-seekable``, and the reasons of ``probe``.
    """
    with _opened(uri) as container:
        audios = list(container.streams.audio)
        text = _text_track(container.streams.subtitles, language_tag(audios[0].language) if audios else None)
        assert text is not None, f"{uri} has no text track"
        # Sound first: a video may be a cover, whose one packet tells no time.
        return _cues_in(start_s, end_s, uri, container, text, [*audios, *container.streams.video])


@contextmanager
def _opened(uri: str) -> Iterator[InputContainer]:
    path = local_path(uri)
    # Without the protocol FFmpeg would take what stands before a colon in a file's name for one.
    with translated_errors(uri), nullcontext(f"file:{path}") if path is not None else open_source(uri) as file:
        try:
            container = av.open(file, mode="r", options=dict(_OPTIONS))
        except av.error.FFmpegError as error:
            if path is None and isinstance(error, OSError):
                raise
            raise ClipError(
                "not-media",
                f"{uri} is not video or sound of a known kind, or is cut off or damaged ({error.strerror}); copy it "
                "again, or remove it",
            ) from error
        with container:
            yield container


def _is_single_picture(uri: str, stream: Stream) -> bool:
    """Whether a stream of a source with sound is one picture, as players write covers without marking them so."""
    if stream.codec_context is None or stream.codec_context.name not in _STILL_CODECS or stream.frames > 1:
        return False
    if stream.frames == 1:
        return True
    with _opened(uri) as container:
        pictures = _packets(uri, container, [container.streams[stream.index]])
        return next(pictures, None) is None or next(pictures, None) is None


def _text_track(tracks: Sequence[Stream], spoken: str | None) -> Stream | None:
    """Choose the track with what is said; pictures of text are no text."""
    texts = [s for s in tracks if s.codec_context is not None and s.codec_context.name in _TEXT_CODECS]
    return min(
        texts,
        key=lambda s: (spoken is None or language_tag(s.language) != spoken, not s.disposition & Disposition.default),
        default=None,
    )


def _scan(
    uri: str, container: InputContainer, text: Stream | None, media: Sequence[Stream]
) -> tuple[tuple[Cue, ...], float | None]:
    """Read all packets once: the cues of a text track, and the length from the time stamps of ``media`` if given."""
    wanted = [*media] if text is None else [*media, text]
    origin_s = (container.start_time or 0) / av.time_base
    clocks = {stream.index: _Clock(float(stream.time_base or 0)) for stream in media}
    cues: list[tuple[float, float, list[str]]] = []
    for packet in _packets(uri, container, wanted):
        if text is not None and packet.stream_index == text.index:
            cues += _cue(packet, text, origin_s)
        else:
            clocks[packet.stream_index].add(packet)
    if media and not any(clock.packets for clock in clocks.values()):
        raise ClipError("zero-duration", f"the streams of {uri} are empty; replace or remove it")
    ends = [clock.end_s for clock in clocks.values() if clock.end_s is not None]
    begins = [clock.begin_s for clock in clocks.values() if clock.begin_s is not None]
    begin_s = min(begins, default=0.0) if container.start_time is None else origin_s
    length_s = max(ends, default=0.0) - begin_s
    return collapsed(cues), length_s if length_s > 0 else None


def _cues_in(
    start_s: float, end_s: float, uri: str, container: InputContainer, text: Stream, media: Sequence[Stream]
) -> tuple[Cue, ...]:
    """Read the packets of one part, and the cues among them; other streams tell where in time the file is."""
    origin_s = (container.start_time or 0) / av.time_base
    with translated_errors(uri):
        try:
            container.seek(round((max(0.0, start_s - _LONGEST_CUE_S) + origin_s) * av.time_base))
        except av.error.FFmpegError as error:
            if isinstance(error, OSError):
                raise
            raise ClipError("not-seekable", f"{uri} cannot be sought in ({error}); remux it to mkv") from error
    cues: list[tuple[float, float, list[str]]] = []
    for packet in _packets(uri, container, [text, *media[:1]]):
        if packet.stream_index == text.index:
            cues += _cue(packet, text, origin_s)
        stamp = packet.pts if packet.dts is None else packet.dts
        if stamp is not None and packet.time_base and stamp * packet.time_base - origin_s > end_s + _INTERLEAVING_S:
            break
    return tuple(cue for cue in collapsed(cues) if cue.start_s < end_s and cue.end_s > start_s)


def _cue(packet: "Packet[Stream]", text: Stream, origin_s: float) -> list[tuple[float, float, list[str]]]:
    """Give the begin, the end and the lines of a packet of a text track; nothing where it says no time."""
    if packet.pts is None or packet.time_base is None or text.codec_context is None:
        return []
    start_s = float(packet.pts * packet.time_base) - origin_s
    end_s = start_s + float((packet.duration or 0) * packet.time_base)
    return [(max(0.0, start_s), end_s, _packet_lines(bytes(packet), text.codec_context.name))]


class _Clock:
    """The time line of one stream; where time stamps jump backwards it goes on from where it was."""

    def __init__(self, tick_s: float) -> None:
        self.packets = 0
        self.begin_s: float | None = None
        self.end_s: float | None = None
        self._tick_s = tick_s
        self._latest_s: float | None = None
        self._shift_s = 0.0

    def add(self, packet: "Packet[Stream]") -> None:
        self.packets += 1
        pts, dts = packet.pts, packet.dts
        stamp = pts if dts is None else dts
        if stamp is None:
            return
        length_s = (packet.duration or 0) * self._tick_s
        time_s = stamp * self._tick_s + self._shift_s
        if self._latest_s is not None and time_s < self._latest_s - _JUMP_S:
            self._shift_s += self._latest_s + length_s - time_s
            time_s = self._latest_s + length_s
        self._latest_s = time_s
        shown_s = time_s if pts is None else pts * self._tick_s + self._shift_s
        self.begin_s = shown_s if self.begin_s is None else min(self.begin_s, shown_s)
        self.end_s = shown_s + length_s if self.end_s is None else max(self.end_s, shown_s + length_s)


def _packets(uri: str, container: InputContainer, streams: Sequence[Stream]) -> Iterator["Packet[Stream]"]:
    """Read the packets of some streams until the file ends or breaks off."""
    indices = {stream.index for stream in streams}
    for stream in container.streams:
        if stream.index not in indices:
            stream.discard = Discard.all
    with translated_errors(uri):
        try:
            for packet in container.demux(*streams):
                if packet.size:
                    yield packet
        except OSError:
            raise
        except IndexError as error:
            # PyAV fails so where damage makes FFmpeg find streams that the file's head does not name.
            raise ClipError("not-media", f"{uri} is damaged: streams appear in its middle") from error
        except av.error.FFmpegError:
            return


def _packet_lines(payload: bytes, codec: str) -> list[str]:
    """Give the lines of one packet of a text track."""
    if codec == "mov_text":
        # Two bytes of length, the text, then boxes with its style: 3GPP TS 26.245, section 5.17.
        payload = payload[2 : 2 + int.from_bytes(payload[:2], "big")]
    text = payload.decode("utf-8", "replace").rstrip("\0")
    if codec in {"ass", "ssa"}:
        # ReadOrder, Layer, Style, Name, MarginL, MarginR, MarginV, Effect, Text
        text = text.split(",", 8)[-1]
        if _ASS_DRAWING.search(text):
            return []
        text = _ASS_OVERRIDE.sub("", text).replace("\\N", "\n").replace("\\n", "\n").replace("\\h", " ")
    return text.splitlines()
