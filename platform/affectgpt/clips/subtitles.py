"""Timed subtitles: SubRip and WebVTT text, and the files that lie beside a source."""

import functools
import html
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from pyarrow import fs

from affectgpt.clips.languages import language_tag
from affectgpt.clips.storage import (
    filesystem_of,
    is_http,
    join_uri,
    local_path,
    open_source,
    split_uri,
    stat_source,
    translated_errors,
)
from affectgpt.errors import ClipError

MAX_SUBTITLE_CHARS = 100_000
MAX_SIDECAR_BYTES = 10_000_000
SIDECAR_SUFFIXES = (".srt", ".vtt")

_TIME = r"(?:(\d+):)?(\d{1,2}):(\d{2})(?:[.,](\d{1,3}))?"
_TIMING = re.compile(rf"\s*{_TIME}\s*-->\s*{_TIME}")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>|<[\d:.]+>|\{\\[^{}]*\}|\{[/]?[biuBIU]\}")
_ENTITY = re.compile(r"&(#\d+|#x[0-9A-Fa-f]+|[A-Za-z]+);")
_INVISIBLE = dict.fromkeys([0x200B, 0x200E, 0x200F, 0xFEFF])
# Captions that roll are written with ends and beginnings that touch, up to rounding.
_TOUCHING_S = 0.011


@dataclass(frozen=True, slots=True)
class Cue:
    """One line of speech: from ``start_s`` to ``end_s``, in seconds, ``text`` in one line without tags."""

    start_s: float
    end_s: float
    text: str


@dataclass(frozen=True, slots=True)
class Sidecar:
    """The subtitle file beside a source: its cues by their beginning, and the language in its name, if any."""

    cues: tuple[Cue, ...]
    language: str | None


def parse_srt(text: str) -> tuple[Cue, ...]:
    """Read SubRip text; missing indices, missing blank lines, blank lines within a cue and tags do no harm."""
    return _cues(text, blank_line_ends_cue=False)


def parse_vtt(text: str) -> tuple[Cue, ...]:
    """Read WebVTT text; headers, identifiers, settings, tags and NOTE, STYLE and REGION blocks are left out.

    Source: https://www.w3.org/TR/webvtt1/#file-structure
    """
    return _cues(text, blank_line_ends_cue=True)


def text_in_span(cues: Sequence[Cue], start_s: float | None, end_s: float | None) -> str | None:
    """Give what is said in a span, or None where no cue belongs to it.

    A cue belongs to the span that holds its middle: of spans side by side exactly one has it.
    """
    texts = [
        cue.text
        for cue in cues
        if (start_s is None or start_s <= (cue.start_s + cue.end_s) / 2)
        and (end_s is None or (cue.start_s + cue.end_s) / 2 < end_s)
    ]
    return " ".join(texts) or None


def sidecar_cues(uri: str, spoken: str | None = None) -> Sidecar | None:
    """Read the subtitle file beside a source: ``talk.srt``, ``talk.vtt`` or ``talk.en.srt`` beside ``talk.mp4``.

    Names match in any case of letters, best where the case is the same. A file without a language goes before those
    with one; of these the one in the ``spoken`` language comes first, then the alphabet decides; SubRip goes before
    WebVTT. Folders are listed once in a process (local ones again when they change). Web servers list nothing: there
    only ``talk.srt`` and ``talk.vtt`` are asked for, and not for URLs that carry a query, which is often a signature.

    The encoding is UTF-8 or UTF-16 where a byte order mark says so, else UTF-8 where the bytes are valid UTF-8.
    Otherwise it is GB 18030 where the bytes are valid and most bytes beyond ASCII stand side by side and make Chinese
    characters or punctuation, else Windows-1252 where the bytes are valid.

    Returns:
        the cues, or None where there is no such file or it says nothing.

    Raises:
        ClipError: ``subtitle-too-long`` for a file of more than 10 MB, ``unreadable-subtitle`` for one that holds no
            cues or has another encoding; whatever ``storage`` says of a file that cannot be read.
    """
    if is_http(uri):
        found = _web_sidecar(uri)
    else:
        folder, name = split_uri(uri)
        path = local_path(folder)
        version = path.stat().st_mtime_ns if path is not None else 0
        found = _best_sidecar(name, _subtitle_names(folder, version), spoken)
        found = None if found is None else (join_uri(folder, found[0]), found[1])
    if found is None:
        return None
    sidecar, language = found
    cues = _read_sidecar(sidecar)
    return Sidecar(cues, language) if cues else None


def plain_text(text: str) -> str:
    """Take tags and entities out of a cue's text and write it in one line."""
    unescaped = _ENTITY.sub(lambda entity: html.unescape(entity.group()), _TAG.sub("", text))
    return " ".join(unescaped.translate(_INVISIBLE).split())


def collapsed(cues: Sequence[tuple[float, float, Sequence[str]]]) -> tuple[Cue, ...]:
    """Sort cues, given as (start, end, lines), and say once what captions that roll say again.

    Rolling captions repeat the lines of the cue before them while they add the next one. Lines at the beginning of a
    cue that end the cue before it, where the two touch or overlap, are left out; a cue that then says nothing prolongs
    the one before it.
    """
    result: list[Cue] = []
    shown: list[str] = []
    shown_until_s = float("-inf")
    for start_s, end_s, raw_lines in sorted(cues, key=lambda cue: cue[:2]):
        lines = [line for line in map(plain_text, raw_lines) if line]
        if not lines or end_s <= start_s:
            continue
        touching = start_s <= shown_until_s + _TOUCHING_S
        repeated = _overlap(shown, lines) if touching else 0
        if repeated == len(lines):
            last = result[-1]
            result[-1] = Cue(last.start_s, max(last.end_s, end_s), last.text)
        else:
            result.append(Cue(start_s, end_s, " ".join(lines[repeated:])))
        shown, shown_until_s = lines, max(shown_until_s, end_s)
    return tuple(result)


def _overlap(before: Sequence[str], lines: Sequence[str]) -> int:
    """Count the lines at the beginning of ``lines`` that are the end of ``before``."""
    return next((n for n in range(min(len(before), len(lines)), 0, -1) if before[-n:] == lines[:n]), 0)


def _cues(text: str, *, blank_line_ends_cue: bool) -> tuple[Cue, ...]:
    cues: list[tuple[float, float, list[str]]] = []
    lines: list[str] = []
    previous = ""
    for line in text.removeprefix("\ufeff").splitlines():
        timing = _TIMING.match(line)
        if timing is not None:
            if lines and lines[-1] == previous and previous.strip().isdigit():
                lines.pop()
            lines = []
            cues.append((_seconds(timing.groups()[:4]), _seconds(timing.groups()[4:]), lines))
        elif blank_line_ends_cue and not line:
            lines = []
        else:
            lines.append(line)
        previous = line
    return collapsed(cues)


def _seconds(parts: Sequence[str | None]) -> float:
    hours, minutes, seconds, fraction = parts
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds or 0) + float(f"0.{fraction or 0}")


@functools.lru_cache(maxsize=32)
def _subtitle_names(folder: str, version: int) -> dict[str, list[str]]:
    """List the subtitle files of a folder, under each name that a source beside them could have.

    ``version`` changes when a local folder changes, and makes this be called again.
    """
    path = local_path(folder)
    with translated_errors(folder):
        if path is not None:
            names = [entry.name for entry in path.iterdir() if entry.suffix.lower() in SIDECAR_SUFFIXES]
        else:
            filesystem, key = filesystem_of(folder)
            names = [found.base_name for found in filesystem.get_file_info(fs.FileSelector(key))]
    by_stem: dict[str, list[str]] = {}
    for name in names:
        stem, dot, suffix = name.rpartition(".")
        if f"{dot}{suffix}".lower() not in SIDECAR_SUFFIXES or name.startswith("."):
            continue
        by_stem.setdefault(_folded(stem), []).append(name)
        shorter, _, language = stem.rpartition(".")
        if shorter and language_tag(language) is not None:
            by_stem.setdefault(_folded(shorter), []).append(name)
    return by_stem


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _best_sidecar(name: str, names: dict[str, list[str]], spoken: str | None) -> tuple[str, str | None] | None:
    """Choose among the subtitle files of a source; answers the file's name and its language."""
    stem = name.rpartition(".")[0]
    candidates = []
    for sidecar in names.get(_folded(stem), []):
        language = language_tag(sidecar[len(stem) + 1 :].rpartition(".")[0])
        rank = (
            not sidecar.startswith(stem + "."),
            language is not None,
            spoken is None or language is None or language.split("-")[0] != spoken.split("-")[0],
            sidecar.lower(),
        )
        candidates.append((rank, sidecar, language))
    return min(candidates)[1:] if candidates else None


def _web_sidecar(uri: str) -> tuple[str, str | None] | None:
    stem, dot, suffix = uri.rpartition(".")
    if not dot or "?" in uri or "/" in suffix:
        return None
    for ending in SIDECAR_SUFFIXES:
        try:
            stat_source(stem + ending)
        except ClipError as error:
            # Object stores behind a web server answer "forbidden" for what does not exist.
            if error.reason not in {"not-found", "access-denied"}:
                raise
        else:
            return stem + ending, None
    return None


def _read_sidecar(uri: str) -> tuple[Cue, ...]:
    try:
        size_bytes = stat_source(uri).size_bytes
    except ClipError as error:
        if error.reason == "empty-file":
            return ()
        raise
    if size_bytes > MAX_SIDECAR_BYTES:
        raise ClipError(
            "subtitle-too-long",
            f"the subtitle file {uri} has {size_bytes} bytes; {MAX_SIDECAR_BYTES} are the most: replace or remove it",
        )
    with translated_errors(uri), open_source(uri) as stream:
        text = _decoded(stream.read(), uri)
    cues = parse_vtt(text) if uri.lower().endswith(".vtt") else parse_srt(text)
    if not cues and _TIMING.search(text) is None and text.strip("\ufeff \r\n\t") not in {"", "WEBVTT"}:
        raise ClipError("unreadable-subtitle", f"the subtitle file {uri} holds no cue; replace or remove it")
    return cues


def _decoded(content: bytes, uri: str) -> str:
    """Decode a subtitle file, as ``sidecar_cues`` says."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ["utf-16"]
    elif _looks_chinese(content):
        encodings = ["utf-8-sig", "gb18030"]
    else:
        encodings = ["utf-8-sig", "cp1252"]
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise ClipError("unreadable-subtitle", f"the encoding of {uri} is not known; save it in UTF-8")


def _looks_chinese(content: bytes) -> bool:
    """Whether bytes are valid GB 18030 and most bytes beyond ASCII come in pairs and make Chinese text.

    Text in Windows-1252 has its bytes beyond ASCII alone between letters of ASCII.
    """
    try:
        text = content.decode("gb18030")
    except UnicodeDecodeError:
        return False
    beyond = sum(byte >= 0x80 for byte in content)
    paired = sum(len(run) for run in re.findall(rb"[\x80-\xff]{2,}", content))
    foreign = [character for character in text if ord(character) >= 0x80]
    chinese = sum("\u3000" <= character <= "\u9fff" or "\uff00" <= character <= "\uffef" for character in foreign)
    return beyond > 0 and paired * 2 > beyond and chinese * 2 > len(foreign)
