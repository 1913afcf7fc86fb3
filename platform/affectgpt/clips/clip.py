"""A clip: one span of one source, with what is known about it before anything is decoded."""

from dataclasses import dataclass
from typing import Literal

SubtitleSource = Literal["manifest", "sidecar", "embedded", "speech-to-text", "speech-unclear", "none"]


@dataclass(frozen=True, slots=True)
class Clip:
    """One span of a video or sound source.

    Attributes:
        clip_id: stable identity, independent of where the input root lies.
        uri: where the source is: an absolute local path or a URI (``s3://``, ``gs://``, ``https://``, ...).
        start_s: begin of the span in seconds of the source's own time line; None is the source's beginning.
        end_s: end of the span in seconds; None is the source's end.
        subtitle: what is said in the span, or None where nobody knows.
        subtitle_source: where the subtitle came from; ``speech-unclear`` where speech to text gave nothing usable.
        language: BCP 47 tag of the spoken language (``en``, ``zh``, ``de``), or None where nobody knows.
        speaker: who speaks, as the manifest names them, or None.
        source_version: tells the file that was inspected from what may lie there later, or None where nobody inspected.
    """

    clip_id: str
    uri: str
    start_s: float | None = None
    end_s: float | None = None
    subtitle: str | None = None
    subtitle_source: SubtitleSource = "none"
    language: str | None = None
    speaker: str | None = None
    source_version: str | None = None
