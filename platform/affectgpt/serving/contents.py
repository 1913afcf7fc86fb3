"""Decodes all files of a request at once; runs in a child process, so that a request costs one round trip to it."""

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from affectgpt.clips.clip import Clip
from affectgpt.clips.decoding import DecodeSettings, decode
from affectgpt.clips.demuxing import open_demuxer
from affectgpt.clips.media import Media
from affectgpt.clips.probing import probe
from affectgpt.clips.sources import Source
from affectgpt.clips.spans import Cutting, cut
from affectgpt.errors import ClipError
from affectgpt.serving.parcel import Parcel
from affectgpt.serving.pictures import decode_pictures

_WHOLE: Final = Cutting(max_clip_s=math.inf)
_HEARING_ONLY: Final = DecodeSettings(frames=0)
_EMPTY: Final = {"zero-duration", "span-out-of-range"}
_ROUNDING_S: Final = 1.0
_NOTHING: Final = Media(
    np.zeros((0, 0, 0, 3), np.uint8), np.zeros(0), 0, np.zeros(0, np.float32), 0.0, has_video=False, has_audio=False
)


@dataclass(frozen=True, slots=True)
class ContentLimits:
    """What a clip may be at most.

    Attributes:
        duration_s: its length in seconds.
        pixels: width times height of its pictures.
    """

    duration_s: float
    pixels: int


@dataclass(frozen=True, slots=True, eq=False)
class Contents:
    """What the files of a request hold.

    Attributes:
        media: frames and sound.
        subtitle: what the request or a text track in its clip says, or None.
    """

    media: Media
    subtitle: str | None


def read_contents(
    called: str, parcel: Parcel, subtitle: str | None, decoding: DecodeSettings, limits: ContentLimits
) -> Contents:
    """Decode the files of a request; pictures and a sound of its own take the place of those of its clip.

    Args:
        called: what messages call the clip.
        parcel: the files; at least one.
        subtitle: what is said; None looks for a text track in the clip, "" is nothing.
        decoding: what the model takes.
        limits: what exceeds them is refused before it is decoded.

    Raises:
        ClipError: ``too-long``, ``too-large``, or a file cannot be used.
    """
    found = Contents(_NOTHING, subtitle)
    if parcel.clip is not None:
        found = _read(called, parcel.clip, subtitle, decoding, limits)
    media = found.media
    if parcel.pictures:
        pictures = decode_pictures([str(path) for path in parcel.pictures], decoding, limits.pixels)
        media = replace(pictures, sound=media.sound, duration_s=media.duration_s, has_audio=media.has_audio)
    if parcel.sound is not None:
        sound = _read(called, parcel.sound, "", _HEARING_ONLY, limits).media
        duration_s = max(media.duration_s, sound.duration_s)
        media = replace(media, sound=sound.sound, duration_s=duration_s, has_audio=True)
    return Contents(media, found.subtitle)


def _read(called: str, file: Path, subtitle: str | None, decoding: DecodeSettings, limits: ContentLimits) -> Contents:
    uri = str(file)
    info = probe(uri)
    _check_length(uri, info.duration_s, limits.duration_s)
    _check_size(uri, limits.pixels)
    (clip,) = cut(Source(called, uri, subtitle=subtitle), info, None, _WHOLE)
    media = _decoded(clip, decoding)
    # Some containers do not say how long they are.
    _check_length(uri, media.duration_s, limits.duration_s + _ROUNDING_S)
    return Contents(media, clip.subtitle)


def _decoded(clip: Clip, decoding: DecodeSettings) -> Media:
    try:
        return decode(clip, decoding)
    except ClipError as error:
        if decoding.frames or error.reason not in _EMPTY:
            raise
    # To a model that does not see, a silent film looks empty, and is not.
    return decode(clip, DecodeSettings(frames=1))


def _check_length(uri: str, length_s: float | None, most_s: float) -> None:
    if length_s is not None and length_s > most_s:
        raise ClipError("too-long", f"{uri} lasts {length_s:.1f} s; at most {most_s:g} s are allowed")


def _check_size(uri: str, most_pixels: int) -> None:
    with open_demuxer(uri) as demuxer:
        codec = None if demuxer.video is None else demuxer.video.stream.codec_context
        if codec is not None and codec.width * codec.height > most_pixels:
            raise ClipError(
                "too-large",
                f"the pictures of {uri} are {codec.width}x{codec.height}; at most {most_pixels:,} pixels are allowed",
            )
