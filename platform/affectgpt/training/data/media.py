"""Finds the files of clips that a table names without saying where they lie."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote

from affectgpt.clips.sources import list_sources, path_id
from affectgpt.clips.storage import is_http, local_path
from affectgpt.errors import RequestError

_NAMES_SHOWN = 5
_FILES_SHOWN = 3


@dataclass(frozen=True)
class _MediaFiles:
    """The media files below a root, by their path below it without suffix, and by their plain name without suffix."""

    by_path: dict[str, list[str]] = field(default_factory=dict)
    by_stem: dict[str, list[str]] = field(default_factory=dict)

    def of(self, name: str) -> list[str]:
        """Give the files that a name fits; it may be written with a suffix."""
        names = (unicodedata.normalize("NFC", name), path_id(name))
        found = (files[one] for files in (self.by_path, self.by_stem) for one in names if one in files)
        return next(found, [])


def find_clips(names: Sequence[str], media_uri: str) -> list[str | None]:
    """Find the file of each clip.

    A name fits the file of that path below the root, without its suffix; else the files of that plain name at any
    depth, without their suffix. Suffixes are those of ``affectgpt.clips.sources.MEDIA_SUFFIXES``.

    Args:
        names: of the clips.
        media_uri: the root: a folder, a glob, or the URI of a folder on an object store.

    Returns:
        The path or URI of each clip's file, or None where there is none.

    Raises:
        RequestError: the root cannot be listed or holds no media, or names fit several files, which are listed.
    """
    files = _list_media(media_uri)
    found = [files.of(name) for name in names]
    ambiguous = [(name, its) for name, its in zip(names, found, strict=True) if len(its) > 1]
    if ambiguous:
        shown = "; ".join(
            f"{name} fits {' and '.join(its[:_FILES_SHOWN])}{' and others' if len(its) > _FILES_SHOWN else ''}"
            for name, its in ambiguous[:_NAMES_SHOWN]
        )
        raise RequestError(
            f"{len(ambiguous)} of {len(names)} names fit several files below --media {media_uri}: {shown}; give a "
            "folder, or a glob such as '/videos/**/*.mp4', that holds one file for each, or a table with a column uri"
        )
    return [its[0] if its else None for its in found]


def check_missing(missing: Sequence[str], total: int, budget: float, trouble: str = "are not found") -> None:
    """See that no more clips lie nowhere than may.

    Args:
        missing: names of the clips that were not found.
        total: how many were looked for.
        budget: the share of them that may be missing, 0 to 1.
        trouble: what is the matter with them.

    Raises:
        RequestError: more are missing.
    """
    if len(missing) > budget * total:
        others = f" and {len(missing) - _NAMES_SHOWN} others" if len(missing) > _NAMES_SHOWN else ""
        raise RequestError(
            f"{len(missing)} of {total} clips {trouble}, more than the share of {budget:g} that may be missing: "
            f"{', '.join(missing[:_NAMES_SHOWN])}{others}; point --media at the folder that holds them, or raise "
            "data.missing_budget to train without them"
        )


def _list_media(media_uri: str) -> _MediaFiles:
    if is_http(media_uri):
        raise RequestError(
            f"--media {media_uri}: what lies below a web address cannot be listed; download the clips and give their "
            "folder, or give a table with a column uri"
        )
    files = _MediaFiles()
    paths: dict[str, str] = {}
    try:
        for source in list_sources(media_uri):
            # Files that differ in their suffix alone share an id, which the listing gives to the first of them.
            place = path_id(source.uri if local_path(source.uri) is not None else unquote(source.uri))
            if source.problem is None:
                paths[place] = source.source_id
            elif source.problem.reason != "duplicate-id":
                continue
            path = paths[place]
            files.by_path.setdefault(path, []).append(source.uri)
            files.by_stem.setdefault(path.rpartition("/")[2], []).append(source.uri)
    except RequestError as error:
        raise RequestError(f"--media: {error}") from error
    return files
