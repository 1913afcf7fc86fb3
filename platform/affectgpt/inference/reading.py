"""From a path to what a model perceives of a clip: its subtitle looked up, its frames and sound decoded."""

import math
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from queue import SimpleQueue
from typing import ParamSpec, Self, TypeVar

from affectgpt.clips.clip import Clip
from affectgpt.clips.decoding import DecodeSettings, decode
from affectgpt.clips.demuxing import open_demuxer
from affectgpt.clips.isolation import IsolatedProcess
from affectgpt.clips.media import Media
from affectgpt.clips.probing import probe
from affectgpt.clips.sources import Source, path_id
from affectgpt.clips.spans import Cutting, cut
from affectgpt.clips.storage import split_uri
from affectgpt.clips.subtitles import sidecar_cues
from affectgpt.errors import ClipError, RequestError

ClipLike = str | os.PathLike[str] | Clip

P = ParamSpec("P")
R = TypeVar("R")

_WHOLE = Cutting(max_clip_s=math.inf)
_EMPTY = {"zero-duration", "span-out-of-range"}


@dataclass(frozen=True, slots=True)
class Asked:
    """A clip that is to be described.

    Attributes:
        clip: a path or URI, or a clip, which is taken as it is.
        subtitle: what is said in it; None lets it be looked up for a path or URI, "" is none.
        start_s: begin of the span in seconds, for a path or URI.
        end_s: end of the span in seconds, for a path or URI.
    """

    clip: ClipLike
    subtitle: str | None = None
    start_s: float | None = None
    end_s: float | None = None

    def __post_init__(self) -> None:
        told = (self.subtitle, self.start_s, self.end_s)
        if isinstance(self.clip, Clip) and any(one is not None for one in told):
            raise RequestError("subtitle, start_s and end_s of a Clip are its own; make another Clip, or give its URI")


@dataclass(frozen=True, slots=True)
class ClipLimits:
    """What a clip may be at most; what exceeds it is refused before it is decoded.

    Attributes:
        longest_s: its length in seconds.
        most_pixels: width times height of its pictures.
    """

    longest_s: float = math.inf
    most_pixels: float = math.inf


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """A clip as it was found, and its decoded content."""

    clip: Clip
    media: Media


class ClipReader:
    """Reads clips in child processes, several at a time; a file that crashes or hangs a decoder harms nothing else."""

    def __init__(
        self,
        decoders: int = 1,
        timeout_s: float = 60.0,
        memory_gib: float = 4.0,
        limits: ClipLimits | None = None,
    ) -> None:
        """Set up; nothing is started yet.

        Args:
            decoders: how many processes decode at a time.
            timeout_s: how long a clip may take.
            memory_gib: how much memory a decoder may take for it.
            limits: what a clip may be at most; None looks at no clip beforehand.
        """
        self._limits = limits
        self._processes = [IsolatedProcess(timeout_s, memory_gib) for _ in range(decoders)]
        self._free: SimpleQueue[IsolatedProcess] = SimpleQueue()
        for process in self._processes:
            self._free.put(process)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """End the processes; reading again starts others."""
        for process in self._processes:
            process.close()

    def start(self) -> None:
        """Start the processes now, so that the first clips need not wait for them."""
        for process in self._processes:
            process.call(int)

    def read(self, asked: Sequence[Asked], settings: DecodeSettings) -> list[Read | ClipError]:
        """Look up and decode clips.

        Returns:
            For each of them what was read, or why it cannot be.
        """
        with ThreadPoolExecutor(len(self._processes)) as threads:
            return list(threads.map(lambda one: self._read(one, settings), asked))

    def call(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a module-level function in one of the processes.

        Raises:
            ClipError: what the function raised; or it crashed, hung, or took too much memory.
        """
        with self._borrowed() as isolated:
            return isolated.call(function, *args, **kwargs)

    def _read(self, asked: Asked, settings: DecodeSettings) -> Read | ClipError:
        with self._borrowed() as isolated:
            try:
                clip = _found(asked, isolated)
                if self._limits is not None:
                    isolated.call(check_limits, clip, self._limits)
                return Read(clip, _decoded(clip, settings, isolated))
            except ClipError as error:
                return error

    @contextmanager
    def _borrowed(self) -> Iterator[IsolatedProcess]:
        isolated = self._free.get()
        try:
            yield isolated
        finally:
            self._free.put(isolated)


def check_limits(clip: Clip, limits: ClipLimits) -> None:
    """See that a clip is not larger than it may be.

    Raises:
        ClipError: ``too-long`` or ``too-large``, or it cannot be opened.
    """
    length_s = probe(clip.uri).duration_s
    if length_s is not None:
        length_s = min(length_s, clip.end_s or math.inf) - (clip.start_s or 0.0)
        if length_s > limits.longest_s:
            raise ClipError(
                "too-long", f"{clip.uri} lasts {length_s:.1f} s; at most {limits.longest_s:g} s are allowed"
            )
    with open_demuxer(clip.uri) as demuxer:
        codec = None if demuxer.video is None else demuxer.video.stream.codec_context
        if codec is not None and codec.width * codec.height > limits.most_pixels:
            raise ClipError(
                "too-large",
                f"the pictures of {clip.uri} are {codec.width}x{codec.height}; "
                f"at most {limits.most_pixels:,.0f} pixels are allowed",
            )


def _decoded(clip: Clip, settings: DecodeSettings, isolated: IsolatedProcess) -> Media:
    try:
        return isolated.call(decode, clip, settings)
    except ClipError as error:
        if settings.frames or error.reason not in _EMPTY:
            raise
    # To a model that does not see, a silent film looks empty, and is not.
    return isolated.call(decode, clip, DecodeSettings(frames=1))


def _found(asked: Asked, isolated: IsolatedProcess) -> Clip:
    """Make a clip of what was asked for; its subtitle is looked up as ``build-dataset`` does it.

    Raises:
        ClipError: the source or its subtitle cannot be read, or the span does not lie in it.
    """
    if isinstance(asked.clip, Clip):
        return asked.clip
    uri = os.fspath(asked.clip)
    clip_id = path_id(split_uri(uri)[1]) or uri
    if asked.subtitle is not None:
        return Clip(clip_id, uri, asked.start_s, asked.end_s, asked.subtitle, "manifest")
    info = isolated.call(probe, uri)
    source = Source(clip_id, uri, asked.start_s, asked.end_s)
    (clip,) = cut(source, info, sidecar_cues(uri, spoken=info.audio_language), _WHOLE)
    return clip
