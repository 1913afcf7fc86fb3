"""Decodes a clip into a few frames and its sound."""

import math
from dataclasses import dataclass

import av
import numpy as np

from affectgpt.clips.clip import Clip
from affectgpt.clips.demuxing import Demuxer, MediaPacket, open_demuxer
from affectgpt.clips.media import SAMPLE_RATE, Media
from affectgpt.clips.pictures import PictureDecoder, Pictures
from affectgpt.clips.sound import SoundTrack
from affectgpt.errors import ClipError

# A clip is held in memory, its video still compressed.
_LONGEST_SOUND_S = 3600.0
_MOST_VIDEO_BYTES = 1 << 30
_LEAST_SOUND_S = 0.1
_LATEST_S = 1e9
# Lengths are stated with the rounding of frames and sound packets.
_MISSING_S = 0.25

_NO_PICTURES = Pictures(np.zeros((0, 0, 0, 3), np.uint8), np.zeros(0), 0.0)


@dataclass(frozen=True, slots=True)
class DecodeSettings:
    """What is taken out of a clip.

    Attributes:
        frames: how many frames, spread evenly over the span.
        frame_size: length of the shorter side of a frame in pixels; the longer one is at most twice as long.
    """

    frames: int = 8
    frame_size: int = 224


def decode(clip: Clip, settings: DecodeSettings) -> Media:
    """Decode a clip.

    The frames are those on screen at the centres of ``settings.frames`` equal parts of the video's part of the span,
    each at most once; all have the size of the first one. The sound begins with the span and ends where the source's
    sound ends; where the source has none in between, there is silence. Packets that cannot be decoded are left out.

    Raises:
        ClipError: ``span-out-of-range`` (the source holds nothing there), ``zero-duration`` (it holds nothing at all),
            ``undecodable-video`` or ``undecodable-sound`` (a stream is there, but nothing of it can be decoded),
            ``undecodable`` (nothing can, or less than 0.1 s of sound alone), ``cut-off`` (the file ends before the
            clip does), ``too-long`` (more than an hour of sound or 1 GiB of compressed video), and the reasons of
            ``open_demuxer``.
    """
    start_s, end_s = clip.start_s or 0.0, math.inf if clip.end_s is None else clip.end_s
    if not 0.0 <= start_s < min(end_s, _LATEST_S):
        raise ClipError("span-out-of-range", f"the span of {clip.uri} from {start_s} s to {end_s} s is no span of time")
    try:
        with open_demuxer(clip.uri) as demuxer:
            return _decode_span(demuxer, start_s, end_s, settings)
    except MemoryError:
        raise
    except av.error.FFmpegError as error:
        raise ClipError("undecodable", f"{clip.uri} cannot be decoded ({error}); it is damaged or encrypted") from error


def _decode_span(demuxer: Demuxer, start_s: float, end_s: float, settings: DecodeSettings) -> Media:
    packets, sound_track = _read(demuxer, start_s, end_s)
    pictures = None
    if demuxer.video is not None and packets:
        decoder = PictureDecoder(demuxer.video, packets, start_s, end_s, settings.frames)
        pictures = decoder.decode(settings.frame_size)
    _check_decoded(demuxer.uri, packets, pictures, sound_track)
    pictures = pictures or _NO_PICTURES
    sound = np.zeros(0, np.float32) if sound_track is None else sound_track.render()
    if not np.isfinite(sound).all():
        raise ClipError("undecodable-sound", f"the sound of {demuxer.uri} holds samples that are not numbers")
    sound_s = len(sound) / SAMPLE_RATE
    if not len(pictures.frames) and sound_s < _LEAST_SOUND_S:
        raise _nothing_there(demuxer.uri, start_s, sound_s)
    video_s = min(pictures.end_s, end_s) - start_s if len(pictures.frames) else 0.0
    _check_whole(demuxer, start_s + max(video_s, sound_s), end_s)
    return Media(
        frames=pictures.frames,
        frame_times_s=np.maximum(pictures.times_s - start_s, 0.0),
        frames_expected=settings.frames,
        sound=sound,
        duration_s=max(video_s, sound_s),
        has_video=demuxer.video is not None,
        has_audio=demuxer.audio is not None,
    )


def _read(demuxer: Demuxer, start_s: float, end_s: float) -> tuple[list[MediaPacket], SoundTrack | None]:
    """Read a span once: keep its video compressed, decode its sound."""
    sound = None if demuxer.audio is None else SoundTrack(demuxer.audio, start_s, end_s)
    packets: list[MediaPacket] = []
    video_bytes = 0
    for packet in demuxer.read(start_s, end_s):
        if sound is not None and packet.stream_index == sound.index:
            sound.feed(packet)
        else:
            packets.append(packet)
            video_bytes += packet.size
        if video_bytes > _MOST_VIDEO_BYTES or (sound is not None and sound.end_s - start_s > _LONGEST_SOUND_S):
            raise ClipError(
                "too-long",
                f"{demuxer.uri} has more than {_LONGEST_SOUND_S / 60:g} minutes of sound or 1 GiB of compressed video "
                f"from {start_s} s on; cut it into clips by start_s and end_s",
            )
    if sound is not None:
        sound.feed(None)
    return packets, sound


def _check_decoded(uri: str, packets: list[MediaPacket], pictures: Pictures | None, sound: SoundTrack | None) -> None:
    """Refuse a clip of which a stream is there but cannot be decoded at all."""
    decoded = {}
    if packets:
        decoded["video"] = pictures is not None
    if sound is not None and sound.packets:
        decoded["sound"] = sound.decoded
    if decoded and not any(decoded.values()):
        raise ClipError("undecodable", f"nothing of {uri} can be decoded; it is damaged or encrypted")
    for kind, success in decoded.items():
        if not success:
            raise ClipError(f"undecodable-{kind}", f"{uri} has {kind}, but nothing of it can be decoded")


def _check_whole(demuxer: Demuxer, ended_s: float, end_s: float) -> None:
    """Refuse a clip whose end is missing, since its file is cut off."""
    if ended_s > end_s - _MISSING_S:
        return
    missing_s = min(demuxer.missing_after(ended_s), end_s - ended_s)
    if missing_s > _MISSING_S:
        raise ClipError(
            "cut-off",
            f"{demuxer.uri} is cut off after {ended_s:.1f} s, and {missing_s:.1f} s of this clip are missing; copy it "
            "again from where it came from",
        )


def _nothing_there(uri: str, start_s: float, sound_s: float) -> ClipError:
    if sound_s > 0.0:
        return ClipError("undecodable", f"{uri} gives no frame and only {sound_s:.3f} s of sound")
    if start_s > 0.0:
        return ClipError("span-out-of-range", f"{uri} holds nothing from {start_s} s on, where the span begins")
    return ClipError("zero-duration", f"{uri} has streams, but they hold no frame and no sample")
