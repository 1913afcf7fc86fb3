"""What a user points at - a folder, a glob, a file, a URI - as a sorted stream of sources."""

import fnmatch
import os
import re
import sys
import unicodedata
from collections.abc import Callable, Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from typing import Protocol

from pyarrow import fs

from affectgpt.clips.storage import filesystem_of, is_http, join_uri, local_path, split_uri, translated_errors
from affectgpt.errors import ClipError, RequestError

_VIDEO_SUFFIXES = frozenset({".mp4", ".mkv", ".mov", ".avi", ".webm", ".mpg", ".mpeg", ".flv", ".ts", ".m4v"})
_SOUND_SUFFIXES = frozenset({".wav", ".flac", ".mp3", ".m4a", ".ogg", ".opus", ".aac"})
MEDIA_SUFFIXES = _VIDEO_SUFFIXES | _SOUND_SUFFIXES
MAX_ID_CHARS = 512
_GLOB_CHARS = re.compile(r"[*?\[]")
_REMOTE_GLOB_CHARS = re.compile(r"[*\[]")
_VARIANT = re.compile(r"(#other=\d+)+$")


@dataclass(frozen=True, slots=True)
class Source:
    """One file, or one span of a file that a manifest names, before anything of it is read.

    Attributes:
        source_id: what the ids of its clips begin with; unique among the sources of one input.
        uri: an absolute local path or a URI.
        start_s: begin of the span in seconds, or None for the beginning.
        end_s: end of the span in seconds, or None for the end.
        subtitle: what is said, as the manifest has it.
        language: BCP 47 tag, as the manifest has it.
        speaker: who speaks, as the manifest has it.
        problem: why the source cannot be used; it becomes a rejected clip.
        size_bytes: length of the file where the listing told it.
        modified: token of the file's version where the listing told it.
    """

    source_id: str
    uri: str
    start_s: float | None = None
    end_s: float | None = None
    subtitle: str | None = None
    language: str | None = None
    speaker: str | None = None
    problem: ClipError | None = None
    size_bytes: int | None = None
    modified: str | None = None


def list_sources(input_uri: str, wanted: Callable[[str], bool] | None = None) -> Iterator[Source]:
    """List what an input holds, sorted by path, component by component.

    ``wanted`` says by an id, as ``asked_id`` gives it, whether its sources are wanted; memory is that of the ids that
    are.

    - A folder or the URI of a folder (``s3://bucket/prefix``): every file below it whose suffix is in
      ``MEDIA_SUFFIXES``, in any case of letters. Names that begin with a dot are left out. Symlinks are followed,
      except from a folder into one that holds it.
    - A glob: files alone; ``**`` stands for any number of folders, ``*`` and ``?`` never match a leading dot. In a URI
      ``?`` begins the store's options and is no wildcard. A local path that exists is never read as a glob.
    - One file, or an ``http(s)://`` URL of one file.

    A folder that is named like a file (``x.mp4``) and holds media somewhere is read like any folder; without any it
    becomes a source with the problem ``is-a-directory``.

    The id is the path below the input without its suffix, separated by ``/`` and in Unicode's form NFC; the path
    below the fixed part for a glob, the name alone for one file. The first of several files with one id keeps it; the
    others become sources with the problem ``duplicate-id``.

    Raises:
        RequestError: the input does not exist, cannot be listed, or holds nothing of these suffixes.
    """
    files = _listed_files(input_uri)
    first = next(files, None)
    if first is None:
        suffixes = " ".join(sorted(MEDIA_SUFFIXES))
        raise RequestError(f"nothing to read in {input_uri}: no file with one of the suffixes {suffixes}")
    yield from _with_unique_ids(chain([first], files), wanted)


def media_suffix(name: str) -> str:
    """Give the suffix of a file name as it is written, or "" where it is none of ``MEDIA_SUFFIXES``."""
    stem, _, suffix = name.rpartition(".")
    return f".{suffix}" if stem and not stem.endswith("/") and f".{suffix}".lower() in MEDIA_SUFFIXES else ""


def path_id(path: str) -> str:
    """Make the id of a file from its path below the input: no media suffix, ``/`` between names, form NFC."""
    return unicodedata.normalize("NFC", path.removesuffix(media_suffix(path)))


def span_id(source_id: str, start_s: float | None, end_s: float | None) -> str:
    """Add a span to an id in the manner of media fragments: ``talk#t=1.500,4.000``.

    Source: https://www.w3.org/TR/media-frags/#naming-time; always three decimals, so that a span has one spelling.
    """
    if start_s is None and end_s is None:
        return source_id
    end = "" if end_s is None else f",{end_s:.3f}"
    return f"{source_id}#t={start_s or 0.0:.3f}{end}"


def id_problem(source_id: str) -> ClipError | None:
    """Say why an id cannot be used, or None where it can: it is printable and has 1 to ``MAX_ID_CHARS`` characters."""
    if not source_id:
        return ClipError("bad-clip-id", "the id is empty; give the clip a clip_id")
    if len(source_id) > MAX_ID_CHARS:
        return ClipError("bad-clip-id", f"the id has {len(source_id)} characters; {MAX_ID_CHARS} are the most")
    if not source_id.isprintable() and any(
        unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in source_id
    ):
        return ClipError("bad-clip-id", f"the id {printable(source_id)} holds characters that do not print; rename it")
    return None


def printable(text: str) -> str:
    """Escape what does not print, and cut what is too long for an id, so that a message or a table can hold it."""
    cut = text if len(text) <= MAX_ID_CHARS else text[: MAX_ID_CHARS // 2] + "..."
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in cut)


def asked_id(source_id: str) -> str:
    """Give the id that a source asked for, which is the beginning of its own where it could not have that."""
    return _VARIANT.sub("", source_id)


@dataclass(slots=True)
class UsedIds:
    """The ids given so far, each with where it was given."""

    places: dict[str, str] = field(default_factory=dict)

    def take(self, source_id: str, place: str) -> str | None:
        """Take an id for a place; answers the place that has it already, or None where the id was free."""
        other = self.places.get(source_id)
        if other is None:
            self.places[source_id] = place
        return other

    def take_variant(self, source_id: str, place: str, number: int = 2) -> str:
        """Take ``id#other=number``, or the next number that is free, for what may not have the id that it asked for."""
        while self.take(f"{source_id}#other={number}", place) is not None:
            number += 1
        return f"{source_id}#other={number}"


@dataclass(frozen=True, slots=True)
class _Entry:
    """One name in a folder."""

    name: str
    is_folder: bool
    size_bytes: int | None = None
    modified: str | None = None


@dataclass(frozen=True, slots=True)
class _File:
    """One file of an input, by its path below the input's root."""

    path: str
    uri: str
    entry: _Entry


class _Folder(Protocol):
    """A folder of any store."""

    @property
    def uri(self) -> str: ...

    def entries(self) -> list[_Entry]: ...

    def uri_of(self, name: str) -> str: ...

    def sub_folder(self, name: str) -> "_Folder | None": ...


@dataclass(frozen=True, slots=True)
class _LocalFolder:
    uri: str
    holders: tuple[tuple[int, int], ...] = ()

    def entries(self) -> list[_Entry]:
        with os.scandir(self.uri) as found:
            # DirEntry.is_dir raises on a symlink to itself; os.path.isdir answers False.
            return [_Entry(item.name, os.path.isdir(item) if item.is_symlink() else item.is_dir()) for item in found]  # noqa: PTH112

    def uri_of(self, name: str) -> str:
        return f"{self.uri.rstrip('/')}/{name}"

    def sub_folder(self, name: str) -> "_LocalFolder | None":
        """Give a folder below, or None where a symlink leads back to a folder that holds it."""
        below = self.uri_of(name)
        holders = (*self.holders, _inode(self.uri))
        return None if _inode(below) in holders else _LocalFolder(below, holders)


@dataclass(frozen=True, slots=True)
class _RemoteFolder:
    uri: str

    def entries(self) -> list[_Entry]:
        filesystem, path = filesystem_of(self.uri)
        found = filesystem.get_file_info(fs.FileSelector(path))
        return [
            _Entry(item.base_name, True)
            if item.type == fs.FileType.Directory
            else _Entry(item.base_name, False, item.size, None if item.mtime_ns is None else str(item.mtime_ns))
            for item in found
        ]

    def uri_of(self, name: str) -> str:
        return join_uri(self.uri, name)

    def sub_folder(self, name: str) -> "_RemoteFolder":
        return _RemoteFolder(self.uri_of(name))


class _Pattern:
    """A glob, followed name by name, so that only folders that can hold a match are listed.

    A position is the number of pattern components that are matched already; several can hold at once because of
    ``**``.
    """

    def __init__(self, components: list[str]) -> None:
        self._components = [None if part == "**" else re.compile(fnmatch.translate(part)) for part in components]
        self._dotted = [part.startswith(".") for part in components]

    def start(self) -> frozenset[int]:
        return self._closed({0})

    def _closed(self, positions: set[int]) -> frozenset[int]:
        """Add the positions behind each ``**``, which may stand for no folder at all."""
        for position in range(len(self._components)):
            if position in positions and self._components[position] is None:
                positions.add(position + 1)
        return frozenset(positions)

    def after(self, positions: frozenset[int], name: str) -> frozenset[int]:
        """Give the positions that hold behind a name; a leading dot is matched by a leading dot only."""
        reached: set[int] = set()
        for position in positions:
            if not self.leads_on({position}) or (name.startswith(".") and not self._dotted[position]):
                continue
            component = self._components[position]
            if component is None:
                reached.add(position)
            elif component.match(name):
                reached.add(position + 1)
        return self._closed(reached)

    def leads_on(self, positions: Set[int]) -> bool:
        """Whether something below could match."""
        return any(position < len(self._components) for position in positions)

    def matches(self, positions: Set[int]) -> bool:
        """Whether the name itself matches."""
        return len(self._components) in positions


_EVERYTHING = _Pattern(["**"])


def _listed_files(input_uri: str) -> Iterator[_File]:
    """List the media files of an input, and media-named folders that hold none."""
    if is_http(input_uri):
        yield _File(split_uri(input_uri)[1] or input_uri, input_uri, _Entry("", False))
        return
    try:
        root, pattern, single = _resolved(input_uri)
        if single is not None:
            yield single
        elif root is not None:
            yield from _walk(root, pattern, "", pattern.start())
    except ClipError as error:
        raise RequestError(f"the input cannot be read: {error.message}") from error


def _resolved(input_uri: str) -> tuple[_Folder | None, _Pattern, _File | None]:
    """Tell a folder, a glob and a single file apart."""
    path = local_path(input_uri)
    exists, is_file = _local_kind(os.fspath(path)) if path is not None else _remote_kind(input_uri)
    wildcards = _GLOB_CHARS if path is not None else _REMOTE_GLOB_CHARS
    location = join_uri(os.fspath(path), "") if path is not None else input_uri
    if exists and is_file:
        name = split_uri(location)[1]
        if not media_suffix(name):
            raise RequestError(
                f"the input {input_uri} has none of the suffixes {' '.join(sorted(MEDIA_SUFFIXES))}; "
                "a table of clips is given as the manifest"
            )
        return None, _EVERYTHING, _File(name, location, _Entry(name, False))
    if exists:
        return _folder(location), _EVERYTHING, None
    base, mark, options = (location, "", "") if path is not None else location.partition("?")
    parts = base.split("/")
    fixed = next((i for i, part in enumerate(parts) if wildcards.search(part)), None)
    if fixed is None:
        raise RequestError(f"the input {input_uri} does not exist; check its spelling")
    root = "/".join(parts[:fixed]) or "/"
    return _folder(root + mark + options), _Pattern(parts[fixed:]), None


def _folder(uri: str) -> _Folder:
    return _LocalFolder(uri) if local_path(uri) is not None else _RemoteFolder(uri)


def _local_kind(path: str) -> tuple[bool, bool]:
    """Whether a local path exists (a dangling symlink does), and whether it is something else than a folder."""
    return os.path.lexists(path), not os.path.isdir(path)  # noqa: PTH112 - one idiom for both questions


def _remote_kind(uri: str) -> tuple[bool, bool]:
    filesystem, path = filesystem_of(uri)
    with translated_errors(uri):
        kind = filesystem.get_file_info(path).type
    return kind != fs.FileType.NotFound, kind == fs.FileType.File


def _walk(folder: _Folder, pattern: _Pattern, below: str, positions: frozenset[int]) -> Iterator[_File]:
    """List a folder depth first; ``below`` is its path below the root with a slash behind it."""
    for entry in _sorted_entries(folder):
        reached = pattern.after(positions, entry.name)
        path = below + entry.name
        holds_media = False
        if entry.is_folder and pattern.leads_on(reached):
            with _listing_errors(folder.uri):
                inside = folder.sub_folder(entry.name)
            for file in _walk(inside, pattern, path + "/", reached) if inside is not None else ():
                holds_media = True
                yield file
        if pattern.matches(reached) and media_suffix(entry.name) and not holds_media:
            yield _File(path, folder.uri_of(entry.name), entry)


def _sorted_entries(folder: _Folder) -> list[_Entry]:
    with _listing_errors(folder.uri):
        entries = folder.entries()
    return sorted(entries, key=lambda entry: (unicodedata.normalize("NFC", entry.name), entry.name))


@contextmanager
def _listing_errors(uri: str) -> Iterator[None]:
    try:
        with translated_errors(uri):
            yield
    except ClipError as error:
        raise RequestError(f"the folder {uri} cannot be listed: {error.message}") from error


def _inode(path: str) -> tuple[int, int]:
    found = os.stat(path)  # noqa: PTH116 - pathlib costs more than the call itself
    return found.st_dev, found.st_ino


def _with_unique_ids(files: Iterator[_File], wanted: Callable[[str], bool] | None) -> Iterator[Source]:
    """Give each file its id, and those that may not have theirs a problem."""
    used = UsedIds()
    for file in files:
        source_id = path_id(file.path)
        suffix = sys.intern(media_suffix(file.path))
        problem = id_problem(source_id)
        if problem is not None:
            source_id = printable(source_id)
        if wanted is not None and not wanted(asked_id(source_id)):
            continue
        if problem is not None:
            source_id = used.take_variant(source_id, suffix)
        elif (other := used.take(source_id, suffix)) is not None:
            problem = ClipError(
                "duplicate-id",
                f"{file.uri} has the same id {source_id} as {source_id}{other}; rename one, or give both a clip_id "
                "in a manifest",
            )
            source_id = used.take_variant(source_id, suffix)
        if file.entry.is_folder and problem is None:
            problem = ClipError("is-a-directory", f"{file.uri} is a folder that is named like a file; rename it")
        yield Source(
            source_id,
            _storable(file.uri),
            problem=problem,
            size_bytes=file.entry.size_bytes,
            modified=file.entry.modified,
        )


def _storable(uri: str) -> str:
    """Escape the bytes of a name that are no UTF-8: such a file has a bad id, but its row must be written as well."""
    return uri.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
