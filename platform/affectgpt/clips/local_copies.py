"""Folders on any file system, as folders of this machine."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow.fs as pafs

from affectgpt.clips.storage import filesystem_of


@contextlib.contextmanager
def local_folder(uri: str) -> Iterator[Path]:
    """Give a folder of this machine with all files below a path or URI: the folder itself, or a copy of a remote one.

    The copy lasts as long as the context.

    Raises:
        ClipError: the URI cannot be opened, see ``filesystem_of``.
        OSError: the folder is not there or cannot be copied.
    """
    filesystem, path = filesystem_of(uri)
    if isinstance(filesystem, pafs.LocalFileSystem):
        yield Path(path)
        return
    with tempfile.TemporaryDirectory(prefix="affectgpt-copy-", ignore_cleanup_errors=True) as copy:
        pafs.copy_files(path, copy, filesystem, pafs.LocalFileSystem())
        yield Path(copy)
