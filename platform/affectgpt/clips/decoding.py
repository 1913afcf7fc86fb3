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
_LONGEST_CLIP_S = 3600
_MOST_VIDEO_BYTES = 1 << 30
_LEAST_SOUND_S = 0.1


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

    Frames are those on screen at the centres of ``settings.frames`` equal parts of the video's part of the span. Sound
    begins with the span: what the source lacks before the end of its sound is silence. Damaged packets are left out.

    Raises:
        ClipError: ``span-out-of-range`` (the source has nothing there), ``zero-duration`` (streams without content),
            ``undecodable-video`` or ``undecodable-sound`` (a stream of which nothing can be decoded),
            ``undecodable`` (nothing at all, or less than 0.1 s of sound alone), ``too-long``, and the reasons of
            ``open_demuxer``.
    """
    start_s, end_s = clip.start_s or 0.0, math.inf if clip.end_s is None else clip.end_s
    if not 0.0 <= start_s < end_s:
        raise ClipError("span-out-of-range", f"the span {start_s} s to {end_s} s of {clip.uri} is empty or negative")
    with open_demuxer(clip.uri) as demuxer:
        packets, sound_track = _read(demuxer, start_s, end_s)
        if not packets and (sound_track is None or not sound_track.packets):
            raise _nothing_there(clip, start_s)
        pictures = _decode_pictures(demuxer, packets, start_s, end_s, settings)
        _check_decoded(clip, packets, pictures, sound_track)
    frames = np.zeros((0, 0, 0, 3), np.uint8) if pictures is None else pictures.frames
    times_s = np.zeros(0) if pictures is None else np.maximum(pictures.times_s - start_s, 0.0)
    sound = np.zeros(0, np.float32) if sound_track is None else sound_track.render()
    if not len(frames) and not len(sound):
        raise _nothing_there(clip, start_s)
    if not len(frames) and len(sound) < _LEAST_SOUND_S * SAMPLE_RATE:
        raise ClipError("undecodable", f"{clip.uri} gives no frame and only {len(sound) / SAMPLE_RATE:.3f} s of sound")
    until_s = max(pictures.end_s if pictures is not None and len(frames) else 0.0, start_s + len(sound) / SAMPLE_RATE)
    return Media(
        frames=frames,
        frame_times_s=times_s,
        frames_expected=settings.frames,
        sound=sound,
        duration_s=min(end_s, until_s) - start_s,
        has_video=demuxer.video is not None,
        has_audio=demuxer.audio is not None,
    )


def _read(demuxer: Demuxer, start_s: float, end_s: float) -> tuple[list[MediaPacket], SoundTrack | None]:
    """Read a span once: keep its video compressed, decode its sound."""
    sound = None if demuxer.audio is None else SoundTrack(demuxer.audio, start_s, end_s)
    packets: list[MediaPacket] = []
    video_bytes = 0
    for packet in demuxer.read(start_s, end_s):
        if sound is not None and demuxer.audio is not None and packet.stream_index == demuxer.audio.index:
            sound.feed(packet)
        else:
            packets.append(packet)
            video_bytes += packet.size
        if video_bytes > _MOST_VIDEO_BYTES or (sound is not None and sound.end_s - start_s > _LONGEST_CLIP_S):
            raise ClipError(
                "too-long",
                f"{demuxer.uri} from {start_s} s on is longer than {_LONGEST_CLIP_S} s or holds more than 1 GiB of "
                "compressed video; cut it into clips by start_s and end_s",
            )
    if sound is not None:
        sound.feed(None)
    return packets, sound


def _decode_pictures(
    demuxer: Demuxer, packets: list[MediaPacket], start_s: float, end_s: float, settings: DecodeSettings
) -> Pictures | None:
    if demuxer.video is None or not packets:
        return None
    try:
        return PictureDecoder(demuxer.video, packets, start_s, end_s, settings.frames).decode(settings.frame_size)
    except (OSError, MemoryError):
        raise
    except av.error.FFmpegError as error:
        raise ClipError("undecodable-video", f"the pictures of {demuxer.uri} cannot be converted ({error})") from error


def _check_decoded(
    clip: Clip, packets: list[MediaPacket], pictures: Pictures | None, sound: SoundTrack | None
) -> None:
    """Refuse a clip of which a stream is there but cannot be decoded at all."""
    video_packets, sound_packets = len(packets), 0 if sound is None else sound.packets
    broken_video = video_packets > 0 and pictures is None
    broken_sound = sound_packets > 0 and sound is not None and not sound.decoded
    if (broken_video or not video_packets) and (broken_sound or not sound_packets):
        raise ClipError("undecodable", f"nothing of {clip.uri} can be decoded; it is damaged or encrypted")
    if broken_video or broken_sound:
        kind = "video" if broken_video else "sound"
        raise ClipError(f"undecodable-{kind}", f"{clip.uri} has {kind}, but nothing of it can be decoded")


def _nothing_there(clip: Clip, start_s: float) -> ClipError:
    if start_s > 0.0:
        return ClipError("span-out-of-range", f"{clip.uri} ends before {start_s} s, where the span begins")
    return ClipError("zero-duration", f"{clip.uri} has streams, but they hold no frame and no sample")
