"""Everything that is found out about a source before it is decoded: its hash, its streams, its clips."""

import functools
from collections.abc import Callable
from dataclasses import dataclass

from affectgpt.clips.clip import Clip
from affectgpt.clips.probing import SourceInfo
from affectgpt.clips.sources import Source
from affectgpt.clips.spans import Cutting, cut
from affectgpt.clips.storage import content_sha256, stat_source
from affectgpt.clips.subtitles import sidecar_cues
from affectgpt.errors import ClipError

# The most frugal codecs for speech take ten times as much.
_FEWEST_BYTES_PER_S = 50


@dataclass(frozen=True, slots=True)
class Inspection:
    """What is known of a usable source.

    Attributes:
        content_sha256: hash of the whole file, in hexadecimal.
        version: tells the file that was inspected from what may lie there later.
        info: what its container tells.
        clips: its clips, in the order of time; at least one.
    """

    content_sha256: str
    version: str
    info: SourceInfo
    clips: tuple[Clip, ...]


def inspect_source(source: Source, cutting: Cutting, probe_isolated: Callable[[str], SourceInfo]) -> Inspection:
    """Find out what a source is and cut it into clips.

    A file that several sources name (spans of one long video) is probed and hashed once in a process, as long as it
    does not change.

    Args:
        source: what the listing or the manifest says.
        cutting: how long sources become clips.
        probe_isolated: runs ``affectgpt.clips.probing.probe`` where a crash of FFmpeg harms nobody.

    Raises:
        ClipError: why the source cannot be used: its own ``problem``, or what storage, the probe, the subtitle file or
            the cutting says.
    """
    if source.problem is not None:
        raise ClipError(source.problem.reason, source.problem.message)
    found = stat_source(source.uri)
    info, digest = _probed_and_hashed(source.uri, found.size_bytes, found.modified, probe_isolated)
    _check_plausible(source.uri, found.size_bytes, info)
    sidecar = None
    if source.subtitle is None:
        sidecar = sidecar_cues(source.uri, spoken=source.language or info.audio_language)
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


@functools.lru_cache(maxsize=32)
def _probed_and_hashed(
    uri: str, size_bytes: int, modified: str | None, probe_isolated: Callable[[str], SourceInfo]
) -> tuple[SourceInfo, str]:
    """Probe and hash one version of a file; size and modification tell versions apart."""
    return probe_isolated(uri), content_sha256(uri)
