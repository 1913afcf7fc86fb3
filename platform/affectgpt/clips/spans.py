"""Cuts sources into clips: by their manifest, by their subtitles, or into windows."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from affectgpt.clips.clip import Clip, SubtitleSource
from affectgpt.clips.probing import SourceInfo
from affectgpt.clips.sources import Source, span_id
from affectgpt.clips.subtitles import MAX_SUBTITLE_CHARS, Cue, Sidecar, text_in_span
from affectgpt.errors import ClipError

# Cues that are further apart are separate utterances, even where no punctuation ends the first.
_PAUSE_S = 0.3
# Lengths are stated with the rounding of frames and sound packets.
_END_TOLERANCE_S = 0.25
# What states more is a broken header, and would become a million windows.
_LONGEST_SOURCE_S = 7 * 24 * 3600.0
_SENTENCE_END = re.compile(r"[.!?…。！？][\"'”’」』)\]]*$")


@dataclass(frozen=True, slots=True)
class Cutting:
    """How long sources become clips.

    Attributes:
        max_clip_s: a source that is no longer is one clip.
        window_s: length of the windows of a longer source without subtitles, and the most that cues are joined to.
        min_clip_s: cues and last windows that are shorter are joined to a neighbour.
    """

    max_clip_s: float = 30.0
    window_s: float = 10.0
    min_clip_s: float = 1.0


def cut(source: Source, info: SourceInfo, sidecar: Sidecar | None, cutting: Cutting) -> tuple[Clip, ...]:
    """Cut a source into its clips; each has the text of its span, or none where nobody knows it.

    One clip, with the source's own id:

    - a manifest row that says itself what the clip is, by a span or by the subtitle of the clip. A subtitle without a
      span has no times by which it could be cut, so its clip is the whole source, however long;
    - a source of at most ``max_clip_s`` seconds, or of unknown length.

    A longer source is cut by its cues, where any lies within it: each clip is a sentence. A cue is joined to the one
    before it where the gap is at most 0.3 s and both together last at most ``window_s``, as long as the text so far
    does not end a sentence (no ``.``, ``!``, ``?``, ``…`` or their Chinese forms) or is shorter than ``min_clip_s``.
    Cues that overlap by more than half of the later one are one moment and always joined. What lies between the cues
    is no clip. Without cues the source is cut into windows of ``window_s``; a last window shorter than ``min_clip_s``
    joins the one before it. The ids of these clips carry the span (``sources.span_id``).

    The subtitle is the manifest's, else the sidecar's, else the embedded track's. The language is the manifest's, else
    the sidecar's, else the embedded track's, else that of the sound.

    Args:
        source: the source.
        info: what its container tells.
        sidecar: the subtitle file beside it, or None.
        cutting: the lengths.

    Raises:
        ClipError: ``span-out-of-range``, ``subtitle-too-long`` or ``implausible-duration``.
    """
    cues, subtitle_source = _cues(info, sidecar)
    whole = Clip(
        clip_id=source.source_id,
        uri=source.uri,
        start_s=source.start_s,
        end_s=source.end_s,
        language=source.language or (sidecar and sidecar.language) or info.embedded_language or info.audio_language,
        speaker=source.speaker,
    )
    if source.subtitle is not None:
        _check_span(source, info)
        return (_with_text(whole, source.subtitle, "manifest"),)
    has_span = source.start_s is not None or source.end_s is not None
    if has_span or info.duration_s is None or info.duration_s <= cutting.max_clip_s:
        _check_span(source, info)
        return (_with_text(whole, text_in_span(cues, source.start_s, source.end_s), subtitle_source),)
    if info.duration_s > _LONGEST_SOURCE_S:
        raise ClipError(
            "implausible-duration", f"{source.uri} states a length of {info.duration_s:.0f} s; remux it to mkv"
        )
    sentences = _sentences(cues, info.duration_s, cutting)
    spans = sentences or [(start_s, end_s, None) for start_s, end_s in _windows(info.duration_s, cutting)]
    return tuple(
        _with_text(
            replace(whole, clip_id=span_id(source.source_id, start_s, end_s), start_s=start_s, end_s=end_s),
            text,
            subtitle_source,
        )
        for start_s, end_s, text in spans
    )


def _cues(info: SourceInfo, sidecar: Sidecar | None) -> tuple[Sequence[Cue], SubtitleSource]:
    if sidecar is not None:
        return sidecar.cues, "sidecar"
    return info.embedded_cues, "embedded"


def _with_text(clip: Clip, text: str | None, subtitle_source: SubtitleSource) -> Clip:
    if text is None:
        return clip
    if len(text) > MAX_SUBTITLE_CHARS:
        raise ClipError(
            "subtitle-too-long",
            f"the subtitle of {clip.clip_id} has {len(text)} characters; {MAX_SUBTITLE_CHARS} are the most: "
            "give what is said in this clip alone",
        )
    return replace(clip, subtitle=text, subtitle_source=subtitle_source)


def _check_span(source: Source, info: SourceInfo) -> None:
    if info.duration_s is None:
        return
    late = source.start_s is not None and source.start_s >= info.duration_s
    if late or (source.end_s is not None and source.end_s > info.duration_s + _END_TOLERANCE_S):
        end = "its end" if source.end_s is None else f"{source.end_s:.3f} s"
        raise ClipError(
            "span-out-of-range",
            f"the span from {source.start_s or 0.0:.3f} s to {end} goes beyond {source.uri}, which lasts "
            f"{info.duration_s:.3f} s; correct start_s and end_s",
        )


def _sentences(cues: Sequence[Cue], duration_s: float, cutting: Cutting) -> list[tuple[float, float, str | None]]:
    """Join cues to sentences, as ``cut`` says; times are rounded as the ids are."""
    sentences: list[Cue] = []
    for cue in cues:
        start_s, end_s = round(cue.start_s, 3), round(min(cue.end_s, duration_s), 3)
        if end_s <= start_s:
            continue
        last = sentences[-1] if sentences else None
        if last is not None and _belong_together(last, start_s, end_s, cutting):
            sentences[-1] = Cue(last.start_s, max(last.end_s, end_s), f"{last.text} {cue.text}")
        else:
            sentences.append(Cue(start_s, end_s, cue.text))
    return [(sentence.start_s, sentence.end_s, sentence.text) for sentence in sentences]


def _belong_together(last: Cue, start_s: float, end_s: float, cutting: Cutting) -> bool:
    if last.end_s - start_s > (end_s - start_s) / 2:
        return True
    if start_s - last.end_s > _PAUSE_S or max(last.end_s, end_s) - last.start_s > cutting.window_s:
        return False
    return _SENTENCE_END.search(last.text) is None or last.end_s - last.start_s < cutting.min_clip_s


def _windows(duration_s: float, cutting: Cutting) -> list[tuple[float, float]]:
    """Divide a length into windows, the last of which may be shorter, or longer by less than ``min_clip_s``."""
    whole = int(duration_s // cutting.window_s)
    has_rest = duration_s - whole * cutting.window_s >= cutting.min_clip_s
    count = max(1, whole + has_rest)
    edges = [round(i * cutting.window_s, 3) for i in range(count)] + [round(duration_s, 3)]
    return list(pairwise(edges))
