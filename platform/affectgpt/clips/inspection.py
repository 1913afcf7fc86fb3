"""Everything that is found out about a source before it is decoded: its hash, its streams, its clips."""

import functools
import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

from affectgpt.clips.clip import Clip
from affectgpt.clips.probing import SourceInfo, cues_of_part, probe
from affectgpt.clips.sources import Source
from affectgpt.clips.spans import Cutting, cut
from affectgpt.clips.storage import SourceStat, address_of, content_sha256, local_path, stat_source
from affectgpt.clips.subtitles import sidecar_cues
from affectgpt.errors import ClipError

# The most frugal codecs for speech take ten times as much.
_FEWEST_BYTES_PER_S = 50

VERSION: Final = "version:"
"""What precedes a hash that is of a file's version and not of its content."""

Caller: TypeAlias = Callable[..., Any]
"""``affectgpt.clips.isolation.IsolatedProcess.call``, or what else calls a function with the arguments behind it."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """What is known of a usable source.

    Attributes:
        content_sha256: hash of the whole file, in hexadecimal; or, of a remote file of which a manifest names a span,
            ``VERSION`` and the hash of its address, its length and what the store tells of its version.
        version: tells the file that was inspected from what may lie there later.
        info: what its container tells.
        clips: its clips, in the order of time; at least one.
    """

    content_sha256: str
    version: str
    info: SourceInfo
    clips: tuple[Clip, ...]


def inspect_source(source: Source, cutting: Cutting, call: Caller) -> Inspection:
    """Find out what a source is and cut it into clips.

    A file that several sources name (spans of one long video) is probed and hashed once in a process, as long as it
    does not change. Of a remote file of which a manifest names a span no more is read than its head, once, and, where
    the subtitle is in it, that span.

    Args:
        source: what the listing or the manifest says.
        cutting: how long sources become clips.
        call: calls what looks into the container.

    Raises:
        ClipError: why the source cannot be used: its own ``problem``, or what storage, the probe, the subtitle file or
            the cutting says.
    """
    if source.problem is not None:
        raise ClipError(source.problem.reason, source.problem.message)
    found = stat_source(source.uri)
    by_version = _is_known_by_version(source, found)
    info = _probed(source.uri, found, by_version, call)
    digest = _version_sha256(source.uri, found) if by_version else _content_sha256(source.uri, found)
    _check_plausible(source.uri, found.size_bytes, info)
    sidecar = None
    if source.subtitle is None:
        sidecar = sidecar_cues(source.uri, spoken=source.language or info.audio_language)
        if sidecar is None and by_version and info.has_text_track:
            start_s, end_s = source.start_s or 0.0, math.inf if source.end_s is None else source.end_s
            info = replace(info, embedded_cues=call(cues_of_part, source.uri, start_s, end_s))
    return Inspection(digest, found.version, info, cut(source, info, sidecar, cutting))


def check_unchanged(clip: Clip) -> None:
    """See that the source of a clip is still the file that was inspected.

    Raises:
        ClipError: ``source-changed``, or as in ``stat_source``.
    """
    if clip.source_version is not None and stat_source(clip.uri).version != clip.source_version:
        raise ClipError(
            "source-changed",
            f"{clip.uri} was replaced while the run went on; run the same command again, with --retry-rejected where a "
            "manifest names it",
        )


def _check_plausible(uri: str, size_bytes: int, info: SourceInfo) -> None:
    """Refuse a file that claims more time than it can hold, before the claim becomes thousands of clips."""
    if info.duration_s is not None and size_bytes < _FEWEST_BYTES_PER_S * info.duration_s:
        raise ClipError(
            "implausible-duration",
            f"{uri} claims {info.duration_s:.0f} s in {size_bytes} bytes; its time stamps are damaged: remux it to mkv",
        )


def _is_known_by_version(source: Source, found: SourceStat) -> bool:
    """Whether reading the whole file to tell its content would cost more than the clip itself."""
    is_span = source.start_s is not None or source.end_s is not None
    return is_span and found.modified is not None and local_path(source.uri) is None


def _version_sha256(uri: str, found: SourceStat) -> str:
    return VERSION + hashlib.sha256(f"{address_of(uri)} {found.version}".encode()).hexdigest()


@functools.lru_cache(maxsize=32)
def _probed(uri: str, _version: SourceStat, head_only: bool, call: Caller) -> SourceInfo:
    info: SourceInfo = call(probe, uri, head_only)
    return info


@functools.lru_cache(maxsize=32)
def _content_sha256(uri: str, _version: SourceStat) -> str:
    return content_sha256(uri)
